"""What there is to see: the alarms, and the figures behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from qldbkit.replay.metric_names import Metric
from stacks.alarms import Alarms
from stacks.signals import WatchedReplay, WatchedStream

HALF, FULL, HEIGHT = 12, 24, 6


class ReplicationDashboard(Construct):
    """One page: whether anything is wrong, how far replay is, what waits, what was done.

    Of a view there is how far it is, and what waits; its alarms say the rest.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        stream: WatchedStream,
        replay: WatchedReplay,
        views: Sequence[WatchedReplay],
        alarms: Sequence[Alarms],
    ) -> None:
        super().__init__(scope, id)
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            widgets=[
                [
                    cloudwatch.AlarmStatusWidget(
                        title="Alarms",
                        alarms=[one for each in alarms for one in each.by_name.values()],
                        width=FULL,
                    )
                ],
                [
                    _graph("Milliseconds behind the source", _lag(replay)),
                    _graph("Waiting and held", _waiting(replay)),
                ],
                [
                    _graph("Replayed a minute", _done(replay)),
                    _graph("Trouble", _trouble(replay)),
                ],
                [
                    _graph("Stream: throttled writes", [stream.throttled_writes()]),
                    _graph("Archive: seconds behind", [stream.freshness()]),
                ],
                *(
                    [
                        _graph(f"{each.destination}: milliseconds behind", _lag(each)),
                        _graph(f"{each.destination}: waiting and held", _waiting(each)),
                    ]
                    for each in views
                ),
            ],
        )


def _graph(title: str, metrics: Iterable[cloudwatch.Metric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=HALF, height=HEIGHT)


def _lag(watched: WatchedReplay) -> list[cloudwatch.Metric]:
    return [watched.of_replay(Metric.MILLISECONDS_BEHIND_SOURCE), watched.iterator_age()]


def _waiting(watched: WatchedReplay) -> list[cloudwatch.Metric]:
    names = (
        *(Metric.BLOCKS_WAITING, Metric.STRANDS_HELD),
        *(Metric.GAPS_OPEN, Metric.QUARANTINED_RECORDS),
    )
    return [*map(watched.of_replay, names), watched.failed_batches()]


def _done(watched: WatchedReplay) -> list[cloudwatch.Metric]:
    names = (
        *(Metric.RECORDS, Metric.BLOCKS_APPLIED),
        *(Metric.REVISIONS_APPLIED, Metric.TRANSACTIONS),
    )
    return [watched.of_replay(each, "Sum") for each in names]


def _trouble(watched: WatchedReplay) -> list[cloudwatch.Metric]:
    names = (
        *(Metric.GAPS_PASSED, Metric.LATE_BLOCKS),
        *(Metric.RECORDS_QUARANTINED, Metric.TIMES_FENCED, Metric.HEARTBEAT),
    )
    return [
        *(watched.of_replay(each, "Sum") for each in names),
        watched.of_replay(Metric.DIFFERENCES),
        watched.errors(watched.on_batch),
        watched.errors(watched.on_clock),
    ]
