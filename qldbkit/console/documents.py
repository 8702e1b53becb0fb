"""The documents of a table, and what changed in one from version to version."""

from __future__ import annotations

from typing import Any

from qldbkit.client.changes import FieldChange, Version, versions
from qldbkit.console.asked import Answer, Asked
from qldbkit.console.catalog import table_answer
from qldbkit.console.errors import NothingThereError
from qldbkit.console.rendering import base64_of, clipped, fields_text, moment, whole_text
from qldbkit.console.settings import ConsoleLimits
from qldbkit.journal import codec
from qldbkit.journal.model import BlockAddress
from qldbkit.ledger.catalog import TableState
from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.storage import StoredRevision
from qldbkit.ledger.stored_blocks import revision_struct


class DocumentPages:
    """Answers what documents hold and held.

    Args:
        service: the ledgers.
        limits: how much is answered at once.
    """

    def __init__(self, service: LedgerService, limits: ConsoleLimits):
        self._service = service
        self._limits = limits

    def documents(self, asked: Asked) -> Answer:
        """A page of a table's documents, the one that was written last first."""
        ledger = self._service.ledger(asked.ledger)
        table = _table(ledger, asked)
        most = self._limits.items
        found = ledger.newest(table.table_id, most + 1, asked.number("before"))
        page = found[:most]
        return {
            "table": table_answer(table),
            "items": [self._document(each) for each in page],
            "next": str(page[-1].revision_id) if len(found) > most else None,
        }

    def history(self, asked: Asked) -> Answer:
        """A page of a document's versions, the newest first, each with what it changed."""
        ledger = self._service.ledger(asked.ledger)
        table, document = _table(ledger, asked), asked.names["document"]
        most = self._limits.items
        found = ledger.versions(document, most + 1, asked.number("until"))
        if not found or found[0].table_id != table.table_id:
            raise NothingThereError(f"table {table.name} has no such document and never had one")
        # The version behind the page is what its oldest is compared with
        compared = list(versions(_row(ledger, each) for each in found))[-most:]
        rows = {each.version: each for each in found[:most]}
        kept = self._fitting([self._version(each, rows[each.number]) for each in compared[::-1]])
        return {
            "table": table_answer(table),
            "document": document,
            "versions": kept,
            # The block that ended the first version left out
            "next": str(found[len(kept)].ended) if len(found) > len(kept) else None,
        }

    def revision(self, asked: Asked) -> Answer:
        """One version of a document, whole."""
        ledger = self._service.ledger(asked.ledger)
        address = BlockAddress(ledger.strand_id, asked.number("block") or 0)
        revision, _ = ledger.revision(asked.names["document"], address)
        assert revision.metadata is not None  # it was found by its document
        data = None if revision.data is None else whole_text(revision.data.value())
        return {
            "document": revision.metadata.id,
            "version": revision.metadata.version,
            "metadata": whole_text(revision.metadata.ion.value()),
            "hash": base64_of(revision.hash),
            "data": data,
            "redacted": revision.redacted,
        }

    def _document(self, stored: StoredRevision) -> Answer:
        metadata = codec.read(stored.metadata)
        data = "" if stored.data is None else fields_text(codec.read(stored.data))
        return {
            "id": stored.document_id,
            "version": stored.version,
            "written": moment(metadata["txTime"]),
            "block": stored.sequence_no,
            "data": clipped(data, self._limits.preview_characters),
        }

    def _version(self, version: Version, stored: StoredRevision) -> Answer:
        return {
            "number": version.number,
            "kind": version.kind.value,
            "written": version.committed_at,
            "transaction": version.transaction_id,
            "block": stored.sequence_no,
            "hash": base64_of(stored.hash),
            "changes": [self._change(each) for each in version.changes],
        }

    def _change(self, change: FieldChange) -> Answer:
        return {
            "path": change.path,
            "before": self._side(change.before),
            "after": self._side(change.after),
        }

    def _side(self, text: str | None) -> Answer | None:
        return None if text is None else clipped(text, self._limits.value_characters)

    def _fitting(self, shown: list[Answer]) -> list[Answer]:
        """The first versions whose changes fit on a page; at least one."""
        size = 0
        kept: list[Answer] = []
        for each in shown:
            size += sum(_characters(change) for change in each["changes"])
            if kept and size > self._limits.page_characters:
                break
            kept.append(each)
        return kept


def _table(ledger: Ledger, asked: Asked) -> TableState:
    table = ledger.state.catalog.tables.get(asked.names["table"])
    if table is None:
        raise NothingThereError(f"ledger {ledger.name} has no such table")
    return table


def _row(ledger: Ledger, stored: StoredRevision) -> Any:
    return revision_struct(BlockAddress(ledger.strand_id, stored.sequence_no), stored)


def _characters(change: Answer) -> int:
    sides = (change["before"], change["after"])
    return len(change["path"]) + sum(len(each["text"]) for each in sides if each is not None)
