"""When a person has to be told. ``docs/operations.md`` says for each alarm what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from qldbkit.replay.metric_names import Metric
from stacks.settings import Settings
from stacks.signals import WatchedReplay, WatchedStream

ITERATOR_AGE_MS = 5 * 60_000
NEAR_EXPIRY = 0.75  # of what the stream retains: nearly two days to act, of a week
FRESHNESS_SECONDS = 15 * 60  # fifteen times what Firehose waits to fill an object

_Missing = cloudwatch.TreatMissingData


@dataclass(frozen=True, slots=True)
class AlarmPlan:
    """One alarm.

    Attributes:
        name: its id in the stack, and its heading in the manual.
        metric: what is looked at, once a minute.
        threshold: it is bad from here on.
        minutes: how many minutes are looked at together.
        bad: how many of them have to be bad.
        missing: what a minute without a figure means; the reason is in the table below.
        says: what it means, for who is told.
        below: whether it is bad below the threshold, instead of from it on.
    """

    name: str
    metric: cloudwatch.Metric
    threshold: float
    minutes: int
    bad: int
    missing: cloudwatch.TreatMissingData
    says: str
    below: bool = False


class Alarms(Construct):
    """Alarms; each tells the topic of the settings, if there is one."""

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, plans: Iterable[AlarmPlan]
    ) -> None:
        super().__init__(scope, id)
        topic = None
        if settings.alarm_topic_arn is not None:
            topic = sns.Topic.from_topic_arn(self, "Topic", settings.alarm_topic_arn)
        self.by_name: Mapping[str, cloudwatch.Alarm] = {
            plan.name: self._alarm(plan, topic) for plan in plans
        }

    def _alarm(self, plan: AlarmPlan, topic: sns.ITopic | None) -> cloudwatch.Alarm:
        comparison = cloudwatch.ComparisonOperator
        alarm = cloudwatch.Alarm(
            self,
            plan.name,
            metric=plan.metric,
            alarm_description=plan.says,
            threshold=plan.threshold,
            comparison_operator=comparison.LESS_THAN_THRESHOLD
            if plan.below
            else comparison.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=plan.minutes,
            datapoints_to_alarm=plan.bad,
            treat_missing_data=plan.missing,
        )
        if topic is not None:
            alarm.add_alarm_action(actions.SnsAction(topic))
            alarm.add_ok_action(actions.SnsAction(topic))
        return alarm


def stream_plans(watched: WatchedStream) -> Iterator[AlarmPlan]:
    """What there is once, however many destinations the journal is replayed into."""
    yield AlarmPlan(
        "WritesThrottled",
        watched.throttled_writes(),
        *(1, 5, 3),
        _Missing.NOT_BREACHING,  # nothing was written
        "The stream has too few shards for what the ledger writes; QLDB repeats the writes.",
    )
    yield AlarmPlan(
        "ArchiveBehind",
        watched.freshness(),
        *(FRESHNESS_SECONDS, 5, 3),
        _Missing.NOT_BREACHING,  # nothing is to be delivered
        "Records wait for more than fifteen minutes to be written to the archive.",
    )


def replay_plans(watched: WatchedReplay) -> Iterator[AlarmPlan]:
    """The alarms of one replay. A quiet ledger makes no figures of the stream: that is no fault.

    The clock's figures are there every minute. Where one is missing, the heartbeat's alarm says
    that the clock stands still; what was known before stays true until the clock says otherwise.
    """
    yield AlarmPlan(
        "IteratorAge",
        watched.iterator_age(),
        *(ITERATOR_AGE_MS, 5, 3),
        _Missing.NOT_BREACHING,  # without records there is no age
        "The replay is more than five minutes behind what the stream delivers.",
    )
    yield AlarmPlan(
        "Gap",
        watched.of_replay(Metric.STRANDS_HELD),
        *(1, 3, 2),
        _Missing.IGNORE,  # a gap does not close because nobody looked
        "Something of the journal is lost or damaged, and replay waits for it.",
    )
    yield AlarmPlan(
        "QuarantineNotEmpty",
        watched.of_replay(Metric.QUARANTINED_RECORDS),
        *(1, 1, 1),
        _Missing.IGNORE,  # nor does a record leave quarantine
        "Records that cannot be replayed wait for an operator: qldbkit quarantine list.",
    )
    yield AlarmPlan(
        "Difference",
        watched.of_replay(Metric.DIFFERENCES),
        *(1, 1, 1),
        _Missing.IGNORE,  # what differs does so until it is compared again
        "The destination is not what the source is: qldbkit compare found documents that differ.",
    )
    yield AlarmPlan(
        "NearExpiry",
        watched.iterator_age(),
        *(watched.retention_hours * 3_600_000 * NEAR_EXPIRY, 5, 3),
        _Missing.NOT_BREACHING,  # without records there is no age
        "The replay is so far behind that records are about to expire in the stream, unread.",
    )
    yield AlarmPlan(
        "Heartbeat",
        watched.of_replay(Metric.HEARTBEAT, "Sum"),
        *(1, 5, 5),
        _Missing.BREACHING,  # its absence is what it is for
        "The clock function has not run to its end for five minutes: replay may be stuck.",
        below=True,
    )
    yield AlarmPlan(
        "BatchErrors",
        watched.errors(watched.on_batch),
        *(1, 5, 3),
        _Missing.NOT_BREACHING,  # no batch, no error; one that is repeated does not count
        "Batches fail again and again; replay does not get on.",
    )
    yield AlarmPlan(
        "ClockErrors",
        watched.errors(watched.on_clock),
        *(1, 5, 3),
        _Missing.NOT_BREACHING,  # the heartbeat's alarm is for a clock that is not called
        "The clock function fails: the destination or the buffer does, or replay is held.",
    )
    yield AlarmPlan(
        "FailedBatches",
        watched.failed_batches(),
        *(1, 1, 1),
        _Missing.NOT_BREACHING,  # SQS is silent about a queue that nobody has used for hours
        "Records expired in the stream before they were replayed: fill them from the archive.",
    )


def index_plans(watched: WatchedReplay) -> Iterator[AlarmPlan]:
    """The alarm of a replay into a view that indexes what documents hold."""
    yield AlarmPlan(
        "Unindexed",
        watched.of_replay(Metric.DOCUMENTS_UNINDEXED),
        *(1, 3, 2),
        _Missing.IGNORE,  # a document is not indexed because nobody looked
        "Searches do not see some documents, which could not be indexed: qldbkit unindexed.",
    )
