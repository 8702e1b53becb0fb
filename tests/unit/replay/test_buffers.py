"""One contract for all settling buffers."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from qldbkit.journal.model import BlockAddress
from qldbkit.replay.buffer import MemoryBuffer, SettlingBuffer, quarantined
from qldbkit.replay.buffer_dynamodb import DynamoDbBuffer
from qldbkit.replay.buffer_sqlite import SqliteBuffer
from qldbkit.replay.dynamodb_table import CHUNK_BYTES, WRITE_ATTEMPTS
from qldbkit.replay.errors import BufferBusyError, NotQuarantinedError
from qldbkit.replay.fragments import Fragment, Gap, QuarantinedRecord, QuarantineEntry
from qldbkit.replay.quarantine_dynamodb import BucketPayloads

STRAND = "Strand0000000000000000"
RETENTION = 1000.0
MakeBuffer = Callable[[], SettlingBuffer]


def dynamodb_table(client: Any) -> None:
    client.create_table(
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


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        dynamodb_table(client)
        yield client


@pytest.fixture
def bucket(dynamodb: Any) -> Any:
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="quarantine")
    return client


@pytest.fixture(params=["memory", "sqlite", "dynamodb", "dynamodb and s3"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> MakeBuffer:
    """Makes buffers that share what they keep, as processes do."""
    if request.param == "sqlite":
        return lambda: SqliteBuffer(tmp_path / "buffer.sqlite", gap_retention=RETENTION)
    if request.param == "dynamodb":
        client = request.getfixturevalue("dynamodb")
        return lambda: DynamoDbBuffer(client, "Buffer", gap_retention=RETENTION)
    if request.param == "dynamodb and s3":
        client = request.getfixturevalue("dynamodb")
        payloads = BucketPayloads(lambda: request.getfixturevalue("bucket"), "quarantine")
        return lambda: DynamoDbBuffer(client, "Buffer", gap_retention=RETENTION, payloads=payloads)
    buffer = MemoryBuffer()
    return lambda: buffer


def fragment(sequence_no: int, *records: bytes, strand: str = STRAND) -> Fragment:
    return Fragment(BlockAddress(strand, sequence_no), 5.25, records or (b"record",))


def test_what_was_put_is_there_for_another_process_in_order(make: MakeBuffer) -> None:
    make().put([fragment(11, b"a", b""), fragment(2, b"b"), fragment(100)])
    make().put([fragment(11, b"c")])

    found = list(make().fragments(STRAND, 0))

    assert [each.address.sequence_no for each in found] == [2, 11, 11, 100]
    assert found[0] == fragment(2, b"b")
    assert {each.records for each in found[1:3]} == {(b"a", b""), (b"c",)}
    assert make().strands() == [STRAND]


def test_only_the_asked_blocks_of_the_asked_strand_are_given(make: MakeBuffer) -> None:
    buffer = make()
    buffer.put([fragment(each) for each in range(5)])
    buffer.put([fragment(3, strand="OtherStrand00000000000")])

    assert [each.address.sequence_no for each in buffer.fragments(STRAND, 2, 3)] == [2, 3]
    assert [each.address.sequence_no for each in buffer.fragments(STRAND, 3)] == [3, 4]
    assert list(buffer.fragments("NoStrand00000000000000", 0)) == []
    assert len(buffer.strands()) == 2


def test_what_is_put_twice_is_kept_once(make: MakeBuffer) -> None:
    buffer = make()
    for _ in range(3):
        buffer.put([fragment(1, b"same"), fragment(2)])
    assert len(list(buffer.fragments(STRAND, 0))) == 2


@pytest.mark.parametrize("size", [CHUNK_BYTES - 4, CHUNK_BYTES, 1_000_000])
def test_large_records_come_back_whole(make: MakeBuffer, size: int) -> None:
    record = bytes(range(256)) * (size // 256)
    make().put([fragment(1, record, b"small")])
    make().quarantine([QuarantinedRecord("shard record 1, part 2", "why", record, 6.5)])

    (found,) = make().fragments(STRAND, 0)
    assert found.records == (record, b"small")
    (record_back,) = quarantined(make())
    assert record_back == QuarantinedRecord("shard record 1, part 2", "why", record, 6.5)


def test_many_fragments_are_put_read_and_removed(make: MakeBuffer) -> None:
    buffer = make()
    buffer.put([fragment(each, bytes([each % 256]) * 100) for each in range(330)])
    assert [each.address.sequence_no for each in buffer.fragments(STRAND, 0)] == list(range(330))

    buffer.remove(STRAND, range(10, 330))

    assert [each.address.sequence_no for each in make().fragments(STRAND, 0)] == list(range(10))


def test_removing_forgets_all_of_a_block_and_nothing_else(make: MakeBuffer) -> None:
    buffer = make()
    buffer.put([fragment(1, b"a"), fragment(2, b"b"), fragment(12, b"c")])
    buffer.put([fragment(1, b"d")])

    buffer.remove(STRAND, [1, 12, 77])
    buffer.remove(STRAND, [])

    assert [each.address.sequence_no for each in buffer.fragments(STRAND, 0)] == [2]


def test_what_is_removed_while_it_is_read_does_not_break_the_reading(make: MakeBuffer) -> None:
    buffer = make()
    buffer.put([fragment(each) for each in range(5)])
    for each in buffer.fragments(STRAND, 0):
        buffer.remove(STRAND, [each.address.sequence_no])
    assert list(buffer.fragments(STRAND, 0)) == []


def test_gaps_are_found_by_any_number_in_them(make: MakeBuffer) -> None:
    gaps = [Gap(STRAND, 3, 3, 1.0), Gap(STRAND, 8, 20, 2.0), Gap(STRAND, 100, 101, 3.0)]
    make().record_gaps(gaps)
    make().record_gaps(gaps[:1])
    buffer = make()

    assert set(buffer.gaps(STRAND, 0, 1000)) == set(gaps)
    assert list(buffer.gaps(STRAND, 20, 99)) == [gaps[1]]
    assert list(buffer.gaps(STRAND, 9, 9)) == [gaps[1]]
    assert list(buffer.gaps(STRAND, 4, 7)) == []
    assert list(buffer.gaps("NoStrand00000000000000", 0, 1000)) == []
    assert 9 in gaps[1] and 21 not in gaps[1]


def test_a_gap_that_is_filled_leaves_what_is_on_both_sides(make: MakeBuffer) -> None:
    buffer = make()
    buffer.record_gaps([Gap(STRAND, 5, 9, 1.0), Gap(STRAND, 20, 20, 1.0)])

    buffer.fill_gap(Gap(STRAND, 5, 9, 1.0), 7)
    assert [(each.first, each.last) for each in sorted_gaps(make())] == [(5, 6), (8, 9), (20, 20)]
    buffer.fill_gap(Gap(STRAND, 5, 6, 1.0), 5)
    buffer.fill_gap(Gap(STRAND, 8, 9, 1.0), 9)
    buffer.fill_gap(Gap(STRAND, 20, 20, 1.0), 20)
    assert [(each.first, each.last) for each in sorted_gaps(make())] == [(6, 6), (8, 8)]


def sorted_gaps(buffer: SettlingBuffer) -> list[Gap]:
    return sorted(buffer.gaps(STRAND, 0, 1000), key=lambda each: each.first)


def test_quarantine_keeps_a_record_until_it_is_discarded(make: MakeBuffer) -> None:
    first = QuarantinedRecord("shard record 1", "wrong", b"payload", 1.0)
    second = QuarantinedRecord("shard record 10", "wrong", b"", 2.0)
    buffer = make()
    buffer.quarantine([first, second])
    buffer.quarantine([first])
    assert set(quarantined(make())) == {first, second}

    buffer.discard("shard record 1")

    assert list(quarantined(make())) == [second]


def test_the_index_of_the_quarantine_says_what_and_how_often_and_not_the_payload(
    make: MakeBuffer,
) -> None:
    record = QuarantinedRecord("shard record 1, part 2", "wrong", b"payload", 1.0)
    make().quarantine([record])
    make().quarantine([QuarantinedRecord(record.position, "still wrong", b"longer payload", 2.0)])

    (entry,) = make().quarantine_index()

    assert entry == QuarantineEntry(record.position, "still wrong", 2.0, attempts=2, size=14)
    assert make().quarantined_payload(record.position) == b"longer payload"


def test_the_payload_of_what_is_not_in_quarantine_is_an_error(make: MakeBuffer) -> None:
    with pytest.raises(NotQuarantinedError, match="nowhere"):
        make().quarantined_payload("nowhere")
    make().discard("nowhere")


def test_the_blocks_that_wait_are_counted_up_to_a_bound(make: MakeBuffer) -> None:
    buffer = make()
    buffer.put([fragment(each) for each in range(2, 12)])
    buffer.put([fragment(5, b"another")])
    buffer.remove(STRAND, [11])

    assert buffer.waiting(STRAND, 0, 100) == 9
    assert buffer.waiting(STRAND, 6, 100) == 5
    assert buffer.waiting(STRAND, 0, 3) == 3
    assert buffer.waiting("NoStrand00000000000000", 0, 3) == 0


def test_notes_are_kept_by_topic_and_name(make: MakeBuffer) -> None:
    make().note("order", "2", "second")
    make().note("order", "1", "was first")
    make().note("order", "1", "first")
    make().note("run", "clock", "fine")
    assert list(make().notes("order").items()) == [("1", "first"), ("2", "second")]
    assert make().notes("run") == {"clock": "fine"}
    assert make().notes("nothing") == {}


def test_a_payload_stays_in_the_bucket_when_its_record_is_discarded(
    dynamodb: Any, bucket: Any
) -> None:
    payloads = BucketPayloads(lambda: bucket, "quarantine")
    buffer = DynamoDbBuffer(dynamodb, "Buffer", gap_retention=RETENTION, payloads=payloads)
    buffer.quarantine([QuarantinedRecord("shard record 1, part 2", "why", b"payload", 1.0)])

    buffer.discard("shard record 1, part 2")

    assert dynamodb.scan(TableName="Buffer")["Items"] == []
    (stored,) = bucket.list_objects_v2(Bucket="quarantine")["Contents"]
    assert stored["Key"].startswith("quarantine/shard-record-1-part-2/")
    assert bucket.get_object(Bucket="quarantine", Key=stored["Key"])["Body"].read() == b"payload"


def test_gaps_in_dynamodb_expire_when_the_stream_cannot_deliver_their_blocks(
    dynamodb: Any,
) -> None:
    DynamoDbBuffer(dynamodb, "Buffer", gap_retention=RETENTION).record_gaps(
        [Gap(STRAND, 1, 2, 100.0)]
    )
    (item,) = dynamodb.scan(TableName="Buffer")["Items"]
    assert item["expiresAt"] == {"N": "1100"}


def test_only_gaps_expire_in_dynamodb(dynamodb: Any) -> None:
    buffer = DynamoDbBuffer(dynamodb, "Buffer", gap_retention=RETENTION)
    buffer.put([fragment(1)])
    buffer.quarantine([QuarantinedRecord("position", "why", b"payload", 1.0)])
    assert not any("expiresAt" in each for each in dynamodb.scan(TableName="Buffer")["Items"])


def test_a_fragment_of_which_a_chunk_is_missing_is_not_given(dynamodb: Any) -> None:
    buffer = DynamoDbBuffer(dynamodb, "Buffer", gap_retention=RETENTION)
    buffer.put([fragment(1, b"x" * (CHUNK_BYTES + 1))])
    item = dynamodb.scan(TableName="Buffer")["Items"][0]
    assert item["pk"]["S"].startswith("block#")
    dynamodb.delete_item(TableName="Buffer", Key={"pk": item["pk"], "sk": item["sk"]})
    assert list(buffer.fragments(STRAND, 0)) == []


class Throttled:
    """A client of DynamoDB that leaves items unprocessed so many times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.taken: list[Any] = []

    def batch_write_item(self, **arguments: Any) -> dict[str, Any]:
        ((table, requests),) = arguments["RequestItems"].items()
        if self.times:
            self.times -= 1
            self.taken.extend(requests[:-1])
            return {"UnprocessedItems": {table: requests[-1:]}}
        self.taken.extend(requests)
        return {"UnprocessedItems": {}}


def test_what_dynamodb_leaves_unprocessed_is_sent_again_with_growing_pauses() -> None:
    client, pauses = Throttled(3), list[float]()
    buffer = DynamoDbBuffer(client, "Buffer", gap_retention=RETENTION, pause=pauses.append)
    buffer.put([fragment(1), fragment(2)])
    assert len(client.taken) == 3  # both, and the strand's name
    assert pauses == sorted(pauses) and len(pauses) == 3


def test_dynamodb_that_takes_nothing_is_an_error_after_a_bounded_time() -> None:
    client, pauses = Throttled(1000), list[float]()
    buffer = DynamoDbBuffer(client, "Buffer", gap_retention=RETENTION, pause=pauses.append)
    with pytest.raises(BufferBusyError):
        buffer.put([fragment(1)])
    assert len(pauses) == WRITE_ATTEMPTS and sum(pauses) < 15


def test_the_sqlite_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "buffer.sqlite"
    SqliteBuffer(path, gap_retention=RETENTION).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_sqlite_forgets_gaps_that_are_too_old(tmp_path: Path) -> None:
    buffer = SqliteBuffer(tmp_path / "buffer.sqlite", gap_retention=RETENTION)
    buffer.record_gaps([Gap(STRAND, 1, 2, 100.0)])
    buffer.record_gaps([Gap(STRAND, 5, 6, 100.0 + RETENTION + 1)])
    assert [each.first for each in buffer.gaps(STRAND, 0, 10)] == [5]
