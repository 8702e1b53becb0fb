"""Bringing a replay what its stream has lost, from an archive, an export or another ledger.

Blocks of a journal that is kept elsewhere go through the same intake as those of the stream: every
hash is checked, what is applied already is passed over, and what comes late is put into its gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from qldbkit.journal.findings import Finding, FindingKind
from qldbkit.journal.model import Block, BlockAddress
from qldbkit.journal.proving import prove
from qldbkit.journal.records import encode_block_summary, encode_revision_details
from qldbkit.journal.sources.stored import JournalSource
from qldbkit.replay.applier import Applier
from qldbkit.replay.checkpoint import Checkpoint, reached

BLOCKS_AT_ONCE: Final = 200
"""Blocks that are held in memory."""
BREAKS: Final = (FindingKind.DAMAGED, FindingKind.MISSING)
NO_STREAM: Final = "arn:aws:qldb:::stream/refill"
"""The stream of records that none has carried; nothing reads it."""


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
    missing = filter(wanted, _missing(source, checkpoints, found))
    waiting: set[str] = set()
    revisions = 0
    while batch := list(islice(missing, BLOCKS_AT_ONCE)):
        outcome = applier.refill(record for each in batch for record in _records(each))
        found.offered += len(batch)
        found.applied += outcome.blocks + outcome.late
        found.quarantined += outcome.quarantined
        waiting.difference_update(each.address.strand_id for each in batch)
        waiting.update(outcome.holds)
        revisions += sum(len(each.revisions) for each in batch)
        if progress is not None:
            progress(found.offered, revisions)
    found.waiting = len(waiting)
    return found


def _missing(
    source: JournalSource, checkpoints: Mapping[str, Checkpoint], found: Refilled
) -> Iterator[Block]:
    for stored in source.stored_blocks():
        if isinstance(stored, Finding):
            found.unreadable += stored.kind in BREAKS
            continue
        if stored.address is not None and not _wanted(stored.address, checkpoints):
            continue
        block = prove(stored).block
        if block is None:
            found.unreadable += 1
        elif _wanted(block.address, checkpoints):
            yield block


def _wanted(address: BlockAddress, checkpoints: Mapping[str, Checkpoint]) -> bool:
    checkpoint = checkpoints.get(address.strand_id)
    if address.sequence_no > reached(checkpoint):
        return True
    assert checkpoint is not None  # nothing is behind one that is not there
    return any(address.sequence_no in each for each in checkpoint.gaps)


def _records(block: Block) -> Iterator[tuple[str, bytes]]:
    """The block as a stream would carry it, each record with a name for its position."""
    position = f"refill of {block.address}"
    yield f"{position}, summary", encode_block_summary(NO_STREAM, block.summary)
    for number, revision in enumerate(block.revisions):
        table = block.table_of(revision)
        if table is not None:
            data = encode_revision_details(NO_STREAM, table, revision)
            yield f"{position}, revision {number}", data
