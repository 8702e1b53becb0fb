"""A statement's view of the ledger: its transaction's snapshot, and what the transaction wrote.

One view serves one statement. What it writes becomes the transaction's only when the statement has
succeeded, and what it reads later, page by page, is what the ledger was when it began.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from amazon.ion.core import Timestamp

from qldbkit.journal.model import BlockAddress
from qldbkit.ledger.catalog import Catalog
from qldbkit.ledger.changing import Changes
from qldbkit.ledger.clock import to_milliseconds, to_timestamp
from qldbkit.ledger.committing import OCC_MESSAGE
from qldbkit.ledger.conflicts import (
    CATALOG,
    ReadSet,
    document_part,
    indexes_part,
    key_part,
    name_part,
    table_part,
)
from qldbkit.ledger.errors import OccConflictError
from qldbkit.ledger.folding import value_key
from qldbkit.ledger.seen import SeenDocuments
from qldbkit.ledger.storage import Storage, StoredRevision
from qldbkit.ledger.stored_blocks import redaction_struct, revision_row
from qldbkit.ledger.uncommitted import PendingDocument, Uncommitted
from qldbkit.partiql.database import Row, Table
from qldbkit.partiql.values import field as field_of
from qldbkit.partiql.written import WrittenStruct

BEFORE_ALL: Final = -1
"""Before the first sequence number."""


@dataclass(frozen=True, slots=True)
class StoredRow(Row):
    """A row that is a committed revision."""

    revision: StoredRevision


@dataclass(slots=True)
class Consumed:
    """What a statement or transaction cost: documents and revisions read and written."""

    reads: int = 0
    writes: int = 0


class View:
    """The ledger as one statement sees it.

    Implements `qldbkit.partiql.database.Database`; its docstrings say what the methods mean.

    Args:
        storage: the ledger's.
        snapshot: the sequence number that reads see.
        strand_id: the ledger's.
        reads: where reads are remembered.
        seen: the documents that the transaction has read.
        changes: where writes go.
        started: when the statement began, milliseconds since 1970.
        latest: the tables as they are now, whatever the snapshot.
    """

    def __init__(
        self,
        storage: Storage,
        snapshot: int,
        strand_id: str,
        reads: ReadSet,
        seen: SeenDocuments,
        changes: Changes,
        started: int,
        latest: Callable[[], Catalog],
    ):
        self._storage = storage
        self._snapshot = snapshot
        self._strand_id = strand_id
        self._reads = reads
        self._seen = seen
        self._changes = changes
        self._started = started
        self._latest = latest
        self.consumed = Consumed()

    @property
    def transaction_id(self) -> str:
        """What TXID() gives."""
        return self._changes.transaction_id

    @property
    def now(self) -> Timestamp:
        """When the statement began."""
        return to_timestamp(self._started)

    @property
    def uncommitted(self) -> Uncommitted:
        """The transaction's effects, this statement's included."""
        return self._changes.uncommitted

    def table(self, name: str) -> Table | None:
        """The active table of that name."""
        self._reads.add(name_part(name))
        found = self.uncommitted.catalog.active(name)
        return None if found is None else Table(found.name, found.table_id, found.online)

    def scan(self, table: Table) -> Iterator[Row]:
        """Every current document of the table."""
        self._reads.add(table_part(table.table_id))
        revisions = self._storage.load(self._storage.visible(table.table_id, self._snapshot))
        written = self.uncommitted
        return self._rows(revisions, written.documents, written.in_table(table.table_id))

    def find(self, table: Table, field: str, values: Sequence[Any]) -> Iterator[Row]:
        """The current documents with one of ``values`` in an indexed field."""
        index = next(
            each
            for each in self.uncommitted.catalog.tables[table.table_id].maintained
            if each.field == field
        )
        keys = {key for key in map(value_key, values) if key is not None}
        self._reads.add(indexes_part(table.table_id))
        for key in keys:
            self._reads.add(key_part(index.index_id, key))
        ids = self._storage.indexed(index.index_id, sorted(keys), self._snapshot)
        if index not in self._latest().tables[table.table_id].indexes:
            raise OccConflictError(OCC_MESSAGE)  # dropped since: its entries may be gone
        found = self._seen.documents(table.table_id, ids)
        written = self.uncommitted
        pending = (
            each
            for each in written.in_table(table.table_id)
            if value_key(field_of(each.document(), field)) in keys
        )
        return self._rows(found, written.documents, pending)

    def get(self, table: Table, document_ids: Collection[str]) -> Iterator[Row]:
        """The current documents with those ids."""
        wanted = dict.fromkeys(document_ids)
        for id_ in wanted:
            self._reads.add(document_part(id_))
        found = self._seen.documents(table.table_id, list(wanted))
        written = self.uncommitted
        return self._rows(found, written.documents, written.among(wanted, table.table_id))

    def committed(self, table: Table, row: Row) -> Any:  # noqa: ARG002 - the id is in the row
        """A row of the committed view.

        What the transaction itself wrote has no block and no hash yet.
        """
        if isinstance(row, StoredRow):
            address = BlockAddress(self._strand_id, row.revision.sequence_no)
            return revision_row(address, row.revision)
        pending = self.uncommitted.documents[row.document_id]
        metadata = {
            "id": row.document_id,
            "version": pending.version,
            "txId": self.transaction_id,
        }
        return {"data": row.document, "metadata": metadata}

    def history(
        self,
        table: str,
        start: Timestamp | None,
        end: Timestamp | None,
        document_ids: Collection[str] | None,
    ) -> Iterator[Any]:
        """The committed revisions active between ``start`` and ``end``."""
        table_id = self._history_table(table)
        first, last = BEFORE_ALL, self._snapshot
        if start is not None:
            first = self._storage.sequence_by_transaction_time(to_milliseconds(start))
        if end is not None:
            at_end = self._storage.sequence_by_transaction_time(to_milliseconds(end))
            last = min(last, at_end)
        ids = None if document_ids is None else sorted(set(document_ids))
        if last == self._snapshot:
            self._remember_history(table_id, ids)
        revisions = self._storage.active_between(table_id, first, last, ids)
        return self._history_rows(revisions)

    def user_tables(self) -> Iterator[Any]:
        """The rows of ``information_schema.user_tables``."""
        self._reads.add(CATALOG)
        for table in list(self.uncommitted.catalog.tables.values()):
            yield {
                "tableId": table.table_id,
                "name": table.name,
                "indexes": [
                    {
                        "indexId": each.index_id,
                        "expr": f"[{each.field}]",
                        "status": each.status.value,
                    }
                    for each in table.indexes
                ],
                "status": "ACTIVE" if table.active else "INACTIVE",
            }

    def insert(self, table: Table, document: Any) -> str:
        """Insert a document and return its new id."""
        self.consumed.writes += 1
        return self._changes.insert(table, document)

    def replace(self, table: Table, document_id: str, document: Any) -> None:
        """Give an existing document a new revision."""
        self.consumed.writes += 1
        self._changes.replace(table, document_id, document, self._version_of(table, document_id))

    def delete(self, table: Table, document_id: str) -> None:
        """Delete an existing document."""
        self.consumed.writes += 1
        self._changes.delete(table, document_id, self._version_of(table, document_id))

    def create_table(self, name: str) -> str:
        """Create a table and return its id."""
        self._reads.add(name_part(name))
        return self._changes.create_table(name)

    def drop_table(self, name: str) -> str:
        """Make a table inactive and return its id."""
        self._reads.add(name_part(name))
        return self._changes.drop_table(name)

    def undrop_table(self, table_id: str) -> str:
        """Make a dropped table active again and return its id."""
        self._reads.add(CATALOG)
        return self._changes.undrop_table(table_id)

    def create_index(self, table: str, field: str) -> str:
        """Create an index and return the table's id."""
        table_id = self._changes.create_index(table, field)
        self._reads.add(name_part(table))
        self._reads.add(indexes_part(table_id))
        return table_id

    def drop_index(self, table: str, index_id: str) -> str:
        """Drop an index and return the table's id."""
        table_id = self._changes.drop_index(table, index_id)
        self._reads.add(name_part(table))
        self._reads.add(indexes_part(table_id))
        return table_id

    def redact(self, address: BlockAddress, table_id: str, document_id: str) -> Any:
        """Order a revision redacted."""
        revision = None
        if address.strand_id == self._strand_id and 0 <= address.sequence_no <= self._snapshot:
            revision = self._storage.revision_at(address.sequence_no, document_id)
        ordered = self._changes.redact(address, table_id, document_id, revision, self._snapshot)
        self.consumed.writes += 1
        return redaction_struct(ordered)

    def _rows(
        self,
        revisions: Iterator[StoredRevision],
        written: Mapping[str, PendingDocument],
        pending: Iterator[PendingDocument],
    ) -> Iterator[Row]:
        """What the snapshot has of what was asked for, then what the transaction wrote of it."""
        for revision in revisions:
            if revision.document_id in written:
                continue
            self.consumed.reads += 1
            if revision.data is None:
                # Ended behind the snapshot and redacted since: the commit could not succeed.
                raise OccConflictError(OCC_MESSAGE)
            self._seen.add(revision)
            yield StoredRow(revision.document_id, WrittenStruct(revision.data), revision)
        for each in pending:
            yield Row(each.document_id, each.document())

    def _version_of(self, table: Table, document_id: str) -> int | None:
        """The version of the committed document; None when there is none."""
        if document_id in self.uncommitted.documents:
            return None
        self._reads.add(document_part(document_id))
        found = self._seen.documents(table.table_id, [document_id])
        return next((each.version for each in found), None)

    def _history_table(self, table: str) -> str:
        self._reads.add(name_part(table))
        catalog = self.uncommitted.catalog
        active = catalog.active(table)
        if active is not None:
            return active.table_id
        if table not in catalog.tables:
            raise LookupError(table)
        return table

    def _remember_history(self, table_id: str, document_ids: Sequence[str] | None) -> None:
        if document_ids is None:
            self._reads.add(table_part(table_id))
        else:
            for id_ in document_ids:
                self._reads.add(document_part(id_))

    def _history_rows(self, revision_ids: Sequence[int]) -> Iterator[Any]:
        for revision in self._storage.load(revision_ids):
            self.consumed.reads += 1
            address = BlockAddress(self._strand_id, revision.sequence_no)
            yield revision_row(address, revision)
