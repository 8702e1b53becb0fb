"""Blocks as they are stored, and as they are read back: the summary apart from the revisions.

Revisions are stored by themselves, so that a redaction can remove the data of one without touching
the block that committed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qldbkit.journal import decoding
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import (
    Block,
    BlockAddress,
    BlockSummary,
    RedactedRevision,
    Revision,
    RevisionSummary,
)
from qldbkit.ledger.storage import StoredRevision
from qldbkit.partiql.results import decoded
from qldbkit.partiql.written import WrittenStruct

Struct = dict[str, Any]


def address_struct(address: BlockAddress) -> Struct:
    """``{strandId, sequenceNo}``."""
    return {"strandId": address.strand_id, "sequenceNo": address.sequence_no}


def revision_struct(address: BlockAddress, stored: StoredRevision) -> Struct:
    """A stored revision as journals and views show it, wholly decoded."""
    struct: Struct = decoded(revision_row(address, stored))
    return struct


def revision_row(address: BlockAddress, stored: StoredRevision) -> Struct:
    """The same for a statement, which decodes what it asks for."""
    struct: Struct = {"blockAddress": address_struct(address), "hash": stored.hash}
    if stored.data is not None:
        struct["data"] = WrittenStruct(stored.data)
    elif stored.data_hash is not None:
        struct["dataHash"] = stored.data_hash
    struct["metadata"] = WrittenStruct(stored.metadata)
    return struct


def stored_block(summary: BlockSummary, stored: Sequence[StoredRevision]) -> Block:
    """A block as it is read back from storage."""
    by_ordinal = {each.ordinal: each for each in stored}
    revisions = []
    for ordinal, each in enumerate(summary.revision_summaries):
        if ordinal in by_ordinal:
            span = IonSpan.of(revision_struct(summary.address, by_ordinal[ordinal]))
            revisions.append(decoding.revision(span))
        elif each.document_id is None:
            revisions.append(_internal_revision(each))
    return Block(summary, tuple(revisions))


def _internal_revision(summary: RevisionSummary) -> Revision:
    ion = IonSpan.of({"hash": summary.hash})
    return Revision(None, summary.hash, None, None, None, ion)


def redaction_struct(redaction: RedactedRevision) -> Struct:
    """``{blockAddress, tableId, documentId, version}``."""
    return {
        "blockAddress": address_struct(redaction.address),
        "tableId": redaction.table_id,
        "documentId": redaction.document_id,
        "version": redaction.version,
    }
