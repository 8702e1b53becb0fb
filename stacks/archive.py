"""The journal at rest: every record of the Kinesis stream, delivered to S3."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_logs as logs
from aws_cdk.aws_kinesisfirehose import CfnDeliveryStream
from constructs import Construct

from stacks.acknowledged import acknowledge
from stacks.archive_bucket import ArchiveBucket
from stacks.function import own_log_group
from stacks.journal_stream import JournalStream
from stacks.settings import Settings

BUFFER_SECONDS = 60
BUFFER_MB = 16


class JournalArchive(Construct):
    """A bucket that keeps the journal, and the Firehose delivery stream that fills it."""

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, source: JournalStream
    ) -> None:
        super().__init__(scope, id)
        self.archive = ArchiveBucket(self, "Archive", settings=settings)
        self.bucket = self.archive.bucket
        self.log_group = own_log_group(self, "DeliveryLog")
        self.log_stream = logs.LogStream(
            self, "DeliveryErrors", log_group=self.log_group, removal_policy=RemovalPolicy.DESTROY
        )
        self.role = self._delivery_role(source)
        self.delivery = self._delivery(source.stream)

    def _delivery_role(self, source: JournalStream) -> iam.Role:
        role = iam.Role(
            self,
            "DeliveryRole",
            description="Firehose reads the journal's stream and writes the archive",
            assumed_by=iam.ServicePrincipal(
                "firehose.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
        )
        source.stream.grant(
            role,
            *("kinesis:DescribeStream", "kinesis:GetShardIterator"),
            *("kinesis:GetRecords", "kinesis:ListShards"),
        )
        source.key.grant(role, "kms:Decrypt")
        self.archive.allow_writing(role)
        self.log_group.grant_write(role)
        return role

    def _delivery(self, stream: kinesis.Stream) -> CfnDeliveryStream:
        # The construct library's own delivery stream would give the role the right to delete what
        # it has archived, so the resource is written out here.
        delivery = CfnDeliveryStream(
            self,
            "Delivery",
            delivery_stream_type="KinesisStreamAsSource",
            kinesis_stream_source_configuration=(
                CfnDeliveryStream.KinesisStreamSourceConfigurationProperty(
                    kinesis_stream_arn=stream.stream_arn, role_arn=self.role.role_arn
                )
            ),
            extended_s3_destination_configuration=self._destination(),
        )
        delivery.node.add_dependency(self.role)
        acknowledge(
            delivery,
            "AwsSolutions-KDF1",
            "What Firehose holds comes from a Kinesis stream that a customer-managed key"
            " encrypts; a delivery stream with such a source takes no key of its own.",
        )
        return delivery

    def _destination(self) -> CfnDeliveryStream.ExtendedS3DestinationConfigurationProperty:
        hour = "!{timestamp:yyyy/MM/dd/HH}/"
        return CfnDeliveryStream.ExtendedS3DestinationConfigurationProperty(
            bucket_arn=self.bucket.bucket_arn,
            role_arn=self.role.role_arn,
            prefix=f"journal/{hour}",
            error_output_prefix=f"undelivered/!{{firehose:error-output-type}}/{hour}",
            buffering_hints=CfnDeliveryStream.BufferingHintsProperty(
                interval_in_seconds=BUFFER_SECONDS, size_in_m_bs=BUFFER_MB
            ),
            # An object is a run of records just as the journal wrote them, and is read so
            compression_format="UNCOMPRESSED",
            encryption_configuration=CfnDeliveryStream.EncryptionConfigurationProperty(
                kms_encryption_config=CfnDeliveryStream.KMSEncryptionConfigProperty(
                    awskms_key_arn=self.archive.key.key_arn
                )
            ),
            cloud_watch_logging_options=CfnDeliveryStream.CloudWatchLoggingOptionsProperty(
                enabled=True,
                log_group_name=self.log_group.log_group_name,
                log_stream_name=self.log_stream.log_stream_name,
            ),
        )
