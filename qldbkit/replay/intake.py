"""A batch of Kinesis records, read and checked: what is sound goes on, the rest is set aside."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_kinesis_agg import MAGIC

from qldbkit.journal.integrity import IntegrityError
from qldbkit.journal.ion import VERSION_MARKER
from qldbkit.journal.kinesis import AggregationError, user_records
from qldbkit.journal.model import BlockAddress
from qldbkit.journal.outcome import Outcome
from qldbkit.journal.records import ControlRecord, RecordError
from qldbkit.replay.errors import BlockDamagedError
from qldbkit.replay.fragments import QuarantinedRecord, unframed
from qldbkit.replay.gathering import GatheredBlock, Gathering, verified


@dataclass(slots=True)
class Intake:
    """What one batch brought.

    Attributes:
        strands: the blocks that something came of, by strand.
        quarantined: records that cannot be read or are not what their hashes say.
        controls: the types of the control records, in their order.
        records: how many user records there were.
        repeated: how many of them said nothing new.
    """

    strands: dict[str, Gathering] = field(default_factory=dict)
    quarantined: list[QuarantinedRecord] = field(default_factory=list)
    controls: list[str] = field(default_factory=list)
    records: int = 0
    repeated: int = 0

    def block_at(self, address: BlockAddress, now: float) -> GatheredBlock:
        """The block at an address, which may be nothing yet."""
        strand = self.strands.setdefault(address.strand_id, {})
        block = strand.get(address.sequence_no)
        if block is None:
            block = strand[address.sequence_no] = GatheredBlock(address, now)
        return block


def read_batch(event: Mapping[str, Any], now: float) -> Intake:
    """Read the event that Lambda gives to a consumer of Kinesis.

    A record that cannot be read belongs to a block that is not known, so nothing can say which
    documents it is about; it is set aside whole, with its position. A Kinesis record whose
    checksum is wrong is set aside with everything that is packed in it.

    Args:
        event: ``{"Records": [...]}``.
        now: seconds since 1970.

    Raises:
        AggregationError: the event is not one of Kinesis records at all.
    """
    intake = Intake()
    for each in _kinesis_records(event):
        _unpack(intake, each, now)
    return intake


def arrived_first(event: Mapping[str, Any], now: float) -> float:
    """When the oldest record of an event arrived in the stream, in seconds since 1970.

    Args:
        event: as for `read_batch`; one that does not say so is as good as new.
        now: seconds since 1970.
    """
    records = event.get("Records", ())
    bodies = (each.get("kinesis") for each in records if isinstance(each, Mapping))
    times = (each.get("approximateArrivalTimestamp") for each in bodies if each is not None)
    return min((float(each) for each in times if each is not None), default=now)


def read_again(payload: bytes, position: str, now: float) -> Intake:
    """Read what was in quarantine: a Kinesis record, a record, or the records of a block.

    What is still not sound is given back in ``quarantined``: a Kinesis record and what is not
    packed at the position that it had, and what turns out to be packed in it at its own.

    Args:
        payload: the bytes as they were set aside.
        position: where they were found.
        now: seconds since 1970.
    """
    intake = Intake()
    if payload.startswith(MAGIC):
        shard_id, _, number = position.rpartition(" record ")
        body = {
            "data": base64.b64encode(payload).decode(),
            "sequenceNumber": number,
            "partitionKey": "",
        }
        _unpack(intake, {"eventID": f"{shard_id}:{number}", "kinesis": body}, now)
        return intake
    for data in _records_in(payload):
        _take(intake, data, position, now)
    return intake


def read_named(records: Iterable[tuple[str, bytes]], now: float) -> Intake:
    """Read records that come one by one, each with its position."""
    intake = Intake()
    for position, data in records:
        _take(intake, data, position, now)
    return intake


def _records_in(payload: bytes) -> tuple[bytes, ...]:
    if payload.startswith(VERSION_MARKER):
        return (payload,)
    try:
        return unframed(payload)
    except ValueError:
        return (payload,)


def gathered_blocks(proven: Iterable[Outcome], now: float) -> Intake:
    """Take blocks that were proven whole, so that nothing of them has to be checked again.

    Args:
        proven: of each the block, which is there, and its facts.
        now: seconds since 1970.
    """
    intake = Intake()
    for each in proven:
        block = each.block
        assert block is not None
        assert each.facts is not None
        strand = intake.strands.setdefault(block.address.strand_id, {})
        taken = GatheredBlock.of(block, now, bound=each.facts.binds_header)
        strand[block.address.sequence_no] = taken
        intake.records += 1 + len(block.revisions)
    return intake


def _unpack(intake: Intake, record: Mapping[str, Any], now: float) -> None:
    try:
        packed = list(user_records({"Records": [record]}))
    except AggregationError as error:
        intake.quarantined.append(_damaged_pack(record, error, now))
        return
    for each in packed:
        _take(intake, each.data, each.position, now)


def _kinesis_records(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    try:
        yield from event["Records"]
    except (KeyError, TypeError) as error:
        raise AggregationError("not an event of Kinesis records: it has no Records") from error


def _take(intake: Intake, data: bytes, position: object, now: float) -> None:
    intake.records += 1
    try:
        record, bound = verified(data, position)
        if isinstance(record, ControlRecord):
            intake.controls.append(record.control_record_type)
            return
        block = intake.block_at(record.address, now)
        if block.add(record, bound=bound):
            block.fresh.append(data)
        else:
            intake.repeated += 1
    except (RecordError, IntegrityError, BlockDamagedError) as error:
        intake.quarantined.append(QuarantinedRecord(str(position), str(error), data, now))


def _damaged_pack(
    record: Mapping[str, Any], error: AggregationError, now: float
) -> QuarantinedRecord:
    try:
        body = record["kinesis"]
        payload = base64.b64decode(body["data"])
        shard_id = str(record.get("eventID", "")).partition(":")[0] or "Kinesis"
        position = f"{shard_id} record {body['sequenceNumber']}"
    except (KeyError, TypeError, AttributeError, ValueError):
        raise error from None  # not poison: the caller did not hand over what Lambda does
    return QuarantinedRecord(position, str(error), payload, now)
