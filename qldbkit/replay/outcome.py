"""What one run of the replay did, for its caller, the logs and CloudWatch."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final

from qldbkit.journal.model import Block
from qldbkit.replay.settle import Hold

NAMESPACE: Final = "qldbkit/replay"
_METRICS: Final = {
    "Records": "Count",
    "RepeatedRecords": "Count",
    "BlocksApplied": "Count",
    "RevisionsApplied": "Count",
    "Transactions": "Count",
    "LateBlocks": "Count",
    "FragmentsBuffered": "Count",
    "GapsPassed": "Count",
    "RecordsQuarantined": "Count",
    "QuarantineNotEmpty": "Count",
    "StrandsHeld": "Count",
    "StrandsWaiting": "Count",
    "TimesFenced": "Count",
    "SecondsBehind": "Seconds",
}


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

    def applied(self, block: Block, now: float) -> None:
        """Count a block that is wholly applied."""
        self.blocks += 1
        self.revisions += len(block.revisions)
        self.seconds_behind = max(0.0, now - committed_at(block))

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

    def problems(self) -> list[str]:
        """A sentence for each thing that waiting will not mend."""
        held = [self.holds[each] for each in sorted(self.overdue)]
        found = [f"{each.address}: {each.reason.value}: {each.message}" for each in held]
        if self.quarantine_not_empty:
            found.append("records are in quarantine")
        return found

    def as_dict(self) -> dict[str, Any]:
        """The outcome as JSON has it, with CloudWatch's names."""
        figures: dict[str, Any] = {
            "Records": self.records,
            "RepeatedRecords": self.repeated,
            "BlocksApplied": self.blocks,
            "RevisionsApplied": self.revisions,
            "Transactions": self.transactions,
            "LateBlocks": self.late,
            "FragmentsBuffered": self.buffered,
            "GapsPassed": self.gaps,
            "RecordsQuarantined": self.quarantined,
            "StrandsHeld": len(self.overdue),
            "StrandsWaiting": len(self.holds),
            "TimesFenced": self.fenced,
        }
        if self.quarantine_not_empty is not None:
            figures["QuarantineNotEmpty"] = int(self.quarantine_not_empty)
        if self.seconds_behind is not None:
            figures["SecondsBehind"] = round(self.seconds_behind, 3)
        return figures


def metrics_line(outcome: Outcome, destination: str, now: float) -> str:
    """One line of CloudWatch's embedded metric format, which Lambda's log turns into metrics.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    figures = outcome.as_dict()
    metrics = [{"Name": name, "Unit": _METRICS[name]} for name in figures]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["Destination"]], "Metrics": metrics}
    line = {
        "_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]},
        "Destination": destination,
        **figures,
        "Problems": outcome.problems(),
    }
    return json.dumps(line, separators=(",", ":"))


def committed_at(block: Block) -> float:
    """When the source committed the block, in seconds since 1970."""
    moment = block.summary.block_timestamp
    return float((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
