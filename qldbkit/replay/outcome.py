"""What one run of the replay did, for its caller, the logs and CloudWatch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from qldbkit.journal.model import Block
from qldbkit.replay.fragments import QuarantinedRecord
from qldbkit.replay.metric_names import Metric
from qldbkit.replay.settle import Hold

Figures = dict[str, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand when the clock has looked at them.

    Attributes:
        blocks_waiting: blocks that the settling buffer has something of, up to a bound.
        quarantined: records in quarantine, up to a bound.
        gaps_open: gaps that were passed and may still be filled, of those the checkpoints hold.
        waited: seconds that the block longest waited for has been there; 0 if none waits.
        unindexed: current documents that the destination could not index; None if it indexes none.
    """

    blocks_waiting: int = 0
    quarantined: int = 0
    gaps_open: int = 0
    waited: float = 0.0
    unindexed: int | None = None


@dataclass(slots=True)
class Outcome:
    """What one batch, or one drain, came to.

    Attributes:
        records: user records that were read.
        repeated: those that said nothing new.
        blocks: blocks that were wholly applied.
        revisions: of those blocks.
        transactions: destination transactions that were committed.
        late: blocks that were applied after what follows them.
        buffered: fragments of blocks that were put into the settling buffer.
        gaps: gaps that were passed.
        quarantined: records that were set aside.
        quarantine_not_empty: whether the quarantine holds anything; None if nobody looked.
        fenced: how often another applier had been faster.
        holds: what each strand waits for, by strand; without those that wait for nothing.
        overdue: the strands among them that will not go on by waiting.
        seconds_behind: age of the last block that was applied; None for none.
        applied_to: the sequence number of the last block that was applied, by strand.
        set_aside: position and reason of each record that was quarantined.
        standing: how things stand; None for a batch, which does not look.
    """

    records: int = 0
    repeated: int = 0
    blocks: int = 0
    revisions: int = 0
    transactions: int = 0
    late: int = 0
    buffered: int = 0
    gaps: int = 0
    quarantined: int = 0
    quarantine_not_empty: bool | None = None
    fenced: int = 0
    holds: dict[str, Hold] = field(default_factory=dict)
    overdue: set[str] = field(default_factory=set)
    seconds_behind: float | None = None
    applied_to: dict[str, int] = field(default_factory=dict)
    set_aside: list[tuple[str, str]] = field(default_factory=list)
    standing: Standing | None = None

    def applied(self, blocks: Sequence[Block], committed: float, now: float) -> None:
        """Count blocks that are wholly applied.

        Args:
            blocks: of one strand, in their order; at least one.
            committed: when the source committed the last of them, in seconds since 1970.
            now: seconds since 1970.
        """
        last = blocks[-1].summary.address
        self.blocks += len(blocks)
        self.revisions += sum([len(each.revisions) for each in blocks])
        self.seconds_behind = max(0.0, now - committed)
        self.applied_to[last.strand_id] = last.sequence_no

    def quarantine(self, records: Iterable[QuarantinedRecord]) -> None:
        """Count records that were set aside."""
        for each in records:
            self.quarantined += 1
            self.quarantine_not_empty = True
            self.set_aside.append((each.position, each.reason))

    def held(self, hold: Hold, now: float, window: float) -> None:
        """Note what a strand waits for."""
        strand_id = hold.address.strand_id
        self.holds[strand_id] = hold
        if hold.overdue(now, window):
            self.overdue.add(strand_id)

    def release(self, strand_id: str) -> None:
        """Forget what a strand waited for; it is tried again."""
        self.holds.pop(strand_id, None)
        self.overdue.discard(strand_id)

    def held_by(self) -> list[str]:
        """A sentence for each strand that will not go on by waiting."""
        held = [self.holds[each] for each in sorted(self.overdue)]
        return [f"{each.address}: {each.reason.value}: {each.message}" for each in held]

    def problems(self) -> list[str]:
        """A sentence for each thing that waiting will not mend."""
        return self.held_by() + (["records are in quarantine"] if self.quarantine_not_empty else [])

    def figures(self) -> Figures:
        """The outcome by CloudWatch's names; what was not looked at is not in it."""
        found = {
            Metric.RECORDS: self.records,
            Metric.REPEATED_RECORDS: self.repeated,
            Metric.BLOCKS_APPLIED: self.blocks,
            Metric.REVISIONS_APPLIED: self.revisions,
            Metric.TRANSACTIONS: self.transactions,
            Metric.LATE_BLOCKS: self.late,
            Metric.FRAGMENTS_BUFFERED: self.buffered,
            Metric.GAPS_PASSED: self.gaps,
            Metric.RECORDS_QUARANTINED: self.quarantined,
            Metric.STRANDS_HELD: len(self.overdue),
            Metric.STRANDS_WAITING: len(self.holds),
            Metric.TIMES_FENCED: self.fenced,
            **_standing_figures(self.standing),
        }
        behind = self._behind()
        if behind is not None:
            found[Metric.MILLISECONDS_BEHIND_SOURCE] = round(behind * 1000)
        return {str(name): value for name, value in found.items()}

    def _behind(self) -> float | None:
        """Seconds behind the source: of what was applied, or of what waits."""
        waited = None if self.standing is None else self.standing.waited
        return max(
            (each for each in (self.seconds_behind, waited) if each is not None), default=None
        )


def _standing_figures(standing: Standing | None) -> dict[Metric, int]:
    if standing is None:
        return {}
    found = {
        Metric.HEARTBEAT: 1,
        Metric.BLOCKS_WAITING: standing.blocks_waiting,
        Metric.QUARANTINED_RECORDS: standing.quarantined,
        Metric.GAPS_OPEN: standing.gaps_open,
    }
    if standing.unindexed is not None:
        found[Metric.DOCUMENTS_UNINDEXED] = standing.unindexed
    return found
