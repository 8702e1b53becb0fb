"""QLDB's CloudFormation types as calls of its API: here botocore's stubber plays the service."""

import boto3
import pytest
from botocore.stub import ANY, Stubber

from qldbkit.local.resources import (
    LedgerResource,
    ResourceNotReadyError,
    StreamResource,
    Waiting,
    as_bool,
    generated_name,
)

WAITING = Waiting(timeout=0.05, interval=0.01)
ARN = "arn:aws:qldb:us-east-1:000000000000:ledger/Blog"
STREAM_ID = "7ISClqy7BR2Lk0sYFxVCBn"
STREAM_ARN = f"arn:aws:qldb:us-east-1:000000000000:stream/Blog/{STREAM_ID}"
KINESIS_ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/journal"
ROLE_ARN = "arn:aws:iam::000000000000:role/journal"
STREAM = {
    "LedgerName": "Blog",
    "StreamName": "journal",
    "RoleArn": ROLE_ARN,
    "InclusiveStartTime": "2020-01-01T00:00:00Z",
    "KinesisConfiguration": {"StreamArn": KINESIS_ARN, "AggregationEnabled": "true"},
}


@pytest.fixture
def qldb():
    client = boto3.client(
        "qldb", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def described(status: str) -> dict:
    return {
        "Stream": {
            "LedgerName": "Blog",
            "RoleArn": ROLE_ARN,
            "StreamId": STREAM_ID,
            "Arn": STREAM_ARN,
            "Status": status,
            "KinesisConfiguration": {"StreamArn": KINESIS_ARN},
            "StreamName": "journal",
        }
    }


def test_a_ledger_is_made_as_declared_and_waited_for(qldb):
    client, stubber = qldb
    stubber.add_response(
        "create_ledger",
        {"Name": "Blog"},
        {
            "Name": "Blog",
            "PermissionsMode": "STANDARD",
            "DeletionProtection": False,
            "Tags": {"team": "cars"},
        },
    )
    stubber.add_response("describe_ledger", {"State": "CREATING"}, {"Name": "Blog"})
    stubber.add_response("describe_ledger", {"State": "ACTIVE"}, {"Name": "Blog"})
    made = LedgerResource(client, WAITING).create(
        "Ledger",
        {
            "Name": "Blog",
            "PermissionsMode": "STANDARD",
            "DeletionProtection": False,
            "Tags": [{"Key": "team", "Value": "cars"}],
        },
        "Stack",
    )
    assert made == ("Blog", {})


def test_a_ledger_is_protected_unless_the_template_says_otherwise(qldb):
    client, stubber = qldb
    stubber.add_response(
        "create_ledger",
        {},
        {
            "Name": "Stack-Ledger",
            "PermissionsMode": "ALLOW_ALL",
            "DeletionProtection": True,
            "Tags": {},
        },
    )
    stubber.add_response("describe_ledger", {"State": "ACTIVE"})
    resource = LedgerResource(client, WAITING)
    assert resource.create("Ledger", {"PermissionsMode": "ALLOW_ALL"}, "Stack")[0] == "Stack-Ledger"


def test_a_ledger_that_never_becomes_active_fails_the_stack(qldb):
    client, stubber = qldb
    stubber.add_response("create_ledger", {})
    for _ in range(50):
        stubber.add_response("describe_ledger", {"State": "CREATING"})
    with pytest.raises(ResourceNotReadyError, match="not active"):
        LedgerResource(client, WAITING).create(
            "Ledger", {"Name": "Blog", "PermissionsMode": "STANDARD"}, "Stack"
        )
    stubber._queue.clear()


def test_an_update_changes_what_differs(qldb):
    client, stubber = qldb
    stubber.add_response("update_ledger", {}, {"Name": "Blog", "DeletionProtection": True})
    stubber.add_response(
        "update_ledger_permissions_mode", {}, {"Name": "Blog", "PermissionsMode": "STANDARD"}
    )
    stubber.add_response("describe_ledger", {"Arn": ARN})
    stubber.add_response("untag_resource", {}, {"ResourceArn": ARN, "TagKeys": ["old"]})
    stubber.add_response("tag_resource", {}, {"ResourceArn": ARN, "Tags": {"new": "1"}})
    old = {
        "PermissionsMode": "ALLOW_ALL",
        "DeletionProtection": False,
        "Tags": [{"Key": "old", "Value": "1"}],
    }
    new = {"PermissionsMode": "STANDARD", "Tags": [{"Key": "new", "Value": "1"}]}
    assert LedgerResource(client, WAITING).update("Blog", old, new, "Stack") == ("Blog", {})


def test_deleting_a_ledger_waits_until_it_is_gone(qldb):
    client, stubber = qldb
    stubber.add_response("describe_ledger", {"State": "ACTIVE"})
    stubber.add_response("delete_ledger", {}, {"Name": "Blog"})
    stubber.add_response("describe_ledger", {"State": "DELETING"})
    stubber.add_client_error("describe_ledger", "ResourceNotFoundException")
    LedgerResource(client, WAITING).delete("Blog", {})


def test_a_ledger_or_stream_that_is_gone_already_is_deleted(qldb):
    client, stubber = qldb
    stubber.add_client_error("describe_ledger", "ResourceNotFoundException")
    LedgerResource(client, WAITING).delete("Blog", {})
    stubber.add_client_error("describe_journal_kinesis_stream", "ResourceNotFoundException")
    StreamResource(client, WAITING).delete(f"Blog|{STREAM_ID}", {})


def test_a_stream_is_started_as_declared(qldb):
    client, stubber = qldb
    stubber.add_response(
        "stream_journal_to_kinesis",
        {"StreamId": STREAM_ID},
        {
            "LedgerName": "Blog",
            "StreamName": "journal",
            "RoleArn": ROLE_ARN,
            "InclusiveStartTime": ANY,
            "KinesisConfiguration": {"StreamArn": KINESIS_ARN, "AggregationEnabled": True},
            "Tags": {},
        },
    )
    stubber.add_response("describe_journal_kinesis_stream", described("ACTIVE"))
    made = StreamResource(client, WAITING).create("Stream", STREAM, "Stack")
    assert made == (f"Blog|{STREAM_ID}", {"Arn": STREAM_ARN, "Id": STREAM_ID})


def test_deleting_a_stream_cancels_it_and_waits_for_its_end(qldb):
    client, stubber = qldb
    stubber.add_response("describe_journal_kinesis_stream", described("ACTIVE"))
    stubber.add_response(
        "cancel_journal_kinesis_stream",
        {"StreamId": STREAM_ID},
        {"LedgerName": "Blog", "StreamId": STREAM_ID},
    )
    stubber.add_response("describe_journal_kinesis_stream", described("ACTIVE"))
    stubber.add_response("describe_journal_kinesis_stream", described("CANCELED"))
    StreamResource(client, WAITING).delete(f"Blog|{STREAM_ID}", STREAM)


def test_a_stream_that_has_ended_is_not_cancelled_again(qldb):
    client, stubber = qldb
    stubber.add_response("describe_journal_kinesis_stream", described("COMPLETED"))
    StreamResource(client, WAITING).delete(f"Blog|{STREAM_ID}", STREAM)


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), ("true", True), (False, False), ("false", False)]
)
def test_booleans_may_be_text(value, expected):
    assert as_bool(value) is expected


def test_a_generated_name_is_one_that_qldb_takes():
    assert generated_name("S", "L") == "S-L"
    assert len(generated_name("A" * 40, "L")) == 32
    assert not generated_name("A" * 31, "L").endswith("-")
