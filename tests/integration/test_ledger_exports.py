"""Journal exports, into an S3 that answers over HTTP."""

import contextlib
import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from amazon.ion import simpleion

from qldbkit.journal.blocks import decode_block
from qldbkit.journal.integrity import verify_block, verify_link
from qldbkit.journal.ion import IonSpan

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/journal"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def tip_of(user):
    answer = user.client("qldb").get_digest(Name="orders")
    return simpleion.loads(answer["DigestTipAddress"]["IonText"])["sequenceNo"]


@pytest.fixture
def bucket(s3, request):
    name = f"exports-{abs(hash(request.node.name))}"
    s3.create_bucket(Bucket=name)
    return name


def export(user, bucket, encryption="NO_ENCRYPTION", **settings):
    arguments = {"InclusiveStartTime": LONG_AGO, "ExclusiveEndTime": datetime.now(UTC)} | settings
    return user.client("qldb").export_journal_to_s3(
        Name="orders",
        S3ExportConfiguration={
            "Bucket": bucket,
            "Prefix": "journal/",
            "EncryptionConfiguration": {"ObjectEncryptionType": encryption},
        },
        RoleArn=ROLE,
        **arguments,
    )["ExportId"]


def export_status(user, export_id):
    answer = user.client("qldb").describe_journal_s3_export(Name="orders", ExportId=export_id)
    return answer["ExportDescription"]["Status"]


def completed(user, export_id, until):
    return until(lambda: export_status(user, export_id) == "COMPLETED", "it does not complete")


def strand_of(user):
    tip = user.client("qldb").get_digest(Name="orders")["DigestTipAddress"]["IonText"]
    return simpleion.loads(tip)["strandId"]


def object_of(s3, bucket, key):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


READERS = {
    "ION_TEXT": lambda data: simpleion.loads(data.decode(), single_value=False),
    "ION_BINARY": lambda data: simpleion.loads(data, single_value=False),
    "JSON": lambda data: [json.loads(line) for line in data.splitlines()],
}


@pytest.mark.parametrize("output_format", [None, "ION_TEXT", "ION_BINARY", "JSON"])
def test_an_export_holds_the_journal_and_its_manifests(
    serve, s3, bucket, fill, output_format, until
):
    read = READERS[output_format or "ION_TEXT"]
    settings = {} if output_format is None else {"OutputFormat": output_format}
    with serve() as user:
        user.create()
        fill(user)
        export_id = export(user, bucket, **settings)
        completed(user, export_id, until)
        (started,) = read(object_of(s3, bucket, f"journal/{export_id}.started.manifest"))
        assert started["exportId"] == export_id
        assert started.get("outputFormat") == output_format
        manifest = f"journal/{export_id}.{strand_of(user)}.completed.manifest"
        (ended,) = read(object_of(s3, bucket, manifest))
        blocks = [block for key in ended["keys"] for block in read(object_of(s3, bucket, str(key)))]
        numbers = [int(block["blockAddress"]["sequenceNo"]) for block in blocks]
        assert numbers == list(range(tip_of(user) + 1))


def test_an_exported_journal_verifies_block_by_block(serve, s3, bucket, fill, until):
    with serve() as user:
        user.create()
        fill(user)
        export_id = export(user, bucket, OutputFormat="ION_BINARY")
        completed(user, export_id, until)
        keys = [
            each["Key"]
            for each in s3.list_objects_v2(Bucket=bucket)["Contents"]
            if each["Key"].endswith(".ion")
        ]
        previous = None
        for span in IonSpan.parse_all(object_of(s3, bucket, keys[0])):
            block = decode_block(span.binary())
            verify_block(block)
            if previous is not None:
                verify_link(block.address, previous, block.summary)
            previous = block.summary.block_hash
        tip = user.client("qldb").get_digest(Name="orders")["DigestTipAddress"]
        last = user.client("qldb").get_block(Name="orders", BlockAddress=tip)["Block"]["IonText"]
        assert simpleion.loads(last)["blockHash"] == previous


def test_an_export_that_a_restart_interrupted_is_finished(serve, s3, bucket, fill, tmp_path, until):
    with serve() as user:
        user.create()
        fill(user)
        export_id = export(user, bucket)
        completed(user, export_id, until)
        manifest = f"journal/{export_id}.{strand_of(user)}.completed.manifest"
    with contextlib.closing(sqlite3.connect(tmp_path / "ledgers" / "control.sqlite")) as control:
        control.execute("UPDATE export SET status = 'IN_PROGRESS', ended = NULL")
        control.commit()
    before = object_of(s3, bucket, manifest)
    s3.delete_object(Bucket=bucket, Key=manifest)
    with serve() as user:
        completed(user, export_id, until)
        assert object_of(s3, bucket, manifest) == before


def test_an_export_has_only_the_blocks_of_its_period(serve, s3, bucket, fill, until):
    with serve() as user:
        user.create()
        fill(user)
        middle, before = datetime.now(UTC) + timedelta(milliseconds=1), tip_of(user)
        until(lambda: datetime.now(UTC) > middle, "time stands still")
        fill(user, first=5)
        export_id = export(user, bucket, InclusiveStartTime=middle)
        completed(user, export_id, until)
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
        strand = strand_of(user)
        assert [key for key in keys if f"{strand}.{before + 1}-{tip_of(user)}.ion" in key]


def test_exports_are_listed_and_refused_as_the_model_says(serve, s3, bucket, failure, until):
    with serve() as user:
        user.create()
        qldb = user.client("qldb")
        ids = []
        for _ in range(3):
            ids.append(export(user, bucket))
            completed(user, ids[-1], until)
        listed = qldb.list_journal_s3_exports_for_ledger(Name="orders")["JournalS3Exports"]
        everywhere = qldb.list_journal_s3_exports(MaxResults=2)
        assert {each["ExportId"] for each in listed} == set(ids)
        assert len(everywhere["JournalS3Exports"]) == 2
        assert everywhere["NextToken"]
        future = datetime.now(UTC) + timedelta(hours=1)
        for settings in (
            {"ExclusiveEndTime": future},
            {"InclusiveStartTime": future},
            {"InclusiveStartTime": LONG_AGO, "ExclusiveEndTime": LONG_AGO},
        ):
            with pytest.raises(qldb.exceptions.ClientError, match="InvalidParameter"):
                export(user, bucket, **settings)
        with pytest.raises(qldb.exceptions.ClientError, match="validating S3"):
            export(user, "no-such-bucket")
        code = failure(qldb.describe_journal_s3_export, Name="orders", ExportId="a" * 22)
        assert code == ("ResourceNotFoundException", 404)
