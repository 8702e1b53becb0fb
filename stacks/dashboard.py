"""What there is to see: the alarms, and the figures behind them."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from qldbkit.replay.metric_names import Metric
from stacks.alarms import Alarms
from stacks.signals import Watched

HALF, FULL, HEIGHT = 12, 24, 6


class ReplicationDashboard(Construct):
    """One page: whether anything is wrong, how far replay is, what waits, what was done."""

    def __init__(self, scope: Construct, id: str, *, watched: Watched, alarms: Alarms) -> None:
        super().__init__(scope, id)
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            widgets=[
                [
                    cloudwatch.AlarmStatusWidget(
                        title="Alarms", alarms=list(alarms.by_name.values()), width=FULL
                    )
                ],
                [
                    _graph("Milliseconds behind the source", _lag(watched)),
                    _graph("Waiting and held", _waiting(watched)),
                ],
                [
                    _graph("Replayed a minute", _done(watched)),
                    _graph("Trouble", _trouble(watched)),
                ],
                [
                    _graph("Stream: throttled writes", [watched.throttled_writes()]),
                    _graph("Archive: seconds behind", [watched.freshness()]),
                ],
            ],
        )


def _graph(title: str, metrics: Iterable[cloudwatch.Metric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=HALF, height=HEIGHT)


def _lag(watched: Watched) -> list[cloudwatch.Metric]:
    return [watched.of_replay(Metric.MILLISECONDS_BEHIND_SOURCE), watched.iterator_age()]


def _waiting(watched: Watched) -> list[cloudwatch.Metric]:
    names = (
        *(Metric.BLOCKS_WAITING, Metric.STRANDS_HELD),
        *(Metric.GAPS_OPEN, Metric.QUARANTINED_RECORDS),
    )
    return [*map(watched.of_replay, names), watched.failed_batches()]


def _done(watched: Watched) -> list[cloudwatch.Metric]:
    names = (
        *(Metric.RECORDS, Metric.BLOCKS_APPLIED),
        *(Metric.REVISIONS_APPLIED, Metric.TRANSACTIONS),
    )
    return [watched.of_replay(each, "Sum") for each in names]


def _trouble(watched: Watched) -> list[cloudwatch.Metric]:
    names = (
        *(Metric.GAPS_PASSED, Metric.LATE_BLOCKS),
        *(Metric.RECORDS_QUARANTINED, Metric.TIMES_FENCED, Metric.HEARTBEAT),
    )
    return [
        *(watched.of_replay(each, "Sum") for each in names),
        watched.errors(watched.on_batch),
        watched.errors(watched.on_clock),
    ]
