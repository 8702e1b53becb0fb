"""The journal as a chain of blocks, and what stands in one of them."""

from __future__ import annotations

from collections.abc import Sequence

from qldbkit.console.asked import Answer, Asked
from qldbkit.console.rendering import base64_of, clipped, moment
from qldbkit.console.settings import ConsoleLimits
from qldbkit.journal.hashes import merkle_root
from qldbkit.journal.model import BlockSummary, RevisionSummary, Statement
from qldbkit.ledger.http import LedgerService


class JournalPages:
    """Answers what blocks hold, without the documents in them.

    Args:
        service: the ledgers.
        limits: how much is answered at once.
    """

    def __init__(self, service: LedgerService, limits: ConsoleLimits):
        self._service = service
        self._limits = limits

    def blocks(self, asked: Asked) -> Answer:
        """A page of the blocks, the latest first."""
        ledger = self._service.ledger(asked.ledger)
        end = ledger.state.snapshot + 1
        before = asked.number("before")
        if before is not None:
            end = min(end, before)
        first = max(0, end - self._limits.items)
        # A journal that was restored with holes has fewer blocks than numbers
        found = [each for each in ledger.summaries(first, end - first) if _number(each) < end]
        return {
            "items": [self._block(each) for each in reversed(found)],
            "next": str(first) if first else None,
        }

    def block(self, asked: Asked) -> Answer:
        """One block: its hashes, its statements, and a page of its revisions."""
        ledger = self._service.ledger(asked.ledger)
        summary = ledger.summary(int(asked.names["block"]))
        info = summary.transaction_info
        statements = () if info is None else info.statements
        first, most = asked.number("from") or 0, self._limits.items
        revisions = summary.revision_summaries
        return {
            **self._block(summary),
            "strandId": summary.address.strand_id,
            "latest": ledger.state.snapshot,
            "entries": _entries(summary),
            "statements": [
                self._statement(each) for each in statements[: self._limits.block_statements]
            ],
            "statementCount": len(statements),
            "items": [_revision(summary, each) for each in revisions[first : first + most]],
            "next": str(first + most) if first + most < len(revisions) else None,
        }

    def _block(self, summary: BlockSummary) -> Answer:
        info = summary.transaction_info
        statements: Sequence[Statement] = () if info is None else info.statements
        opening = statements[0].statement if statements else ""
        redactions = summary.redaction_info
        return {
            "block": _number(summary),
            "hash": base64_of(summary.block_hash),
            "previousHash": base64_of(summary.previous_block_hash),
            "entriesHash": base64_of(summary.entries_hash),
            "written": moment(summary.block_timestamp),
            "transaction": summary.transaction_id,
            "statement": clipped(opening, self._limits.preview_characters),
            "statementCount": len(statements),
            "revisionCount": len(summary.revision_summaries),
            "redactionCount": 0 if redactions is None else len(redactions.revisions),
        }

    def _statement(self, statement: Statement) -> Answer:
        return {
            **clipped(statement.statement, self._limits.value_characters),
            "digest": base64_of(statement.statement_digest),
        }


def _number(summary: BlockSummary) -> int:
    return summary.address.sequence_no


def _revision(summary: BlockSummary, revision: RevisionSummary) -> Answer:
    info = summary.transaction_info
    document = None if info is None else info.documents.get(revision.document_id or "")
    return {
        "document": revision.document_id,
        "table": None if document is None else document.table_name,
        "tableId": None if document is None else document.table_id,
        "hash": base64_of(revision.hash),
    }


def _entries(summary: BlockSummary) -> list[Answer]:
    """The hashes that the block's own is made of, and what each is of as far as that is known."""
    known = {merkle_root([each.hash for each in summary.revision_summaries]): "revisions"}
    if summary.transaction_info is not None:
        known[summary.transaction_info.ion.hash()] = "transaction"
    if summary.redaction_info is not None:
        known[summary.redaction_info.ion.hash()] = "redactions"
    return [
        {"hash": base64_of(each), "of": known.get(each, "internal") if each else "nothing"}
        for each in summary.entries_hash_list
    ]
