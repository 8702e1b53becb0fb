"""The table of the DynamoDB view, and what its functions may do with it."""

from __future__ import annotations

import re

import pytest
from aws_cdk.assertions import Match, Template

VIEW = "ViewsDynamoDb"


@pytest.fixture(scope="module")
def template(lay_out) -> Template:
    return lay_out(views="dynamodb").stream_template


def test_the_table_is_on_demand_encrypted_and_can_be_taken_back_in_time(
    template: Template,
) -> None:
    template.has_resource_properties(
        "AWS::DynamoDB::Table",
        {
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "SSESpecification": {
                "SSEEnabled": True,
                "SSEType": "KMS",
                "KMSMasterKeyId": {
                    "Fn::GetAtt": [Match.string_like_regexp(f"^{VIEW}StoreKey"), "Arn"]
                },
            },
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "byTable",
                    "KeySchema": [
                        {"AttributeName": "table", "KeyType": "HASH"},
                        {"AttributeName": "pk", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        },
    )


def test_the_view_outlives_its_stack_with_its_key_unless_it_is_to_be_destroyed(
    lay_out, template: Template
) -> None:
    def policies(of: Template) -> set[str]:
        kinds = ("AWS::DynamoDB::Table", "AWS::KMS::Key")
        found = {name: each for kind in kinds for name, each in of.find_resources(kind).items()}
        return {
            each["DeletionPolicy"]
            for name, each in found.items()
            if name.startswith(f"{VIEW}Store")
        }

    assert policies(template) == {"Retain"}
    assert policies(lay_out(views="dynamodb", removalPolicy="destroy").stream_template) == {
        "Delete"
    }


@pytest.mark.parametrize("function", ["OnBatch", "OnClock"])
def test_a_function_reads_and_writes_items_and_nothing_more(
    template: Template, permissions_of, function: str
) -> None:
    granted = permissions_of(template, f"{VIEW}Replay{function}Role")
    (actions,) = (each for name, each in granted.items() if f"{VIEW}StoreTable" in name)
    assert actions == {
        *("dynamodb:GetItem", "dynamodb:BatchGetItem"),
        *("dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:DescribeTable"),
    }
    assert not any("qldb" in action for actions in granted.values() for action in actions)
    assert not any(re.search(r"\*$", name) for name in granted if "quarantine/" not in name)
