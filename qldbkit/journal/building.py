"""Blocks made from what a transaction did, with every hash that QLDB gives them.

Two of a block's entries are internal to QLDB: what is hashed into them is not known. Blocks made
here use those places to bind what QLDB's known hashes leave open: the first is the hash of the
block's address, transaction and time (`header_hash`), the third the transaction's commit digest.
`qldbkit.journal.integrity` checks them where a journal has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from amazon.ion.core import Timestamp

from qldbkit.journal.encoding import container, symbol_table, var_uint_bytes
from qldbkit.journal.hashes import (
    block_hash,
    commit_digest,
    ion_hash,
    merkle_root,
    revision_hash,
)
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
from qldbkit.journal.symbols import SYSTEM_CONTEXT, SymbolContext, extended


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


def form_block(draft: BlockDraft) -> Block:
    """The block with its hashes; its summary is in the form that streams carry.

    It is written as binary Ion piece by piece: a document is hashed and taken over as it is, and
    nothing is decoded.
    """
    writer = _Writer(draft)
    revisions = tuple(map(writer.revision, draft.revisions))
    summaries = tuple(
        RevisionSummary(each.hash, written.document_id)
        for each, written in zip(revisions, draft.revisions, strict=True)
    )
    info = writer.transaction_info() if draft.statements else None
    redactions = writer.redaction_info() if draft.redactions else None
    entries = [writer.header_hash()]
    if revisions:
        entries.append(merkle_root([each.hash for each in revisions]))
    entries.append(commit_digest(draft.transaction_id, [each.digest for each in draft.statements]))
    entries += [each.ion.hash() for each in (info, redactions) if each is not None]
    return Block(writer.summary(entries, info, redactions, summaries), revisions)


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
_REVISION_NAMES: Final = (
    *("blockAddress", "strandId", "sequenceNo", "hash", "data", "metadata"),
    *("id", "version", "txTime", "txId"),
)
_METADATA_NAMES: Final = ("id", "version", "txTime", "txId")
_REVISION_SYMBOLS: Final = symbol_table(_REVISION_NAMES, append=True)


class _Writer:
    """Writes the parts of one block.

    The block's symbols are `_NAMES` and the ids of its documents, which are field names as well.
    """

    def __init__(self, draft: BlockDraft):
        self._draft = draft
        ids = [each.document_id for each in draft.revisions]
        table = symbol_table((*_NAMES, *ids))
        self._context = extended(SYSTEM_CONTEXT, table, 0, len(table))
        first = len(SYSTEM_CONTEXT.texts) + len(_NAMES)
        self._document_names = [var_uint_bytes(first + each) for each in range(len(ids))]
        self._block_time = _written(draft.block_timestamp)
        self._header = (
            _name("blockAddress")
            + _address(draft.address)
            + _name("transactionId")
            + _text(draft.transaction_id)
            + _name("blockTimestamp")
            + self._block_time
        )
        self._time = _written(draft.transaction_time)
        self._metadata_end = (
            _METADATA_FIELDS["txTime"]
            + self._time
            + _METADATA_FIELDS["txId"]
            + _text(draft.transaction_id)
        )

    def header_hash(self) -> bytes:
        """As the function of that name."""
        return self._span(_struct(self._header)).hash()

    def revision(self, written: RevisionDraft) -> Revision:
        """``{blockAddress, hash, data, metadata}``; the data under its own symbols."""
        draft = self._draft
        metadata = _metadata_span(
            _METADATA_FIELDS["id"]
            + _text(written.document_id)
            + _METADATA_FIELDS["version"]
            + _int(written.version)
            + self._metadata_end
        )
        data = None if written.data is None else IonSpan.of(written.data)
        hash_ = revision_hash(metadata, data, None)
        return Revision(
            draft.address,
            hash_,
            data,
            None,
            RevisionMetadata(
                written.document_id,
                written.version,
                draft.transaction_id,
                _value_span(self._time),
                metadata,
            ),
            revision_span(draft.address, hash_, data, metadata),
        )

    def transaction_info(self) -> TransactionInfo:
        """``{statements, documents}``, without documents where none was written."""
        statements = tuple(map(self._statement, self._draft.statements))
        texts = b"".join(_written_part(each.ion) for each in statements)
        body = _name("statements") + container(IonType.LIST, texts)
        named = zip(self._document_names, self._draft.revisions, strict=True)
        documents = b"".join(name + _document(each) for name, each in named)
        if documents:
            body += _name("documents") + _struct(documents)
        return TransactionInfo(
            statements,
            {
                each.document_id: DocumentInfo(
                    each.table.table_name, each.table.table_id, tuple(each.statements)
                )
                for each in self._draft.revisions
            },
            self._span(_struct(body)),
        )

    def redaction_info(self) -> RedactionInfo:
        """``{revisions: [...]}``."""
        ordered = b"".join(map(_redaction, self._draft.redactions))
        body = _name("revisions") + container(IonType.LIST, ordered)
        return RedactionInfo(tuple(self._draft.redactions), self._span(_struct(body)))

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
            _name("blockHash") + _blob(hash_),
            _name("entriesHash") + _blob(root),
            _name("previousBlockHash") + _blob(draft.previous_block_hash),
            _name("entriesHashList") + container(IonType.LIST, b"".join(map(_blob, entries))),
        ]
        if info is not None:
            parts.append(_name("transactionInfo") + _written_part(info.ion))
        if redactions is not None:
            parts.append(_name("redactionInfo") + _written_part(redactions.ion))
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
            ion=self._span(_struct(b"".join(parts))),
        )

    def _header_spans(self) -> dict[str, IonSpan]:
        draft = self._draft
        return {
            "blockAddress": self._span(_address(draft.address)),
            "transactionId": self._span(_text(draft.transaction_id)),
            "blockTimestamp": self._span(self._block_time),
        }

    def _statement(self, statement: StatementDraft) -> Statement:
        started = _written(statement.start_time)
        body = (
            _name("statement")
            + _text(statement.text)
            + _name("startTime")
            + started
            + _name("statementDigest")
            + _blob(statement.digest)
        )
        return Statement(
            statement.text, statement.digest, _value_span(started), self._span(_struct(body))
        )

    def _span(self, value: bytes) -> IonSpan:
        return _span(self._context, value)


def revision_span(
    address: BlockAddress, hash_: bytes, data: IonSpan | None, metadata: IonSpan
) -> IonSpan:
    """A revision as journals have it, from parts that are written already.

    Args:
        address: the block's.
        hash_: the revision's.
        data: the document, which is copied as it was written; None when it was deleted.
        metadata: ``{id, version, txTime, txId}``, whose values hold no symbols.
    """
    symbols = SYSTEM_CONTEXT if data is None else data.context
    context, names = _revision_context(symbols)
    place = _struct(
        names["strandId"]
        + _text(address.strand_id)
        + names["sequenceNo"]
        + _int(address.sequence_no)
    )
    body = names["blockAddress"] + place + names["hash"] + _blob(hash_)
    if data is not None:
        body += names["data"] + _written_part(data)
    fields = b"".join(names[name] + _written_part(value) for name, value in metadata.field_pairs())
    return _span(context, _struct(body + names["metadata"] + _struct(fields)))


@lru_cache(maxsize=512)
def _revision_context(symbols: SymbolContext) -> tuple[SymbolContext, dict[str, bytes]]:
    """The symbols of a revision, behind those of its data, and its field names under them."""
    first = len(symbols.texts)
    context = extended(symbols, _REVISION_SYMBOLS, 0, len(_REVISION_SYMBOLS))
    return context, {
        name: var_uint_bytes(first + each) for each, name in enumerate(_REVISION_NAMES)
    }


def _document(written: RevisionDraft) -> bytes:
    statements = b"".join(map(_int, written.statements))
    return _struct(
        _name("tableName")
        + _text(written.table.table_name)
        + _name("tableId")
        + _text(written.table.table_id)
        + _name("statements")
        + container(IonType.LIST, statements)
    )


def _redaction(redacted: RedactedRevision) -> bytes:
    return _struct(
        _name("blockAddress")
        + _address(redacted.address)
        + _name("tableId")
        + _text(redacted.table_id)
        + _name("documentId")
        + _text(redacted.document_id)
        + _name("version")
        + _int(redacted.version)
    )


def _summary(summary: RevisionSummary) -> bytes:
    assert summary.document_id is not None  # a block made here has no internal revisions
    return _struct(
        _name("hash") + _blob(summary.hash) + _name("documentId") + _text(summary.document_id)
    )


def _address(address: BlockAddress) -> bytes:
    return _struct(
        _name("strandId")
        + _text(address.strand_id)
        + _name("sequenceNo")
        + _int(address.sequence_no)
    )


def _names(names: Iterable[str]) -> dict[str, bytes]:
    """Field names as they are written where these are the first symbols behind Ion's own."""
    first = len(SYSTEM_CONTEXT.texts)
    return {name: var_uint_bytes(first + each) for each, name in enumerate(names)}


_FIELDS: Final = _names(_NAMES)
_name: Final = _FIELDS.__getitem__
_METADATA_FIELDS: Final = _names(_METADATA_NAMES)
_METADATA_SYMBOLS: Final = symbol_table(_METADATA_NAMES)
_METADATA_CONTEXT: Final = extended(SYSTEM_CONTEXT, _METADATA_SYMBOLS, 0, len(_METADATA_SYMBOLS))


def _metadata_span(fields: bytes) -> IonSpan:
    return _span(_METADATA_CONTEXT, _struct(fields))


def _value_span(value: bytes) -> IonSpan:
    """A value without symbols."""
    return _span(SYSTEM_CONTEXT, value)


def _span(context: SymbolContext, value: bytes) -> IonSpan:
    """A value with its symbols before it."""
    data = context.prefix + value
    return IonSpan(data, len(context.prefix), len(data), context)


def _written(value: Any) -> bytes:
    """A value without symbols, without the version marker before it."""
    return _written_part(IonSpan.of(value))


def _written_part(span: IonSpan) -> bytes:
    return span.data[span.start : span.end]


def _struct(fields: bytes) -> bytes:
    return container(IonType.STRUCT, fields)


def _text(text: str) -> bytes:
    return container(IonType.STRING, text.encode())


def _blob(data: bytes) -> bytes:
    return container(IonType.BLOB, data)


def _int(number: int) -> bytes:
    """A number that is not negative."""
    return container(IonType.INT, number.to_bytes((number.bit_length() + 7) // 8, "big"))
