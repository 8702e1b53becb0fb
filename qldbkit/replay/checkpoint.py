"""How far a strand has been applied to a destination."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from qldbkit.journal.integrity import binds_header
from qldbkit.journal.model import BlockAddress, BlockSummary
from qldbkit.replay.fragments import Gap

NOTHING_APPLIED = -1
"""Below sequence number 0, which is a strand's first."""

GAPS_KEPT = 40
"""Passed gaps that a checkpoint holds."""


@dataclass(frozen=True, slots=True)
class Part:
    """A block that was too large for one destination transaction, as far as it was applied.

    Attributes:
        sequence_no: the block's.
        block_hash: 32 bytes.
        steps: how many of the block's steps have been applied, at least 1.
    """

    sequence_no: int
    block_hash: bytes
    steps: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last block of a strand that a destination holds wholly.

    It is written in the transaction that applies what it stands for.

    Attributes:
        strand_id: 22 characters.
        sequence_no: the block's; `NOTHING_APPLIED` while only a part of the first one is.
        block_hash: 32 bytes; empty while ``sequence_no`` is `NOTHING_APPLIED`.
        part: what is already applied of a later block; None for nothing.
        bound: whether that block bound its address, transaction and time by a hash, so that those
            behind it have to.
        gaps: the gaps that were passed last, in order; older ones are kept in the settling buffer.
        late: how many blocks came after what follows them had been applied. Writing it fences
            those who apply late blocks. It, ``bound`` and ``gaps`` say nothing about the position,
            so that equality ignores them.
    """

    strand_id: str
    sequence_no: int
    block_hash: bytes
    part: Part | None = None
    bound: bool = field(default=False, compare=False)
    gaps: tuple[Gap, ...] = field(default=(), compare=False)
    late: int = field(default=0, compare=False)

    @property
    def reached(self) -> int:
        """Blocks up to this sequence number are behind: applied, or passed over as a gap."""
        return self.sequence_no if self.part is None else self.part.sequence_no - 1

    def __str__(self) -> str:
        part = "" if self.part is None else f", {self.part.steps} steps of {self.part.sequence_no}"
        return f"{BlockAddress(self.strand_id, self.sequence_no)}{part}"


def reached(checkpoint: Checkpoint | None) -> int:
    """The highest sequence number that is behind; `NOTHING_APPLIED` without a checkpoint."""
    return NOTHING_APPLIED if checkpoint is None else checkpoint.reached


def behind(summary: BlockSummary) -> Checkpoint:
    """The checkpoint of a block that has been applied wholly."""
    address = summary.address
    return Checkpoint(
        address.strand_id, address.sequence_no, summary.block_hash, bound=binds_header(summary)
    )


def within(before: Checkpoint | None, summary: BlockSummary, steps: int) -> Checkpoint:
    """The checkpoint of a block of which ``steps`` steps have been applied."""
    address = summary.address
    part = Part(address.sequence_no, summary.block_hash, steps)
    if before is None:
        return Checkpoint(address.strand_id, NOTHING_APPLIED, b"", part)
    return replace(before, part=part)


def outgrown(checkpoint: Checkpoint | None, more: int) -> tuple[Gap, ...]:
    """The oldest gaps that have to leave the checkpoint before ``more`` are added to it.

    They have been passed, so they may be kept elsewhere; half as many as fit are left.
    """
    gaps = () if checkpoint is None else checkpoint.gaps
    if len(gaps) + more <= GAPS_KEPT:
        return ()
    return gaps[: len(gaps) - GAPS_KEPT // 2]


def without(gaps: Iterable[Gap], sequence_no: int) -> tuple[Gap, ...]:
    """The gaps, when one of their blocks has come."""
    return tuple(
        part
        for each in gaps
        for part in (each.without(sequence_no) if sequence_no in each else [each])
    )
