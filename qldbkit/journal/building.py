"""Blocks made from what a transaction did, with every hash that QLDB gives them.

Two of a block's entries are internal to QLDB: what is hashed into them is not known. Blocks made
here use those places to bind what QLDB's known hashes leave open: the first is the hash of the
block's address, transaction and time (`header_hash`), the third the transaction's commit digest.
`qldbkit.journal.integrity` checks them where a journal has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amazon.ion.core import Timestamp

from qldbkit.journal import decoding
from qldbkit.journal.hashes import block_hash, commit_digest, dot, ion_hash, merkle_root
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block, BlockAddress, RedactedRevision, TableInfo


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
    """The block with its hashes; its summary is in the form that streams carry."""
    revisions = [_revision(draft, each) for each in draft.revisions]
    info = _transaction_info(draft)
    redactions = {"revisions": list(map(_redaction, draft.redactions))}
    summaries = [
        {"hash": each["hash"], "documentId": draft_.document_id}
        for each, draft_ in zip(revisions, draft.revisions, strict=True)
    ]
    entries = [header_hash(draft.address, draft.transaction_id, draft.block_timestamp)]
    if revisions:
        entries.append(merkle_root([each["hash"] for each in revisions]))
    entries.append(commit_digest(draft.transaction_id, [each.digest for each in draft.statements]))
    if draft.statements:
        entries.append(ion_hash(info))
    if draft.redactions:
        entries.append(ion_hash(redactions))
    root = merkle_root(entries)
    struct: dict[str, Any] = {
        "blockAddress": _address(draft.address),
        "transactionId": draft.transaction_id,
        "blockTimestamp": draft.block_timestamp,
        "blockHash": block_hash(root, draft.previous_block_hash),
        "entriesHash": root,
        "previousBlockHash": draft.previous_block_hash,
        "entriesHashList": entries,
    }
    if draft.statements:
        struct["transactionInfo"] = info
    if draft.redactions:
        struct["redactionInfo"] = redactions
    if summaries:
        struct["revisionSummaries"] = summaries
    found = tuple(decoding.revision(IonSpan.of(each)) for each in revisions)
    return Block(decoding.block_summary(IonSpan.of(struct)), found)


def header_hash(address: BlockAddress, transaction_id: str, block_timestamp: Any) -> bytes:
    """The hash of what names a block: no other known hash covers its address, id and time."""
    header = {
        "blockAddress": _address(address),
        "transactionId": transaction_id,
        "blockTimestamp": block_timestamp,
    }
    return ion_hash(header)


def _revision(draft: BlockDraft, written: RevisionDraft) -> dict[str, Any]:
    metadata = {
        "id": written.document_id,
        "version": written.version,
        "txTime": draft.transaction_time,
        "txId": draft.transaction_id,
    }
    data = written.data.value() if isinstance(written.data, IonSpan) else written.data
    data_hash = b"" if data is None else ion_hash(written.data)
    struct = {"blockAddress": _address(draft.address), "hash": dot(ion_hash(metadata), data_hash)}
    if data is not None:
        struct["data"] = data
    return {**struct, "metadata": metadata}


def _transaction_info(draft: BlockDraft) -> dict[str, Any]:
    statements = [
        {"statement": each.text, "startTime": each.start_time, "statementDigest": each.digest}
        for each in draft.statements
    ]
    documents = {
        each.document_id: {
            "tableName": each.table.table_name,
            "tableId": each.table.table_id,
            "statements": list(each.statements),
        }
        for each in draft.revisions
    }
    return {"statements": statements, **({"documents": documents} if documents else {})}


def _redaction(redacted: RedactedRevision) -> dict[str, Any]:
    return {
        "blockAddress": _address(redacted.address),
        "tableId": redacted.table_id,
        "documentId": redacted.document_id,
        "version": redacted.version,
    }


def _address(address: BlockAddress) -> dict[str, Any]:
    return {"strandId": address.strand_id, "sequenceNo": address.sequence_no}
