"""The bucket that keeps the journal."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.acknowledged import acknowledge, acknowledge_wildcard, reported_arn
from stacks.settings import Settings

INFREQUENT_AFTER = Duration.days(30)
GLACIER_AFTER = Duration.days(90)
KEEP_OVERWRITTEN = Duration.days(90)
ABANDONED_UPLOAD = Duration.days(7)

_REMOVAL = {"retain": RemovalPolicy.RETAIN, "destroy": RemovalPolicy.DESTROY}


class ArchiveBucket(Construct):
    """An encrypted, versioned bucket that outlives its stack unless the settings say otherwise."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        removal = _REMOVAL[settings.removal_policy]
        # The key stays as long as the bucket: without it the archive cannot be read
        self.key = kms.Key(
            self,
            "Key",
            alias=f"alias/{settings.s3_kms_alias}",
            description="The archived journal",
            enable_key_rotation=True,
            removal_policy=removal,
        )
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[_lifecycle()],
            removal_policy=removal,
            auto_delete_objects=removal is RemovalPolicy.DESTROY,
        )
        acknowledge(
            self.bucket,
            "AwsSolutions-S1",
            "Who reads the archive is recorded by CloudTrail's data events, where an account"
            " wants it. Server access logs cannot be encrypted with the customer's key.",
        )

    def allow_writing(self, role: iam.Role) -> None:
        """Let a role add objects: not read or delete them."""
        for actions, resource in (
            (_BUCKET_ACTIONS, self.bucket.bucket_arn),
            (_OBJECT_ACTIONS, self.bucket.arn_for_objects("*")),
            (["kms:GenerateDataKey", "kms:Decrypt"], self.key.key_arn),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
        acknowledge_wildcard(
            role,
            f"{reported_arn(self.bucket)}/*",
            "Firehose names the objects as it makes them; the bucket holds nothing else.",
        )


_BUCKET_ACTIONS = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
_OBJECT_ACTIONS = ["s3:AbortMultipartUpload", "s3:PutObject"]


def _lifecycle() -> s3.LifecycleRule:
    return s3.LifecycleRule(
        abort_incomplete_multipart_upload_after=ABANDONED_UPLOAD,
        noncurrent_version_expiration=KEEP_OVERWRITTEN,
        transitions=[
            s3.Transition(
                storage_class=s3.StorageClass.INFREQUENT_ACCESS, transition_after=INFREQUENT_AFTER
            ),
            s3.Transition(
                storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
                transition_after=GLACIER_AFTER,
            ),
        ],
    )
