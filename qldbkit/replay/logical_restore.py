"""Restore into any destination: a journal that is kept elsewhere, replayed from its beginning.

The destination gets the source's documents, revision by revision, under ids and times of its own.
What goes before a commit goes before it here: the same intake, order, verification and checkpoint
as for a stream, so that an interrupted restore goes on where it ended, and a stream or a refill may
go on behind it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qldbkit.journal.model import Block
from qldbkit.journal.moments import microseconds
from qldbkit.journal.sources.stored import JournalSource
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import SettlingBuffer
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.destination import Destination
from qldbkit.replay.refilling import Progress, Refilled, refill
from qldbkit.replay.retrying import RetryingDestination
from qldbkit.replay.routing import ALL_TABLES, TableRouting
from qldbkit.replay.units import UnitLimits


@dataclass(frozen=True, slots=True)
class Extent:
    """What of a journal is restored.

    Attributes:
        until_sequence_no: the last block; None for all.
        until_time: microseconds since 1970: blocks after it are left out; None for all.
        strand_id: which journal, where the source has several; None for each.
    """

    until_sequence_no: int | None = None
    until_time: int | None = None
    strand_id: str | None = None

    def has(self, block: Block) -> bool:
        """Whether a block is to be restored."""
        address, last, end = block.address, self.until_sequence_no, self.until_time
        return (
            self.strand_id in (None, address.strand_id)
            and (last is None or address.sequence_no <= last)
            and (end is None or microseconds(block.summary.block_timestamp) <= end)
        )


@dataclass(frozen=True, slots=True)
class LogicalRestoreReport:
    """What became of a logical restore.

    Attributes:
        refilled: what was read and applied.
        checkpoints: where the destination is, for each journal that was ever replayed into it.
        problems: what keeps the rest from being applied, as sentences.
    """

    refilled: Refilled
    checkpoints: tuple[Checkpoint, ...]
    problems: tuple[str, ...]

    @property
    def exit_status(self) -> int:
        """0: all of the journal is in the destination. 1: something of it is not."""
        found = self.refilled
        return int(bool(found.waiting or found.quarantined or found.unreadable or self.problems))

    def to_json(self) -> dict[str, Any]:
        """The report as JSON members."""
        found = self.refilled
        return {
            "offered": found.offered,
            "applied": found.applied,
            "quarantined": found.quarantined,
            "unreadable": found.unreadable,
            "problems": list(self.problems),
            "checkpoints": [
                {"strandId": each.strand_id, "sequenceNo": each.sequence_no}
                for each in self.checkpoints
            ],
        }


def restore_into(
    source: JournalSource,
    destination: Destination,
    buffer: SettlingBuffer,
    extent: Extent | None = None,
    *,
    limits: UnitLimits | None = None,
    tables: TableRouting = ALL_TABLES,
    processes: int = 0,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.time,
) -> LogicalRestoreReport:
    """Replay a journal into a destination, or go on with it.

    Nothing is waited for: what the journal does not have will not come. Sequence numbers that are
    not there are passed and remembered, as long as every document continues its versions.

    Args:
        source: the journal.
        destination: where to; it may have been replayed into before.
        buffer: keeps what is held, and passed gaps, for later refills.
        extent: what of the journal; all of it when None.
        limits: what one of the destination's transactions takes; a ledger's when None.
        tables: which of the source's tables are replayed, and as what.
        processes: how many others verify; 0 to do it in this one.
        progress: told how far it is.
        clock: seconds since 1970.

    Raises:
        QldbkitError: the source cannot be read.
        Exception: the destination or the buffer failed. It can be done again.
    """
    policy = ReplayPolicy(settle_window=0.0, limits=limits or UnitLimits(), tables=tables)
    applier = Applier(RetryingDestination(destination), buffer, clock, policy)
    before = {each.strand_id: each for each in destination.checkpoints()}
    refilled = refill(
        source,
        applier,
        before,
        wanted=(extent or Extent()).has,
        processes=processes,
        progress=progress,
    )
    outcome = applier.drain()
    refilled.waiting = len(outcome.holds)
    return LogicalRestoreReport(
        refilled, tuple(destination.checkpoints()), tuple(outcome.problems())
    )
