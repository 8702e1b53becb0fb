"""Archives of a journal stream: the records as Firehose or another consumer put them into objects.

Records come in any order, several times, aggregated or not; a block and its revisions may be in
different objects. They are put in order on disk before anything is given out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from qldbkit.journal import kernel
from qldbkit.journal.decoding import block_address
from qldbkit.journal.findings import Finding, FindingKind, Place
from qldbkit.journal.ion import IonFormatError, IonSpan
from qldbkit.journal.model import BlockAddress
from qldbkit.journal.records import (
    BLOCK_SUMMARY,
    COMPLETED,
    CONTROL,
    CREATED,
    RECORD,
    REVISION_DETAILS,
    ControlRecord,
    RecordError,
    decode_record,
    record_fields,
)
from qldbkit.journal.shapes import JournalFormatError, Shape, natural, read_field
from qldbkit.journal.sources.objects import LocationError, ObjectStore, plain_stream
from qldbkit.journal.sources.spill import Located, Record, Spill
from qldbkit.journal.sources.splitting import Junk, Piece, binary_values
from qldbkit.journal.sources.stored import PartKind, SourceDescription, StoredBlock

SKIPPED_LIMIT: Final = 20
"""Documents that are named when versions of them are missing."""
DAMAGED_LIMIT: Final = 10_000
"""Unreadable records that are told one by one; of the others only that they are there."""
LARGEST_NUMBER: Final = (1 << 63) - 1
"""The largest sequence number or version; what is larger was damaged."""


@dataclass(slots=True)
class _Streams:
    """The journal streams that an archive has records of, and the strands that they carry.

    A stream's name is in each of its records, and no hash covers it there.
    """

    created: set[str] = field(default_factory=set)
    controlled: set[str] = field(default_factory=set)
    strands: dict[str, set[str]] = field(default_factory=dict)

    def control(self, record: ControlRecord) -> None:
        """Take a stream's own record."""
        self.controlled.add(record.stream_arn)
        if record.control_record_type == CREATED:
            self.created.add(record.stream_arn)

    def carry(self, record: Located) -> None:
        """Take a record of a block."""
        self.strands.setdefault(record.stream_arn, set()).add(record.strand_id)

    def findings(self) -> Iterator[Finding]:
        """Streams that do not fit together."""
        for stream_arn, strands in sorted(self.strands.items()):
            if len(strands) > 1:
                reason = f"stream {stream_arn} carries blocks of {len(strands)} strands"
                yield Finding(FindingKind.DAMAGED, reason)
            if len(self.strands) > 1 and stream_arn not in self.created:
                reason = f"the record that opens stream {stream_arn} is not in the archive"
                yield Finding(FindingKind.UNVERIFIABLE, reason)
        for stream_arn in sorted(self.controlled - self.strands.keys()):
            reason = f"nothing but control records is there of stream {stream_arn}"
            yield Finding(FindingKind.UNVERIFIABLE, reason)


@dataclass(slots=True)
class _Damages:
    """What could not be read, up to `DAMAGED_LIMIT`."""

    listed: list[Finding] = field(default_factory=list)
    further: int = 0

    def add(self, finding: Finding) -> None:
        if len(self.listed) < DAMAGED_LIMIT:
            self.listed.append(finding)
        else:
            self.further += 1

    def told(self) -> Iterator[Finding]:
        yield from self.listed
        if self.further:
            reason = f"{self.further} further records cannot be read"
            yield Finding(FindingKind.DAMAGED, reason)


class ArchiveSource:
    """The records of journal streams in a store of objects.

    Args:
        store: where the objects are.
        names: the objects' names.
    """

    def __init__(self, store: ObjectStore, names: list[str]):
        self._store = store
        self._names = names
        self._expected: int | None = None

    def describe(self) -> SourceDescription:
        """An archive; blocks without revisions need not be in it."""
        location = self._store.location
        return SourceDescription("stream archive", location, len(self._names), contiguous=False)

    def stored_blocks(self) -> Iterator[StoredBlock | Finding]:
        """What cannot be read and what is known to be missing, then every block in order.

        Of the blocks that are not there, nothing tells whether they had revisions, unless a later
        version of a document comes behind an earlier one that is not the one before.
        """
        with Spill() as spill:
            found, streams = _Damages(), _Streams()
            spill.fill(self._located(found, streams))
            yield from found.told()
            yield from streams.findings()
            for strand_id in sorted(set().union(*streams.strands.values())):
                for document, sequence_no in spill.skipped_versions(strand_id, SKIPPED_LIMIT):
                    reason = f"the version of document {document} before this one is in no record"
                    address = BlockAddress(strand_id, sequence_no)
                    yield Finding(FindingKind.MISSING, reason, address)
            self._expected = spill.count()
            yield from spill.blocks()

    def expected_blocks(self) -> int | None:
        """As many as there are addresses, once all records were read."""
        return self._expected

    def _located(self, found: _Damages, streams: _Streams) -> Iterator[Record]:
        for name in self._names:
            for piece in pieces_of(self._store, name):
                if isinstance(piece, Finding):
                    found.add(piece)
                    continue
                try:
                    located = locate(piece.data)
                except (IonFormatError, JournalFormatError, RecordError) as error:
                    reason = f"a stream record cannot be read: {error.message}"
                    place = Place(name, piece.offset, piece.part)
                    found.add(Finding(FindingKind.DAMAGED, reason, place=place))
                else:
                    if isinstance(located, ControlRecord):
                        streams.control(located)
                    else:
                        streams.carry(located)
                        yield located, name, piece


def pieces_of(store: ObjectStore, name: str) -> Iterator[Piece | Finding]:
    """The top-level values of an object of binary Ion, and what in it is none."""
    try:
        with plain_stream(store, name) as stream:
            for piece in binary_values(stream):
                yield as_finding(piece, name) if isinstance(piece, Junk) else piece
    except LocationError as error:
        yield Finding(FindingKind.MISSING, error.message, place=Place(name))


def as_finding(junk: Junk, name: str) -> Finding:
    """What to say of bytes that cannot be read."""
    return Finding(FindingKind.DAMAGED, junk.reason, place=Place(name, junk.offset))


def locate(data: bytes) -> Located | ControlRecord:
    """Read of a record only what puts it in order.

    Raises:
        IonFormatError, JournalFormatError, RecordError: it is damaged.
    """
    answer = kernel.located(data)
    if answer is not None:
        return Located(*answer)
    stream_arn, record_type, payload = record_fields(IonSpan.parse(data))
    if record_type == CONTROL:
        record = decode_record(data)
        assert isinstance(record, ControlRecord)
        if record.control_record_type not in (CREATED, COMPLETED):
            raise JournalFormatError(
                f"the control record type {record.control_record_type!r} is unknown"
            )
        return record
    if record_type == BLOCK_SUMMARY:
        (address,) = read_field(payload, "payload", _SUMMARY.read, RECORD)
        return _located(PartKind.SUMMARY_RECORD, stream_arn, address, None, None)
    if record_type == REVISION_DETAILS:
        ((address, (id_, version)),) = read_field(payload, "payload", _DETAILS.read, RECORD)
        return _located(PartKind.REVISION_RECORD, stream_arn, address, id_, version)
    raise JournalFormatError(f"the record type {record_type!r} is unknown")


def _located(
    kind: PartKind, stream_arn: str, address: BlockAddress, id_: str | None, version: int | None
) -> Located:
    if address.sequence_no > LARGEST_NUMBER or (version is not None and version > LARGEST_NUMBER):
        raise JournalFormatError(f"no journal has a number as large as that of {address}")
    return Located(kind, stream_arn, address.strand_id, address.sequence_no, id_, version)


_SUMMARY: Final = Shape("a block summary", {"blockAddress": block_address})
_METADATA: Final = Shape("a revision's metadata", {"id": IonSpan.text, "version": natural})
_REVISION: Final = Shape("a revision", {"blockAddress": block_address, "metadata": _METADATA.read})
_DETAILS: Final = Shape("a revision details record", {"revision": _REVISION.read})
