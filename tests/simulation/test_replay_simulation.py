"""Whatever the stream does, the destination is a prefix of the source's journal, exactly once.

``SEEDS=17`` runs one seed, ``SEEDS=0:1000`` a range of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from simulation.simulator import WINDOW, Conditions, Simulation
from simulation.source import name_id

from qldbkit.replay.routing import TableRouting

SEEDS = os.environ.get("SEEDS", "0:25")


def seeds() -> range:
    first, _, last = SEEDS.partition(":")
    return range(int(first), int(last) if last else int(first) + 1)


PROMPT = Conditions(
    shards=3,
    reshards=True,
    delay=WINDOW / 4,
    doubled=0.2,
    redelivered=0.2,
    failing=0.01,
    interleaved=0.2,
)
"""Everything that may happen while nothing is later than the settle window allows."""


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """Says how to run a failing seed again."""
    try:
        yield
    except BaseException as error:
        command = f"SEEDS={seed} .venv/bin/python -m pytest tests/simulation -q"
        error.add_note(f"to run it again: {command}")
        raise


def assert_prefix(simulation: Simulation) -> None:
    """The documents are those of the source at the checkpoint, unless a block is there in part."""
    ledger = simulation.destination.ledger
    if ledger is simulation.checked:
        return
    simulation.checked = ledger
    checkpoint = ledger.checkpoints.get(simulation.source.strand_id)
    if checkpoint is None or checkpoint.part is None:
        found = simulation.digests(simulation.destination.documents())
        assert found == simulation.digests(simulation.expected())


def assert_whole(simulation: Simulation, *, all_revisions: bool = True) -> None:
    """The documents are the source's, with as many revisions as they have there, never more.

    Where a table's CREATE TABLE comes too late, its documents may be taken for ones that are older
    than the stream, and what comes of them later still is left out: `all_revisions` is then false.
    """
    source = simulation.source
    assert simulation.destination.documents() == simulation.replayed(source.current())
    counts = simulation.destination.revision_counts()
    for id_, count in counts.items():
        assert count <= source.documents[id_].version + 1
        assert count == source.documents[id_].version + 1 or not all_revisions
    assert list(simulation.buffer.fragments(source.strand_id, 0)) == []


@pytest.mark.parametrize("seed", seeds())
def test_prompt_but_shuffled_doubled_crashing_and_fenced(seed: int) -> None:
    with repeatable(seed):
        simulation = Simulation(seed, PROMPT)
        simulation.run(assert_prefix)
        assert_whole(simulation)
        assert simulation.last_drain().problems() == []


@pytest.mark.parametrize("seed", seeds())
def test_some_tables_are_left_out_and_others_renamed(seed: int) -> None:
    first, third = name_id("Extra", 2), name_id("Extra", 4)
    # Vehicle is left out, and one of the others is then called so
    routing = TableRouting.of(
        ["Person", first, third], {"Person": "People", first: "Vehicle", third: first}
    )
    with repeatable(seed):
        simulation = Simulation(seed, replace(PROMPT, tables=routing))
        simulation.run(assert_prefix)
        assert_whole(simulation)
        assert simulation.last_drain().problems() == []
        assert simulation.destination.indexes().keys() <= {"People", "Vehicle", first}


@pytest.mark.parametrize("seed", seeds())
def test_later_than_the_settle_window_allows(seed: int) -> None:
    conditions = replace(PROMPT, delay=WINDOW * 4, drops=False)
    with repeatable(seed):
        simulation = Simulation(seed, conditions)
        simulation.run()
        assert_whole(simulation, all_revisions=False)
        assert simulation.last_drain().problems() == []


@pytest.mark.parametrize("seed", seeds())
def test_records_that_are_lost_stop_the_strand_until_they_come(seed: int) -> None:
    conditions = replace(PROMPT, lost=0.02, drops=False)
    with repeatable(seed):
        simulation = Simulation(seed, conditions)
        simulation.run()
        reported = simulation.last_drain().problems()
        if simulation.destination.documents() != simulation.source.current():
            assert reported or simulation.whole_blocks_are_lost()
        simulation.repair()
        assert_whole(simulation, all_revisions=False)
        assert simulation.last_drain().problems() == []


@pytest.mark.parametrize("seed", seeds())
def test_damaged_records_are_set_aside_and_pass_for_nothing(seed: int) -> None:
    conditions = replace(PROMPT, damaged=0.03)
    with repeatable(seed):
        simulation = Simulation(seed, conditions)
        simulation.run(assert_prefix)
        if list(simulation.buffer.quarantine_index()):
            assert "records are in quarantine" in simulation.last_drain().problems()
        simulation.repair()
        # A record whose address is damaged, which no hash covers, may be of a block that the stream
        # never had: that it is waited for is reported, and nothing is skipped.
        if not any(map(simulation.is_phantom, simulation.last_drain().holds.values())):
            assert_whole(simulation)


@pytest.mark.parametrize("seed", seeds())
def test_a_stream_that_begins_in_the_middle(seed: int) -> None:
    conditions = replace(PROMPT, first=15, drops=False)
    with repeatable(seed):
        simulation = Simulation(seed, conditions)
        simulation.run()
        documents = simulation.destination.documents()
        written = {
            revision.metadata.id
            for block in simulation.source.blocks[15:]
            for revision in block.revisions
            if revision.metadata is not None
        }
        expected = {
            key: data for key, data in simulation.source.current().items() if key[1] in written
        }
        assert documents == expected
        assert simulation.last_drain().problems() == []


def test_a_crash_at_every_point_of_input_and_output() -> None:
    conditions = Conditions(blocks=14, shards=2, delay=20.0, doubled=0.3)
    sound = Simulation(5, conditions)
    sound.run(assert_prefix)
    assert sound.faults.points > 50
    for point in range(sound.faults.points):
        simulation = Simulation(5, conditions, crash_at=point)
        try:
            simulation.run(assert_prefix)
            assert_whole(simulation)
        except BaseException as error:
            error.add_note(f"the crash was at point {point}")
            raise


def test_the_same_seed_gives_the_same_run() -> None:
    runs = [Simulation(3, PROMPT) for _ in range(2)]
    for each in runs:
        each.run()
    first, second = runs
    assert first.faults.points == second.faults.points
    assert first.destination.ledger.version == second.destination.ledger.version


def test_the_faults_do_happen() -> None:
    """A simulation in which nothing goes wrong would show nothing."""
    runs = [Simulation(seed, PROMPT) for seed in range(8)]
    for each in runs:
        each.run()
    counted: list[Callable[[Simulation], int]] = [
        lambda each: each.crashes,
        lambda each: each.fenced,
        lambda each: each.gaps,
    ]
    for count in counted:
        assert sum(map(count, runs)) > 0
    late = Simulation(1, replace(PROMPT, delay=WINDOW * 4, drops=False))
    late.run()
    assert late.late > 0
