"""The figures that alarms and the dashboard are made of: AWS's own, and those of the replay."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_kinesisfirehose import CfnDeliveryStream

from qldbkit.replay.metric_names import DIMENSION, NAMESPACE, UNITS, Metric

MINUTE = Duration.minutes(1)


@dataclass(frozen=True, slots=True)
class WatchedReplay:
    """The resources of one replay whose figures count."""

    destination: str
    on_batch: lambda_.Function
    on_clock: lambda_.Function
    failed: sqs.Queue
    retention_hours: int

    def of_replay(self, metric: Metric, statistic: str = "Maximum") -> cloudwatch.Metric:
        """A figure that the functions report themselves."""
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=str(metric),
            dimensions_map={DIMENSION: self.destination},
            unit=cloudwatch.Unit(UNITS[metric].upper()),
            statistic=statistic,
            period=MINUTE,
        )

    def iterator_age(self) -> cloudwatch.Metric:
        """Milliseconds that the last record of a batch had been in the stream."""
        return self.on_batch.metric("IteratorAge", statistic="Maximum", period=MINUTE)

    def errors(self, function: lambda_.Function) -> cloudwatch.Metric:
        """Calls of a function that ended in an error."""
        return function.metric_errors(statistic="Sum", period=MINUTE)

    def failed_batches(self) -> cloudwatch.Metric:
        """Messages that wait in the queue of failed batches."""
        return self.failed.metric_approximate_number_of_messages_visible(
            statistic="Maximum", period=MINUTE
        )


@dataclass(frozen=True, slots=True)
class WatchedStream:
    """What brings the journal to every replay and to the archive."""

    stream: kinesis.Stream
    delivery: CfnDeliveryStream

    def throttled_writes(self) -> cloudwatch.Metric:
        """Records that the stream did not take from QLDB at once, because its shards were full."""
        return cloudwatch.Metric(
            namespace="AWS/Kinesis",
            metric_name="PutRecords.ThrottledRecords",
            dimensions_map={"StreamName": self.stream.stream_name},
            statistic="Sum",
            period=MINUTE,
        )

    def freshness(self) -> cloudwatch.Metric:
        """Seconds that the oldest record that is not in the archive yet has waited for it."""
        return cloudwatch.Metric(
            namespace="AWS/Firehose",
            metric_name="DeliveryToS3.DataFreshness",
            dimensions_map={"DeliveryStreamName": self.delivery.ref},
            statistic="Maximum",
            period=MINUTE,
        )
