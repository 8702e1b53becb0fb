"""The stack that streams, archives and replays the source ledger's journal."""

from __future__ import annotations

from aws_cdk import App, CfnOutput, Stack

from stacks.archive import JournalArchive
from stacks.journal_stream import JournalStream
from stacks.packaging import CodeSource
from stacks.replay import Replay
from stacks.settings import Settings


class QldbBlogStreamStack(Stack):
    """The journal's stream, its archive, and its replay into the destination ledger."""

    def __init__(self, scope: App, id: str, *, settings: Settings, code: CodeSource) -> None:
        super().__init__(scope, id, description="A QLDB journal, streamed, archived and replayed")
        stream = JournalStream(self, "Journal", settings=settings)
        archive = JournalArchive(self, "Archive", settings=settings, source=stream)
        # Firehose begins with what comes after it: it has to be there before the first record is
        stream.journal.node.add_dependency(archive.delivery)
        replay = Replay(self, "Replay", settings=settings, code=code, source=stream)
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
            "DrainFunctionName": replay.on_clock.function.function_name,
            "FailedBatchesQueueUrl": replay.failed.queue.queue_url,
        }.items():
            CfnOutput(self, name, value=value)
