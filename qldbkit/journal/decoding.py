"""From Ion structs to the values of `qldbkit.journal.model`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from qldbkit.errors import QldbkitError
from qldbkit.journal.ion import IonFormatError, IonSpan
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


class JournalFormatError(QldbkitError):
    """A part of the journal is not of the form that QLDB writes."""


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
    fields, part = span.fields(), "a block address"
    return BlockAddress(
        required(fields, "strandId", IonSpan.text, part),
        required(fields, "sequenceNo", IonSpan.integer, part),
    )


def revision(span: IonSpan) -> Revision:
    """A revision: ``{blockAddress, hash, data | dataHash, metadata}``.

    Raises:
        JournalFormatError: a field is missing or of another type.
        IonFormatError: the Ion is damaged.
    """
    fields, part = span.fields(), "a revision"
    return Revision(
        address=optional(fields, "blockAddress", block_address, part),
        hash=required(fields, "hash", IonSpan.blob, part),
        data=fields.get("data"),
        data_hash=optional(fields, "dataHash", IonSpan.blob, part),
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
    fields, part = span.fields(), "a block"
    return BlockSummary(
        address=required(fields, "blockAddress", block_address, part),
        transaction_id=required(fields, "transactionId", IonSpan.text, part),
        block_hash=required(fields, "blockHash", IonSpan.blob, part),
        entries_hash=required(fields, "entriesHash", IonSpan.blob, part),
        previous_block_hash=required(fields, "previousBlockHash", IonSpan.blob, part),
        entries_hash_list=required(fields, "entriesHashList", _blobs, part),
        transaction_info=optional(fields, "transactionInfo", _transaction_info, part),
        redaction_info=optional(fields, "redactionInfo", _redaction_info, part),
        revision_summaries=_summaries(fields),
        ion=span,
    )


def block(span: IonSpan) -> Block:
    """A block as ExportJournalToS3 and GetBlock give it, with its revisions.

    Raises:
        JournalFormatError: a field is missing or of another type.
        IonFormatError: the Ion is damaged.
    """
    found = optional(span.fields(), "revisions", _revisions, "a block")
    return Block(block_summary(span), found or ())


def _metadata(span: IonSpan) -> RevisionMetadata:
    fields, part = span.fields(), "a revision's metadata"
    return RevisionMetadata(
        id=required(fields, "id", IonSpan.text, part),
        version=required(fields, "version", IonSpan.integer, part),
        tx_id=required(fields, "txId", IonSpan.text, part),
        ion=span,
    )


def _revisions(span: IonSpan) -> tuple[Revision, ...]:
    return tuple(map(revision, span.elements()))


def _summaries(fields: Fields) -> tuple[RevisionSummary, ...]:
    part = "a revision summary"
    named = optional(fields, "revisionSummaries", IonSpan.elements, "a block")
    if named is not None:
        return tuple(
            RevisionSummary(
                required(each, "hash", IonSpan.blob, part),
                optional(each, "documentId", IonSpan.text, part),
            )
            for each in map(IonSpan.fields, named)
        )
    found = optional(fields, "revisions", _revisions, "a block") or ()
    return tuple(
        RevisionSummary(each.hash, None if each.metadata is None else each.metadata.id)
        for each in found
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
        required(fields, "version", IonSpan.integer, part),
    )


def _blobs(span: IonSpan) -> tuple[bytes, ...]:
    return tuple(map(IonSpan.blob, span.elements()))
