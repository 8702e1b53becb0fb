"""The bucket that keeps the bytes of records that cannot be replayed."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.acknowledged import acknowledge, acknowledge_wildcard, reported_arn
from stacks.settings import Settings

KEEP_PAYLOADS = Duration.days(365)  # as long as a stream can keep what they came from
KEEP_OVERWRITTEN = Duration.days(90)
ABANDONED_UPLOAD = Duration.days(7)

_REMOVAL = {"retain": RemovalPolicy.RETAIN, "destroy": RemovalPolicy.DESTROY}


class QuarantineBucket(Construct):
    """An encrypted, versioned bucket. What an operator discards stays in it until it expires."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, key: kms.IKey) -> None:
        super().__init__(scope, id)
        removal = _REMOVAL[settings.removal_policy]
        self.key = key
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    abort_incomplete_multipart_upload_after=ABANDONED_UPLOAD,
                    expiration=KEEP_PAYLOADS,
                    noncurrent_version_expiration=KEEP_OVERWRITTEN,
                )
            ],
            removal_policy=removal,
            auto_delete_objects=removal is RemovalPolicy.DESTROY,
        )
        acknowledge(
            self.bucket,
            "AwsSolutions-S1",
            "Who reads quarantined records is recorded by CloudTrail's data events, where an"
            " account wants it. Server access logs cannot be encrypted with the customer's key.",
        )

    def allow_adding(self, role: iam.Role) -> None:
        """Let a role put payloads there: not read or delete them."""
        objects = self.bucket.arn_for_objects("quarantine/*")
        role.add_to_policy(iam.PolicyStatement(actions=["s3:PutObject"], resources=[objects]))
        role.add_to_policy(
            iam.PolicyStatement(actions=["kms:GenerateDataKey"], resources=[self.key.key_arn])
        )
        acknowledge_wildcard(
            role,
            f"{reported_arn(self.bucket)}/quarantine/*",
            "An object is named after the record that it holds, which nobody knows before.",
        )
