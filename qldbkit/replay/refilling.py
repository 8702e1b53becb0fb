"""Bringing a replay what its stream has lost, from an archive, an export or another ledger.

Blocks of a journal that is kept elsewhere go through the same intake as those of the stream: every
hash is checked, what is applied already is passed over, and what comes late is put into its gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, groupby, islice
from typing import Final

from qldbkit.journal.findings import Finding, FindingKind
from qldbkit.journal.model import Block, BlockAddress
from qldbkit.journal.parallel import proven
from qldbkit.journal.sources.stored import JournalSource, StoredBlock
from qldbkit.replay.applier import Applier
from qldbkit.replay.checkpoint import Checkpoint, reached
from qldbkit.replay.gathering import records_of

BLOCKS_AT_ONCE: Final = 200
"""Blocks that are held in memory."""
BREAKS: Final = (FindingKind.DAMAGED, FindingKind.MISSING)


@dataclass(slots=True)
class Refilled:
    """What a refill came to.

    Attributes:
        offered: blocks that the replay did not have yet, as far as its checkpoints say.
        applied: blocks that were applied, late ones included.
        waiting: strands that still wait for something.
        quarantined: records that were refused.
        unreadable: what in the journal is damaged, and was left out.
    """

    offered: int = 0
    applied: int = 0
    waiting: int = 0
    quarantined: int = 0
    unreadable: int = 0

    def __str__(self) -> str:
        return (
            f"{self.offered} blocks were missing, {self.applied} were applied;"
            f" {self.waiting} strands still wait, {self.quarantined} records were refused,"
            f" {self.unreadable} could not be read"
        )


Progress = Callable[[int, int], None]
"""Called with the blocks and revisions that have been offered."""


def refill(
    source: JournalSource,
    applier: Applier,
    checkpoints: Mapping[str, Checkpoint],
    *,
    wanted: Callable[[Block], bool] = lambda _: True,
    progress: Progress | None = None,
) -> Refilled:
    """Apply what the journal has and the destination has not.

    Args:
        source: the journal.
        applier: of the destination; it may run beside the deployed functions.
        checkpoints: how far the destination is, by strand.
        wanted: whether a block is to be applied at all.
        progress: told how far it is.

    Raises:
        Exception: the destination or the settling buffer failed. It can be done again.
    """
    found = Refilled()
    offered = _offered(source, checkpoints, found)
    missing = (each for each in offered if wanted(each.block))
    waiting: set[str] = set()
    revisions = 0
    while batch := list(islice(missing, BLOCKS_AT_ONCE)):
        for whole, group in groupby(batch, key=lambda each: each.whole):
            blocks = [each.block for each in group]
            if whole:
                outcome = applier.refill_blocks(blocks)
            else:  # what of it is sound is taken, and the rest is set aside record by record
                outcome = applier.refill(each for block in blocks for each in records_of(block))
            found.applied += outcome.blocks + outcome.late
            found.quarantined += outcome.quarantined
            waiting.difference_update(each.address.strand_id for each in blocks)
            waiting.update(outcome.holds)
        found.offered += len(batch)
        revisions += sum(len(each.block.revisions) for each in batch)
        if progress is not None:
            progress(found.offered, revisions)
    found.waiting = len(waiting)
    return found


@dataclass(frozen=True, slots=True)
class _Offered:
    """A block that the destination lacks, and whether all of it is sound."""

    block: Block
    whole: bool


def _offered(
    source: JournalSource, checkpoints: Mapping[str, Checkpoint], found: Refilled
) -> Iterator[_Offered]:
    stored = (each for each in source.stored_blocks() if _may_be_wanted(each, checkpoints))
    with closing(proven(stored, 0)) as batches:
        for each, outcome in chain.from_iterable(batches):
            if isinstance(each, Finding):
                found.unreadable += each.kind in BREAKS
            elif outcome.block is None:
                found.unreadable += 1
            elif _wanted(outcome.block.address, checkpoints):
                yield _Offered(outcome.block, outcome.whole)


def _may_be_wanted(stored: StoredBlock | Finding, checkpoints: Mapping[str, Checkpoint]) -> bool:
    address = None if isinstance(stored, Finding) else stored.address
    return address is None or _wanted(address, checkpoints)


def _wanted(address: BlockAddress, checkpoints: Mapping[str, Checkpoint]) -> bool:
    checkpoint = checkpoints.get(address.strand_id)
    if address.sequence_no > reached(checkpoint):
        return True
    assert checkpoint is not None  # nothing is behind one that is not there
    return any(address.sequence_no in each for each in checkpoint.gaps)
