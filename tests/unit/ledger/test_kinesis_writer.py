"""What a stream writes to Kinesis stays within Kinesis' bounds and on the shard it belongs to."""

from hashlib import md5

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from qldbkit.journal.kinesis import RecordPosition, deaggregate
from qldbkit.ledger.kinesis_writer import (
    MAX_BYTES,
    KinesisRefusedError,
    KinesisUnavailableError,
    KinesisWriter,
    OutgoingRecord,
)

WHOLE = 2**128
ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/journal"


class FakeKinesis:
    """Kinesis' two calls, over so many shards; ``fails`` says what each put answers."""

    def __init__(self, shards=1, fails=()):
        self.shards = shards
        self.fails = list(fails)
        self.calls = []

    def list_shards(self, **which):
        assert which in ({"StreamARN": ARN}, {"NextToken": "more"})
        width = WHOLE // self.shards
        shards = [
            {
                "HashKeyRange": {"StartingHashKey": str(width * index)},
                "SequenceNumberRange": {"StartingSequenceNumber": "1"},
            }
            for index in range(self.shards)
        ]
        closed = {
            "HashKeyRange": {"StartingHashKey": "17"},
            "SequenceNumberRange": {"StartingSequenceNumber": "1", "EndingSequenceNumber": "2"},
        }
        if "StreamARN" in which:
            return {"Shards": [closed, *shards[:1]], "NextToken": "more"}
        return {"Shards": shards[1:]}

    def put_records(self, **arguments):
        records = arguments["Records"]
        self.calls.append(records)
        failure = self.fails.pop(0) if self.fails else None
        if isinstance(failure, Exception):
            raise failure
        return {"Records": [result(index, failure) for index in range(len(records))]}

    def shard_of(self, key):
        return int(md5(key.encode()).hexdigest(), 16) // (WHOLE // self.shards)


def result(index, failed):
    if failed and index in failed:
        return {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow"}
    return {"SequenceNumber": str(index), "ShardId": "shard-0"}


def refusal(code):
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "PutRecords")


def inner(record):
    position = RecordPosition("shard", "1")
    return [
        (each.partition_key, each.data)
        for each in deaggregate(record.data, record.partition_key, position)
    ]


RECORDS = [(f"key-{number}", b"%d" % number) for number in range(100)]


def test_one_shard_gets_everything_in_order_in_one_record():
    packed = KinesisWriter(FakeKinesis(), ARN, aggregated=True).pack(RECORDS)
    assert len(packed) == 1
    assert inner(packed[0]) == RECORDS


def test_a_packed_record_goes_where_each_of_its_records_belongs():
    kinesis = FakeKinesis(shards=5)
    packed = KinesisWriter(kinesis, ARN, aggregated=True).pack(RECORDS)
    assert len(packed) == 5
    for record in packed:
        shards = {kinesis.shard_of(key) for key, _ in inner(record)}
        assert shards == {kinesis.shard_of(record.partition_key)}
    by_number = sorted((each for record in packed for each in inner(record)), key=RECORDS.index)
    assert by_number == RECORDS


def test_without_aggregation_records_stay_as_they_are():
    packed = KinesisWriter(FakeKinesis(), ARN, aggregated=False).pack(RECORDS)
    assert [(each.partition_key, each.data) for each in packed] == RECORDS


def written(kinesis, records):
    writer, calls = KinesisWriter(kinesis, ARN, aggregated=False), 0
    while records:
        records = writer.put(records)
        calls += 1
        assert calls < 100
    return kinesis.calls


def test_a_call_holds_at_most_five_hundred_records():
    records = [OutgoingRecord("k", b"x") for _ in range(1201)]
    assert [len(each) for each in written(FakeKinesis(), records)] == [500, 500, 201]


def test_a_call_holds_at_most_five_megabytes():
    records = [OutgoingRecord("k", b"x" * 1_000_000) for _ in range(12)]
    calls = written(FakeKinesis(), records)
    assert sum(map(len, calls)) == 12
    assert all(
        sum(len(each["Data"]) + len(each["PartitionKey"]) for each in call) <= MAX_BYTES
        for call in calls
    )


def test_records_that_were_not_taken_are_written_again_in_their_order():
    kinesis = FakeKinesis(fails=[{1, 3}, {0}])
    records = [OutgoingRecord("k", b"%d" % number) for number in range(5)]
    calls = written(kinesis, records)
    assert [[each["Data"] for each in call] for call in calls] == [
        [b"0", b"1", b"2", b"3", b"4"],
        [b"1", b"3"],
        [b"1"],
    ]


def test_a_call_of_which_nothing_was_taken_asks_for_patience():
    kinesis = FakeKinesis(fails=[{0, 1}])
    with pytest.raises(KinesisUnavailableError, match="ProvisionedThroughputExceeded"):
        KinesisWriter(kinesis, ARN, aggregated=False).put([OutgoingRecord("k", b"x")] * 2)


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("ResourceNotFoundException", "KINESIS_STREAM_NOT_FOUND"),
        ("AccessDeniedException", "IAM_PERMISSION_REVOKED"),
        ("KMSAccessDeniedException", "IAM_PERMISSION_REVOKED"),
    ],
)
def test_what_someone_must_mend_is_told_apart_with_qldbs_causes(code, cause):
    kinesis = FakeKinesis(fails=[refusal(code)])
    with pytest.raises(KinesisRefusedError) as caught:
        KinesisWriter(kinesis, ARN, aggregated=False).put([OutgoingRecord("k", b"x")])
    assert caught.value.cause == cause


@pytest.mark.parametrize(
    "failure",
    [refusal("InternalFailure"), EndpointConnectionError(endpoint_url="http://127.0.0.1:1")],
)
def test_what_passes_by_itself_is_tried_again(failure):
    kinesis = FakeKinesis(fails=[failure])
    with pytest.raises(KinesisUnavailableError):
        KinesisWriter(kinesis, ARN, aggregated=False).put([OutgoingRecord("k", b"x")])
