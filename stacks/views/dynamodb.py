"""The table of the DynamoDB view. ``docs/views-dynamodb.md`` says what its items are."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.function import Network
from stacks.settings import Settings

_REMOVAL = {"retain": RemovalPolicy.RETAIN, "destroy": RemovalPolicy.DESTROY}


class DynamoDbStore(Construct):
    """A table on demand, encrypted with a key of its owner, that can be taken back in time."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        removal = _REMOVAL[settings.removal_policy]
        # The key stays as long as the table: without it the table cannot be read
        self.key = kms.Key(
            self,
            "Key",
            description="The view of the journal in DynamoDB",
            enable_key_rotation=True,
            removal_policy=removal,
        )
        text = dynamodb.AttributeType.STRING
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="pk", type=text),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=removal,
        )
        self.table.add_global_secondary_index(
            index_name="byTable",
            partition_key=dynamodb.Attribute(name="table", type=text),
            sort_key=dynamodb.Attribute(name="pk", type=text),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        self.url = f"dynamodb://{self.table.table_name}"
        self.environment: Mapping[str, str] = {}
        self.network: Network | None = None
        self.outputs: Mapping[str, str] = {"DynamoDbViewTableName": self.table.table_name}

    def allow_replay(self, role: iam.Role) -> None:
        """Let a role read items by their keys and write them: not scan, query or change the table.

        A transaction takes the permissions of what it is made up of.
        """
        role.add_to_policy(
            iam.PolicyStatement(actions=list(_ITEM_ACTIONS), resources=[self.table.table_arn])
        )
        self.key.grant(role, *_KEY_ACTIONS)


_ITEM_ACTIONS = (
    *("dynamodb:GetItem", "dynamodb:BatchGetItem"),
    *("dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:DescribeTable"),
)
# What DynamoDB does with the table's key in the name of who uses the table
_KEY_ACTIONS = (
    *("kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"),
    *("kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"),
    *("kms:ReEncryptFrom", "kms:ReEncryptTo"),
)
