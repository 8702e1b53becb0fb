"""A destination that lasts as long as the process: for tests and simulations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from qldbkit.journal.ion import IonSpan
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.compare import DocumentDigest, source_id_of
from qldbkit.replay.destination import (
    Change,
    Changes,
    Decide,
    DeleteDocument,
    DocumentEntry,
    EarlierVersions,
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
from qldbkit.replay.plan import CreateIndex, CreateTable, DropTable
from qldbkit.replay.tables import TableBook

RETRIES = 4
"""How often a transaction that conflicts is done again, as QLDB's driver does."""


class ConflictError(Exception):
    """Other transactions have written what this one had read, again and again."""


@dataclass(frozen=True, slots=True)
class MemoryTable:
    """A table with its documents' revisions, by the destination's id; None for a deletion."""

    name: str
    active: bool = True
    indexes: frozenset[str] = frozenset()
    revisions: Mapping[str, tuple[IonSpan | None, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MemoryLedger:
    """Everything that is committed."""

    version: int = 0
    tables: Mapping[str, MemoryTable] = field(default_factory=dict)
    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)
    books: Mapping[str, TableBook] = field(default_factory=dict)
    entries: Mapping[str, tuple[str, str, int]] = field(default_factory=dict)
    earlier: Mapping[str, tuple[EarlierVersions, ...]] = field(default_factory=dict)
    repairs: tuple[RecordRepair, ...] = ()


class MemoryDestination:
    """Keeps `qldbkit.replay.destination.Destination`'s contract with values that never change.

    A transaction conflicts when anything at all was committed since it began, which is coarser than
    a ledger and so puts fencing to a harder test.

    It is also a side of a comparison.

    Attributes:
        ledger: what is committed.
    """

    def __init__(self, digest_of: Callable[[IonSpan], bytes] = IonSpan.hash):
        """An empty destination.

        Args:
            digest_of: the Ion hash of a document, for comparisons.
        """
        self.ledger = MemoryLedger()
        self._digest_of = digest_of

    def checkpoint(self, strand_id: str) -> Checkpoint | None:
        """How far the strand has been applied."""
        return self.ledger.checkpoints.get(strand_id)

    def checkpoints(self) -> list[Checkpoint]:
        """The checkpoint of every strand."""
        return list(self.ledger.checkpoints.values())

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        """Read, decide, write and commit.

        Raises:
            ConflictError: there were conflicts each time.
        """
        for _ in range(1 + RETRIES):
            before = self.ledger
            changes = decide(_state(before, strand_id, documents))
            after = _written(before, strand_id, changes)
            if self.ledger is before:
                self.ledger = after
                return changes.checkpoint
        raise ConflictError

    def tables(self) -> frozenset[str]:
        """The names of the active tables."""
        return frozenset(each.name for each in self.ledger.tables.values() if each.active)

    def digests(self) -> Iterator[DocumentDigest]:
        """Every current document under its source's id, or ``destination:`` and its own."""
        sources = {id_: source_id for source_id, (_, id_, _) in self.ledger.entries.items()}
        for table in self.ledger.tables.values():
            for id_, revisions in table.revisions.items() if table.active else ():
                data = revisions[-1]
                if data is not None:
                    name = source_id_of(id_, sources.get(id_))
                    yield DocumentDigest(table.name, name, self._digest_of(data))

    def documents(self) -> dict[tuple[str, str], IonSpan]:
        """The current documents of active tables, by table name and the source's id."""
        found = {}
        for source_id, (table_id, document_id, _) in self.ledger.entries.items():
            table = self.ledger.tables[table_id]
            data = table.revisions[document_id][-1] if document_id else None
            if table.active and data is not None:
                found[table.name, source_id] = data
        return found

    def indexes(self) -> dict[str, frozenset[str]]:
        """The indexed fields of each active table."""
        return {each.name: each.indexes for each in self.ledger.tables.values() if each.active}

    def revision_counts(self) -> dict[str, int]:
        """How many revisions each document has, by the source's id."""
        return {
            source_id: len(self.ledger.tables[table_id].revisions[document_id])
            for source_id, (table_id, document_id, _) in self.ledger.entries.items()
            if document_id
        }


def _state(ledger: MemoryLedger, strand_id: str, documents: Sequence[str]) -> State:
    entries = {each: _entry(ledger, each) for each in documents if each in ledger.entries}
    book = ledger.books.get(strand_id, TableBook())
    return State(ledger.checkpoints.get(strand_id), book, entries)


def _entry(ledger: MemoryLedger, source_id: str) -> DocumentEntry:
    table_id, document_id, base = ledger.entries[source_id]
    table = ledger.tables[table_id]
    if not document_id:
        return DocumentEntry(source_id, "", table.name, base, None)
    revisions = table.revisions[document_id]
    alive = table.active and revisions[-1] is not None
    version = len(revisions) - 1 if alive else None
    earlier = ledger.earlier.get(source_id, ())
    return DocumentEntry(source_id, document_id, table.name, base, version, earlier)


def _written(ledger: MemoryLedger, strand_id: str, changes: Changes) -> MemoryLedger:
    book = changes.tables
    for each in changes.changes:
        if isinstance(each, DropTable) and book is not None:
            dropped = _active(ledger, each.name)
            book = book if dropped is None else book.dropped_as(each.name, dropped)
        ledger = _changed(ledger, each)
    if book is not None:
        ledger = replace(ledger, books={**ledger.books, strand_id: book})
    checkpoints = {**ledger.checkpoints, strand_id: changes.checkpoint}
    return replace(ledger, checkpoints=checkpoints, version=ledger.version + 1)


def _changed(ledger: MemoryLedger, change: Change) -> MemoryLedger:
    match change:
        case CreateTable(name=name):
            if _active(ledger, name) is not None:
                return ledger
            return _with(ledger, f"table-{len(ledger.tables)}", MemoryTable(name))
        case DropTable(name=name):
            dropped = _active(ledger, name)
            return ledger if dropped is None else _activated(ledger, dropped, active=False)
        case UndropTableById(destination_id=id_):
            return _activated(ledger, id_, active=True)
        case CreateIndex(table=name, field=field_):
            table_id = _required(ledger, name)
            table = ledger.tables[table_id]
            return _with(ledger, table_id, replace(table, indexes=table.indexes | {field_}))
        case InsertDocument():
            return _inserted(ledger, change)
        case EnterDeletion(table=name, source_id=id_, base_version=base):
            entered = {**ledger.entries, id_: (_required(ledger, name), "", base)}
            return replace(ledger, entries=entered)
        case ReplaceDocument(entry=entry, data=data):
            return _revised(ledger, entry, data)
        case DeleteDocument(entry=entry):
            return _revised(ledger, entry, None)
        case RedactDocument(entry=entry, destination_version=version):
            return _redacted(ledger, entry, version)
        case RepairDocument(entry=entry, data=data):
            return _rebased(_revised(ledger, entry, data), change.repaired)
        case ReviveDocument():
            return _revived(ledger, change)
        case RecordRepair():
            return replace(ledger, repairs=(*ledger.repairs, change))
    return ledger


def _inserted(ledger: MemoryLedger, change: InsertDocument) -> MemoryLedger:
    if change.source_id in ledger.entries:
        raise DestinationChangedError(f"document {change.source_id} is inserted a second time")
    table_id, id_ = _required(ledger, change.table), f"document-{len(ledger.entries)}"
    table = ledger.tables[table_id]
    entries = {**ledger.entries, change.source_id: (table_id, id_, change.base_version)}
    revisions = {**table.revisions, id_: (change.data,)}
    return _with(replace(ledger, entries=entries), table_id, replace(table, revisions=revisions))


def _revised(ledger: MemoryLedger, entry: DocumentEntry, data: IonSpan | None) -> MemoryLedger:
    table_id = _table_of(ledger, entry)
    table = ledger.tables[table_id]
    before = table.revisions[entry.destination_id]
    revisions = {**table.revisions, entry.destination_id: (*before, data)}
    return _with(ledger, table_id, replace(table, revisions=revisions))


def _table_of(ledger: MemoryLedger, entry: DocumentEntry) -> str:
    """The table's id; a document that is not in the map is in the active table of the name."""
    row = ledger.entries.get(entry.source_id)
    return _required(ledger, entry.table) if row is None else row[0]


def _revived(ledger: MemoryLedger, change: ReviveDocument) -> MemoryLedger:
    table_id = _required(ledger, change.entry.table)
    table = ledger.tables[table_id]
    id_ = f"document-{table_id}-{len(table.revisions)}"  # a table never loses a document's history
    revived = replace(table, revisions={**table.revisions, id_: (change.data,)})
    return _rebased(_with(ledger, table_id, revived), change.repaired(id_))


def _rebased(ledger: MemoryLedger, entry: DocumentEntry) -> MemoryLedger:
    row = (_required(ledger, entry.table), entry.destination_id, entry.base_version)
    return replace(
        ledger,
        entries={**ledger.entries, entry.source_id: row},
        earlier={**ledger.earlier, entry.source_id: entry.earlier},
    )


def _redacted(ledger: MemoryLedger, entry: DocumentEntry, version: int) -> MemoryLedger:
    table_id = ledger.entries[entry.source_id][0]
    table = ledger.tables[table_id]
    history = list(table.revisions[entry.destination_id])
    if version < len(history) - 1:  # only what is not current can be redacted
        history[version] = None
    revisions = {**table.revisions, entry.destination_id: tuple(history)}
    return _with(ledger, table_id, replace(table, revisions=revisions))


def _active(ledger: MemoryLedger, name: str) -> str | None:
    found = (id_ for id_, each in ledger.tables.items() if each.name == name and each.active)
    return next(found, None)


def _required(ledger: MemoryLedger, name: str) -> str:
    table_id = _active(ledger, name)
    if table_id is None:
        raise DestinationChangedError(f"table {name} is not there")
    return table_id


def _activated(ledger: MemoryLedger, table_id: str, *, active: bool) -> MemoryLedger:
    return _with(ledger, table_id, replace(ledger.tables[table_id], active=active))


def _with(ledger: MemoryLedger, table_id: str, table: MemoryTable) -> MemoryLedger:
    return replace(ledger, tables={**ledger.tables, table_id: table})
