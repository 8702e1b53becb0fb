"""A ledger that is killed at any instant delivers its whole journal all the same."""

import os
import random
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from qldbkit.driver import qldb_driver
from qldbkit.journal.integrity import verify_revision, verify_summary
from qldbkit.journal.kinesis import RecordPosition, deaggregate
from qldbkit.journal.records import BlockSummaryRecord, RevisionDetailsRecord, decode_record

SEED = int(os.environ.get("SEED", "1"))
KILLS = 8
SERVE = """
import sys
import threading
from pathlib import Path
from qldbkit.ledger.server import run_server
run_server(Path(sys.argv[1]), aws_endpoint_url=sys.argv[2],
           on_ready=lambda address: print(address, flush=True))
"""
KEYS = {"aws_access_key_id": "000000000000", "aws_secret_access_key": "local"}


class KilledServer:
    """A server in a process of its own."""

    def __init__(self, folder, aws):
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(folder), aws], stdout=subprocess.PIPE
        )
        self.address = self.process.stdout.readline().decode().strip()
        self.session = boto3.Session(region_name="us-east-1", **KEYS)

    @property
    def qldb(self):
        return self.session.client("qldb", endpoint_url=self.address)

    def driver(self):
        return qldb_driver(
            "orders", endpoint_url=self.address, region="us-east-1", session=self.session
        )

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def start(tmp_path, aws):
    running = []

    def start_():
        running.append(KilledServer(tmp_path / "ledgers", aws))
        return running[-1]

    yield start_
    for each in running:
        if each.process.poll() is None:
            each.kill()


@pytest.fixture
def target(kinesis):
    kinesis.create_stream(StreamName="killed", ShardCount=1)
    yield "arn:aws:kinesis:us-east-1:000000000000:stream/killed"
    kinesis.delete_stream(StreamName="killed")


def delivered(kinesis):
    shard = kinesis.list_shards(StreamName="killed")["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(
        StreamName="killed", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found = []
    while True:
        answer = kinesis.get_records(ShardIterator=iterator, Limit=1000)
        if not answer["Records"]:
            return [decode_record(each.data) for each in found]
        for each in answer["Records"]:
            position = RecordPosition(shard, each["SequenceNumber"])
            found += deaggregate(each["Data"], each["PartitionKey"], position)
        iterator = answer["NextShardIterator"]


def write_until_killed(server, chance, first):
    """Insert numbers one by one; those that were acknowledged before the server was killed.

    It is killed at any instant after some commits, whatever it does then.
    """
    timer = threading.Timer(chance.uniform(0, 0.05), server.kill)
    enough = chance.randint(2, 10)
    acknowledged, number = [], first
    try:
        with server.driver() as driver:
            while server.process.poll() is None:
                driver.execute_lambda(
                    lambda transaction, n=number: transaction.execute_statement(
                        "INSERT INTO Thing ?", {"n": n}
                    )
                )
                acknowledged.append(number)
                number += 1
                if len(acknowledged) == enough:
                    timer.start()
    except (ClientError, BotoCoreError, ValueError):
        pass  # ValueError: the driver gives a session back twice when its server has gone
    timer.join()
    return acknowledged


def test_every_acknowledged_commit_is_delivered(start, kinesis, target, until):
    chance = random.Random(SEED)
    server = start()
    server.qldb.create_ledger(Name="orders", PermissionsMode="STANDARD")
    with server.driver() as driver:
        driver.execute_lambda(
            lambda transaction: transaction.execute_statement("CREATE TABLE Thing")
        )
    server.qldb.stream_journal_to_kinesis(
        LedgerName="orders",
        StreamName="s",
        RoleArn="arn:aws:iam::000000000000:role/journal",
        InclusiveStartTime=datetime(2020, 1, 1, tzinfo=UTC),
        KinesisConfiguration={"StreamArn": target},
    )
    acknowledged = []
    for turn in range(KILLS):
        acknowledged += write_until_killed(server, chance, turn * 10_000)
        server = start()

    def all_delivered():
        records = delivered(kinesis)
        revisions = [each for each in records if isinstance(each, RevisionDetailsRecord)]
        numbers = {each.revision.data.fields()["n"].integer() for each in revisions}
        return records if numbers >= set(acknowledged) else None

    records = until(all_delivered, f"commits are missing (seed {SEED})")
    assert len(acknowledged) >= 2 * KILLS
    journalled = {}
    for record in records:
        if isinstance(record, BlockSummaryRecord):
            verify_summary(record.summary)
            number = record.summary.address.sequence_no
            seen = journalled.setdefault(number, record.summary.block_hash)
            assert seen == record.summary.block_hash, f"block {number} was rewritten (seed {SEED})"
        elif isinstance(record, RevisionDetailsRecord):
            verify_revision(record.revision)
    assert sorted(journalled) == list(range(min(journalled), max(journalled) + 1))
