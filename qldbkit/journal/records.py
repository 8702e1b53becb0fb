"""What a journal stream carries: control, block summary and revision details records.

Each record is one binary Ion struct ``{qldbStreamArn, recordType, payload}``
(https://docs.aws.amazon.com/qldb/latest/developerguide/streams.records.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from qldbkit.errors import QldbkitError
from qldbkit.journal import codec, decoding
from qldbkit.journal.ion import IonFormatError, IonSpan
from qldbkit.journal.model import BlockAddress, BlockSummary, Revision, TableInfo
from qldbkit.journal.shapes import JournalFormatError, Shape, Usual, itself, read_field

CONTROL = "CONTROL"
BLOCK_SUMMARY = "BLOCK_SUMMARY"
REVISION_DETAILS = "REVISION_DETAILS"
CREATED = "CREATED"
COMPLETED = "COMPLETED"


class RecordError(QldbkitError):
    """A stream record cannot be read."""


@dataclass(frozen=True, slots=True)
class ControlRecord:
    """The stream began (``CREATED``) or reached its end time (``COMPLETED``)."""

    stream_arn: str
    control_record_type: str


@dataclass(frozen=True, slots=True)
class BlockSummaryRecord:
    """A block was committed; its revisions come in records of their own."""

    stream_arn: str
    summary: BlockSummary

    @property
    def address(self) -> BlockAddress:
        """The block's address."""
        return self.summary.address


@dataclass(frozen=True, slots=True)
class RevisionDetailsRecord:
    """One revision of a block, and the table it belongs to."""

    stream_arn: str
    table: TableInfo
    revision: Revision

    @property
    def address(self) -> BlockAddress:
        """The address of the block that committed the revision."""
        assert self.revision.address is not None  # decoding refuses a record without it
        return self.revision.address


StreamRecord = ControlRecord | BlockSummaryRecord | RevisionDetailsRecord


def decode_record(data: bytes, position: object = None) -> StreamRecord:
    """Read one stream record.

    Args:
        data: the record's binary Ion.
        position: where the record was found, for the error; what says so as text.

    Raises:
        RecordError: the record is damaged, of an unknown type, or lacks a field.
    """
    try:
        return _decode(data)
    except (IonFormatError, JournalFormatError) as error:
        where = ", ".join(str(each) for each in (position, error.position) if each is not None)
        raise RecordError(
            f"a stream record cannot be read: {error.message}",
            position=where or None,
            hint="compare it with the same record in the archive; it was damaged on its way",
        ) from error


def _decode(data: bytes) -> StreamRecord:
    stream_arn, record_type, payload = record_fields(IonSpan.parse(data))
    if record_type == BLOCK_SUMMARY:
        return BlockSummaryRecord(
            stream_arn, read_field(payload, "payload", decoding.block_summary, RECORD)
        )
    if record_type == REVISION_DETAILS:
        return _revision_details(stream_arn, payload)
    if record_type == CONTROL:
        (control_record_type,) = read_field(payload, "payload", _CONTROL.read, RECORD)
        return ControlRecord(stream_arn, control_record_type)
    raise JournalFormatError(f"the record type {record_type!r} is unknown")


def record_fields(span: IonSpan) -> tuple[str, str, IonSpan]:
    """A stream record's stream, type and payload.

    Raises:
        JournalFormatError: one is missing or of another type.
        IonFormatError: the Ion is damaged.
    """
    stream_arn, record_type, payload = _RECORD.read(span)
    return stream_arn, record_type, payload


def _revision_details(stream_arn: str, payload: IonSpan) -> RevisionDetailsRecord:
    table, revision = read_field(payload, "payload", _DETAILS.read, RECORD)
    if revision.address is None or revision.metadata is None:
        raise JournalFormatError(f"{_DETAILS.part} names no block or no document")
    return RevisionDetailsRecord(stream_arn, table, revision)


def _table(span: IonSpan) -> TableInfo:
    return TableInfo(*_TABLE.read(span))


RECORD: Final = "a stream record"
_RECORD: Final = Shape(
    RECORD, {"qldbStreamArn": IonSpan.text, "recordType": IonSpan.text, "payload": itself}
)
_CONTROL: Final = Shape("a control record", {"controlRecordType": IonSpan.text})
_TABLE: Final = Shape("a table", {"tableName": IonSpan.text, "tableId": IonSpan.text})
_DETAILS: Final = Shape(
    "a revision details record",
    {"tableInfo": _table, "revision": decoding.revision},
    usual={
        "tableInfo": Usual(
            TableInfo,
            {"tableName": ("table_name", IonSpan.text), "tableId": ("table_id", IonSpan.text)},
        ),
        "revision": decoding.USUAL_REVISION,
    },
)


def encode_control(stream_arn: str, control_record_type: str) -> bytes:
    """A CONTROL record's binary Ion; the type is `CREATED` or `COMPLETED`."""
    return _encode(stream_arn, CONTROL, {"controlRecordType": control_record_type})


def encode_block_summary(stream_arn: str, summary: BlockSummary) -> bytes:
    """A BLOCK_SUMMARY record's binary Ion."""
    return _encode(stream_arn, BLOCK_SUMMARY, summary.ion.value())


def encode_revision_details(stream_arn: str, table: TableInfo, revision: Revision) -> bytes:
    """A REVISION_DETAILS record's binary Ion."""
    payload = {
        "tableInfo": {"tableName": table.table_name, "tableId": table.table_id},
        "revision": revision.ion.value(),
    }
    return _encode(stream_arn, REVISION_DETAILS, payload)


def _encode(stream_arn: str, record_type: str, payload: Any) -> bytes:
    record = {"qldbStreamArn": stream_arn, "recordType": record_type, "payload": payload}
    return codec.write(record)
