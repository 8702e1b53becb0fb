"""A ledger as a destination, through QLDB's own driver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from qldbkit.journal.ion import IonSpan
from qldbkit.replay import partiql_text as partiql
from qldbkit.replay.bookkeeping import (
    POSITION,
    TABLES,
    Row,
    checkpoint_of,
    checkpoint_row,
    document_rows,
    earlier_of,
    earlier_rows,
    repair_row,
    tables_of,
    tables_row,
)
from qldbkit.replay.bookkeeping_tables import (
    BOOKKEEPING_TABLES,
    CHECKPOINT_TABLE,
    DOCUMENT_TABLE,
    INDEXED_FIELDS,
    REPAIR_TABLE,
)
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.destination import (
    CatalogChange,
    Change,
    Changes,
    Decide,
    DeleteDocument,
    DocumentEntry,
    EnterDeletion,
    InsertDocument,
    RecordRepair,
    RedactDocument,
    RepairDocument,
    ReplaceDocument,
    ReviveDocument,
    State,
    UndropTableById,
)
from qldbkit.replay.errors import DestinationChangedError
from qldbkit.replay.plan import CreateIndex, CreateTable, DropIndex, DropTable
from qldbkit.replay.tables import TableBook

if TYPE_CHECKING:  # `qldbkit.driver` has to be imported before pyqldb is
    from pyqldb.driver.qldb_driver import QldbDriver
    from pyqldb.execution.executor import Executor

PARAMETER_BYTES: Final = 120_000
"""Documents of one INSERT together; QLDB takes 131,072 bytes of binary Ion in a parameter."""


@dataclass(slots=True)
class _Reading:
    """What a transaction read, and which rows of the checkpoint table it has to replace."""

    state: State
    row_ids: dict[str, str] = field(default_factory=dict)


class LedgerDestination:
    """Keeps `qldbkit.replay.destination.Destination`'s contract with a ledger's transactions.

    The ledger's optimistic concurrency control is what fences two appliers: both read and write
    the strand's checkpoint, so the one that commits second has to begin again.
    """

    def __init__(self, driver: QldbDriver):
        """Use a driver whose retry limit bounds how often a conflicting transaction is repeated."""
        self._driver = driver
        self._ready = False

    def checkpoint(self, strand_id: str) -> Checkpoint | None:
        """How far the strand has been applied; makes the bookkeeping tables if there are none.

        Raises:
            ClientError: the ledger refuses, or cannot be reached.
        """
        self._make_ready()

        def read(transaction: Executor) -> Checkpoint | None:
            return _read(transaction, strand_id, ()).state.checkpoint

        found: Checkpoint | None = self._driver.execute_lambda(read)
        return found

    def checkpoints(self) -> list[Checkpoint]:
        """The checkpoint of every strand; none if nothing was ever replayed. Writes nothing.

        Raises:
            ClientError: the ledger refuses, or cannot be reached.
        """

        def read(transaction: Executor) -> list[Checkpoint]:
            if CHECKPOINT_TABLE not in active_tables(transaction):
                return []
            return [
                checkpoint_of(each) for each in transaction.execute_statement(partiql.POSITIONS)
            ]

        found: list[Checkpoint] = self._driver.execute_lambda(read)
        return found

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        """Read, decide, write and commit in one transaction of the ledger.

        Raises:
            ClientError: the ledger refuses, conflicts more often than the driver tries again, or
                cannot be reached: then the commit may have happened or not.
            DestinationChangedError: a document that the map names is not in its table.
            Exception: whatever ``decide`` raises.
        """
        self._make_ready()

        def apply(transaction: Executor) -> Checkpoint:
            reading = _read(transaction, strand_id, documents)
            changes = decide(reading.state)
            _Writing(transaction).write(strand_id, changes, reading.row_ids)
            return changes.checkpoint

        written: Checkpoint = self._driver.execute_lambda(apply)
        return written

    def _make_ready(self) -> None:
        if not self._ready:
            self._driver.execute_lambda(make_bookkeeping)
            self._ready = True


def make_bookkeeping(transaction: Executor) -> None:
    """Make the bookkeeping tables and their indexes where they are missing."""
    tables = active_tables(transaction)
    for name in sorted(BOOKKEEPING_TABLES):
        if name not in tables:
            transaction.execute_statement(partiql.create_table(name))
        if INDEXED_FIELDS[name] not in _indexed(tables.get(name, {})):
            transaction.execute_statement(partiql.create_index(name, INDEXED_FIELDS[name]))


def active_tables(transaction: Executor) -> dict[str, Row]:
    """The ledger's active tables by name, as ``information_schema.user_tables`` has them."""
    rows = transaction.execute_statement(partiql.USER_TABLES)
    return {str(each["name"]): each for each in rows if str(each["status"]) == partiql.ACTIVE}


def _indexed(table: Row) -> dict[str, str]:
    """A table's indexes: their ids by field. An index's ``expr`` is ``[field]``."""
    return {str(each["expr"])[1:-1]: str(each["indexId"]) for each in table.get("indexes", ())}


def _read(transaction: Executor, strand_id: str, documents: Sequence[str]) -> _Reading:
    checkpoint, tables, row_ids = None, TableBook(), {}
    for each in transaction.execute_statement(partiql.STRAND_ROWS, strand_id):
        content = each["content"]
        row_ids[str(content["kind"])] = str(each["id"])
        if content["kind"] == POSITION:
            checkpoint = checkpoint_of(content)
        else:
            tables = tables_of(content)
    entries = _entries(transaction, documents, tables) if documents else {}
    return _Reading(State(checkpoint, tables, entries), row_ids)


def _entries(
    transaction: Executor, documents: Sequence[str], tables: TableBook
) -> dict[str, DocumentEntry]:
    found = transaction.execute_statement(partiql.document_rows(len(documents)), *documents)
    rows = sorted(found, key=lambda each: str(each["tableName"]))
    active = {each.name for each in tables if each.active}
    versions: dict[str, int] = {}
    for table, group in groupby(rows, key=lambda each: str(each["tableName"])):
        ids = [each["destinationId"] for each in group if str(each["destinationId"])]
        if ids and table in active:
            current = transaction.execute_statement(partiql.versions(table, len(ids)), *ids)
            versions.update((str(each["id"]), int(each["version"])) for each in current)
    return {str(each["sourceId"]): _entry(each, versions) for each in rows}


def _entry(row: Row, versions: Mapping[str, int]) -> DocumentEntry:
    id_ = str(row["destinationId"])
    return DocumentEntry(
        source_id=str(row["sourceId"]),
        destination_id=id_,
        table=str(row["tableName"]),
        base_version=int(row["baseVersion"]),
        destination_version=versions.get(id_),
        earlier=earlier_of(row),
    )


class _Writing:
    """One transaction's writes."""

    def __init__(self, transaction: Executor):
        self._transaction = transaction
        self._dropped: list[tuple[str, str]] = []

    def write(self, strand_id: str, changes: Changes, row_ids: Mapping[str, str]) -> None:
        """Write all changes, then the bookkeeping."""
        for of_catalog, group in groupby(changes.changes, key=_is_catalog_change):
            if of_catalog:
                for each in group:
                    self._change_catalog(each)
            else:
                self._change_documents(list(group))
        tables = changes.tables
        if tables is not None:
            for name, id_ in self._dropped:
                tables = tables.dropped_as(name, id_)
            self._put_row(tables_row(strand_id, tables), row_ids.get(TABLES))
        self._put_row(checkpoint_row(changes.checkpoint), row_ids.get(POSITION))
        for each in changes.changes:
            if isinstance(each, RecordRepair):
                self._run(partiql.insert(REPAIR_TABLE), repair_row(each, changes.checkpoint))

    def _put_row(self, row: Row, row_id: str | None) -> None:
        if row_id is None:
            self._run(partiql.insert(CHECKPOINT_TABLE), row)
        else:
            self._run(partiql.replace(CHECKPOINT_TABLE), row, row_id)

    def _change_documents(self, changes: Sequence[Change]) -> None:
        """Write documents, of which each is touched once, so that their order is of no matter."""
        inserts = [each for each in changes if isinstance(each, InsertDocument)]
        rows = [row for each in _parameters(inserts) for row in self._insert(each)]
        deleted = [each for each in changes if isinstance(each, EnterDeletion)]
        rows += document_rows(deleted, [""] * len(deleted))
        if rows:
            self._run(partiql.insert(DOCUMENT_TABLE), rows)
        deletes = [each.entry for each in changes if isinstance(each, DeleteDocument)]
        for table, group in _by_table(deletes):
            self._expect(group, self._run(partiql.delete(table, len(group)), *_ids(group)))
        for each in changes:
            if isinstance(each, ReplaceDocument):
                self._replace(each.entry, each.data)
            elif isinstance(each, RedactDocument):
                self._redact(each)
            elif isinstance(each, RepairDocument):
                self._replace(each.entry, each.data)
                self._rebase(each.repaired)
            elif isinstance(each, ReviveDocument):
                (row,) = self._run(partiql.insert(each.entry.table), each.data.value())
                self._rebase(each.repaired(str(row["documentId"])))

    def _replace(self, entry: DocumentEntry, data: IonSpan) -> None:
        done = self._run(partiql.replace(entry.table), data.value(), entry.destination_id)
        self._expect([entry], done)

    def _rebase(self, entry: DocumentEntry) -> None:
        self._run(
            partiql.rebase(),
            entry.destination_id,
            entry.base_version,
            earlier_rows(entry),
            entry.source_id,
        )

    def _insert(self, documents: Sequence[InsertDocument]) -> list[dict[str, Any]]:
        given = [each.data.value() for each in documents]
        rows = self._run(partiql.insert(documents[0].table), given)
        return document_rows(documents, [str(each["documentId"]) for each in rows])

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
                if field_ not in _indexed(tables.get(table, {})):
                    self._run(partiql.create_index(table, field_))
            case DropIndex(table=table):
                indexes = list(_indexed(tables.get(table, {})).values())
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
        return list(self._transaction.execute_statement(statement, *parameters))


def _is_catalog_change(change: Change) -> bool:
    return isinstance(change, CatalogChange)


def _parameters(inserts: Iterable[InsertDocument]) -> Iterator[list[InsertDocument]]:
    """Inserts of one table in lists that fit into one parameter each."""
    for _, group in groupby(sorted(inserts, key=_table), key=_table):
        batch: list[InsertDocument] = []
        size = 0
        for each in group:
            bytes_ = len(each.data.binary())
            if batch and size + bytes_ > PARAMETER_BYTES:
                yield batch
                batch, size = [], 0
            batch.append(each)
            size += bytes_
        yield batch


def _by_table(entries: Iterable[DocumentEntry]) -> Iterator[tuple[str, list[DocumentEntry]]]:
    for table, group in groupby(sorted(entries, key=_entry_table), key=_entry_table):
        yield table, list(group)


def _table(change: InsertDocument) -> str:
    return change.table


def _entry_table(entry: DocumentEntry) -> str:
    return entry.table


def _ids(entries: Iterable[DocumentEntry]) -> list[str]:
    return [each.destination_id for each in entries]
