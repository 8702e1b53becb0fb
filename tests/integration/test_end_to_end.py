"""The main job on the deployed stacks, and what may happen to it while it runs.

Both stacks are deployed once, with the real CDK command line, to a local AWS. Every test leaves the
destination equal to the source.
"""

import base64
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest

from qldbkit.journal.kinesis import RecordPosition, deaggregate, user_records
from qldbkit.journal.records import BlockSummaryRecord, RevisionDetailsRecord, decode_record
from qldbkit.local.aws import LocalAws, free_port
from qldbkit.local.catching_up import wait_until_equal
from qldbkit.local.deployment import DB_STACK, STREAM_STACK, Deployment
from qldbkit.local.dmv import DmvSample
from qldbkit.local.settings import LocalSettings
from qldbkit.local.summary import journal_summary
from qldbkit.replay.compare import SourceLedger, compare, compare_ledgers
from qldbkit.replay.views.dynamodb.destination import DynamoDbView

CATCH_UP_SECONDS = 90
KILLS = 8


class Replication:
    """The deployed stacks on their local AWS, from a user's side."""

    def __init__(self, folder: Path):
        self.settings = LocalSettings(folder=folder, port=free_port())
        self.aws = LocalAws(self.settings)
        self.deployment = Deployment(self.settings, {"views": "dynamodb"})

    def __enter__(self):
        self.aws.start()
        self.deployment.synthesise(print)
        self.deployment.bootstrap(print)
        self.deployment.deploy(DB_STACK, print)
        self.deployment.deploy(STREAM_STACK, print)
        self.names = self.deployment.names()
        return self

    def __exit__(self, *_error):
        self.aws.stop()

    def source(self):
        return self.deployment.driver(self.names.source_ledger)

    def compare(self):
        with (
            self.source() as source,
            self.deployment.driver(self.names.destination_ledger) as destination,
        ):
            return compare_ledgers(source, destination)

    def assert_catches_up(self):
        """Wait until both ledgers are equal and show what differs if they do not become so.

        The function that the clock calls every minute is called more often here.
        """
        comparison = wait_until_equal(self.drained, lambda _text: None, CATCH_UP_SECONDS)
        differences = [str(difference) for difference in comparison.differences[:10]]
        assert comparison.equal, f"{differences}\n{self.aws.log_tail(40)}"
        return comparison

    def drained(self):
        self.deployment.client("lambda").invoke(FunctionName=self.names.drain_function)
        return self.compare()

    def view_compared(self):
        outputs = self.stream_outputs()
        view = DynamoDbView(self.deployment.client("dynamodb"), outputs["DynamoDbViewTableName"])
        with self.source() as source:
            return compare(SourceLedger(source), view)

    def view_drained(self):
        function = self.stream_outputs()["DynamoDbViewDrainFunctionName"]
        self.deployment.client("lambda").invoke(FunctionName=function)
        return self.view_compared()

    def stream_outputs(self):
        cloudformation = self.deployment.client("cloudformation")
        (stack,) = cloudformation.describe_stacks(StackName=STREAM_STACK)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def records(self):
        """Every record of the Kinesis stream, as Lambda's event has them."""
        kinesis = self.deployment.client("kinesis")
        stream = kinesis.describe_stream(StreamName=self.names.stream)["StreamDescription"]
        (shard,) = stream["Shards"]
        iterator = kinesis.get_shard_iterator(
            StreamName=self.names.stream,
            ShardId=shard["ShardId"],
            ShardIteratorType="TRIM_HORIZON",
        )["ShardIterator"]
        records = []
        while answer := kinesis.get_records(ShardIterator=iterator):
            records += answer["Records"]
            iterator = answer["NextShardIterator"]
            if not answer["Records"]:
                break
        return [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record["PartitionKey"],
                    "sequenceNumber": record["SequenceNumber"],
                    "data": base64.b64encode(record["Data"]).decode(),
                    "approximateArrivalTimestamp": record[
                        "ApproximateArrivalTimestamp"
                    ].timestamp(),
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{shard['ShardId']}:{record['SequenceNumber']}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::000000000000:role/replay",
                "awsRegion": self.settings.region,
                "eventSourceARN": stream["StreamARN"],
            }
            for record in records
        ]

    def invoke_replay(self, records):
        answer = self.deployment.client("lambda").invoke(
            FunctionName=self.names.replay_function,
            Payload=json.dumps({"Records": records}).encode(),
        )
        payload = answer["Payload"].read()
        assert "FunctionError" not in answer, payload
        return json.loads(payload)

    def qldbkit(self, *command, code=0):
        """What a command prints that is given nothing but the environment of the local AWS."""
        environment = {**os.environ, **self.deployment.cdk.environment, "NO_COLOR": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "qldbkit.cli", *command],
            env=environment,
            capture_output=True,
            check=False,
            timeout=CATCH_UP_SECONDS,
        )
        assert done.returncode == code, done.stderr.decode()
        return done.stdout

    def destination_revisions(self):
        """How many revisions the destination's tables have, the map of documents included.

        The checkpoint moves with every block of the source, also with those of the reads by which
        the ledgers are compared here.
        """
        with self.deployment.driver(self.names.destination_ledger) as destination:
            tables = [name for name in destination.list_tables() if "checkpoint" not in name]
            journal = journal_summary(
                self.deployment.qldb(), destination, self.names.destination_ledger, tables
            )
        return journal.revisions


def write(replication, tag, count):
    """Register, change and remove vehicles: several versions of each, one transaction apart."""
    with replication.source() as ledger:
        for number in range(count):
            vin = f"{tag}-{number}"
            vehicle = {"VIN": vin, "Number": number, "Price": Decimal(number).scaleb(-2)}
            ledger.execute_lambda(lambda tx, v=vehicle: _run(tx, "INSERT INTO Vehicle ?", v))
            ledger.execute_lambda(
                lambda tx, v=vin: _run(
                    tx, "UPDATE Vehicle AS v SET v.Sold = true, v.Owner = ? WHERE v.VIN = ?", v, v
                )
            )
            if number % 4 == 0:
                ledger.execute_lambda(
                    lambda tx, v=vin: _run(tx, "DELETE FROM Vehicle AS v WHERE v.VIN = ?", v)
                )


def _run(transaction, statement, *parameters):
    transaction.execute_statement(statement, *parameters)


def workers(replication):
    """Ids of the replay function's processes: children of the local AWS that run it."""
    function = replication.names.replay_function.encode()
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            parent = status.read_text().split("PPid:\t")[1].split("\n")[0]
            environment = status.with_name("environ").read_bytes()
        except (OSError, IndexError):
            continue
        if int(parent) == replication.aws.pid and b"FUNCTION_NAME=" + function in environment:
            found.append(int(status.parent.name))
    return found


@pytest.fixture(scope="module")
def replication(tmp_path_factory):
    with Replication(tmp_path_factory.mktemp("local")) as deployed:
        yield deployed


def test_the_vehicle_registration_sample_arrives(replication):
    with replication.source() as ledger:
        sample = DmvSample(ledger)
        transactions = sum(sample.run(phase) for phase in sample.phases())
    comparison = replication.assert_catches_up()
    assert transactions > 100
    counts = {table.name: table.source_documents for table in comparison.tables}
    assert counts == {"Person": 24, "Vehicle": 20, "VehicleRegistration": 20, "DriversLicense": 20}


def test_the_view_in_dynamodb_has_arrived_as_well(replication):
    comparison = wait_until_equal(replication.view_drained, lambda _text: None, CATCH_UP_SECONDS)
    assert comparison.equal, replication.aws.log_tail(40)
    assert comparison.equal_documents == 84


def test_a_paused_view_waits_while_the_ledger_goes_on(replication):
    order = ("pause", "--view", "dynamodb", "--reason", "a test", "--json")
    assert json.loads(replication.qldbkit(*order))["result"] == "paused"
    write(replication, "view-paused", 3)
    replication.assert_catches_up()
    of_view = json.loads(replication.qldbkit("status", "--view", "dynamodb", "--json", code=3))
    assert of_view["paused_at"] is not None
    assert of_view["not_reading"].startswith("the event source mapping is Disabled")
    assert json.loads(replication.qldbkit("status", "--json"))["paused_at"] is None
    assert not replication.view_compared().equal

    replication.qldbkit("resume", "--view", "dynamodb")
    comparison = wait_until_equal(replication.view_drained, lambda _text: None, CATCH_UP_SECONDS)
    assert comparison.equal, replication.aws.log_tail(40)


def test_a_killed_replay_goes_on_where_it_was(replication):
    chance = random.Random(int(os.environ.get("SEED", "7")))
    writing = threading.Thread(target=write, args=(replication, "killed", 60))
    before = replication.settings.log_file.read_text().count("failed processing Kinesis batch")
    writing.start()
    killed = 0
    while writing.is_alive() or killed < KILLS:
        time.sleep(chance.uniform(0.02, 0.4))
        for pid in workers(replication):
            os.kill(pid, signal.SIGKILL)
            killed += 1
        if not writing.is_alive():
            write(replication, f"killed-late-{killed}", 2)
    writing.join()
    after = replication.settings.log_file.read_text().count("failed processing Kinesis batch")
    assert after > before, "no kill hit a batch"
    replication.assert_catches_up()


def test_a_paused_replay_does_nothing_and_goes_on_with_nothing_lost(replication):
    writing = threading.Thread(target=write, args=(replication, "paused", 30))
    writing.start()
    said = json.loads(replication.qldbkit("pause", "--reason", "a test", "--json"))
    assert (said["action"], said["result"]) == ("pause", "paused")
    for pid in workers(replication):
        os.kill(pid, signal.SIGKILL)
    before = replication.destination_revisions()
    writing.join()
    status = json.loads(replication.qldbkit("status", "--json", code=3))
    assert status["paused_at"] is not None
    assert status["not_reading"].startswith("the event source mapping is Disabled")
    assert b"qldbkit resume" in replication.qldbkit("status", code=3)
    assert replication.destination_revisions() == before

    replication.qldbkit("resume")

    replication.assert_catches_up()
    status = json.loads(replication.qldbkit("status", "--json"))
    assert (status["paused_at"], status["not_reading"]) == (None, None)
    orders = json.loads(replication.qldbkit("quarantine", "orders", "--json"))
    assert [each["action"] for each in orders] == ["pause", "resume"]


def test_batches_delivered_twice_change_nothing(replication):
    write(replication, "twice", 20)
    replication.assert_catches_up()
    revisions, records = replication.destination_revisions(), replication.records()
    for start in range(0, len(records), 25):
        batch = records[start : start + 25]
        replication.invoke_replay(batch)
        replication.invoke_replay(batch)
    assert replication.compare().equal
    assert replication.destination_revisions() == revisions


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_local_aws_restarted_between_batches(replication, end):
    for round_number in range(3):
        write(replication, f"{end}-{round_number}", 12)
        getattr(replication.aws, end)()
        replication.aws.start()
    write(replication, f"{end}-last", 4)
    replication.assert_catches_up()


def test_the_archive_holds_the_journal_that_was_streamed(replication):
    replication.assert_catches_up()
    streamed = {record.data for record in user_records({"Records": replication.records()})}
    archived = set()
    s3, bucket = replication.deployment.client("s3"), replication.names.archive_bucket
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page["Contents"]:
            data = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
            position = RecordPosition(bucket, entry["Key"])
            archived |= {record.data for record in deaggregate(data, "", position)}
    assert archived == streamed

    decoded = [decode_record(data) for data in archived]
    blocks = [record.summary for record in decoded if isinstance(record, BlockSummaryRecord)]
    revisions = [record for record in decoded if isinstance(record, RevisionDetailsRecord)]
    announced = {s.hash for block in blocks for s in block.revision_summaries if s.document_id}
    assert {record.revision.hash for record in revisions} == announced
    assert len(blocks) > 100


def test_a_poison_record_is_kept_in_the_bucket_until_an_operator_gives_it_up(replication):
    poison = b"\xe0\x01\x00\xea damaged"
    replication.deployment.client("kinesis").put_record(
        StreamName=replication.names.stream, PartitionKey="any", Data=poison
    )
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while not (listed := json.loads(replication.qldbkit("quarantine", "list", "--json"))):
        assert time.monotonic() < deadline, replication.aws.log_tail(40)
    (entry,) = listed
    position = entry["position"]
    assert replication.qldbkit("quarantine", "show", position) == poison
    status = json.loads(replication.qldbkit("status", "--json", code=3))
    assert (status["quarantined"], status["healthy"]) == (1, False)
    assert status["strands"][0]["blocks_behind"] is not None
    assert b"still in quarantine" in replication.qldbkit("quarantine", "redrive", position)

    replication.qldbkit("quarantine", "discard", position, "--reason", "made up by a test")

    write(replication, "behind-poison", 3)
    replication.assert_catches_up()
    assert json.loads(replication.qldbkit("status", "--json"))["quarantined"] == 0
    orders = json.loads(replication.qldbkit("quarantine", "orders", "--json"))
    assert [each["action"] for each in orders][-2:] == ["redrive", "discard"]


def test_the_stacks_are_destroyed_with_all_they_hold(replication):
    replication.deployment.destroy(STREAM_STACK, print)
    replication.deployment.destroy(DB_STACK, print)
    assert replication.deployment.qldb().list_ledgers()["Ledgers"] == []
    buckets = replication.deployment.client("s3").list_buckets()["Buckets"]
    assert replication.names.archive_bucket not in [bucket["Name"] for bucket in buckets]
