"""Applying what has come: late blocks, the blocks that follow the checkpoint, and keeping the rest.

Nothing is acknowledged before it is applied, kept in the settling buffer, or set aside there. A
batch that is complete and in order is applied without touching the buffer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from math import inf
from typing import Any

from qldbkit.journal.garbage import rare_collections
from qldbkit.journal.model import BlockAddress
from qldbkit.journal.outcome import Outcome as Proof
from qldbkit.replay.buffer import SettlingBuffer
from qldbkit.replay.changes import after_the_fact, in_order
from qldbkit.replay.checkpoint import NOTHING_APPLIED, Checkpoint, outgrown, reached, without
from qldbkit.replay.destination import Destination, Work, overlapped
from qldbkit.replay.errors import (
    CatalogOrderError,
    CheckpointMovedError,
    ReplayError,
    RevisionMissingError,
    UnitTooLargeError,
)
from qldbkit.replay.fragments import Fragment, QuarantinedRecord, framed
from qldbkit.replay.gathering import GatheredBlock, Gathering, gathered
from qldbkit.replay.intake import (
    Intake,
    arrived_first,
    gathered_blocks,
    read_again,
    read_batch,
    read_named,
)
from qldbkit.replay.interruptions import Interruptions
from qldbkit.replay.outcome import Outcome, Standing
from qldbkit.replay.passing import Passing
from qldbkit.replay.plan import plan_block
from qldbkit.replay.routing import ALL_TABLES, TableRouting, routed
from qldbkit.replay.settle import (
    Hold,
    HoldReason,
    Settling,
    committed_at,
    merged,
    missing_of,
    refusal,
)
from qldbkit.replay.skips import NOTHING_FORGIVEN, Forgiven, Skips
from qldbkit.replay.units import (
    PlannedBlock,
    Unit,
    UnitLimits,
    chunks,
    next_unit,
    touched_documents,
)


@dataclass(frozen=True, slots=True)
class ReplayPolicy:
    """How long to wait, and how much to do at once.

    Attributes:
        settle_window: seconds that what is behind a gap waits for what is missing.
        limits: what a destination transaction may hold.
        fenced_attempts: how often to start again when another applier was faster; after that the
            rest is kept in the settling buffer, and left to it.
        stale_blocks: blocks of the buffer that one drain looks through behind the checkpoint.
        counted: up to how many things that wait, or are in quarantine, a drain counts.
        tables: which of the source's tables are replayed, and as what.
        retention: seconds that the stream keeps a record; what was not read for longer may be gone.
    """

    settle_window: float = 120.0
    limits: UnitLimits = field(default_factory=UnitLimits)
    fenced_attempts: int = 5
    stale_blocks: int = 1000
    counted: int = 1000
    tables: TableRouting = ALL_TABLES
    retention: float = inf


class Applier:
    """Applies a journal to a destination.

    One is used by one thread at a time; any number of them may share a destination and a buffer.
    """

    def __init__(
        self,
        destination: Destination,
        buffer: SettlingBuffer,
        clock: Callable[[], float],
        policy: ReplayPolicy,
    ):
        self._destination = destination
        self._buffer = buffer
        self._clock = clock
        self._policy = policy
        self._interruptions = Interruptions(buffer, policy.retention)
        self._skips = Skips(buffer)
        self._checkpoints: dict[str, Checkpoint | None] = {}
        self._committed: dict[str, tuple[int, float]] = {}
        """The last block that this process applied of each strand, and when it was committed."""
        self._drained: set[str] = set()
        """Strands of which this process knows that it left nothing in the buffer."""

    def handle(self, event: Mapping[str, Any]) -> Outcome:
        """Apply a batch of Kinesis records, or keep what cannot be applied yet.

        Args:
            event: as Lambda gives it to a consumer of Kinesis.

        Raises:
            AggregationError: the event is not one.
            Exception: the destination or the buffer failed. The batch has to be delivered again;
                what was applied of it will not be applied twice.
        """
        now = self._clock()
        self._interruptions.read_from(arrived_first(event, now), now, self._destination.checkpoints)
        with rare_collections():
            return self._take(read_batch(event, now))

    def redrive(self, payload: bytes, position: str) -> Outcome:
        """Apply what was in quarantine, or keep what cannot be applied yet.

        Args:
            payload: the bytes as they were set aside, or a sound copy.
            position: where they were found; names them if they are set aside again.

        Raises:
            Exception: the destination or the buffer failed.
        """
        return self._take(read_again(payload, position, self._clock()))

    def refill(self, records: Iterable[tuple[str, bytes]]) -> Outcome:
        """Apply records that did not come with the stream, or keep what cannot be applied yet.

        Args:
            records: each with the position that it is set aside at if it is refused.

        Raises:
            Exception: the destination or the buffer failed.
        """
        return self._take(read_named(records, self._clock()))

    def gathered(self, proven: Iterable[Proof]) -> Intake:
        """Blocks that were proven whole, as `refill_blocks` takes them. Neither reads nor writes.

        Args:
            proven: of a journal that is kept, as `qldbkit.journal.proving` gives them.
        """
        return gathered_blocks(proven, self._clock())

    def refill_blocks(self, blocks: Intake) -> Outcome:
        """Apply blocks that were proven whole, or keep what cannot be applied yet.

        Args:
            blocks: as `gathered` gives them; they are used up.

        Raises:
            Exception: the destination or the buffer failed.
        """
        return self._take(blocks)

    def overlapped(self, work: Work) -> AbstractContextManager[None]:
        """Have work done while the destination's server writes, where the destination can."""
        return overlapped(self._destination, work)

    def _take(self, intake: Intake) -> Outcome:
        outcome = Outcome(records=intake.records, repeated=intake.repeated)
        if intake.quarantined:
            self._buffer.quarantine(intake.quarantined)
            outcome.quarantine(intake.quarantined)
        for strand_id, gathering in intake.strands.items():
            self._replay(strand_id, gathering, outcome)
        return outcome

    def drain(self) -> Outcome:
        """Apply what the settling buffer holds and may now be applied.

        Raises:
            Exception: the destination or the buffer failed.
        """
        self._interruptions.begin(self._clock(), self._destination.checkpoints)
        outcome = Outcome()
        for strand_id in self._buffer.strands():
            self._drained.discard(strand_id)
            self._checkpoints.pop(strand_id, None)
            self._replay(strand_id, self._stale(strand_id), outcome)
        outcome.standing = self._standing(outcome)
        outcome.quarantine_not_empty = outcome.standing.quarantined > 0
        self._interruptions.end(self._clock())
        return outcome

    def _standing(self, outcome: Outcome) -> Standing:
        most, now, strands = self._policy.counted, self._clock(), self._buffer.strands()
        checkpoints = [self._checkpoint(each) for each in strands]
        return Standing(
            blocks_waiting=sum(self._buffer.waiting(each, 0, most) for each in strands),
            quarantined=sum(1 for _ in islice(self._buffer.quarantine_index(), most)),
            gaps_open=sum(len(each.gaps) for each in checkpoints if each is not None),
            waited=max((now - each.since for each in outcome.holds.values()), default=0.0),
        )

    def _replay(self, strand_id: str, gathering: Gathering, outcome: Outcome) -> None:
        for _ in range(self._policy.fenced_attempts):
            outcome.release(strand_id)
            try:
                self._late(strand_id, gathering, outcome)
                self._advance(strand_id, gathering, outcome)
                break
            except CheckpointMovedError:
                self._checkpoints.pop(strand_id, None)
                outcome.fenced += 1
        self._keep(strand_id, gathering.values(), outcome)

    def _advance(self, strand_id: str, gathering: Gathering, outcome: Outcome) -> None:
        if strand_id in self._drained and self._run(strand_id, gathering, (), outcome) is None:
            return
        self._drained.discard(strand_id)
        following = reached(self._checkpoint(strand_id)) + 1
        buffered = self._buffer.fragments(strand_id, following)
        hold = self._run(strand_id, gathering, buffered, outcome)
        if hold is None:
            self._drained.add(strand_id)
        else:
            outcome.held(hold, self._clock(), self._policy.settle_window)
            self._note_position(strand_id)

    def _note_position(self, strand_id: str) -> None:
        """Say when the block was committed that something waits behind, if this process knows."""
        number, at = self._committed.get(strand_id, (NOTHING_APPLIED, 0.0))
        if number != NOTHING_APPLIED and number == reached(self._checkpoint(strand_id)):
            self._interruptions.applied(strand_id, number, at)

    def _run(
        self,
        strand_id: str,
        gathering: Gathering,
        buffered: Iterable[Fragment],
        outcome: Outcome,
    ) -> Hold | None:
        """Apply what follows the checkpoint and may be; return what the next block waits for."""
        checkpoint = self._checkpoint(strand_id)
        ahead = {at: each for at, each in gathering.items() if at > reached(checkpoint)}
        now, window = self._clock(), self._policy.settle_window
        passing = Passing(
            *(self._buffer, strand_id), now=now, window=window, interruptions=self._interruptions
        )
        settling = Settling(
            merged(ahead, buffered),
            checkpoint,
            now=now,
            window=window,
            against=passing.obstacle,
            routing=self._policy.tables,
        )
        done: list[int] = []
        try:
            for unit in self._units(strand_id, settling, outcome):
                for block in unit.finished:
                    done.append(block.address.sequence_no)
                    gathering.pop(done[-1], None)
        finally:
            kept = settling.buffered.intersection(done)
            if kept:
                self._buffer.remove(strand_id, kept)
        return settling.hold

    def _units(self, strand_id: str, settling: Settling, outcome: Outcome) -> Iterator[Unit]:
        """Apply unit after unit, each given when it is applied; ends where one is refused."""
        ready, limits, waiting = iter(settling), self._policy.limits, deque[PlannedBlock]()
        forgiven = NOTHING_FORGIVEN
        while True:
            waiting.extend(islice(ready, max(0, limits.blocks - len(waiting))))
            if not waiting:
                return
            unit = next_unit(tuple(waiting), self._checkpoint(strand_id), limits)
            try:
                self._apply(strand_id, unit, outcome, forgiven)
            except CheckpointMovedError:
                raise
            except UnitTooLargeError:
                if limits.cautious:
                    raise
                limits = replace(limits, cautious=True)
                continue
            except ReplayError as error:
                if len(unit.finished) > 1:  # the blocks before the one that is refused may go
                    limits = replace(limits, blocks=1)
                    continue
                if isinstance(error, RevisionMissingError) and forgiven is NOTHING_FORGIVEN:
                    forgiven = self._skips.forgiven(strand_id)
                    continue
                settling.refuse(waiting[0], error)
                return
            for _ in unit.finished:
                waiting.popleft()
            yield unit

    def _apply(self, strand_id: str, unit: Unit, outcome: Outcome, forgiven: Forgiven) -> None:
        leaving = outgrown(self._checkpoint(strand_id), len(unit.gaps))
        if leaving:
            self._buffer.record_gaps(leaving)
        self._checkpoints[strand_id] = self._destination.transact(
            strand_id, unit.lookups, in_order(unit, self._policy.limits, leaving, forgiven)
        )
        outcome.transactions += 1
        outcome.gaps += len(unit.gaps)
        if unit.finished:
            last = unit.finished[-1].summary
            committed = committed_at(last)
            outcome.applied(unit.finished, committed, self._clock())
            self._committed[strand_id] = last.address.sequence_no, committed

    def _late(self, strand_id: str, gathering: Gathering, outcome: Outcome) -> None:
        """Take out what is behind the checkpoint: applied before, or in a gap that was passed."""
        behind = reached(self._checkpoint(strand_id))
        late = sorted(each for each in gathering if each <= behind)
        kept = self._buffer.gaps(strand_id, late[0], late[-1]) if late else ()
        for each in late:
            block = gathering[each]
            filled = [gap for gap in kept if each in gap]
            if not filled and not self._is_in_gap(strand_id, each):
                outcome.repeated += len(block.fresh)
            elif not self._apply_late(strand_id, block, outcome):
                continue
            for gap in filled:
                self._buffer.fill_gap(gap, each)
            kept = without(kept, each)
            if block.buffered:
                self._buffer.remove(strand_id, [each])
            del gathering[each]

    def _is_in_gap(self, strand_id: str, sequence_no: int) -> bool:
        checkpoint = self._checkpoint(strand_id)
        return checkpoint is not None and any(sequence_no in each for each in checkpoint.gaps)

    def _apply_late(self, strand_id: str, block: GatheredBlock, outcome: Outcome) -> bool:
        """Apply a block of a passed gap; return whether it is dealt with."""
        at = block.address.sequence_no
        for fragment in list(self._buffer.fragments(strand_id, at, at)):
            block.add_buffered(fragment)
        if not block.complete:
            self._hold_late(block, HoldReason.INCOMPLETE, missing_of(block), outcome)
            return False
        try:
            self._write_late(strand_id, block)
        except CatalogOrderError as error:
            self._set_aside(block, error, outcome)
            return True
        except CheckpointMovedError:
            raise
        except ReplayError as error:
            self._hold_late(block, refusal(error), str(error), outcome)
            return False
        outcome.late += 1
        return True

    def _write_late(self, strand_id: str, block: GatheredBlock) -> None:
        cautious = replace(self._policy.limits, cautious=True)
        checkpoint = self._checkpoint(strand_id)
        whole = block.block(bound=checkpoint is not None and checkpoint.bound)
        plan = routed(plan_block(whole), self._policy.tables)
        parts = list(chunks(plan.steps, cautious)) or [()]
        for steps in parts:
            last = whole.summary if steps is parts[-1] else None
            self._checkpoints[strand_id] = self._destination.transact(
                strand_id,
                touched_documents(steps),
                after_the_fact(steps, self._policy.limits, last),
            )

    def _hold_late(
        self, block: GatheredBlock, reason: HoldReason, message: str, outcome: Outcome
    ) -> None:
        hold = Hold(block.address, reason, block.received_at, message)
        outcome.held(hold, self._clock(), self._policy.settle_window)

    def _set_aside(self, block: GatheredBlock, error: ReplayError, outcome: Outcome) -> None:
        at = block.address
        kept = self._buffer.fragments(at.strand_id, at.sequence_no, at.sequence_no)
        records = [*block.fresh, *(record for each in kept for record in each.records)]
        record = QuarantinedRecord(str(at), str(error), framed(records), self._clock())
        self._buffer.quarantine([record])
        outcome.quarantine([record])

    def _stale(self, strand_id: str) -> Gathering:
        """What the buffer holds of blocks behind the checkpoint."""
        behind = reached(self._checkpoint(strand_id))
        fragments = self._buffer.fragments(strand_id, 0, behind) if behind >= 0 else ()
        blocks = groupby(fragments, key=lambda each: each.address.sequence_no)
        return {
            at: gathered(BlockAddress(strand_id, at), each)
            for at, each in islice(blocks, self._policy.stale_blocks)
        }

    def _keep(self, strand_id: str, blocks: Iterable[GatheredBlock], outcome: Outcome) -> None:
        """Put into the buffer what could not be applied, durably."""
        fragments = [each for each in (block.unkept() for block in blocks) if each is not None]
        if fragments:
            self._drained.discard(strand_id)
            self._buffer.put(fragments)
            outcome.buffered += len(fragments)

    def _checkpoint(self, strand_id: str) -> Checkpoint | None:
        if strand_id not in self._checkpoints:
            self._checkpoints[strand_id] = self._destination.checkpoint(strand_id)
        return self._checkpoints[strand_id]
