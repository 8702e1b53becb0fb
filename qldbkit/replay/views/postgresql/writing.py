"""One transaction's changes, as rows of few statements.

Each statement takes a piece of a relation's rows, as arrays. None is waited for before all are
sent, so PostgreSQL writes rows while the next are made. ``COPY`` would take a little less of its
time for each row, but its end has to be waited for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from psycopg import Cursor

from qldbkit.journal import codec
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Revision
from qldbkit.replay.bookkeeping import checkpoint_row, tables_row
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.destination import (
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
    Work,
)
from qldbkit.replay.errors import DestinationChangedError
from qldbkit.replay.plan import CreateIndex, CreateTable, DropIndex, DropTable
from qldbkit.replay.tables import TableBook
from qldbkit.replay.views.postgresql import statements
from qldbkit.replay.views.postgresql.catalog import Catalog, ViewTable
from qldbkit.replay.views.postgresql.connecting import Connection
from qldbkit.replay.views.postgresql.copying import (
    Column,
    Fields,
    arrays,
    encoder,
    pieces,
)
from qldbkit.replay.views.postgresql.mapping import json_text
from qldbkit.replay.views.postgresql.rows import (
    BLOCK,
    CURRENT,
    DOCUMENT,
    HISTORY,
    KEPT,
    block_row,
    redacted_ion,
    revision_rows,
    shown_redacted,
)

_current, _kept = encoder(CURRENT), encoder(KEPT)
_document, _block = encoder(DOCUMENT), encoder(BLOCK)
_was, _gone = encoder(statements.WAS), encoder(statements.GONE)

Held = tuple[int, int | None]
"""The number of a document's table, and its version; None for one that was deleted."""


@dataclass(slots=True)
class _Shown:
    """What becomes of a current document, whatever happens to it in between.

    Attributes:
        was: the version that there is; None for none.
        revision: the one that is shown; None if it is deleted.
        row: its row of `CURRENT`, once the history's is made.
    """

    was: int | None
    revision: Revision | None
    row: Fields | None = None


@dataclass(slots=True)
class _TableRows:
    """What is to be written to one table.

    Attributes:
        history: revisions.
        current: by id.
    """

    history: list[Revision] = field(default_factory=list)
    current: dict[str, _Shown] = field(default_factory=dict)

    def show(self, id_: str, was: int | None, revision: Revision | None) -> None:
        """A document is inserted, replaced or deleted; the last time counts."""
        before = self.current.get(id_)
        if before is None:
            self.current[id_] = _Shown(was, revision)
        else:
            before.revision = revision

    def made(self) -> Iterator[Fields]:
        """The history's rows, made while those before are on their way."""
        current = self.current
        for each in self.history:
            told, kept = revision_rows(each)
            fields = _current(told)
            shown = current.get(told[0])
            if shown is not None and shown.revision is each:
                has_data = each.data is not None
                shown.row = fields if has_data else _current(shown_redacted(each, told))
            yield fields + _kept(kept)

    def inserted(self) -> list[Fields]:
        """Rows that are new."""
        return [each.row for each in self.current.values() if each.was is None and each.row]

    def replaced(self) -> list[Fields]:
        """Rows in others' places, each with the version that there is."""
        return [
            each.row + _was((each.was,))
            for each in self.current.values()
            if each.row and each.was is not None
        ]

    def deleted(self) -> list[Fields]:
        """Ids of rows to delete, each with the version that there is."""
        return [
            _gone((id_, each.was))
            for id_, each in self.current.items()
            if not each.row and each.was is not None
        ]


@dataclass(frozen=True, slots=True)
class _Expected:
    """A statement that was sent, and how many rows it has to change."""

    cursor: Cursor[Any]
    rows: int
    table: str


class Writing:
    """Writes one transaction's changes.

    Attributes:
        touched: what is known of each document that was written, once it is committed.
        token: names the transaction in the checkpoint's row.
    """

    def __init__(
        self,
        connection: Connection,
        schema: str,
        catalog: Catalog,
        held: Mapping[str, Held],
        work: Work,
    ):
        """Begin.

        Args:
            connection: in its transaction.
            schema: the view's.
            catalog: its tables.
            held: what is known of the documents that the transaction has read.
            work: is done while PostgreSQL writes what it was sent.
        """
        self.touched: dict[str, Held] = {}
        self.token = uuid4().hex
        self._connection, self._schema, self._catalog = connection, schema, catalog
        self._held, self._work = held, work
        self._tables: dict[int, _TableRows] = {}
        self._documents: list[Fields] = []
        self._expected: list[_Expected] = []

    def write(self, strand_id: str, before: Checkpoint | None, changes: Changes) -> None:
        """Write all changes and the bookkeeping.

        The blocks' rows need nothing of the changes: PostgreSQL writes them while these are taken.
        """
        with self._connection.pipeline():
            blocks = (_block(block_row(each)) for each in changes.finished)
            self._append("journal_block", BLOCK, blocks)
            book = self._take(changes)
            self._send()
            self._put_bookkeeping(strand_id, before, changes, book)
            self._work()
        self._check()

    def _take(self, changes: Changes) -> TableBook | None:
        """Take all changes; the catalog's are written, and the book of tables says them."""
        book = changes.tables
        for each in changes.changes:
            match each:
                case InsertDocument(revision=Revision() as revision):
                    self._insert(each, revision)
                case ReplaceDocument(entry=entry, revision=revision):
                    self._replace(entry, revision)
                case DropTable(name=name):
                    self._flush()
                    key = self._catalog.drop(name)
                    book = book if book is None or key is None else book.dropped_as(name, str(key))
                case CreateTable() | CreateIndex() | DropIndex() | UndropTableById():
                    self._flush()
                    self._change_catalog(each)
                case _:
                    self._change(each, changes.checkpoint)
        return book

    def _change_catalog(
        self, change: CreateTable | CreateIndex | DropIndex | UndropTableById
    ) -> None:
        match change:
            case CreateTable(name=name):
                self._catalog.create(name)
            case UndropTableById(destination_id=id_):
                self._catalog.undrop(int(id_))
            case CreateIndex(table=name, field=field_):
                self._catalog.index(name, field_)
            case DropIndex(table=name):
                self._catalog.drop_only_index(name)

    def _change(self, change: Change, checkpoint: Checkpoint) -> None:
        """Take a change that is none of the usual two, nor one of the catalog."""
        match change:
            case InsertDocument(revision=None, table=name, source_id=id_, base_version=version):
                self._put(self._catalog.required(name), id_, version, change.data)
            case EnterDeletion(table=name, source_id=id_, revision=revision):
                table = self._catalog.required(name)
                self._enter(table, id_, None)
                self._rows(table).history.append(revision)
            case DeleteDocument(entry=entry, revision=revision):
                self._delete(entry, revision)
            case RedactDocument(entry=entry, destination_version=version):
                self._redact(self._table_of(entry), entry.destination_id, version)
            case RepairDocument(entry=entry) | ReviveDocument(entry=entry):
                self._put(self._table_of(entry), entry.source_id, change.version, change.data)
            case RecordRepair():
                self._record(change, checkpoint)

    def _enter(self, table: ViewTable, id_: str, version: int | None) -> None:
        self._documents.append(_document((id_, table.key)))
        self.touched[id_] = (table.key, version)

    def _insert(self, change: InsertDocument, revision: Revision) -> None:
        table, id_ = self._catalog.required(change.table), change.source_id
        self._enter(table, id_, change.base_version)
        rows = self._rows(table)
        rows.history.append(revision)
        rows.show(id_, None, revision)

    def _replace(self, entry: DocumentEntry, revision: Revision) -> None:
        table, metadata = self._table_of(entry), revision.metadata
        assert metadata is not None  # as every streamed one has
        rows = self._rows(table)
        rows.history.append(revision)
        rows.show(entry.source_id, entry.destination_version, revision)
        self.touched[entry.source_id] = (table.key, metadata.version)

    def _delete(self, entry: DocumentEntry, revision: Revision | None) -> None:
        if not entry.source_id:  # a document that is in the table, and not in the map
            table = self._catalog.required(entry.table)
            statement = statements.on(statements.DELETE_ANY, self._schema, table.current)
            self._connection.execute(statement, (entry.destination_id,))
            return
        table = self._table_of(entry)
        rows = self._rows(table)
        rows.show(entry.source_id, entry.destination_version, None)
        if revision is not None:
            rows.history.append(revision)
        self.touched[entry.source_id] = (table.key, None)

    def _redact(self, table: ViewTable, id_: str, version: int) -> None:
        """Take the data out of a revision, also out of its Ion; nothing if it is not there."""
        self._flush()
        read = statements.on(statements.ION_OF_VERSION, self._schema, table.history)
        row = self._connection.execute(read, (id_, version)).fetchone()
        redacted = None if row is None else redacted_ion(row[0])
        if redacted is not None:
            ion, data_hash = redacted
            write = statements.on(statements.REDACT, self._schema, table.history)
            self._connection.execute(write, (data_hash, ion, id_, version))

    def _put(self, table: ViewTable, id_: str, version: int, data: IonSpan) -> None:
        """Make a document what a repair says, whatever is there."""
        statement = statements.put_repaired(self._schema, table.current, table.history)
        self._connection.execute(statement, (id_, version, json_text(data)))
        self._connection.execute(statements.ENTER, (id_, table.key))
        self.touched[id_] = (table.key, version)

    def _record(self, repair: RecordRepair, checkpoint: Checkpoint) -> None:
        self._connection.execute(
            statements.PUT_REPAIR,
            (
                checkpoint.strand_id,
                checkpoint.sequence_no,
                datetime.fromisoformat(repair.at),
                repair.who,
                repair.source,
                list(repair.documents),
            ),
        )

    def _put_bookkeeping(
        self, strand_id: str, before: Checkpoint | None, changes: Changes, book: TableBook | None
    ) -> None:
        checkpoint = changes.checkpoint
        tables = None if book is None else codec.write(tables_row(strand_id, book))
        self._connection.execute(
            statements.PUT_CHECKPOINT,
            (
                checkpoint.sequence_no,
                checkpoint.block_hash,
                codec.write(checkpoint_row(checkpoint, self.token)),
                tables,
                self.token,
                strand_id,
            ),
        )
        known = () if before is None else before.gaps
        for gap in checkpoint.gaps:
            if gap not in known:
                self._connection.execute(
                    statements.PUT_GAP, (strand_id, gap.first, gap.last, gap.passed_at)
                )

    def _table_of(self, entry: DocumentEntry) -> ViewTable:
        known = self.touched.get(entry.source_id) or self._held[entry.source_id]
        return self._catalog.of(known[0])

    def _rows(self, table: ViewTable) -> _TableRows:
        rows = self._tables.get(table.key)
        if rows is None:
            rows = self._tables[table.key] = _TableRows()
        return rows

    def _flush(self) -> None:
        """Write the rows that there are, since what follows may be about them."""
        with self._connection.pipeline():
            self._send()
        self._check()

    def _send(self) -> None:
        for key, rows in self._tables.items():
            table = self._catalog.of(key)
            self._append(table.history, HISTORY, rows.made())
            self._append(table.current, CURRENT, rows.inserted())
            replace = statements.replace_in(self._schema, table.current)
            self._expect(table, replace, statements.REPLACED, rows.replaced())
            delete = statements.delete_from(self._schema, table.current)
            self._expect(table, delete, statements.GONE, rows.deleted())
        self._append("journal_document", DOCUMENT, self._documents)
        self._tables, self._documents = {}, []

    def _append(self, relation: str, columns: tuple[Column, ...], rows: Iterable[Fields]) -> None:
        statement = statements.insert_into(self._schema, relation, columns)
        for piece in pieces(rows):
            self._connection.execute(statement, arrays(columns, piece))

    def _expect(
        self,
        table: ViewTable,
        statement: bytes,
        columns: tuple[Column, ...],
        rows: Iterable[Fields],
    ) -> None:
        for piece in pieces(rows):
            cursor = self._connection.execute(statement, arrays(columns, piece))
            self._expected.append(_Expected(cursor, len(piece), table.name))

    def _check(self) -> None:
        """Whether every row that was to be changed was there as it should be."""
        for each in self._expected:
            if each.cursor.rowcount != each.rows:
                raise DestinationChangedError(
                    f"{each.rows - each.cursor.rowcount} documents of table {each.table} are not at"
                    " the version that was replayed",
                    hint="compare the view with its source; it has another writer",
                )
        self._expected.clear()
