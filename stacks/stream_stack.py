"""The stack that streams, archives and replays the source ledger's journal."""

from __future__ import annotations

from aws_cdk import App, CfnOutput, Stack

from stacks.alarms import Alarms, replay_plans, stream_plans
from stacks.archive import JournalArchive
from stacks.dashboard import ReplicationDashboard
from stacks.journal_stream import JournalStream
from stacks.packaging import CodeSource
from stacks.quarantine_bucket import QuarantineBucket
from stacks.replay import Replay
from stacks.replay_target import ledger_target
from stacks.settings import Settings
from stacks.signals import WatchedStream
from stacks.views.journal_views import JournalViews


class QldbBlogStreamStack(Stack):
    """The journal's stream, its archive, its replay, and what watches over them."""

    def __init__(self, scope: App, id: str, *, settings: Settings, code: CodeSource) -> None:
        super().__init__(scope, id, description="A QLDB journal, streamed, archived and replayed")
        stream = JournalStream(self, "Journal", settings=settings)
        archive = JournalArchive(self, "Archive", settings=settings, source=stream)
        # Firehose begins with what comes after it: it has to be there before the first record is
        stream.journal.node.add_dependency(archive.delivery)
        # Of the archive's key, because both outlive the stack and the stream's key does not
        quarantine = QuarantineBucket(
            self, "Quarantine", settings=settings, key=archive.archive.key
        )
        replay = Replay(
            self,
            "Replay",
            settings=settings,
            code=code,
            source=stream,
            quarantine=quarantine,
            target=ledger_target(settings),
        )
        views = JournalViews(
            self, "Views", settings=settings, code=code, source=stream, quarantine=quarantine
        )
        watched = WatchedStream(stream.stream, archive.delivery)
        plans = [*replay_plans(replay.watched), *stream_plans(watched)]
        alarms = Alarms(self, "Alarms", settings=settings, plans=plans)
        dashboard = ReplicationDashboard(
            self,
            "Overview",
            stream=watched,
            replay=replay.watched,
            views=[each.replay.watched for each in views.views],
            alarms=[alarms, *(each.alarms for each in views.views)],
        )
        for name, value in {
            "SourceLedgerName": settings.qldb_ledger_name,
            "DestinationLedgerName": settings.dest_qldb_ledger_name,
            "StreamName": stream.stream.stream_name,
            "JournalStreamId": stream.journal.attr_id,
            "JournalStreamArn": stream.journal.attr_arn,
            "ArchiveBucketName": archive.bucket.bucket_name,
            "ArchiveDeliveryStreamName": archive.delivery.ref,
            "BufferTableName": replay.buffer.table.table_name,
            "ReplayFunctionName": replay.on_batch.function.function_name,
            "ClockRuleName": replay.clock.rule_name,
            "DrainFunctionName": replay.on_clock.function.function_name,
            "FailedBatchesQueueUrl": replay.failed.queue.queue_url,
            "QuarantineBucketName": quarantine.bucket.bucket_name,
            "DashboardName": dashboard.dashboard.dashboard_name,
            **replay.outputs,
            **views.outputs,
        }.items():
            CfnOutput(self, name, value=value)
