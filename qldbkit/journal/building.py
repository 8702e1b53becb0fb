"""Blocks made from what a transaction did, with every hash that QLDB gives them.

Two of a block's entries are internal to QLDB: what is hashed into them is not known. Blocks made
here use those places to bind what QLDB's known hashes leave open: the first is the hash of the
block's address, transaction and time (`header_hash`), the third the transaction's commit digest.
`qldbkit.journal.integrity` checks them where a journal has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from amazon.ion.core import Timestamp

from qldbkit.journal.encoding import (
    blob,
    container,
    field_names,
    natural,
    own_symbols,
    spanned,
    struct,
    text,
    timestamp,
    value_span,
    var_uint_bytes,
    written_part,
)
from qldbkit.journal.hashes import block_hash, commit_digest, ion_hash, merkle_root, revision_hash
from qldbkit.journal.ion import IonSpan, IonType
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
    TableInfo,
    TransactionInfo,
)
from qldbkit.journal.revisions import metadata_of, revision_span
from qldbkit.journal.symbols import SYSTEM_CONTEXT


@dataclass(frozen=True, slots=True)
class StatementDraft:
    """A statement that ran: its text, when it began, and its 32-byte digest."""

    text: str
    start_time: Timestamp
    digest: bytes


@dataclass(frozen=True, slots=True)
class RevisionDraft:
    """A document that the transaction wrote.

    Attributes:
        document_id: 22 characters.
        version: 0 for a new document.
        table: its table.
        data: the whole document; None when it was deleted.
        statements: indexes of the statements that wrote it.
    """

    document_id: str
    version: int
    table: TableInfo
    data: Any | None
    statements: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BlockDraft:
    """What a block is made of.

    Attributes:
        address: where it will stand.
        previous_block_hash: 32 bytes; empty for a strand's first block.
        transaction_id: 22 characters.
        block_timestamp: when it is appended.
        transaction_time: when the transaction was made; the revisions' ``txTime``.
        statements: those of the transaction, in order; a block without any has no
            ``transactionInfo``.
        revisions: one for each document that it wrote.
        redactions: revisions that it orders redacted.
    """

    address: BlockAddress
    previous_block_hash: bytes
    transaction_id: str
    block_timestamp: Timestamp
    transaction_time: Timestamp
    statements: Sequence[StatementDraft] = ()
    revisions: Sequence[RevisionDraft] = ()
    redactions: Sequence[RedactedRevision] = ()


@dataclass(frozen=True, slots=True)
class FormedRevision:
    """A revision's parts: its hash, its metadata, and its data as it was given."""

    hash: bytes
    metadata: RevisionMetadata
    data: IonSpan | None


@dataclass(frozen=True, slots=True)
class FormedBlock:
    """A block's parts: the block itself, and its revisions in the order of the draft."""

    summary: BlockSummary
    revisions: tuple[FormedRevision, ...]


def form(draft: BlockDraft) -> FormedBlock:
    """The block with its hashes; its summary is in the form that streams carry.

    It is written as binary Ion piece by piece: a document is hashed and taken over as it is, and
    nothing is decoded. The summary, and each revision's metadata, are over bytes that hold nothing
    else.
    """
    writer = _Writer(draft)
    revisions = tuple(map(writer.revision, draft.revisions))
    summaries = tuple([RevisionSummary(each.hash, each.metadata.id) for each in revisions])
    info = writer.transaction_info() if draft.statements else None
    redactions = writer.redaction_info() if draft.redactions else None
    entries = [writer.header_hash()]
    if revisions:
        entries.append(merkle_root([each.hash for each in revisions]))
    entries.append(commit_digest(draft.transaction_id, [each.digest for each in draft.statements]))
    entries += [each.ion.hash() for each in (info, redactions) if each is not None]
    return FormedBlock(writer.summary(entries, info, redactions, summaries), revisions)


def form_block(draft: BlockDraft) -> Block:
    """The block as a journal gives it, with its revisions as they are written."""
    formed = form(draft)
    address = draft.address
    return Block(formed.summary, tuple([_revision(address, each) for each in formed.revisions]))


def _revision(address: BlockAddress, formed: FormedRevision) -> Revision:
    metadata, data = formed.metadata, formed.data
    ion = revision_span(address, formed.hash, data, metadata.ion)
    return Revision(address, formed.hash, data, None, metadata, ion)


def header_hash(address: BlockAddress, transaction_id: str, block_timestamp: Any) -> bytes:
    """The hash of what names a block: no other known hash covers its address, id and time."""
    header = {
        "blockAddress": {"strandId": address.strand_id, "sequenceNo": address.sequence_no},
        "transactionId": transaction_id,
        "blockTimestamp": block_timestamp,
    }
    return ion_hash(header)


_NAMES: Final = (
    *("blockAddress", "strandId", "sequenceNo", "transactionId", "blockTimestamp", "blockHash"),
    *("entriesHash", "previousBlockHash", "entriesHashList", "transactionInfo", "statements"),
    *("statement", "startTime", "statementDigest", "documents", "tableName", "tableId"),
    *("redactionInfo", "revisions", "documentId", "version", "revisionSummaries", "hash"),
)


class _Writer:
    """Writes the parts of one block.

    The block's symbols are `_NAMES` and the ids of its documents, which are field names as well.
    """

    def __init__(self, draft: BlockDraft):
        self._draft = draft
        ids = [each.document_id for each in draft.revisions]
        self._context = own_symbols((*_NAMES, *ids))
        first = len(SYSTEM_CONTEXT.texts) + len(_NAMES)
        self._document_names = [var_uint_bytes(first + each) for each in range(len(ids))]
        self._block_time = timestamp(draft.block_timestamp)
        self._header = (
            _name("blockAddress")
            + _address(draft.address)
            + _name("transactionId")
            + text(draft.transaction_id)
            + _name("blockTimestamp")
            + self._block_time
        )
        self._time = timestamp(draft.transaction_time)

    def header_hash(self) -> bytes:
        """As the function of that name."""
        return self._span(struct(self._header)).hash()

    def revision(self, written: RevisionDraft) -> FormedRevision:
        """A revision's metadata and hash."""
        id_, transaction_id = written.document_id, self._draft.transaction_id
        metadata = metadata_of(id_, written.version, transaction_id, self._time)
        data = None if written.data is None else IonSpan.of(written.data)
        return FormedRevision(revision_hash(metadata.ion, data, None), metadata, data)

    def transaction_info(self) -> TransactionInfo:
        """``{statements, documents}``, without documents where none was written."""
        statements = tuple(map(self._statement, self._draft.statements))
        texts = b"".join(written_part(each.ion) for each in statements)
        body = _name("statements") + container(IonType.LIST, texts)
        named = zip(self._document_names, self._draft.revisions, strict=True)
        documents = b"".join(name + _document(each) for name, each in named)
        if documents:
            body += _name("documents") + struct(documents)
        return TransactionInfo(
            statements,
            {
                each.document_id: DocumentInfo(
                    each.table.table_name, each.table.table_id, tuple(each.statements)
                )
                for each in self._draft.revisions
            },
            self._span(struct(body)),
        )

    def redaction_info(self) -> RedactionInfo:
        """``{revisions: [...]}``."""
        ordered = b"".join(map(_redaction, self._draft.redactions))
        body = _name("revisions") + container(IonType.LIST, ordered)
        return RedactionInfo(tuple(self._draft.redactions), self._span(struct(body)))

    def summary(
        self,
        entries: Sequence[bytes],
        info: TransactionInfo | None,
        redactions: RedactionInfo | None,
        summaries: tuple[RevisionSummary, ...],
    ) -> BlockSummary:
        """The block without its revisions' data, and its hashes."""
        draft = self._draft
        root = merkle_root(entries)
        hash_ = block_hash(root, draft.previous_block_hash)
        parts = [
            self._header,
            _name("blockHash") + blob(hash_),
            _name("entriesHash") + blob(root),
            _name("previousBlockHash") + blob(draft.previous_block_hash),
            _name("entriesHashList") + container(IonType.LIST, b"".join(map(blob, entries))),
        ]
        if info is not None:
            parts.append(_name("transactionInfo") + written_part(info.ion))
        if redactions is not None:
            parts.append(_name("redactionInfo") + written_part(redactions.ion))
        if summaries:
            made = container(IonType.LIST, b"".join(map(_summary, summaries)))
            parts.append(_name("revisionSummaries") + made)
        return BlockSummary(
            address=draft.address,
            transaction_id=draft.transaction_id,
            block_hash=hash_,
            entries_hash=root,
            previous_block_hash=draft.previous_block_hash,
            entries_hash_list=tuple(entries),
            transaction_info=info,
            redaction_info=redactions,
            revision_summaries=summaries,
            header=self._header_spans(),
            ion=self._span(struct(b"".join(parts))),
        )

    def _header_spans(self) -> dict[str, IonSpan]:
        draft = self._draft
        return {
            "blockAddress": self._span(_address(draft.address)),
            "transactionId": self._span(text(draft.transaction_id)),
            "blockTimestamp": self._span(self._block_time),
        }

    def _statement(self, statement: StatementDraft) -> Statement:
        started = timestamp(statement.start_time)
        body = (
            _name("statement")
            + text(statement.text)
            + _name("startTime")
            + started
            + _name("statementDigest")
            + blob(statement.digest)
        )
        return Statement(
            statement.text, statement.digest, value_span(started), self._span(struct(body))
        )

    def _span(self, value: bytes) -> IonSpan:
        return spanned(self._context, value)


def _document(written: RevisionDraft) -> bytes:
    statements = b"".join(map(natural, written.statements))
    return struct(
        _name("tableName")
        + text(written.table.table_name)
        + _name("tableId")
        + text(written.table.table_id)
        + _name("statements")
        + container(IonType.LIST, statements)
    )


def _redaction(redacted: RedactedRevision) -> bytes:
    return struct(
        _name("blockAddress")
        + _address(redacted.address)
        + _name("tableId")
        + text(redacted.table_id)
        + _name("documentId")
        + text(redacted.document_id)
        + _name("version")
        + natural(redacted.version)
    )


def _summary(summary: RevisionSummary) -> bytes:
    assert summary.document_id is not None  # a block made here has no internal revisions
    return struct(
        _name("hash") + blob(summary.hash) + _name("documentId") + text(summary.document_id)
    )


def _address(address: BlockAddress) -> bytes:
    return struct(
        _name("strandId")
        + text(address.strand_id)
        + _name("sequenceNo")
        + natural(address.sequence_no)
    )


_FIELDS: Final = field_names(_NAMES, len(SYSTEM_CONTEXT.texts))
_name: Final = _FIELDS.__getitem__
