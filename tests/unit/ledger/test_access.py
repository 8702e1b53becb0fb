"""With keys configured, only requests that carry a valid signature by one of them are answered."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from qldbkit.ledger.access import (
    AccessKey,
    Authenticator,
    KeyFileError,
    authorize,
    authorize_statement,
    ledger_of,
    load_keys,
    reads_only,
)
from qldbkit.ledger.clock import SystemClock
from qldbkit.ledger.errors import AccessDeniedError, ServiceError
from qldbkit.ledger.service_model import control_plane_model
from qldbkit.ledger.wire import HttpRequest

KEY = AccessKey("AKIDEXAMPLE0", "a secret that nobody knows")
REGION = "eu-west-1"


class StoppedClock:
    """A clock that shows what it is told."""

    def __init__(self, at):
        self.at = at

    def milliseconds(self):
        return int(self.at.timestamp() * 1000)

    def monotonic(self):
        return self.at.timestamp()


def signed(
    method="POST",
    path="/ledgers",
    query="",
    body=b'{"Name":"a"}',
    key=KEY,
    service="qldb",
    region=REGION,
    **headers,
):
    url = f"http://127.0.0.1:4566{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    SigV4Auth(Credentials(key.key_id, key.secret), service, region).add_auth(request)
    sent = {name.lower(): value for name, value in request.headers.items()}
    return HttpRequest(method, path, query, {"host": "127.0.0.1:4566"} | sent, body)


def key_of(request, clock=None):
    return Authenticator([KEY], REGION, clock or SystemClock()).key_of(request)


def refused(request, clock=None):
    with pytest.raises(ServiceError) as caught:
        key_of(request, clock)
    assert caught.value.http_status == 403
    return caught.value.name


@pytest.mark.parametrize(
    "request_",
    [
        signed(),
        signed("GET", "/ledgers", "max_results=5&next_token=a%2Bb%3D", b""),
        signed("GET", "/tags/arn%3Aaws%3Aqldb%3Aeu-west-1%3A1%3Aledger%2Fa", "", b""),
        signed(path="/", **{"X-Amz-Target": "QLDBSession.SendCommand"}),
    ],
)
def test_a_request_signed_as_aws_clients_sign_is_known(request_):
    assert key_of(request_) == KEY


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "PUT"},
        {"path": "/ledgers/other"},
        {"query": "max_results=5"},
        {"body": b'{"Name":"b"}'},
    ],
)
def test_a_request_that_was_changed_on_its_way_is_refused(changed):
    assert refused(replace(signed(), **changed)) == "InvalidSignatureException"


def test_a_body_that_does_not_match_its_signed_hash_is_refused():
    from hashlib import sha256

    body = b'{"Name":"a"}'
    request = signed(**{"X-Amz-Content-SHA256": sha256(body).hexdigest()})
    assert key_of(request) == KEY
    assert refused(replace(request, body=b'{"Name":"b"}')) == "InvalidSignatureException"


def test_an_amz_header_that_is_not_signed_is_refused():
    request = signed()
    added = request.headers | {"x-amz-target": "QLDBSession.SendCommand"}
    assert refused(replace(request, headers=added)) == "InvalidSignatureException"


def test_another_secret_key_or_scope_is_refused():
    assert refused(signed(key=AccessKey(KEY.key_id, "guessed"))) == "InvalidSignatureException"
    assert refused(signed(key=AccessKey("AKIDUNKNOWN0", KEY.secret))) == (
        "UnrecognizedClientException"
    )
    assert refused(signed(region="us-east-1")) == "InvalidSignatureException"
    assert refused(signed(service="s3")) == "InvalidSignatureException"


@pytest.mark.parametrize("text", ["", "Bearer x", "AWS4-HMAC-SHA256 Credential=a/b", "AWS4-HMAC"])
def test_a_request_without_a_signature_is_refused(text):
    request = signed()
    headers = {**request.headers, "authorization": text}
    assert refused(replace(request, headers=headers)) == "MissingAuthenticationTokenException"


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_signature_is_good_for_fifteen_minutes(minutes):
    at = datetime.fromtimestamp(datetime.now(UTC).timestamp() + 60 * minutes, UTC)
    assert refused(signed(), StoppedClock(at)) == "InvalidSignatureException"


def test_a_key_for_some_ledgers_opens_no_other_and_nothing_that_spans_them():
    key = replace(KEY, ledgers=frozenset({"orders"}))
    authorize(key, "DescribeLedger", "orders", reads=True)
    for ledger in ("invoices", None):
        with pytest.raises(AccessDeniedError, match="not authorized"):
            authorize(key, "ListLedgers", ledger, reads=True)


def test_a_key_for_reading_changes_nothing():
    key = replace(KEY, read_only=True)
    allowed = set()
    for operation in control_plane_model().operations:
        try:
            authorize(key, operation, "orders", reads=reads_only(operation))
        except AccessDeniedError:
            continue
        allowed.add(operation)
    assert allowed == {
        "DescribeLedger",
        "DescribeJournalKinesisStream",
        "DescribeJournalS3Export",
        "GetBlock",
        "GetDigest",
        "GetRevision",
        "ListJournalKinesisStreamsForLedger",
        "ListJournalS3Exports",
        "ListJournalS3ExportsForLedger",
        "ListLedgers",
        "ListTagsForResource",
    }


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO Person VALUE {'a': 1}",
        "UPDATE Person SET a = 1",
        "FROM Person AS p SET p.a = 1",
        "DELETE FROM Person",
        "CREATE TABLE Person",
        "CREATE INDEX ON Person (a)",
        "DROP TABLE Person",
        "EXEC REDACT_REVISION `{strandId:\"a\",sequenceNo:1}`, 'a', 'b'",
    ],
)
def test_a_key_for_reading_runs_no_statement_that_writes(statement):
    with pytest.raises(AccessDeniedError, match="may only read"):
        authorize_statement(replace(KEY, read_only=True), statement)


def test_a_key_for_reading_runs_queries():
    authorize_statement(replace(KEY, read_only=True), "SELECT * FROM history(Person) AS h")


@pytest.mark.parametrize(
    ("members", "ledger"),
    [
        ({"Name": "orders"}, "orders"),
        ({"LedgerName": "orders", "StreamId": "x"}, "orders"),
        ({"ResourceArn": "arn:aws:qldb:r:1:ledger/orders"}, "orders"),
        ({"ResourceArn": "arn:aws:qldb:r:1:stream/orders/x"}, "orders"),
        ({"ResourceArn": "arn:aws:qldb:r:1:ledger/orders/table/x"}, "orders"),
        ({"ResourceArn": "nothing"}, None),
        ({}, None),
    ],
)
def test_the_ledger_that_a_request_is_about_is_found(members, ledger):
    assert ledger_of(members) == ledger


def write(path, entries):
    path.write_text(json.dumps(entries))
    return path


def test_keys_are_read_from_a_file(tmp_path):
    entry = {"accessKeyId": "AKIDEXAMPLE0", "secretAccessKey": "0123456789abcdef"}
    limited = {**entry, "accessKeyId": "AKIDEXAMPLE1", "ledgers": ["orders"], "readOnly": True}
    assert load_keys(write(tmp_path / "keys.json", [entry, limited])) == [
        AccessKey("AKIDEXAMPLE0", "0123456789abcdef"),
        AccessKey("AKIDEXAMPLE1", "0123456789abcdef", frozenset({"orders"}), read_only=True),
    ]


@pytest.mark.parametrize(
    "entries",
    [
        {},
        [],
        [5],
        [{"accessKeyId": "AKIDEXAMPLE0"}],
        [{"accessKeyId": "AKIDEXAMPLE0", "secretAccessKey": "short"}],
        [{"accessKeyId": "!", "secretAccessKey": "0123456789abcdef"}],
        [{"accessKeyId": "AKIDEXAMPLE0", "secretAccessKey": "0123456789abcdef", "x": 1}],
        [{"accessKeyId": "AKIDEXAMPLE0", "secretAccessKey": "0123456789abcdef", "ledgers": "a"}],
        [{"accessKeyId": "AKIDEXAMPLE0", "secretAccessKey": "0123456789abcdef", "readOnly": 1}],
        [{"accessKeyId": "AKIDEXAMPLE0", "secretAccessKey": "0123456789abcdef"}] * 2,
    ],
)
def test_a_file_that_holds_no_keys_is_refused_without_their_secrets(tmp_path, entries):
    with pytest.raises(KeyFileError) as caught:
        load_keys(write(tmp_path / "keys.json", entries))
    assert "0123456789abcdef" not in str(caught.value)


def test_a_secret_is_never_shown():
    assert KEY.secret not in repr(KEY)
