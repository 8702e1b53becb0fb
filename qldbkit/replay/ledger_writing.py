"""One transaction's writes to a destination ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from qldbkit.journal.ion import IonSpan
from qldbkit.replay import parameters
from qldbkit.replay import partiql_text as partiql
from qldbkit.replay.bookkeeping import (
    POSITION,
    TABLES,
    Row,
    checkpoint_row,
    document_rows,
    earlier_rows,
    repair_row,
    tables_row,
)
from qldbkit.replay.bookkeeping_tables import CHECKPOINT_TABLE, DOCUMENT_TABLE, REPAIR_TABLE
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.destination import (
    CatalogChange,
    Change,
    Changes,
    DeleteDocument,
    DocumentEntry,
    EnterDeletion,
    InsertDocument,
    RecordRepair,
    RedactDocument,
    RepairDocument,
    ReplaceDocument,
    ReviveDocument,
    UndropTableById,
)
from qldbkit.replay.errors import DestinationChangedError
from qldbkit.replay.ledger_client import Transaction
from qldbkit.replay.ledger_reading import Strand, active_tables, beyond_qldb, indexed_fields
from qldbkit.replay.plan import CreateIndex, CreateTable, DropIndex, DropTable

ROW_BYTES: Final = 256
"""More than a row of the map has."""


class StaleError(Exception):
    """What was remembered of the destination is no longer so."""


_Changed = tuple[Sequence[DocumentEntry], Iterable[Row]]
"""Documents that a statement changes, and what it gives: a row for each that it did."""


class LedgerWriting:
    """One transaction's writes.

    Attributes:
        many: whether the destination replaces several documents by one statement; None if that is
            not known yet.
        rows: the map's new rows.
        rebased: source ids of the documents whose row has changed.
    """

    def __init__(self, transaction: Transaction, many: bool | None):
        self._transaction = transaction
        self.many = many
        self._dropped: list[tuple[str, str]] = []
        self.rows: list[Row] = []
        self.rebased: list[str] = []

    def write(self, strand_id: str, changes: Changes, before: Strand) -> Strand:
        """Write all changes, then the bookkeeping; return what is then known of the strand."""
        for of_catalog, group in groupby(changes.changes, key=_is_catalog_change):
            if of_catalog:
                for each in group:
                    self._change_catalog(each)
            else:
                self._change_documents(list(group))
        tables, row_ids = changes.tables, dict(before.row_ids)
        if tables is not None:
            for name, id_ in self._dropped:
                tables = tables.dropped_as(name, id_)
            row_ids[TABLES] = self._put_row(tables_row(strand_id, tables), row_ids.get(TABLES))
        row_ids[POSITION] = self._put_checkpoint(changes.checkpoint, before)
        for each in changes.changes:
            if isinstance(each, RecordRepair):
                self._run(partiql.insert(REPAIR_TABLE), repair_row(each, changes.checkpoint))
        known = before.tables if tables is None else tables
        return Strand(changes.checkpoint, known, row_ids, self._transaction.transaction_id)

    def _put_checkpoint(self, checkpoint: Checkpoint, before: Strand) -> str:
        """Put the checkpoint's row where the one is that was there before, or nowhere."""
        row = checkpoint_row(checkpoint, self._transaction.transaction_id)
        row_id = before.row_ids.get(POSITION)
        if row_id is None or before.written_by is None:
            return self._put_row(row, row_id)
        if not self._run(partiql.REPLACE_IF_UNTOUCHED, row, row_id, before.written_by):
            raise StaleError
        return row_id

    def _put_row(self, row: Row, row_id: str | None) -> str:
        if row_id is None:
            (made,) = self._run(partiql.insert(CHECKPOINT_TABLE), row)
            return str(made["documentId"])
        self._run(partiql.replace(CHECKPOINT_TABLE), row, row_id)
        return row_id

    def _change_documents(self, changes: Sequence[Change]) -> None:
        """Write documents, of which each is touched once, so that their order is of no matter."""
        inserts = [each for each in changes if isinstance(each, InsertDocument)]
        inserted = [(each, self._insert(each)) for each in _parameters(inserts)]
        changed = list(self._replace_all([c for c in changes if isinstance(c, ReplaceDocument)]))
        changed += self._delete_all([c.entry for c in changes if isinstance(c, DeleteDocument)])
        # What a statement gives is read only now, so that the ledger never waits for the next.
        rows = [row for batch, given in inserted for row in document_rows(batch, _new_ids(given))]
        deleted = [each for each in changes if isinstance(each, EnterDeletion)]
        rows += document_rows(deleted, [""] * len(deleted))
        for batch in parameters.batches((ROW_BYTES, each) for each in rows):
            self._execute(partiql.insert(DOCUMENT_TABLE), batch)
        self.rows += rows
        for entries, given in changed:
            self._expect(entries, list(given))
        for each in changes:
            if isinstance(each, RedactDocument):
                self._redact(each)
            elif isinstance(each, RepairDocument):
                statement = partiql.replace(each.entry.table)
                done = self._run(statement, each.data, each.entry.destination_id)
                self._expect([each.entry], done)
                self._rebase(each.repaired)
            elif isinstance(each, ReviveDocument):
                (row,) = self._run(partiql.insert(each.entry.table), each.data.value())
                self._rebase(each.repaired(str(row["documentId"])))

    def _replace_all(self, changes: Sequence[ReplaceDocument]) -> Iterator[_Changed]:
        if self.many is False:
            for each in changes:
                given = self._execute(
                    partiql.replace(each.entry.table), each.data, each.entry.destination_id
                )
                yield [each.entry], given
            return
        in_order = sorted(changes, key=lambda each: each.entry.table)
        for table, group in groupby(in_order, key=lambda each: each.entry.table):
            for batch in parameters.batches((_size(each.data), each) for each in group):
                yield [each.entry for each in batch], self._replace_batch(table, batch)

    def _replace_batch(self, table: str, batch: Sequence[ReplaceDocument]) -> Iterable[Row]:
        pairs = [(each.entry.destination_id, each.data) for each in batch]
        given = parameters.replacements(pairs)
        if self.many:
            return self._execute(partiql.replace_many(table), given)
        done = beyond_qldb(self._transaction, partiql.replace_many(table), given)
        self.many = True
        return done

    def _delete_all(self, entries: Sequence[DocumentEntry]) -> Iterator[_Changed]:
        for table, group in _by_table(entries):
            yield group, self._execute(partiql.delete(table), _ids(group))

    def _rebase(self, entry: DocumentEntry) -> None:
        self.rebased.append(entry.source_id)
        self._run(
            partiql.rebase(),
            entry.destination_id,
            entry.base_version,
            earlier_rows(entry),
            entry.source_id,
        )

    def _insert(self, documents: Sequence[InsertDocument]) -> Iterator[Row]:
        given = parameters.documents([each.data for each in documents])
        return self._execute(partiql.insert(documents[0].table), given)

    def _redact(self, change: RedactDocument) -> None:
        table = active_tables(self._transaction).get(change.entry.table)
        if table is None:
            return
        table_id, id_ = str(table["tableId"]), change.entry.destination_id
        found = self._run(partiql.revision_address(table_id), id_, change.destination_version)
        for each in found:
            if "dataHash" not in each:
                self._run(partiql.redact(table_id, id_), each["address"])

    def _change_catalog(self, change: Change) -> None:
        if isinstance(change, UndropTableById):
            self._run(partiql.undrop_table(change.destination_id))
            return
        tables = active_tables(self._transaction)
        match change:
            case CreateTable(name=name) if name not in tables:
                self._run(partiql.create_table(name))
            case DropTable(name=name) if name in tables:
                self._run(partiql.drop_table(name))
                self._dropped.append((name, str(tables[name]["tableId"])))
            case CreateIndex(table=table, field=field_):
                if table not in tables:
                    raise DestinationChangedError(
                        f"table {table} is not there",
                        hint="the block that makes it has not come, or somebody dropped the table",
                    )
                if field_ not in indexed_fields(tables[table]):
                    self._run(partiql.create_index(table, field_))
            case DropIndex(table=table):
                indexes = list(indexed_fields(tables.get(table, {})).values())
                if len(indexes) == 1:
                    self._run(partiql.drop_index(table, indexes[0]))

    def _expect(self, entries: Sequence[DocumentEntry], rows: Sequence[Row]) -> None:
        if len(rows) != len(entries):
            raise DestinationChangedError(
                f"of {len(entries)} documents in table {entries[0].table} the destination has"
                f" {len(rows)}",
                hint="compare the ledgers; the destination has another writer",
            )

    def _run(self, statement: str, *parameters: Any) -> list[Row]:
        return list(self._execute(statement, *parameters))

    def _execute(self, statement: str, *parameters: Any) -> Iterator[Row]:
        return self._transaction.execute_statement(statement, *parameters)


def _new_ids(given: Iterable[Row]) -> list[str]:
    return [str(each["documentId"]) for each in given]


def _is_catalog_change(change: Change) -> bool:
    return isinstance(change, CatalogChange)


def _parameters(inserts: Iterable[InsertDocument]) -> Iterator[list[InsertDocument]]:
    """Inserts of one table in lists that fit into one parameter each."""
    for _, group in groupby(sorted(inserts, key=_table), key=_table):
        yield from parameters.batches((_size(each.data), each) for each in group)


def _size(document: IonSpan) -> int:
    """Bytes of a document in a parameter, with what a replacement adds, without its symbols."""
    return document.end - document.start + 40


def _by_table(entries: Iterable[DocumentEntry]) -> Iterator[tuple[str, list[DocumentEntry]]]:
    for table, group in groupby(sorted(entries, key=_entry_table), key=_entry_table):
        yield table, list(group)


def _table(change: InsertDocument) -> str:
    return change.table


def _entry_table(entry: DocumentEntry) -> str:
    return entry.table


def _ids(entries: Iterable[DocumentEntry]) -> list[str]:
    return [each.destination_id for each in entries]
