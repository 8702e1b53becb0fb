"""No transaction is larger than the destination takes, whatever fails: at the limit and one above.

``SEEDS=17`` runs one seed, ``SEEDS=0:1000`` a range of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from simulation import scenarios
from simulation.histories import History
from simulation.scenarios import PROMPT, assert_prefix, assert_whole, repeatable
from simulation.simulator import Simulation
from simulation.source import Source, Write, records_of
from simulation.subject import Subject, digest_of

from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.destination import Changes, Decide, InsertDocument, State
from qldbkit.replay.memory_destination import MemoryDestination
from qldbkit.replay.units import BOOKKEEPING_DOCUMENTS, UnitLimits

BLOCKS = 14
TOGETHER = 5
"""Blocks that may share a transaction."""


class LimitedDestination(MemoryDestination):
    """Takes so many documents in a transaction, its bookkeeping's included, and not one more."""

    def __init__(self, limit: int) -> None:
        super().__init__(digest_of)
        self.limit = limit
        self.sizes: list[int] = []
        self.split: set[int] = set()

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        decided: list[Changes] = []

        def within_limit(state: State) -> Changes:
            changes = decide(state)
            assert written_by(changes) <= self.limit
            assert len(changes.finished) <= TOGETHER
            decided.append(changes)
            return changes

        checkpoint = super().transact(strand_id, documents, within_limit)
        self.sizes.append(written_by(decided[-1]))
        if checkpoint.part is not None:
            self.split.add(checkpoint.part.sequence_no)
        return checkpoint


def written_by(changes: Changes) -> int:
    """What a ledger would count: a new document has a row in the map as well."""
    new = sum(isinstance(each, InsertDocument) for each in changes.changes)
    other = sum(hasattr(each, "entry") for each in changes.changes)
    return 1 + (changes.tables is not None) + 2 * new + other


def sized_history(random: Random, limit: int) -> tuple[Source, set[int]]:
    """Blocks that just fit into a transaction, and blocks that are one document too large."""
    source, too_large = Source(drops=False), set[int]()
    source.create_table("Person")
    room = limit - BOOKKEEPING_DOCUMENTS
    while len(source.blocks) < BLOCKS:
        above = random.randrange(2)
        if above:
            too_large.add(len(source.blocks))
        ids = list(source.documents)
        if len(ids) > room and random.random() < 0.5:
            chosen = random.sample(ids, room + above)
            source.write("Person", [Write(each, {"n": random.random()}) for each in chosen])
        else:
            source.insert("Person", *({"n": each} for each in range(room // 2 + above)))
    return source, too_large


class Sized(Simulation):
    """A run over such a history."""

    def __init__(self, seed: int, limit: int) -> None:
        counts = MemoryDestination.revision_counts
        subject = Subject(lambda _: LimitedDestination(limit), revision_counts=counts)
        super().__init__(seed, PROMPT, subject)
        self.source, self.too_large = sized_history(Random(seed), limit)
        self.history = History(
            self.source, tuple(tuple(records_of(each)) for each in self.source.blocks)
        )
        limits = UnitLimits(documents=limit, blocks=TOGETHER)
        self.policy = replace(self.policy, limits=limits)


@pytest.mark.parametrize("limit", [4, 12, 40])
@pytest.mark.parametrize("seed", scenarios.seeds("0:25"))
def test_a_block_at_the_limit_is_one_transaction_and_one_above_is_split(
    seed: int, limit: int
) -> None:
    simulation = Sized(seed, limit)
    with repeatable(seed):
        simulation.run(assert_prefix)
        assert_whole(simulation)
        assert simulation.inner.split == simulation.too_large
        assert max(simulation.inner.sizes) in (limit, limit - 1)
