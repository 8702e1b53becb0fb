"""Stream records and Kinesis aggregation: real records read, damaged ones named."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from amazon.ion import simpleion
from hypothesis import given
from hypothesis import strategies as st

from qldbkit.journal import records
from qldbkit.journal.integrity import verify_revision, verify_summary
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.kinesis import (
    AggregationError,
    RecordPosition,
    RecordTooLargeError,
    aggregate,
    deaggregate,
    user_records,
)
from qldbkit.journal.records import RecordError, decode_record

POSITION = RecordPosition("shardId-000000000000", "49")
Sample = Callable[[str], bytes]


@pytest.fixture
def sample(shared_data: Path) -> Sample:
    return lambda name: (shared_data / "samples" / name).read_bytes()


def test_a_real_block_summary(sample: Sample) -> None:
    record = decode_record(sample("block-summary.10n"))
    assert isinstance(record, records.BlockSummaryRecord)
    summary = record.summary
    assert summary.address.sequence_no == 545
    assert summary.document_ids == ("LSkFrekxpQeDFzPFUNidAt",)
    assert summary.transaction_info is not None
    statements = summary.transaction_info.statements
    assert statements[1].statement == "INSERT INTO BicycleLicence ?"
    assert statements[0].start_time.isoformat() == "2020-07-03T20:36:44.077000+00:00"
    document = summary.transaction_info.documents["LSkFrekxpQeDFzPFUNidAt"]
    assert (document.table_name, document.statements) == ("BicycleLicence", (1, 2, 2))
    assert summary.block_timestamp.isoformat() == "2020-07-03T20:36:44.181000+00:00"
    verify_summary(summary)


def test_real_revision_details(sample: Sample) -> None:
    record = decode_record(sample("revision-details.10n"))
    assert isinstance(record, records.RevisionDetailsRecord)
    assert record.table.table_name == "BicycleLicence"
    assert record.revision.metadata is not None
    assert record.revision.metadata.version == 0
    assert not record.revision.deleted
    assert not record.revision.redacted
    verify_revision(record.revision)


def test_records_written_again_are_the_bytes_that_aws_wrote(sample: Sample) -> None:
    block = decode_record(sample("block-summary.10n"))
    revision = decode_record(sample("revision-details.10n"))
    assert isinstance(block, records.BlockSummaryRecord)
    assert isinstance(revision, records.RevisionDetailsRecord)
    again = records.encode_block_summary(block.stream_arn, block.summary)
    assert again == sample("block-summary.10n")
    again = records.encode_revision_details(revision.stream_arn, revision.table, revision.revision)
    assert again == sample("revision-details.10n")


def test_control_records() -> None:
    record = decode_record(records.encode_control("arn:aws:qldb:stream", records.COMPLETED))
    assert record == records.ControlRecord("arn:aws:qldb:stream", "COMPLETED")


def test_a_real_aggregated_event(shared_data: Path) -> None:
    event = json.loads((shared_data / "samples/kinesis-event-aggregated.json").read_text())
    found = list(user_records(event))
    kinds = [type(decode_record(each.data)) for each in found]
    assert records.BlockSummaryRecord in kinds
    assert records.RevisionDetailsRecord in kinds
    assert [each.position.sub_sequence_number for each in found] == list(range(len(found)))
    summary = next(
        decoded
        for decoded in map(decode_record, (each.data for each in found))
        if isinstance(decoded, records.BlockSummaryRecord)
    )
    keys = {each.partition_key for each in found}
    assert summary.summary.block_hash.hex() in keys


BAD_RECORDS: dict[str, Any] = {
    "unknown type": {"qldbStreamArn": "a", "recordType": "BLOCK", "payload": {}},
    "no payload": {"qldbStreamArn": "a", "recordType": "CONTROL"},
    "payload of another type": {"qldbStreamArn": "a", "recordType": "CONTROL", "payload": 1},
    "no control type": {"qldbStreamArn": "a", "recordType": "CONTROL", "payload": {}},
    "no address": {"qldbStreamArn": "a", "recordType": "BLOCK_SUMMARY", "payload": {}},
    "not a struct": [1],
    "revision without hash": {
        "qldbStreamArn": "a",
        "recordType": "REVISION_DETAILS",
        "payload": {"tableInfo": {"tableName": "t", "tableId": "i"}, "revision": {}},
    },
}


@pytest.mark.parametrize("name", BAD_RECORDS)
def test_a_bad_record_is_named_with_its_position(name: str) -> None:
    data = simpleion.dumps(BAD_RECORDS[name], binary=True)
    with pytest.raises(RecordError, match="a stream record cannot be read") as caught:
        decode_record(data, str(POSITION))
    assert caught.value.position is not None
    assert caught.value.position.startswith("shardId-000000000000 record 49")


@given(st.data())
def test_truncated_real_records_are_always_refused(shared_data: Path, data: st.DataObject) -> None:
    whole = (shared_data / "samples/block-summary.10n").read_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(RecordError):
        decode_record(whole[:cut])


def test_garbage_is_refused() -> None:
    with pytest.raises(RecordError, match="version marker"):
        decode_record(b"not Ion at all")


PAIRS = st.lists(st.tuples(st.text(st.characters(codec="ascii"), min_size=1), st.binary()))


@given(PAIRS, st.integers(1, 2000))
def test_aggregation_loses_and_reorders_nothing(
    pairs: list[tuple[str, bytes]], target: int
) -> None:
    packed = list(aggregate(pairs, target))
    assert sum(each.count for each in packed) == len(pairs)
    found = [
        (record.partition_key, record.data)
        for each in packed
        for record in deaggregate(each.data, each.partition_key, POSITION)
    ]
    assert found == pairs


def test_one_changed_byte_of_an_aggregated_record_is_found() -> None:
    (packed,) = aggregate([("key", b"some data"), ("key", b"more")])
    for at in range(4, len(packed.data)):
        damaged = bytearray(packed.data)
        damaged[at] ^= 1
        with pytest.raises(AggregationError, match="checksum") as caught:
            list(deaggregate(bytes(damaged), "key", POSITION))
        assert "record 49" in str(caught.value.position)


def test_a_record_beyond_kinesis_limit_is_refused() -> None:
    with pytest.raises(RecordTooLargeError, match="1048576 bytes"):
        list(aggregate([("key", bytes(1024 * 1024))]))


@pytest.mark.parametrize(
    "event",
    [
        {},
        None,
        {"Records": [{"kinesis": {"sequenceNumber": "1", "partitionKey": "a"}}]},
        {"Records": [{"kinesis": {"sequenceNumber": "1", "partitionKey": "a", "data": "%"}}]},
        {"Records": ["x"]},
    ],
)
def test_an_event_of_another_form_is_refused(event: Any) -> None:
    with pytest.raises(AggregationError):
        list(user_records(event))


def test_a_record_that_is_not_aggregated_is_itself() -> None:
    data = records.encode_control("arn", records.CREATED)
    event = {
        "Records": [
            {
                "eventID": "shardId-000000000001:7",
                "kinesis": {
                    "sequenceNumber": "7",
                    "partitionKey": "k",
                    "data": base64.b64encode(data).decode(),
                },
            }
        ]
    }
    (record,) = user_records(event)
    assert (record.data, record.partition_key) == (data, "k")
    assert str(record.position) == "shardId-000000000001 record 7"


def test_spans_read_scalars_and_refuse_the_wrong_type() -> None:
    fields = IonSpan.from_text("{a: -5, b: sym, c: [1, null], d: x::{{AAA=}}}").fields()
    assert fields["a"].integer() == -5
    assert fields["b"].text() == "sym"
    assert [each.is_null for each in fields["c"].elements()] == [False, True]
    assert fields["d"].annotations == ("x",)
    with pytest.raises(Exception, match="STRING or SYMBOL was expected, not INT"):
        fields["a"].text()
