"""A ledger as a destination, through QLDB's session API."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError

from qldbkit.journal.ion import IonSpan
from qldbkit.replay import parameters
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
from qldbkit.replay.errors import DestinationChangedError, ReplayError
from qldbkit.replay.ledger_client import Transaction, TransactionRunner
from qldbkit.replay.plan import CreateIndex, CreateTable, DropIndex, DropTable
from qldbkit.replay.tables import TableBook

ENTRIES_KNOWN: Final = 50_000
"""Rows of the map that a destination remembers."""
ROW_BYTES: Final = 256
"""More than a row of the map has."""
REFUSED: Final = "BadRequestException"


_T = TypeVar("_T")

Wanted = dict[str, list[str]]
"""Ids of documents in the destination, by the names of their tables."""


class _StaleError(Exception):
    """What was remembered of the destination is no longer so."""


class _SeenEnoughError(Exception):
    """Ends a transaction that only reads."""


class _OneByOneError(Exception):
    """The destination's PartiQL cannot replace several documents by one statement."""


@dataclass(frozen=True, slots=True)
class _Strand:
    """What is known of a strand's rows.

    Attributes:
        checkpoint: None for a strand that the destination does not know.
        tables: the source's tables.
        row_ids: the ids of the rows, by their kind.
        written_by: the transaction that wrote the checkpoint's row; None if it has been read, and
            need not be compared.
    """

    checkpoint: Checkpoint | None
    tables: TableBook
    row_ids: Mapping[str, str]
    written_by: str | None = None


class LedgerDestination:
    """Keeps `qldbkit.replay.destination.Destination`'s contract with a ledger's transactions.

    The ledger's optimistic concurrency control is what fences two appliers: both read and write
    the strand's checkpoint, so the one that commits second has to begin again.

    What a transaction wrote is remembered when it has committed, and not read again by the next
    one: that replaces the checkpoint only where the row is the one that was written. When it is
    not, somebody else has written since, and everything is read anew.
    """

    def __init__(self, driver: TransactionRunner):
        """Use a driver whose retry limit bounds how often a conflicting transaction is repeated."""
        self._driver = driver
        self._ready = False
        self._strands: dict[str, _Strand] = {}
        self._rows: OrderedDict[str, Row] = OrderedDict()
        self._many: bool | None = None
        """Whether the destination takes more than QLDB's dialect; None if that is not known."""

    def checkpoint(self, strand_id: str) -> Checkpoint | None:
        """How far the strand has been applied; makes the bookkeeping tables if there are none.

        Raises:
            ClientError: the ledger refuses, or cannot be reached.
        """
        self._make_ready()

        def read(transaction: Transaction) -> Checkpoint | None:
            return _read(transaction, strand_id).checkpoint

        return self._look(read)

    def checkpoints(self) -> list[Checkpoint]:
        """The checkpoint of every strand; none if nothing was ever replayed. Writes nothing.

        Raises:
            ClientError: the ledger refuses, or cannot be reached.
        """

        def read(transaction: Transaction) -> list[Checkpoint]:
            if CHECKPOINT_TABLE not in active_tables(transaction):
                return []
            return [
                checkpoint_of(each) for each in transaction.execute_statement(partiql.POSITIONS)
            ]

        return self._look(read)

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        """Read, decide, write and commit in one transaction of the ledger.

        Raises:
            ClientError: the ledger refuses, conflicts more often than the driver tries again, or
                cannot be reached: then the commit may have happened or not.
            DestinationChangedError: a document that the map names is not in its table.
            Exception: whatever ``decide`` raises.
        """
        self._make_ready()

        known = self._strands.pop(strand_id, None)
        if known is not None:
            try:
                return self._transact(strand_id, known, documents, decide)
            except (ReplayError, _StaleError):
                self._rows.clear()  # may be due to what is remembered: decided again by what is so
        return self._transact(strand_id, None, documents, decide)

    def _transact(
        self, strand_id: str, known: _Strand | None, documents: Sequence[str], decide: Decide
    ) -> Checkpoint:
        def apply(transaction: Transaction) -> tuple[_Strand, _Writing]:
            strand = known or _read(transaction, strand_id)
            entries = self._entries(transaction, documents, strand.tables)
            changes = decide(State(strand.checkpoint, strand.tables, entries))
            writing = _Writing(transaction, self._many)
            return writing.write(strand_id, changes, strand), writing

        try:
            strand, written = self._driver.execute_lambda(apply)
        except _OneByOneError:
            self._many = False
            strand, written = self._driver.execute_lambda(apply)
        self._strands[strand_id] = strand
        self._many = written.many
        self._remember(written)
        checkpoint: Checkpoint = strand.checkpoint
        return checkpoint

    def _entries(
        self, transaction: Transaction, documents: Sequence[str], tables: TableBook
    ) -> dict[str, DocumentEntry]:
        rows = [self._rows[each] for each in documents if each in self._rows]
        unknown = [each for each in documents if each not in self._rows]
        if unknown:
            rows.extend(transaction.execute_statement(partiql.DOCUMENT_ROWS, unknown))
        return _entries(rows, tables, partial(self._versions, transaction))

    def _versions(self, transaction: Transaction, wanted: Wanted) -> Iterator[Row]:
        """The versions of documents, by the tables that they are in."""
        if self._many is not False and len(wanted) > 1:
            statement = partiql.versions_of_several(wanted)
            yield from _beyond_qldb(transaction, statement, *wanted.values())
            return
        for table, ids in wanted.items():
            yield from transaction.execute_statement(partiql.versions(table), ids)

    def _remember(self, written: _Writing) -> None:
        for each in written.rows:
            self._rows[each["sourceId"]] = each
        for source_id in written.rebased:
            self._rows.pop(source_id, None)
        while len(self._rows) > ENTRIES_KNOWN:
            self._rows.popitem(last=False)

    def _make_ready(self) -> None:
        if not self._ready:
            if self._look(_lacks_bookkeeping):
                self._driver.execute_lambda(make_bookkeeping)
            self._ready = True

    def _look(self, read: Callable[[Transaction], _T]) -> _T:
        """What a transaction reads that is then aborted: one that commits leaves a block."""
        found: list[_T] = []

        def work(transaction: Transaction) -> None:
            found.append(read(transaction))
            raise _SeenEnoughError

        with suppress(_SeenEnoughError):
            self._driver.execute_lambda(work)
        return found[-1]


def _lacks_bookkeeping(transaction: Transaction) -> bool:
    tables = active_tables(transaction)
    return any(
        INDEXED_FIELDS[name] not in _indexed(tables.get(name, {})) for name in BOOKKEEPING_TABLES
    )


def make_bookkeeping(transaction: Transaction) -> None:
    """Make the bookkeeping tables and their indexes where they are missing."""
    tables = active_tables(transaction)
    for name in sorted(BOOKKEEPING_TABLES):
        if name not in tables:
            transaction.execute_statement(partiql.create_table(name))
        if INDEXED_FIELDS[name] not in _indexed(tables.get(name, {})):
            transaction.execute_statement(partiql.create_index(name, INDEXED_FIELDS[name]))


def active_tables(transaction: Transaction) -> dict[str, Row]:
    """The ledger's active tables by name, as ``information_schema.user_tables`` has them."""
    rows = transaction.execute_statement(partiql.USER_TABLES)
    return {str(each["name"]): each for each in rows if str(each["status"]) == partiql.ACTIVE}


def _indexed(table: Row) -> dict[str, str]:
    """A table's indexes: their ids by field. An index's ``expr`` is ``[field]``."""
    return {str(each["expr"])[1:-1]: str(each["indexId"]) for each in table.get("indexes", ())}


def _read(transaction: Transaction, strand_id: str) -> _Strand:
    checkpoint, tables, row_ids = None, TableBook(), {}
    for each in transaction.execute_statement(partiql.STRAND_ROWS, strand_id):
        content = each["content"]
        row_ids[str(content["kind"])] = str(each["id"])
        if content["kind"] == POSITION:
            checkpoint = checkpoint_of(content)
        else:
            tables = tables_of(content)
    return _Strand(checkpoint, tables, row_ids)


def _entries(
    found: Iterable[Row], tables: TableBook, versions_of: Callable[[Wanted], Iterable[Row]]
) -> dict[str, DocumentEntry]:
    rows = list(found)
    active = {each.name for each in tables if each.active}
    wanted: Wanted = {}
    for each in rows:
        table, id_ = str(each["tableName"]), str(each["destinationId"])
        if id_ and table in active:
            wanted.setdefault(table, []).append(id_)
    versions = {str(each["id"]): int(each["version"]) for each in versions_of(wanted)}
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


_Changed = tuple[Sequence[DocumentEntry], Iterable[Row]]
"""Documents that a statement changes, and what it gives: a row for each that it did."""


class _Writing:
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

    def write(self, strand_id: str, changes: Changes, before: _Strand) -> _Strand:
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
        return _Strand(changes.checkpoint, known, row_ids, self._transaction.transaction_id)

    def _put_checkpoint(self, checkpoint: Checkpoint, before: _Strand) -> str:
        """Put the checkpoint's row where the one is that was there before, or nowhere."""
        row = checkpoint_row(checkpoint, self._transaction.transaction_id)
        row_id = before.row_ids.get(POSITION)
        if row_id is None or before.written_by is None:
            return self._put_row(row, row_id)
        if not self._run(partiql.REPLACE_IF_UNTOUCHED, row, row_id, before.written_by):
            raise _StaleError
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
        done = _beyond_qldb(self._transaction, partiql.replace_many(table), given)
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
                if field_ not in _indexed(tables[table]):
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
        return list(self._execute(statement, *parameters))

    def _execute(self, statement: str, *parameters: Any) -> Iterator[Row]:
        return self._transaction.execute_statement(statement, *parameters)


def _beyond_qldb(transaction: Transaction, statement: str, *given: Any) -> list[Row]:
    """The result of a statement that is not of QLDB's dialect.

    Raises:
        _OneByOneError: the destination refuses it.
    """
    try:
        return list(transaction.execute_statement(statement, *given))
    except ClientError as error:
        if error.response["Error"].get("Code") == REFUSED:
            raise _OneByOneError from error
        raise


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
