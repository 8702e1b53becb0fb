"""From Ion structs to the values of `qldbkit.journal.model`."""

from __future__ import annotations

from typing import Final

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.kernel import constructor
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
from qldbkit.journal.shapes import (
    JournalFormatError,
    Listed,
    Mapped,
    Shape,
    Usual,
    hash_bytes,
    hash_list,
    itself,
    natural,
    naturals,
    read_field,
)


def block_address(span: IonSpan) -> BlockAddress:
    """A block address: ``{strandId, sequenceNo}``.

    Raises:
        JournalFormatError: a field is missing, of another type, or one that should not be there.
        IonFormatError: the Ion is damaged.
    """
    usual = _USUAL_ADDRESS(span)
    if usual is not None:
        return usual
    strand_id, sequence_no = _ADDRESS.read(span)
    return BlockAddress(strand_id, sequence_no)


def revision(span: IonSpan) -> Revision:
    """A revision: ``{blockAddress, hash, data | dataHash, metadata}``.

    Raises:
        JournalFormatError: a field is missing, of another type, or one that should not be there.
        IonFormatError: the Ion is damaged.
    """
    usual = USUAL_REVISION(span)
    if usual is not None:
        return usual
    hash_, address, data, written_hash, written_metadata = _REVISION.read(span)
    part = _REVISION.part
    if data is not None and written_hash is not None:
        raise JournalFormatError(f"{part} has both data and dataHash")
    if written_metadata is None and (data is not None or written_hash is not None):
        raise JournalFormatError(f"{part} has data and no metadata")
    data_hash = metadata = None
    if written_hash is not None and not written_hash.is_null:
        data_hash = read_field(written_hash, "dataHash", hash_bytes, part)
    if written_metadata is not None and not written_metadata.is_null:
        metadata = read_field(written_metadata, "metadata", _metadata, part)
    return Revision(address, hash_, data, data_hash, metadata, span)


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
    (
        address_ion,
        transaction_ion,
        block_hash,
        entries_hash,
        previous_block_hash,
        entries,
        time_ion,
        transaction_info,
        redaction_info,
        revisions,
        summaries,
    ) = _BLOCK.read(span)
    part, revisions = _BLOCK.part, revisions or ()
    header = {"blockAddress": address_ion, "transactionId": transaction_ion}
    if time_ion is not None:
        header["blockTimestamp"] = time_ion
    summary = _new_summary(
        read_field(address_ion, "blockAddress", block_address, part),
        read_field(transaction_ion, "transactionId", IonSpan.text, part),
        block_hash,
        entries_hash,
        previous_block_hash,
        entries,
        transaction_info,
        redaction_info,
        _summaries_of(revisions) if summaries is None else summaries,
        header,
        span,
    )
    return _new_block(summary, revisions)


def _metadata(span: IonSpan) -> RevisionMetadata:
    id_, version, tx_id, tx_time = _METADATA.read(span)
    return RevisionMetadata(id_, version, tx_id, tx_time, span)


def _revisions(span: IonSpan) -> tuple[Revision, ...]:
    return tuple(map(revision, span.elements()))


def _summaries(span: IonSpan) -> tuple[RevisionSummary, ...]:
    return tuple([RevisionSummary(*_SUMMARY.read(each)) for each in span.elements()])


def _summaries_of(revisions: tuple[Revision, ...]) -> tuple[RevisionSummary, ...]:
    return tuple(
        [
            _new_revision_summary(each.hash, None if each.metadata is None else each.metadata.id)
            for each in revisions
        ]
    )


def _transaction_info(span: IonSpan) -> TransactionInfo:
    statements, documents = _TRANSACTION.read(span)
    return TransactionInfo(
        tuple(map(_statement, statements or ())),
        {id_: _document_info(each) for id_, each in (documents or {}).items()},
        span,
    )


def _statement(span: IonSpan) -> Statement:
    text, digest, start_time = _STATEMENT.read(span)
    return Statement(text, digest, start_time, span)


def _document_info(span: IonSpan) -> DocumentInfo:
    table_name, table_id, statements = _DOCUMENT.read(span)
    return DocumentInfo(table_name, table_id, tuple(map(IonSpan.integer, statements or ())))


def _redaction_info(span: IonSpan) -> RedactionInfo:
    (found,) = _REDACTIONS.read(span)
    return RedactionInfo(tuple(map(_redacted_revision, found)), span)


def _redacted_revision(span: IonSpan) -> RedactedRevision:
    return RedactedRevision(*_REDACTED.read(span))


_new_block: Final = constructor(Block)
_new_summary: Final = constructor(BlockSummary)
_new_revision_summary: Final = constructor(RevisionSummary)
_USUAL_ADDRESS: Final = Usual(
    BlockAddress, {"strandId": ("strand_id", IonSpan.text), "sequenceNo": ("sequence_no", natural)}
)
_USUAL_METADATA: Final = Usual(
    RevisionMetadata,
    {
        "id": ("id", IonSpan.text),
        "version": ("version", natural),
        "txTime": ("tx_time_ion", itself),
        "txId": ("tx_id", IonSpan.text),
    },
    ion="ion",
)
USUAL_REVISION: Final = Usual(
    Revision,
    {
        "blockAddress": ("address", _USUAL_ADDRESS),
        "hash": ("hash", hash_bytes),
        "data": ("data", itself),
        "metadata": ("metadata", _USUAL_METADATA),
    },
    ion="ion",
    optional=("data",),
    without=("data_hash",),
)
_USUAL_SUMMARY: Final = Usual(
    RevisionSummary,
    {"hash": ("hash", hash_bytes), "documentId": ("document_id", IonSpan.text)},
)
_USUAL_STATEMENT: Final = Usual(
    Statement,
    {
        "statement": ("statement", IonSpan.text),
        "startTime": ("start_time_ion", itself),
        "statementDigest": ("statement_digest", IonSpan.blob),
    },
    ion="ion",
)
_USUAL_DOCUMENT: Final = Usual(
    DocumentInfo,
    {
        "tableName": ("table_name", IonSpan.text),
        "tableId": ("table_id", IonSpan.text),
        "statements": ("statements", naturals),
    },
    optional=("statements",),
)
_USUAL_TRANSACTION: Final = Usual(
    TransactionInfo,
    {
        "statements": ("statements", Listed(_USUAL_STATEMENT)),
        "documents": ("documents", Mapped(_USUAL_DOCUMENT)),
    },
    ion="ion",
    optional=("statements", "documents"),
)
_ADDRESS: Final = Shape(
    "a block address", {"strandId": IonSpan.text, "sequenceNo": natural}, exact=True
)
_METADATA: Final = Shape(
    "a revision's metadata",
    {"id": IonSpan.text, "version": natural, "txId": IonSpan.text},
    {"txTime": itself},
    exact=True,
)
_REVISION: Final = Shape(
    "a revision",
    {"hash": hash_bytes},
    {"blockAddress": block_address, "data": itself, "dataHash": itself, "metadata": itself},
    exact=True,
)
_SUMMARY: Final = Shape(
    "a revision summary", {"hash": hash_bytes}, {"documentId": IonSpan.text}, exact=True
)
_STATEMENT: Final = Shape(
    "a statement",
    {"statement": IonSpan.text, "statementDigest": IonSpan.blob},
    {"startTime": itself},
)
_DOCUMENT: Final = Shape(
    "a document of a transaction",
    {"tableName": IonSpan.text, "tableId": IonSpan.text},
    {"statements": IonSpan.elements},
)
_TRANSACTION: Final = Shape(
    "a block's transactionInfo",
    {},
    {"statements": IonSpan.elements, "documents": IonSpan.fields},
)
_REDACTIONS: Final = Shape("a block's redactionInfo", {"revisions": IonSpan.elements})
_REDACTED: Final = Shape(
    "a redacted revision",
    {
        "blockAddress": block_address,
        "tableId": IonSpan.text,
        "documentId": IonSpan.text,
        "version": natural,
    },
)
_BLOCK: Final = Shape(
    "a block",
    {
        "blockAddress": itself,
        "transactionId": itself,
        "blockHash": hash_bytes,
        "entriesHash": hash_bytes,
        "previousBlockHash": hash_bytes,
        "entriesHashList": hash_list,
    },
    {
        "blockTimestamp": itself,
        "transactionInfo": _transaction_info,
        "redactionInfo": _redaction_info,
        "revisions": _revisions,
        "revisionSummaries": _summaries,
    },
    exact=True,
    usual={
        "transactionInfo": _USUAL_TRANSACTION,
        "revisions": Listed(USUAL_REVISION),
        "revisionSummaries": Listed(_USUAL_SUMMARY),
    },
)
