"""From Ion structs to the values of `qldbkit.journal.model`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from qldbkit.errors import QldbkitError
from qldbkit.journal.hashes import HASH_SIZE
from qldbkit.journal.ion import IonFormatError, IonSpan, IonType
from qldbkit.journal.model import (
    Block,
    BlockAddress,
    BlockSummary,
    DocumentInfo,
    RedactedRevision,
    RedactionInfo,
    Revision,
    RevisionMetadata,
    RevisionSummary,
    Statement,
    TransactionInfo,
)

Value = TypeVar("Value")
Fields = Mapping[str, IonSpan]

HEADER_FIELDS: Final = ("blockAddress", "transactionId", "blockTimestamp")
"""What `qldbkit.journal.building.header_hash` binds."""
ADDRESS_FIELDS: Final = frozenset({"strandId", "sequenceNo"})
REVISION_FIELDS: Final = frozenset({"blockAddress", "hash", "data", "dataHash", "metadata"})
METADATA_FIELDS: Final = frozenset({"id", "version", "txTime", "txId"})
SUMMARY_FIELDS: Final = frozenset({"hash", "documentId"})
BLOCK_FIELDS: Final = frozenset(
    {
        "blockAddress",
        "transactionId",
        "blockTimestamp",
        "blockHash",
        "entriesHash",
        "previousBlockHash",
        "entriesHashList",
        "transactionInfo",
        "redactionInfo",
        "revisions",
        "revisionSummaries",
    }
)


class JournalFormatError(QldbkitError):
    """A part of the journal is not of the form that QLDB writes."""


def members(span: IonSpan, known: frozenset[str], part: str) -> dict[str, IonSpan]:
    """The fields of ``part``, all of them of names that QLDB writes, each once.

    What has another name would be overlooked, and no hash would tell that it had been changed.

    Raises:
        JournalFormatError: a field is unknown or there twice.
    """
    pairs = span.field_pairs()
    fields = dict(pairs)
    if len(fields) < len(pairs) or not fields.keys() <= known:
        names = [name for name, _ in pairs]
        wrong = next(each for each in names if each not in known or names.count(each) > 1)
        what = "twice" if wrong in known else "but should not"
        raise JournalFormatError(f"{part} has the field {wrong} {what}")
    return fields


def hash_bytes(span: IonSpan) -> bytes:
    """A blob of 32 bytes, or of none where there was nothing to hash.

    Raises:
        IonFormatError: it is anything else.
    """
    data = span.blob()
    if span.ion_type != IonType.BLOB or len(data) not in (0, HASH_SIZE):
        raise IonFormatError(f"a hash was expected, not {len(data)} bytes", span.start)
    return data


def natural(span: IonSpan) -> int:
    """An int from 0.

    Raises:
        IonFormatError: it is anything else.
    """
    number = span.integer()
    if number < 0:
        raise IonFormatError(f"{number} is negative", span.start)
    return number


def required(fields: Fields, name: str, read: Callable[[IonSpan], Value], part: str) -> Value:
    """Read the field ``name`` of ``part``.

    Raises:
        JournalFormatError: it is missing, or not of the type that QLDB writes.
    """
    span = fields.get(name)
    if span is None:
        raise JournalFormatError(f"{part} has no field {name}")
    try:
        return read(span)
    except IonFormatError as error:
        raise JournalFormatError(
            f"field {name} of {part}: {error.message}", position=error.position
        ) from error


def optional(
    fields: Fields, name: str, read: Callable[[IonSpan], Value], part: str
) -> Value | None:
    """Read the field ``name`` of ``part`` if it is there and not null."""
    span = fields.get(name)
    return None if span is None or span.is_null else required(fields, name, read, part)


def block_address(span: IonSpan) -> BlockAddress:
    """A block address: ``{strandId, sequenceNo}``."""
    part = "a block address"
    fields = members(span, ADDRESS_FIELDS, part)
    return BlockAddress(
        required(fields, "strandId", IonSpan.text, part),
        required(fields, "sequenceNo", natural, part),
    )


def revision(span: IonSpan) -> Revision:
    """A revision: ``{blockAddress, hash, data | dataHash, metadata}``.

    Raises:
        JournalFormatError: a field is missing or of another type.
        IonFormatError: the Ion is damaged.
    """
    part = "a revision"
    fields = members(span, REVISION_FIELDS, part)
    if "data" in fields and "dataHash" in fields:
        raise JournalFormatError(f"{part} has both data and dataHash")
    if "metadata" not in fields and ("data" in fields or "dataHash" in fields):
        raise JournalFormatError(f"{part} has data and no metadata")
    return Revision(
        address=optional(fields, "blockAddress", block_address, part),
        hash=required(fields, "hash", hash_bytes, part),
        data=fields.get("data"),
        data_hash=optional(fields, "dataHash", hash_bytes, part),
        metadata=optional(fields, "metadata", _metadata, part),
        ion=span,
    )


def block_summary(span: IonSpan) -> BlockSummary:
    """A block as a stream's BLOCK_SUMMARY carries it, or as exports do.

    An exported block has ``revisions`` in place of ``revisionSummaries``; the summaries are then
    made from those.

    Raises:
        JournalFormatError: a field is missing or of another type.
        IonFormatError: the Ion is damaged.
    """
    return block(span).summary


def block(span: IonSpan) -> Block:
    """A block as ExportJournalToS3 and GetBlock give it, with its revisions.

    Raises:
        JournalFormatError: a field is missing or of another type.
        IonFormatError: the Ion is damaged.
    """
    part = "a block"
    fields = members(span, BLOCK_FIELDS, part)
    revisions = optional(fields, "revisions", _revisions, part) or ()
    summary = BlockSummary(
        address=required(fields, "blockAddress", block_address, part),
        transaction_id=required(fields, "transactionId", IonSpan.text, part),
        block_hash=required(fields, "blockHash", hash_bytes, part),
        entries_hash=required(fields, "entriesHash", hash_bytes, part),
        previous_block_hash=required(fields, "previousBlockHash", hash_bytes, part),
        entries_hash_list=required(fields, "entriesHashList", _blobs, part),
        transaction_info=optional(fields, "transactionInfo", _transaction_info, part),
        redaction_info=optional(fields, "redactionInfo", _redaction_info, part),
        revision_summaries=_summaries(fields, revisions),
        header={name: fields[name] for name in HEADER_FIELDS if name in fields},
        ion=span,
    )
    return Block(summary, revisions)


def _metadata(span: IonSpan) -> RevisionMetadata:
    part = "a revision's metadata"
    fields = members(span, METADATA_FIELDS, part)
    return RevisionMetadata(
        id=required(fields, "id", IonSpan.text, part),
        version=required(fields, "version", natural, part),
        tx_id=required(fields, "txId", IonSpan.text, part),
        tx_time_ion=fields.get("txTime"),
        ion=span,
    )


def _revisions(span: IonSpan) -> tuple[Revision, ...]:
    return tuple(map(revision, span.elements()))


def _summaries(fields: Fields, revisions: tuple[Revision, ...]) -> tuple[RevisionSummary, ...]:
    part = "a revision summary"
    named = optional(fields, "revisionSummaries", IonSpan.elements, "a block")
    if named is not None:
        return tuple(
            RevisionSummary(
                required(each, "hash", hash_bytes, part),
                optional(each, "documentId", IonSpan.text, part),
            )
            for each in (members(item, SUMMARY_FIELDS, part) for item in named)
        )
    return tuple(
        RevisionSummary(each.hash, None if each.metadata is None else each.metadata.id)
        for each in revisions
    )


def _transaction_info(span: IonSpan) -> TransactionInfo:
    fields, part = span.fields(), "a block's transactionInfo"
    statements = optional(fields, "statements", IonSpan.elements, part) or []
    documents = optional(fields, "documents", IonSpan.fields, part) or {}
    return TransactionInfo(
        tuple(map(_statement, statements)),
        {id_: _document_info(each) for id_, each in documents.items()},
        span,
    )


def _statement(span: IonSpan) -> Statement:
    fields, part = span.fields(), "a statement"
    return Statement(
        required(fields, "statement", IonSpan.text, part),
        required(fields, "statementDigest", IonSpan.blob, part),
        fields.get("startTime"),
        span,
    )


def _document_info(span: IonSpan) -> DocumentInfo:
    fields, part = span.fields(), "a document of a transaction"
    statements = optional(fields, "statements", IonSpan.elements, part) or []
    return DocumentInfo(
        required(fields, "tableName", IonSpan.text, part),
        required(fields, "tableId", IonSpan.text, part),
        tuple(map(IonSpan.integer, statements)),
    )


def _redaction_info(span: IonSpan) -> RedactionInfo:
    fields, part = span.fields(), "a block's redactionInfo"
    found = required(fields, "revisions", IonSpan.elements, part)
    return RedactionInfo(tuple(map(_redacted_revision, found)), span)


def _redacted_revision(span: IonSpan) -> RedactedRevision:
    fields, part = span.fields(), "a redacted revision"
    return RedactedRevision(
        required(fields, "blockAddress", block_address, part),
        required(fields, "tableId", IonSpan.text, part),
        required(fields, "documentId", IonSpan.text, part),
        required(fields, "version", natural, part),
    )


def _blobs(span: IonSpan) -> tuple[bytes, ...]:
    return tuple(map(hash_bytes, span.elements()))
