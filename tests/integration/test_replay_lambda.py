"""The deployed functions' entry point, from a real journal stream to a real ledger.

Kinesis, DynamoDB and both ledgers are those of the local AWS, over HTTP.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from qldbkit.driver import control_client, qldb_driver
from qldbkit.local.aws import LocalAws, free_port
from qldbkit.local.settings import LocalSettings
from qldbkit.replay.compare import compare_ledgers
from qldbkit.replay.lambda_entry import Replayer

PATIENCE = 20.0
SETTLE_WINDOW = 0.5


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalSettings]:
    settings = LocalSettings(folder=tmp_path / "local", port=free_port())
    monkeypatch.setenv("AWS_ENDPOINT_URL", settings.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", settings.account)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_REGION", settings.region)
    monkeypatch.setenv("AWS_DEFAULT_REGION", settings.region)
    aws = LocalAws(settings)
    aws.start()
    try:
        yield settings
    finally:
        aws.stop()


def prepare(settings: LocalSettings) -> None:
    """Both ledgers, the source's stream, and the settling buffer's table."""
    qldb = control_client(settings.endpoint_url, settings.region)
    for name in ("Source", "Destination"):
        qldb.create_ledger(Name=name, PermissionsMode="STANDARD", DeletionProtection=False)
    kinesis = boto3.client("kinesis")
    kinesis.create_stream(StreamName="Journal", ShardCount=2)
    arn = kinesis.describe_stream(StreamName="Journal")["StreamDescription"]["StreamARN"]
    qldb.stream_journal_to_kinesis(
        LedgerName="Source",
        RoleArn=f"arn:aws:iam::{settings.account}:role/stream",
        InclusiveStartTime=0,
        KinesisConfiguration={"StreamArn": arn, "AggregationEnabled": True},
        StreamName="Journal",
    )
    boto3.client("dynamodb").create_table(
        TableName="Buffer",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
    )


def events() -> list[dict[str, Any]]:
    """Everything that is in the stream, one event for each Kinesis record."""
    kinesis, found = boto3.client("kinesis"), []
    for shard in kinesis.list_shards(StreamName="Journal")["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName="Journal", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        for each in kinesis.get_records(ShardIterator=iterator)["Records"]:
            body = {
                "partitionKey": each["PartitionKey"],
                "sequenceNumber": each["SequenceNumber"],
                "data": base64.b64encode(each["Data"]).decode(),
            }
            record = {"eventID": f"{shard['ShardId']}:{body['sequenceNumber']}", "kinesis": body}
            found.append({"Records": [record]})
    return found


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_a_stream_delivered_backwards_is_replayed_by_what_the_environment_describes(
    settings: LocalSettings,
) -> None:
    prepare(settings)
    where = {"endpoint_url": settings.endpoint_url, "region": settings.region}
    source, destination = (qldb_driver(each, **where) for each in ("Source", "Destination"))

    def run(statement: str, *parameters: Any) -> None:
        source.execute_lambda(
            lambda transaction: list(transaction.execute_statement(statement, *parameters))
        )

    run("CREATE TABLE Person")
    run("CREATE INDEX ON Person (k)")

    def insert_many(transaction: Any) -> None:
        for each in range(20):
            transaction.execute_statement("INSERT INTO Person ?", {"k": each, "text": "x" * 20_000})

    source.execute_lambda(insert_many)
    for each in range(12):
        run("UPDATE Person SET n = ? WHERE k = ?", each, each)
        run("SELECT * FROM Person WHERE k = ?", each)
    run("DELETE FROM Person WHERE k = ?", 3)
    environment = {
        "DESTINATION_LEDGER": "Destination",
        "BUFFER_TABLE": "Buffer",
        "STREAM_NAME": "Journal",
        "SETTLE_WINDOW_SECONDS": str(SETTLE_WINDOW),
        "LEDGER_ENDPOINT_URL": settings.endpoint_url,
        "AWS_REGION": settings.region,
    }
    replayers = [Replayer.from_environment(environment) for _ in range(2)]
    seen = 0

    def caught_up() -> bool:
        nonlocal seen
        new = events()[::-1]
        for number, event in enumerate(new if len(new) != seen else []):
            replayers[number % 2].handle(event)
        seen = len(new)
        replayers[0].drain()
        return compare_ledgers(source, destination).equal

    until(caught_up)
    items = boto3.client("dynamodb").scan(TableName="Buffer")["Items"]
    assert [each for each in items if each["pk"]["S"].startswith("block#")] == []
    assert [each["sk"]["S"] for each in items if each["pk"]["S"] == "strands"]
