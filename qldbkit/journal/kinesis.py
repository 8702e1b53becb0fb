"""Kinesis records: the aggregated form in which QLDB's streams, like the KPL, pack many into one.

The format is that of
https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md: four magic
bytes, a protobuf message, and its MD5. `aws_kinesis_agg` has the message's definition and builds
it; taking it apart is done here, because its deaggregator prints what it cannot read and goes on.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import md5
from typing import Any, Final, NamedTuple

from aws_kinesis_agg import DIGEST_SIZE, MAGIC

# messages_pb2 can be imported only after the aggregator, which puts its folder on the path.
from aws_kinesis_agg.aggregator import AggRecord, messages_pb2
from google.protobuf.message import DecodeError

from qldbkit.errors import QldbkitError

RECORD_LIMIT: Final = 1024 * 1024
"""Kinesis' bound on a record's data and partition key together, in bytes."""
PARTITION_KEY_LIMIT: Final = 256
TARGET_SIZE: Final = 51_200
"""An aggregated record is full at this many bytes, which is the KPL's default."""


class AggregationError(QldbkitError):
    """A Kinesis record is damaged: what is packed in it cannot be taken apart."""


class RecordTooLargeError(QldbkitError):
    """A record is larger than Kinesis takes."""


class RecordPosition(NamedTuple):
    """Where a record was found in a Kinesis stream; a tuple, as there is one for each record.

    Attributes:
        shard_id: the shard, or empty where it is not known.
        sequence_number: the Kinesis record's.
        sub_sequence_number: its place in an aggregated record; None in one that is not.
    """

    shard_id: str
    sequence_number: str
    sub_sequence_number: int | None = None

    def __str__(self) -> str:
        part = "" if self.sub_sequence_number is None else f", part {self.sub_sequence_number}"
        return f"{self.shard_id or 'Kinesis'} record {self.sequence_number}{part}"


class UserRecord(NamedTuple):
    """One record as its producer wrote it; a tuple, as there are many."""

    data: bytes
    partition_key: str
    position: RecordPosition


@dataclass(frozen=True, slots=True)
class AggregatedRecord:
    """A Kinesis record with several user records in it, and how many."""

    data: bytes
    partition_key: str
    count: int


def user_records(event: Mapping[str, Any]) -> Iterator[UserRecord]:
    """The user records of an event as Lambda hands it to a Kinesis consumer, in their order.

    Raises:
        AggregationError: a record is not of the form that Lambda gives, or its checksum is wrong.
    """
    try:
        records = event["Records"]
    except (KeyError, TypeError) as error:
        raise AggregationError("not an event of Kinesis records: it has no Records") from error
    for index, record in enumerate(records):
        try:
            body = record["kinesis"]
            shard_id = str(record.get("eventID", "")).partition(":")[0]
            position = RecordPosition(shard_id, str(body["sequenceNumber"]))
            data = base64.b64decode(body["data"], validate=True)
            partition_key = str(body["partitionKey"])
        except (KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise AggregationError(
                "not a record as Lambda gives those of Kinesis", position=f"record {index}"
            ) from error
        yield from deaggregate(data, partition_key, position)


def deaggregate(data: bytes, partition_key: str, position: RecordPosition) -> Iterator[UserRecord]:
    """The user records in one Kinesis record: itself, if it is not aggregated.

    Raises:
        AggregationError: the record is marked as aggregated, but its checksum is wrong.
    """
    if not data.startswith(MAGIC):
        yield UserRecord(data, partition_key, position)
        return
    message, checksum = data[len(MAGIC) : -DIGEST_SIZE], data[-DIGEST_SIZE:]
    # The checksum is the format's, against damage; nothing here relies on MD5 for security.
    if md5(message, usedforsecurity=False).digest() != checksum:
        raise _damaged("its checksum is not that of its contents", position)
    try:
        aggregated = messages_pb2.AggregatedRecord.FromString(message)
    except DecodeError as error:
        raise _damaged("it does not hold an aggregation message", position) from error
    keys = list(aggregated.partition_key_table)
    for index, record in enumerate(aggregated.records):
        part = RecordPosition(position.shard_id, position.sequence_number, index)
        if record.partition_key_index >= len(keys):
            raise _damaged("it names a partition key that it does not have", part)
        yield UserRecord(record.data, keys[record.partition_key_index], part)


def aggregate(
    records: Iterable[tuple[str, bytes]], target_size: int = TARGET_SIZE
) -> Iterator[AggregatedRecord]:
    """Pack records into aggregated Kinesis records, in their order.

    Args:
        records: partition keys and data.
        target_size: bytes at which an aggregated record is full; one that is larger by itself is
            packed alone.

    Raises:
        RecordTooLargeError: one record alone is more than Kinesis takes.
    """
    pack = AggRecord()
    for partition_key, data in records:
        size = len(data) + len(partition_key)
        if pack.get_num_user_records() and pack.get_size_bytes() + size > target_size:
            yield _packed(pack)
            pack = AggRecord()
        if size > RECORD_LIMIT - 2 * PARTITION_KEY_LIMIT:
            raise RecordTooLargeError(
                f"a record of {len(data)} bytes does not fit in a Kinesis record"
            )
        pack.add_user_record(partition_key, data)
    if pack.get_num_user_records():
        yield _packed(pack)


def _packed(pack: AggRecord) -> AggregatedRecord:
    partition_key, _, data = pack.get_contents()
    return AggregatedRecord(data, partition_key, pack.get_num_user_records())


def _damaged(reason: str, position: RecordPosition) -> AggregationError:
    return AggregationError(
        f"an aggregated Kinesis record is damaged: {reason}",
        position=str(position),
        hint="its records are in the archive too; fill the gap from there",
    )
