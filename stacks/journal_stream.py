"""The ledger's journal on its way: a Kinesis stream, and the QLDB stream that writes to it."""

from __future__ import annotations

import hashlib

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_qldb as qldb
from constructs import Construct

from stacks.acknowledged import acknowledge
from stacks.ledgers import SHUT_DOWN, SHUT_DOWN_RULE
from stacks.settings import Settings


class JournalStream(Construct):
    """Every block of the source ledger, from the start time on, in Kinesis."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        self.key = kms.Key(
            self,
            "Key",
            alias=f"alias/{settings.kds_kms_alias}",
            description="The journal on its way: its stream and the settling buffer",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.stream = kinesis.Stream(
            self,
            "Stream",
            stream_mode=kinesis.StreamMode.PROVISIONED,
            shard_count=settings.shard_count,
            retention_period=Duration.hours(settings.retention_hours),
            encryption=kinesis.StreamEncryption.KMS,
            encryption_key=self.key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(
            self.stream,
            "AwsSolutions-KDS3",
            "The stream is encrypted with a key that its owner controls and rotates, on purpose.",
        )
        self.journal = self._journal(settings, self._publisher(settings))

    def _publisher(self, settings: Settings) -> iam.Role:
        stack = Stack.of(self)
        streams_of_ledger = stack.format_arn(
            service="qldb",
            resource="stream",
            resource_name=f"{settings.qldb_ledger_name}/*",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        only_our_ledger = {
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": streams_of_ledger},
        }
        role = iam.Role(
            self,
            "PublisherRole",
            description="QLDB writes the journal of one ledger to one Kinesis stream",
            assumed_by=iam.ServicePrincipal("qldb.amazonaws.com", conditions=only_our_ledger),
        )
        self.stream.grant(
            role,
            *("kinesis:PutRecord", "kinesis:PutRecords"),
            *("kinesis:DescribeStream", "kinesis:ListShards"),
        )
        self.key.grant(role, "kms:GenerateDataKey")
        return role

    def _journal(self, settings: Settings, publisher: iam.Role) -> qldb.CfnStream:
        # QLDB refuses two active streams of one name on a ledger, and CloudFormation replaces a
        # stream by creating the new one first: so another start makes another name.
        start = hashlib.sha256(settings.inclusive_start_time.encode()).hexdigest()[:8]
        journal = qldb.CfnStream(
            self,
            "Journal",
            ledger_name=settings.qldb_ledger_name,
            stream_name=f"replication-{start}",
            inclusive_start_time=settings.inclusive_start_time,
            role_arn=publisher.role_arn,
            kinesis_configuration=qldb.CfnStream.KinesisConfigurationProperty(
                stream_arn=self.stream.stream_arn, aggregation_enabled=True
            ),
        )
        journal.node.add_dependency(publisher)
        acknowledge(journal, SHUT_DOWN_RULE, SHUT_DOWN)
        return journal
