"""Journal streams, into a Kinesis that answers over HTTP."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from amazon.ion import simpleion

from qldbkit.journal.integrity import verify_revision, verify_summary
from qldbkit.journal.kinesis import RecordPosition, deaggregate
from qldbkit.journal.records import (
    BlockSummaryRecord,
    ControlRecord,
    RevisionDetailsRecord,
    decode_record,
)

ACCOUNT = "000000000000"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/journal"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def target(kinesis, request):
    """A Kinesis stream with as many shards as the test's parameter says."""
    name = f"journal-{abs(hash(request.node.name))}"
    kinesis.create_stream(StreamName=name, ShardCount=getattr(request, "param", 1))
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    yield f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}"
    with contextlib.suppress(kinesis.exceptions.ResourceNotFoundException):
        kinesis.delete_stream(StreamName=name)


def stream(user, target, name="s", **settings):
    arguments = {"InclusiveStartTime": LONG_AGO} | settings
    return user.client("qldb").stream_journal_to_kinesis(
        LedgerName="orders",
        StreamName=name,
        RoleArn=ROLE,
        KinesisConfiguration={"StreamArn": target, "AggregationEnabled": True},
        **arguments,
    )["StreamId"]


def described(user, stream_id):
    qldb = user.client("qldb")
    return qldb.describe_journal_kinesis_stream(LedgerName="orders", StreamId=stream_id)["Stream"]


def records_of(kinesis, target):
    """Everything in a Kinesis stream, shard by shard, decoded."""
    name = target.rpartition("/")[2]
    found = []
    for shard in kinesis.list_shards(StreamName=name)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            answer = kinesis.get_records(ShardIterator=iterator, Limit=1000)
            for each in answer["Records"]:
                position = RecordPosition(shard["ShardId"], each["SequenceNumber"])
                found += deaggregate(each["Data"], each["PartitionKey"], position)
            if not answer["Records"]:
                break
            iterator = answer["NextShardIterator"]
    return [decode_record(each.data, str(each.position)) for each in found]


def summaries(records):
    return [each.summary for each in records if isinstance(each, BlockSummaryRecord)]


def revisions(records):
    return [each.revision for each in records if isinstance(each, RevisionDetailsRecord)]


def tip_of(user):
    answer = user.client("qldb").get_digest(Name="orders")
    return simpleion.loads(answer["DigestTipAddress"]["IonText"])["sequenceNo"]


def wait_for_tip(kinesis, target, user, until):
    tip = tip_of(user)

    def found():
        records = records_of(kinesis, target)
        complete = {each.metadata.id for each in revisions(records) if at(each) == tip}
        last = [each for each in summaries(records) if each.address.sequence_no == tip]
        return records if last and set(last[0].document_ids) <= complete else None

    return until(found, f"block {tip} did not come")


def at(revision):
    return revision.address.sequence_no


def assert_whole(records):
    """Every record verifies, and every block has all of its revisions."""
    by_block = {}
    for revision in revisions(records):
        verify_revision(revision)
        by_block.setdefault(at(revision), set()).add(revision.metadata.id)
    for summary in summaries(records):
        verify_summary(summary)
        assert set(summary.document_ids) == by_block.get(summary.address.sequence_no, set())


@pytest.mark.parametrize("target", [1, 4], indirect=True)
def test_a_stream_carries_the_whole_journal(serve, kinesis, target, fill, until):
    with serve() as user:
        user.create()
        fill(user)
        stream_id = stream(user, target)
        fill(user, first=5)
        records = wait_for_tip(kinesis, target, user, until)
        assert ControlRecord(described(user, stream_id)["Arn"], "CREATED") in records
        assert_whole(records)
        texts = [
            each.transaction_info.statements[0].statement
            for each in summaries(records)
            if each.transaction_info is not None
        ]
        assert "CREATE TABLE Thing" in texts
        assert len(revisions(records)) == 10 * 2 + 2
        assert described(user, stream_id)["Status"] == "ACTIVE"


def test_a_stream_goes_on_after_a_restart_of_the_ledger(serve, kinesis, target, fill, until):
    with serve() as user:
        user.create()
        fill(user)
        stream_id = stream(user, target)
        wait_for_tip(kinesis, target, user, until)
    with serve() as user:
        fill(user, first=5)
        records = wait_for_tip(kinesis, target, user, until)
        assert_whole(records)
        assert len([each for each in records if isinstance(each, ControlRecord)]) == 1
        assert {each.metadata.version for each in revisions(records)} >= {0, 1}
        assert described(user, stream_id)["Status"] == "ACTIVE"


def test_several_streams_of_a_ledger_have_their_own_start_and_end(
    serve, kinesis, target, fill, until
):
    with serve() as user:
        user.create()
        fill(user)
        whole = stream(user, target, "whole")
        wait_for_tip(kinesis, target, user, until)
        middle = datetime.now(UTC) + timedelta(milliseconds=1)
        past = stream(user, target, "past", ExclusiveEndTime=middle)
        until(lambda: described(user, past)["Status"] == "COMPLETED", "it does not complete")
        late = stream(user, target, "late", InclusiveStartTime=datetime.now(UTC))
        before = tip_of(user)
        fill(user, first=5)
        wait_for_tip(kinesis, target, user, until)
        arn = {each: described(user, each)["Arn"] for each in (whole, past, late)}

        def complete():
            records = records_of(kinesis, target)
            numbers = {each: numbers_of(records, arn[each]) for each in (whole, past, late)}
            return numbers if max(numbers[late], default=0) == tip_of(user) else None

        numbers = until(complete, "the late stream does not catch up")
        assert set(numbers[past]) == {each for each in numbers[whole] if each <= before}
        assert set(numbers[late]) == {each for each in numbers[whole] if each > before}
        assert ControlRecord(arn[past], "COMPLETED") in records_of(kinesis, target)


def numbers_of(records, arn):
    return [each.address.sequence_no for each in summaries_of(records, arn)]


def summaries_of(records, arn):
    return [
        each.summary
        for each in records
        if isinstance(each, BlockSummaryRecord) and each.stream_arn == arn
    ]


def test_a_canceled_stream_writes_nothing_more(serve, kinesis, target, fill, failure, until):
    with serve() as user:
        user.create()
        fill(user)
        stream_id = stream(user, target)
        records = wait_for_tip(kinesis, target, user, until)
        qldb = user.client("qldb")
        which = {"LedgerName": "orders", "StreamId": stream_id}
        assert qldb.cancel_journal_kinesis_stream(**which)["StreamId"] == stream_id
        fill(user, first=5)
        assert described(user, stream_id)["Status"] == "CANCELED"
        assert len(records_of(kinesis, target)) == len(records)
        code = failure(qldb.cancel_journal_kinesis_stream, **which)
        assert code == ("ResourcePreconditionNotMetException", 412)


def test_a_stream_is_impaired_while_its_kinesis_stream_is_gone(serve, kinesis, target, fill, until):
    name = target.rpartition("/")[2]
    with serve() as user:
        user.create()
        fill(user)
        stream_id = stream(user, target)
        wait_for_tip(kinesis, target, user, until)
        kinesis.delete_stream(StreamName=name)
        fill(user, first=5)
        until(lambda: described(user, stream_id)["Status"] == "IMPAIRED", "it is not impaired")
        assert described(user, stream_id)["ErrorCause"] == "KINESIS_STREAM_NOT_FOUND"
        kinesis.create_stream(StreamName=name, ShardCount=1)
        until(lambda: described(user, stream_id)["Status"] == "ACTIVE", "it stays impaired")
        assert "ErrorCause" not in described(user, stream_id)
        assert_whole(wait_for_tip(kinesis, target, user, until))


def test_streams_are_listed_limited_and_named_once(serve, target, failure):
    with serve() as user:
        user.create()
        qldb = user.client("qldb")
        ids = {stream(user, target, f"s-{number}") for number in range(5)}
        first = qldb.list_journal_kinesis_streams_for_ledger(LedgerName="orders", MaxResults=3)
        second = qldb.list_journal_kinesis_streams_for_ledger(
            LedgerName="orders", NextToken=first["NextToken"]
        )
        assert {each["StreamId"] for each in first["Streams"] + second["Streams"]} == ids
        arguments = {
            "LedgerName": "orders",
            "StreamName": "s-9",
            "RoleArn": ROLE,
            "InclusiveStartTime": LONG_AGO,
            "KinesisConfiguration": {"StreamArn": target},
        }
        create = qldb.stream_journal_to_kinesis
        assert failure(create, **arguments) == ("LimitExceededException", 400)
        qldb.cancel_journal_kinesis_stream(LedgerName="orders", StreamId=ids.pop())
        refused = {
            "InclusiveStartTime": datetime.now(UTC) + timedelta(hours=1),
            "ExclusiveEndTime": LONG_AGO,
            "KinesisConfiguration": {"StreamArn": target + "-missing"},
            "StreamName": described(user, next(iter(ids)))["StreamName"],
        }
        for name, value in refused.items():
            code = failure(create, **(arguments | {name: value}))
            assert code == ("InvalidParameterException", 400), name


def test_a_deleted_ledger_takes_its_streams_along(serve, target, failure):
    with serve() as user:
        user.create()
        stream(user, target)
        user.client("qldb").delete_ledger(Name="orders")
        user.create()
        listed = user.client("qldb").list_journal_kinesis_streams_for_ledger(LedgerName="orders")
        assert listed["Streams"] == []


def test_a_stream_can_be_tagged(serve, target, failure):
    with serve() as user:
        user.create()
        stream_id = stream(user, target, Tags={"a": "1"})
        qldb, arn = user.client("qldb"), described(user, stream_id)["Arn"]
        assert qldb.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"a": "1"}
        missing = arn.rpartition("/")[0] + "/" + "a" * 22
        code = failure(qldb.list_tags_for_resource, ResourceArn=missing)
        assert code == ("ResourceNotFoundException", 404)
