"""Requests are held against QLDB's own service models before anything else sees them."""

from datetime import UTC, datetime

import boto3
import pytest

from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.service_model import (
    RequestRefusedError,
    control_plane_model,
    send_command,
)


def members_of(method, path, query=""):
    routed = control_plane_model().route(method, path, query)
    return routed.operation.name, routed.members


def test_every_operation_of_the_model_is_found_by_its_own_path():
    client = boto3.client(
        "qldb",
        region_name="us-east-1",
        endpoint_url="http://localhost:1",
        aws_access_key_id="x",
        aws_secret_access_key="y",
    )
    model = client.meta.service_model
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = http["requestUri"].replace("{", "").replace("}", "")
        assert members_of(http["method"], path)[0] == name


def test_labels_and_query_arguments_become_members():
    arn = "arn%3Aaws%3Aqldb%3Aus-east-1%3A000000000000%3Aledger%2Forders"
    assert members_of("DELETE", f"/tags/{arn}", "tagKeys=a&tagKeys=b%20c") == (
        "UntagResource",
        {
            "ResourceArn": "arn:aws:qldb:us-east-1:000000000000:ledger/orders",
            "TagKeys": ["a", "b c"],
        },
    )
    assert members_of("GET", "/ledgers", "max_results=7&next_token=abcd") == (
        "ListLedgers",
        {"MaxResults": 7, "NextToken": "abcd"},
    )


def test_an_arn_whose_slash_is_not_encoded_is_understood():
    assert members_of("GET", "/tags/arn:aws:qldb:r:1:ledger/orders")[1] == {
        "ResourceArn": "arn:aws:qldb:r:1:ledger/orders"
    }


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("PUT", "/ledgers"), ("GET", "/ledgers/a/b"), ("GET", "//")]
)
def test_what_is_no_operation_is_not_routed(method, path):
    assert control_plane_model().route(method, path, "") is None


def checked(operation, members):
    return control_plane_model().operations[operation].request(members)


def refusal(operation, members):
    with pytest.raises(RequestRefusedError) as caught:
        checked(operation, members)
    return str(caught.value)


STREAM = {
    "LedgerName": "orders",
    "RoleArn": "arn:aws:iam::000000000000:role/stream",
    "InclusiveStartTime": 1577836800,
    "KinesisConfiguration": {"StreamArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s"},
    "StreamName": "orders-stream",
}


def test_times_are_taken_as_numbers_and_as_text():
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    assert checked("StreamJournalToKinesis", STREAM)["InclusiveStartTime"] == moment
    text = STREAM | {"InclusiveStartTime": "2020-01-01T01:00:00+01:00"}
    assert checked("StreamJournalToKinesis", text)["InclusiveStartTime"] == moment


@pytest.mark.parametrize("time", ["soon", True, 1e300, float("nan"), float("inf"), [], {}])
def test_what_is_no_time_is_refused(time):
    sentence = refusal("StreamJournalToKinesis", STREAM | {"InclusiveStartTime": time})
    assert "Value at 'InclusiveStartTime'" in sentence


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "length greater than or equal to 1"),
        ("a" * 33, "length less than or equal to 32"),
        ("a--b", "regular expression"),
        ("12", "regular expression"),
        ("-a", "regular expression"),
        ("a\n", "regular expression"),
        ("ä", "regular expression"),
        (7, "Member must be a string"),
        ("\ud800", "valid Unicode"),
        (None, "must not be null"),
    ],
)
def test_an_illegal_ledger_name_is_refused_with_the_constraint(name, reason):
    assert reason in refusal("CreateLedger", {"Name": name, "PermissionsMode": "STANDARD"})


def test_every_problem_is_named_at_once():
    sentence = refusal("CreateLedger", {"PermissionsMode": "SOME", "DeletionProtection": "no"})
    assert sentence.startswith("3 validation errors detected")
    assert "[ALLOW_ALL, STANDARD]" in sentence
    assert "Value at 'DeletionProtection'" in sentence
    assert "Value at 'Name'" in sentence


def test_a_member_of_a_nested_structure_is_named_by_its_path():
    bucket = {"Bucket": "a b", "Prefix": "p", "EncryptionConfiguration": {}}
    sentence = refusal(
        "ExportJournalToS3",
        {
            "Name": "orders",
            "InclusiveStartTime": 0,
            "ExclusiveEndTime": 1,
            "S3ExportConfiguration": bucket,
            "RoleArn": STREAM["RoleArn"],
        },
    )
    assert "S3ExportConfiguration.Bucket" in sentence
    assert "S3ExportConfiguration.EncryptionConfiguration.ObjectEncryptionType" in sentence


def test_unknown_members_are_passed_over_as_aws_does():
    assert checked("DescribeLedger", {"Name": "orders", "Colour": "red"}) == {"Name": "orders"}


def test_blobs_of_the_session_api_are_decoded():
    members = send_command().request(
        {
            "SessionToken": "abcd",
            "ExecuteStatement": {
                "TransactionId": "a" * 22,
                "Statement": "SELECT 1",
                "Parameters": [{"IonBinary": "4AEA6iEB"}, {"IonText": "1"}],
            },
        }
    )
    assert members["ExecuteStatement"]["Parameters"] == [
        {"IonBinary": b"\xe0\x01\x00\xea\x21\x01"},
        {"IonText": "1"},
    ]


@pytest.mark.parametrize("blob", ["4AEA6iE", "4AEA 6iEB", "ä", 5, ["4AEA"]])
def test_what_is_no_base64_is_refused(blob):
    with pytest.raises(RequestRefusedError, match="base64"):
        send_command().request(
            {"CommitTransaction": {"TransactionId": "a" * 22, "CommitDigest": blob}}
        )


def test_a_value_is_never_repeated_in_the_refusal():
    with pytest.raises(RequestRefusedError) as caught:
        send_command().request(
            {"ExecuteStatement": {"TransactionId": "secret", "Statement": "x" * 100_001}}
        )
    assert "secret" not in str(caught.value)
    assert "xxx" not in str(caught.value)


def test_every_operation_of_the_model_has_a_handler(tmp_path):
    service = LedgerService(tmp_path)
    try:
        assert service.operations == frozenset(control_plane_model().operations)
    finally:
        service.close()
