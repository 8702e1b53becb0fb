"""The console of a local AWS: beside all its services, and with the replay that is deployed."""

from __future__ import annotations

import http.client
import json
import stat
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from qldbkit.driver import qldb_driver
from qldbkit.local.aws import LocalAws, free_port
from qldbkit.local.console import local_console_url
from qldbkit.local.deployment import STREAM_STACK
from qldbkit.local.settings import LocalSettings
from qldbkit.replay.buffer_dynamodb import DynamoDbBuffer
from qldbkit.replay.fragments import QuarantinedRecord
from qldbkit.replay.ledger_destination import LedgerDestination

LEDGER = {
    "Type": "AWS::QLDB::Ledger",
    "Properties": {"PermissionsMode": "STANDARD", "DeletionProtection": False},
}
BUFFER = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "TableName": "Buffer",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
        ],
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    },
}
STACK = {
    "Resources": {
        "Source": {**LEDGER, "Properties": {**LEDGER["Properties"], "Name": "Source"}},
        "Copy": {**LEDGER, "Properties": {**LEDGER["Properties"], "Name": "Copy"}},
        "Buffer": BUFFER,
    },
    "Outputs": {
        "SourceLedgerName": {"Value": "Source"},
        "DestinationLedgerName": {"Value": "Copy"},
        "BufferTableName": {"Value": "Buffer"},
    },
}
"""What a console needs of the stream stack."""


class Local:
    """A local AWS, its clients, and its console."""

    def __init__(self, settings: LocalSettings) -> None:
        self.settings = settings
        self.session = boto3.Session(
            aws_access_key_id=settings.account,
            aws_secret_access_key="local",
            region_name=settings.region,
        )

    def client(self, service: str) -> Any:
        return self.session.client(service, endpoint_url=self.settings.endpoint_url)

    def driver(self, ledger: str) -> Any:
        return qldb_driver(
            ledger,
            endpoint_url=self.settings.endpoint_url,
            region=self.settings.region,
            session=self.session,
        )

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.settings.port, timeout=30)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def look(self, path: str) -> Any:
        token = str(local_console_url(self.settings)).partition("#token=")[2]
        status, found = self.get(f"/console/data/{path}", **{"x-console-token": token})
        assert status == 200, found
        return json.loads(found)

    def until_seen(self, holds: Any, seconds: float = 20.0) -> Any:
        deadline = time.monotonic() + seconds
        while not holds(found := self.look("replay")):
            assert time.monotonic() < deadline, found
            time.sleep(0.3)
        return found


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    folder = tmp_path_factory.mktemp("console") / "local"
    settings = LocalSettings(folder=folder, port=free_port())
    with LocalAws(settings):
        yield Local(settings)
    assert not settings.console_file.exists()


def test_only_its_owner_reads_the_token_that_opens_it(local: Local) -> None:
    assert stat.S_IMODE(local.settings.console_file.stat().st_mode) == 0o600
    assert local.look("about") == {"writable": False, "replay": True}
    status, page = local.get("/console/")
    assert (status, b"<title>" in page) == (200, True)


def test_a_bucket_may_have_the_consoles_name(local: Local) -> None:
    s3 = local.client("s3")
    s3.create_bucket(Bucket="console")
    s3.put_object(Bucket="console", Key="main.js", Body=b"an object")
    assert s3.get_object(Bucket="console", Key="main.js")["Body"].read() == b"an object"
    signed = s3.generate_presigned_url("get_object", {"Bucket": "console", "Key": "main.js"})
    path = signed.removeprefix(local.settings.endpoint_url)
    assert local.get(path) == (200, b"an object")


@pytest.mark.parametrize("path", ["/", "/console/", "/ledgers", "/bucket", "/_ministack/health"])
@pytest.mark.parametrize(
    "headers", [{"host": "rebound.example"}, {"origin": "https://site.example"}]
)
def test_no_page_of_another_site_reaches_any_service(
    local: Local, path: str, headers: dict[str, str]
) -> None:
    status, found = local.get(path, **headers)
    assert status == 403
    assert b"example" in found


def test_the_replay_is_seen_once_it_is_deployed_and_looking_changes_nothing(local: Local) -> None:
    before = local.look("replay")
    assert before["status"] is None
    assert STREAM_STACK in before["unknown"]
    assert "cdk deploy" in before["hint"]

    formation = local.client("cloudformation")
    formation.create_stack(StackName=STREAM_STACK, TemplateBody=json.dumps(STACK))
    waiter = formation.get_waiter("stack_create_complete")
    waiter.wait(StackName=STREAM_STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    with local.driver("Source") as source:
        source.execute_lambda(lambda txn: txn.execute_statement("CREATE TABLE Car"))
    with local.driver("Copy") as copy:
        LedgerDestination(copy).checkpoint("BlFTjlSXze9BIh1KOszcE3")
    buffer = DynamoDbBuffer(local.client("dynamodb"), "Buffer", gap_retention=1000.0)
    buffer.quarantine([QuarantinedRecord("shard 1", "damaged", b"bytes", time.time())])

    found = local.until_seen(lambda seen: seen["status"] is not None)
    (strand,) = found["status"]["strands"]
    assert (strand["applied"], strand["blocks_behind"]) == (-1, 2)
    assert [each["reason"] for each in found["quarantine"]] == ["damaged"]

    blocks = local.look("ledgers/Copy")["blocks"]
    seen = len(found["samples"])
    found = local.until_seen(lambda each: len(each["samples"]) >= seen + 2)
    assert local.look("ledgers/Copy")["blocks"] == blocks
