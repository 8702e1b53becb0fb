"""The replay of the journal into one destination."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.acknowledged import acknowledge
from stacks.function import PythonFunction
from stacks.journal_stream import JournalStream
from stacks.packaging import CodeSource
from stacks.quarantine_bucket import QuarantineBucket
from stacks.replay_target import ReplayTarget
from stacks.settings import Settings
from stacks.signals import WatchedReplay

BATCH_RECORDS = 500
BATCH_WINDOW = Duration.seconds(1)
BATCH_TIMEOUT = Duration.minutes(5)
DRAIN_EVERY = Duration.minutes(1)
FAILURES_KEPT = Duration.days(14)
LONGEST_RECORD_AGE_HOURS = 168  # Lambda's limit; without one a record is retried until it expires
MEMORY_MB = 1769  # from here on a function has a whole processor, which is what bounds replay


class SettlingBuffer(Construct):
    """What replay cannot apply yet, or never could: kept until it can, or is looked into."""

    def __init__(self, scope: Construct, id: str, *, source: JournalStream) -> None:
        super().__init__(scope, id)
        self.key = source.key
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=source.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute="expiresAt",
            removal_policy=RemovalPolicy.DESTROY,  # all that it holds is in the archive as well
        )

    def allow_use(self, role: iam.Role) -> None:
        """Let a role query, write and delete items: not scan the table, and not change it."""
        self.table.grant(role, *_BUFFER_ACTIONS)
        self.key.grant(role, *_KEY_ACTIONS)


class FailedBatches(Construct):
    """Where a batch's position goes when its records expire before they could be replayed."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,  # it holds positions, no documents
            enforce_ssl=True,
            retention_period=FAILURES_KEPT,
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(
            self.queue,
            "AwsSolutions-SQS3",
            "This is the queue of what failed; nothing consumes it that could fail again.",
        )


class Replay(Construct):
    """Two functions of one package: one takes the stream's batches, one looks at the clock."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        code: CodeSource,
        source: JournalStream,
        quarantine: QuarantineBucket,
        target: ReplayTarget,
    ) -> None:
        super().__init__(scope, id)
        self.target = target
        self.buffer = SettlingBuffer(self, "Buffer", source=source)
        self.quarantine = quarantine
        self.failed = FailedBatches(self, "Failed")
        self._settings, self._code, self._source = settings, code, source
        self.on_batch = self._function(
            "OnBatch", "handler.handle", f"Replays the journal into {target.called}"
        )
        self.on_batch.function.add_event_source(self._mapping())
        self.on_clock = self._function(
            "OnClock", "drain.handle", "Replays what the settle window has released"
        )
        # The next minute is the next attempt: a call that failed is not repeated besides
        self.on_clock.function.configure_async_invoke(retry_attempts=0, max_event_age=DRAIN_EVERY)
        self.clock = events.Rule(
            self,
            "Clock",
            schedule=events.Schedule.rate(DRAIN_EVERY),
            targets=[targets.LambdaFunction(self.on_clock.function)],
        )

    def _function(self, id: str, handler: str, description: str) -> PythonFunction:
        function = PythonFunction(
            self,
            id,
            settings=self._settings,
            code=self._code,
            package=self.target.package,
            handler=handler,
            description=description,
            environment=self._environment(),
            timeout=BATCH_TIMEOUT,
            memory_mb=MEMORY_MB,
            network=self.target.network,
        )
        self.target.allow(function.role)
        self.buffer.allow_use(function.role)
        self.quarantine.allow_adding(function.role)
        return function

    def _environment(self) -> dict[str, str]:
        return {
            **self.target.environment,
            "BUFFER_TABLE": self.buffer.table.table_name,
            "QUARANTINE_BUCKET": self.quarantine.bucket.bucket_name,
            "STREAM_NAME": self._source.stream.stream_name,
            "SETTLE_WINDOW_SECONDS": str(self._settings.settle_window_seconds),
            "STREAM_RETENTION_SECONDS": str(self._settings.retention_hours * 3600),
            "LOG_LEVEL": "INFO",
            **self._told_tables("REPLAY_TABLES", "RENAME_TABLES"),
        }

    @property
    def watched(self) -> WatchedReplay:
        """What tells how this replay is."""
        return WatchedReplay(
            destination=self.target.name,
            on_batch=self.on_batch.function,
            on_clock=self.on_clock.function,
            failed=self.failed.queue,
            retention_hours=self._settings.retention_hours,
        )

    @property
    def outputs(self) -> dict[str, str]:
        """What operators' commands have to know of which tables are replayed."""
        return self._told_tables("ReplayedTables", "RenamedTables")

    def _told_tables(self, replayed: str, renamed: str) -> dict[str, str]:
        names = (replayed, renamed)
        told = dict(zip(names, self._settings.routing.to_text(), strict=True))
        return {name: text for name, text in told.items() if text}

    def _mapping(self) -> event_sources.KinesisEventSource:
        # Order comes before progress. A batch that fails is delivered again whole, without end:
        # to halve it, to report single records of it as failed or to give up on it would let later
        # blocks go first. What can never succeed is set aside by the code, with its payload.
        hours = self._settings.retention_hours
        return event_sources.KinesisEventSource(
            self._source.stream,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=BATCH_RECORDS,
            max_batching_window=BATCH_WINDOW,
            parallelization_factor=1,
            bisect_batch_on_error=False,
            report_batch_item_failures=False,
            retry_attempts=-1,
            max_record_age=Duration.hours(hours) if hours <= LONGEST_RECORD_AGE_HOURS else None,
            on_failure=event_sources.SqsDlq(self.failed.queue),
        )


_BUFFER_ACTIONS = ("dynamodb:Query", "dynamodb:BatchWriteItem", "dynamodb:UpdateItem")
# What DynamoDB does with the table's key in the name of who uses the table
_KEY_ACTIONS = (
    *("kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"),
    *("kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"),
    *("kms:ReEncryptFrom", "kms:ReEncryptTo"),
)
