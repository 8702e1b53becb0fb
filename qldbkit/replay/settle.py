"""Which blocks may be applied now, and what the others wait for.

Blocks are applied in the order of their sequence numbers. Sequence numbers of a stream have gaps,
because QLDB journals reads and does not promise to stream them; so a gap may mean nothing, or that
a block has not come yet. What comes behind a gap waits for the settle window, counted from when it
was received. After it the gap is passed, unless something speaks against it, such as a record in
quarantine, which may be what is missing (`qldbkit.replay.passing`). Whether something was lost is
then told by the documents: each has to continue its versions without a hole
(`qldbkit.replay.changes`).

A block whose summary has come and whose revisions have not, or the other way round, is never
passed: it did write something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Final

from qldbkit.journal.integrity import IntegrityError, verify_link
from qldbkit.journal.model import Block, BlockAddress, BlockSummary
from qldbkit.journal.moments import microseconds
from qldbkit.replay.checkpoint import NOTHING_APPLIED, Checkpoint
from qldbkit.replay.errors import BlockDamagedError, PlanError, ReplayError, RevisionMissingError
from qldbkit.replay.fragments import Fragment, Gap
from qldbkit.replay.gathering import (
    GatheredBlock,
    Gathering,
    gathered,
    user_revisions,
)
from qldbkit.replay.plan import plan_block
from qldbkit.replay.routing import ALL_TABLES, TableRouting, routed
from qldbkit.replay.units import PlannedBlock


class HoldReason(Enum):
    """What a strand waits for."""

    GAP = "blocks before it have not come, and may still"
    QUARANTINE = "blocks before it have not come, and a record is in quarantine"
    EXPIRED = "blocks before it have not come, and may have expired in the stream"
    INCOMPLETE = "some of its own records have not come"
    DAMAGED = "its records do not fit together"
    HOLE = "an earlier revision of one of its documents is missing"
    REFUSED = "the destination cannot take it"


_NEVER_BY_WAITING: Final = frozenset({HoldReason.DAMAGED, HoldReason.HOLE, HoldReason.REFUSED})


@dataclass(frozen=True, slots=True)
class Hold:
    """The first block of a strand that cannot be applied yet.

    Attributes:
        address: the block's.
        reason: what it waits for.
        since: when it was received, in seconds since 1970.
        message: what is wrong, as a sentence.
    """

    address: BlockAddress
    reason: HoldReason
    since: float
    message: str

    def overdue(self, now: float, window: float) -> bool:
        """Whether waiting alone will not help: something is lost, damaged or refused."""
        if self.reason is HoldReason.GAP:
            return False
        if self.reason in _NEVER_BY_WAITING:
            return True
        return now - self.since >= window


def merged(gathering: Gathering, buffered: Iterable[Fragment]) -> Iterator[GatheredBlock]:
    """The blocks of a batch and of the settling buffer, by ascending sequence number, lazily."""
    fresh = iter(sorted(gathering))
    following = next(fresh, None)
    for sequence_no, fragments in groupby(buffered, key=lambda each: each.address.sequence_no):
        while following is not None and following < sequence_no:
            yield gathering[following]
            following = next(fresh, None)
        kept = list(fragments)
        if following != sequence_no:
            yield gathered(kept[0].address, kept)
            continue
        for each in kept:
            gathering[sequence_no].add_buffered(each)
        yield gathering[sequence_no]
        following = next(fresh, None)
    while following is not None:
        yield gathering[following]
        following = next(fresh, None)


class Settling:
    """The blocks that may be applied now, one after the other; afterwards, why it ends.

    Attributes:
        hold: what the first block that may not be applied waits for; None if all may.
        buffered: sequence numbers of the blocks that the settling buffer has something of.
    """

    def __init__(
        self,
        blocks: Iterator[GatheredBlock],
        checkpoint: Checkpoint | None,
        *,
        now: float,
        window: float,
        against: Callable[[Gap, int, float | None], HoldReason | None],
        routing: TableRouting = ALL_TABLES,
    ):
        """Settle blocks that begin behind the checkpoint.

        Args:
            blocks: by ascending sequence number.
            checkpoint: how far the destination is.
            now: seconds since 1970.
            window: seconds that what is behind a gap waits.
            against: what speaks against passing a gap whose window is over, given the gap, the
                sequence number of the block behind it and when the block before it was committed,
                if that was not the checkpoint's; None for nothing.
            routing: which tables are replayed, and as what.
        """
        self.hold: Hold | None = None
        self.buffered: set[int] = set()
        self._blocks = blocks
        self._now, self._window, self._against = now, window, against
        self._routing = routing
        self._part = None if checkpoint is None else checkpoint.part
        self._last = NOTHING_APPLIED if checkpoint is None else checkpoint.sequence_no
        self._last_hash = b"" if checkpoint is None else checkpoint.block_hash
        self._last_block: BlockSummary | None = None
        self._bound = checkpoint is not None and checkpoint.bound

    def __iter__(self) -> Iterator[PlannedBlock]:
        """The blocks, each with its plan and the gap before it."""
        for block in self._blocks:
            if block.buffered:
                self.buffered.add(block.address.sequence_no)
            planned = self._planned(block)
            if planned is None:
                return
            yield planned

    def refuse(self, block: PlannedBlock, error: ReplayError) -> None:
        """Note that the destination cannot take a block that was given."""
        address = block.plan.block.address
        self.hold = Hold(address, refusal(error), block.received_at, str(error))

    def _planned(self, block: GatheredBlock) -> PlannedBlock | None:
        """The block, if it may follow what came before; else None, and `hold` says why."""
        gap = self._gap_before(block)
        obstacle = self._obstacle(block)
        if obstacle is None and gap is not None:
            obstacle = self._obstacle_of(gap, block)
        if obstacle is None:
            try:
                linked, bound = self._linked(block)
                plan = routed(block.plan or plan_block(linked), self._routing)
                self._follow(linked.summary, bound=bound)
                return PlannedBlock(plan, gap, block.received_at)
            except (IntegrityError, BlockDamagedError, PlanError) as error:
                obstacle = HoldReason.DAMAGED, str(error)
        self.hold = Hold(block.address, obstacle[0], block.received_at, obstacle[1])
        return None

    def _obstacle(self, block: GatheredBlock) -> tuple[HoldReason, str] | None:
        """What in the block itself keeps it from being applied."""
        if block.damage is not None:
            return HoldReason.DAMAGED, block.damage
        if self._part is not None and block.address.sequence_no > self._part.sequence_no:
            return HoldReason.INCOMPLETE, "a block before it is applied in part, and has not come"
        if not block.complete:
            return HoldReason.INCOMPLETE, missing_of(block)
        return None

    def _obstacle_of(self, gap: Gap, block: GatheredBlock) -> tuple[HoldReason, str] | None:
        """What keeps the gap before the block from being passed."""
        message = f"sequence numbers {gap.first} to {gap.last} have not come"
        if self._now - block.received_at < self._window:
            return HoldReason.GAP, message
        before_at = None if self._last_block is None else committed_at(self._last_block)
        reason = self._against(gap, block.address.sequence_no, before_at)
        return None if reason is None else (reason, message)

    def _gap_before(self, block: GatheredBlock) -> Gap | None:
        at = block.address.sequence_no
        if at == self._last + 1 or (self._part is not None and at == self._part.sequence_no):
            return None
        return Gap(block.address.strand_id, self._last + 1, at - 1, self._now)

    def _follow(self, summary: BlockSummary, *, bound: bool) -> None:
        """Go on behind the block."""
        self._part, self._last = None, summary.address.sequence_no
        self._last_hash, self._last_block = summary.block_hash, summary
        self._bound = bound

    def _linked(self, block: GatheredBlock) -> tuple[Block, bool]:
        """The block, of several the one that continues the chain, and whether it is bound."""
        blocks, bound = block.blocks(bound=self._bound)
        address = block.address
        if self._last == NOTHING_APPLIED or address.sequence_no != self._last + 1:
            return blocks[0], bound
        linked = [each for each in blocks if each.summary.previous_block_hash == self._last_hash]
        if not linked:
            before = BlockAddress(address.strand_id, self._last)
            verify_link(before, self._last_hash, blocks[0].summary)
        return linked[0], bound


def committed_at(summary: BlockSummary) -> float:
    """When the source committed the block, in seconds since 1970."""
    return microseconds(summary.block_timestamp_ion) / 1_000_000


def refusal(error: ReplayError) -> HoldReason:
    """What a block waits for that the destination has refused."""
    return HoldReason.HOLE if isinstance(error, RevisionMissingError) else HoldReason.REFUSED


def missing_of(block: GatheredBlock) -> str:
    """What has not come of a block, as a sentence."""
    if not block.summaries:
        return "its summary has not come"
    named = {each.hash for each in user_revisions(block.summaries[0].summary)}
    return f"{len(named - block.revisions.keys())} of its {len(named)} revisions have not come"
