"""What a transaction makes of the record: which tables there are, and what is to be written.

Pure functions of what was read, so that a transaction may be done again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Revision
from qldbkit.replay.bookkeeping import repair_row
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
)
from qldbkit.replay.errors import DestinationChangedError
from qldbkit.replay.plan import CreateIndex, CreateTable, DropIndex, DropTable
from qldbkit.replay.views.opensearch import names
from qldbkit.replay.views.opensearch.documents import (
    Name,
    Standing,
    Write,
    living,
    tombstone,
)
from qldbkit.replay.views.opensearch.record import Record, Strand, ViewTable


class Draft:
    """The next record of a view, as far as the changes have been taken.

    Attributes:
        standings: how the documents stand that were written, by their source ids.
    """

    def __init__(self, view: str, before: Record, known: Mapping[str, Standing]):
        """Begin with what was read.

        Args:
            view: its name.
            before: the record.
            known: how those of the documents stand that are to be changed.
        """
        self._view, self._known = view, known
        self._before = before
        self._commit = before.commit + 1
        self._tables = list(before.tables)
        self._catalog_changed = False
        self._writes: dict[tuple[str, str], Write] = {}
        self.standings: dict[str, Standing] = {}

    def finish(self, strand_id: str, changes: Changes) -> Record:
        """Take all changes, and return the record that has them.

        Raises:
            DestinationChangedError: a document's table is not there.
        """
        book = changes.tables
        for each in changes.changes:
            if isinstance(each, DropTable):
                dropped = self._drop(each.name)
                if dropped is not None and book is not None:
                    book = book.dropped_as(each.name, dropped)
            else:
                self._take(each, changes)
        if book is None:
            book = self._before.book(strand_id)
        return Record(
            commit=self._commit,
            strands={**self._before.strands, strand_id: Strand(changes.checkpoint, book)},
            tables=tuple(self._tables),
            writes=tuple(self._writes.values()),
            catalog_changed=self._catalog_changed,
        )

    def _take(self, change: Change, changes: Changes) -> None:
        match change:
            case CreateTable(name=name):
                self._create(name)
            case UndropTableById(destination_id=index):
                self._activate(index, active=True)
            case InsertDocument(table=table, source_id=id_, data=data, revision=revision):
                self._write(table, id_, _version(revision, change.base_version), data, revision)
            case ReplaceDocument(entry=entry, data=data, revision=revision):
                version = _version(revision, (entry.version or 0) + 1)
                self._write(entry.table, entry.source_id, version, data, revision)
            case RepairDocument() | ReviveDocument():
                entry = change.entry
                self._write(entry.table, entry.source_id, change.version, change.data, None)
            case EnterDeletion(table=table, source_id=id_, base_version=version, revision=revision):
                self._bury(table, id_, version, revision)
            case DeleteDocument(entry=entry, revision=revision):
                self._delete(entry, revision)
            case RecordRepair():
                self._record(change, changes)
            case RedactDocument() | CreateIndex() | DropIndex():
                pass  # no earlier revision is kept, and every field is indexed
            case DropTable():
                raise AssertionError("tables are dropped where their ids are taken down")

    def _write(
        self, table: str, id_: str, version: int, data: IonSpan, revision: Revision | None
    ) -> None:
        index = self._index(table, id_)
        source = living(Name(table, id_, version, self._commit), data, revision)
        self._put(Write(index, id_, source), Standing(index, version, deleted=False))

    def _bury(self, table: str, id_: str, version: int, revision: Revision | None) -> None:
        index = self._index(table, id_)
        source = tombstone(Name(table, id_, version, self._commit), revision)
        self._put(Write(index, id_, source), Standing(index, version, deleted=True))

    def _delete(self, entry: DocumentEntry, revision: Revision | None) -> None:
        if entry.source_id:
            version = _version(revision, entry.version or 0)
            self._bury(entry.table, entry.source_id, version, revision)
        else:  # it was never replayed, so that nothing has to remember it
            index = self._required(entry.table)
            self._writes[index, entry.destination_id] = Write(index, entry.destination_id, None)

    def _put(self, write: Write, standing: Standing) -> None:
        self._writes[write.index, write.id] = write
        self.standings[write.id] = standing

    def _record(self, repair: RecordRepair, changes: Changes) -> None:
        index, id_ = names.bookkeeping_index(self._view), f"repair-{self._commit}"
        row = repair_row(repair, changes.checkpoint)
        source = {"repair": {**row, "blockHash": row["blockHash"].hex()}}
        own = {"qldbkit": {"commit": self._commit}}
        self._writes[index, id_] = Write(index, id_, json.dumps({**source, **own}))

    def _index(self, table: str, id_: str) -> str:
        """Where a document is; a new one goes to the active table of the name."""
        standing = self.standings.get(id_) or self._known.get(id_)
        return self._required(table) if standing is None else standing.index

    def _required(self, name: str) -> str:
        table = self._active(name)
        if table is None:
            raise DestinationChangedError(f"table {name} is not there")
        return table.index

    def _active(self, name: str) -> ViewTable | None:
        return next((each for each in self._tables if each.active and each.name == name), None)

    def _create(self, name: str) -> None:
        self._catalog_changed = True  # also if it is known: its index may have been removed
        if self._active(name) is None:
            number = 1 + sum(each.name == name for each in self._tables)
            index = names.table_index(self._view, name, number)
            self._tables.append(ViewTable(name, index, active=True))

    def _drop(self, name: str) -> str | None:
        table = self._active(name)
        if table is None:
            return None
        self._activate(table.index, active=False)
        return table.index

    def _activate(self, index: str, *, active: bool) -> None:
        self._catalog_changed = True
        self._tables = [
            replace(each, active=active) if each.index == index else each for each in self._tables
        ]


def _version(revision: Revision | None, otherwise: int) -> int:
    if revision is None or revision.metadata is None:
        return otherwise
    return revision.metadata.version
