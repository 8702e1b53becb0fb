"""A ledger's storage in one SQLite file.

Write-ahead log, ``synchronous=FULL``: a change is on the disk before `SqliteStorage.writing` ends.
Readers have connections of their own and never wait for the writer.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self, TypeVar

from qldbkit.ledger.catalog import Catalog
from qldbkit.ledger.sqlite_reading import Reading, batches
from qldbkit.ledger.sqlite_schema import check_file, connect, create_file
from qldbkit.ledger.storage import (
    CURRENT,
    BlockChanges,
    Identity,
    IndexEntry,
    Redaction,
    StorageError,
    StoredRevision,
    Tip,
)

Value = TypeVar("Value")

DEFAULT_CONNECTIONS: Final = 8
LOG_PAGES: Final = 1000
"""Pages in the write-ahead log at which it is moved into the file; SQLite's own number."""
BULK_LOG_PAGES: Final = 16_000
"""The same while a journal is loaded: 64 MB. Most pages of indexes are written again and again."""


class SqliteStorage:
    """The storage of one ledger. Safe to use from several threads.

    Args:
        path: the file, which exists.
        connections: how many connections for reading are kept open.
    """

    def __init__(self, path: Path, connections: int = DEFAULT_CONNECTIONS):
        check_file(path)
        self._path = path
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue(connections)
        self._closed = False
        self._writing = threading.Lock()
        self._writer = connect(path)
        self._log_pages = LOG_PAGES
        self.erase_traces()  # a redaction's may be left from before a crash

    @classmethod
    def create(cls, path: Path, identity: Identity, connections: int = DEFAULT_CONNECTIONS) -> Self:
        """Make the file of a ledger without blocks, and open it.

        Raises:
            StorageError: the file exists or cannot be written.
        """
        create_file(path, identity)
        return cls(path, connections)

    def identity(self) -> Identity:
        """Which ledger the file holds."""
        return self._read(Reading.identity)

    def tip(self) -> Tip | None:
        """The latest block."""
        return self._read(Reading.tip)

    def catalog(self) -> Catalog:
        """The tables and indexes of the latest state."""
        return self._read(Reading.catalog)

    def summary(self, sequence_no: int) -> bytes | None:
        """A block's binary Ion."""
        return self._read(lambda reading: reading.summary(sequence_no))

    def summaries(self, first: int, count: int) -> list[tuple[int, bytes]]:
        """Up to ``count`` blocks from number ``first`` on, with their numbers."""
        return self._read(lambda reading: reading.summaries(first, count))

    def revisions_of(self, sequence_no: int) -> list[StoredRevision]:
        """The revisions that a block made, in its order."""
        return self._read(lambda reading: reading.revisions_of(sequence_no))

    def current(self, document_id: str) -> StoredRevision | None:
        """The latest revision of a document."""
        return self._read(lambda reading: reading.current(document_id))

    def revision_at(self, sequence_no: int, document_id: str) -> StoredRevision | None:
        """The revision of a document that a block made."""
        return self._read(lambda reading: reading.revision_at(sequence_no, document_id))

    def visible(self, table_id: str, snapshot: int) -> Sequence[int]:
        """The ids of the revisions that are a table's documents at a snapshot."""
        return self._read(lambda reading: reading.visible(table_id, snapshot))

    def active_between(
        self, table_id: str, first: int, last: int, document_ids: Sequence[str] | None
    ) -> Sequence[int]:
        """The ids of a table's revisions that were active between two blocks."""
        return self._read(
            lambda reading: reading.active_between(table_id, first, last, document_ids)
        )

    def load(self, revision_ids: Sequence[int]) -> Iterator[StoredRevision]:
        """The revisions of those ids, in their order."""
        for batch in batches(revision_ids):
            yield from self._read(lambda reading, ids=batch: reading.load(ids))  # type: ignore[misc]

    def documents(
        self, table_id: str, document_ids: Sequence[str], snapshot: int
    ) -> Iterator[StoredRevision]:
        """A table's documents of those ids at a snapshot."""
        for batch in batches(document_ids):
            yield from self._read(
                lambda reading, ids=batch: reading.documents(table_id, ids, snapshot)  # type: ignore[misc]
            )

    def newest(self, table_id: str, before: int, count: int) -> list[StoredRevision]:
        """The newest of a table's documents, before a revision id."""
        return self._read(lambda reading: reading.newest(table_id, before, count))

    def versions(self, document_id: str, until: int, count: int) -> list[StoredRevision]:
        """The newest of a document's revisions that were ended up to a block."""
        return self._read(lambda reading: reading.versions(document_id, until, count))

    def indexed(self, index_id: str, keys: Sequence[bytes], snapshot: int) -> list[str]:
        """The ids of the documents that an index has under ``keys`` at a snapshot, each once."""
        found: dict[str, None] = {}
        for batch in batches(keys):
            ids = self._read(lambda reading, some=batch: reading.indexed(index_id, some, snapshot))  # type: ignore[misc]
            found.update(dict.fromkeys(ids))
        return list(found)

    def sequence_by_transaction_time(self, moment: int) -> int:
        """The latest block whose transaction time is at or before ``moment``."""
        return self._read(lambda reading: reading.sequence_by_transaction_time(moment))

    def sequence_by_block_time(self, moment: int) -> int:
        """The first block whose timestamp is at or after ``moment``."""
        return self._read(lambda reading: reading.sequence_by_block_time(moment))

    def node(self, level: int, index: int) -> bytes | None:
        """A complete node of the journal's tree."""
        return self._read(lambda reading: reading.node(level, index))

    @contextmanager
    def writing(self, *, bulk: bool = False) -> Iterator[SqliteWriter]:
        """Begin a change, and make it durable at the end.

        Args:
            bulk: whether many more are going to follow.

        Raises:
            StorageError: the change could not be made durable; nothing of it is to be relied on.
        """
        with self._writing:
            try:
                self._let_log_grow(BULK_LOG_PAGES if bulk else LOG_PAGES)
                self._writer.execute("BEGIN IMMEDIATE")
                yield SqliteWriter(self._writer)
                self._writer.execute("COMMIT")
            except sqlite3.Error as error:
                self._undo()
                raise _failed(error, self._path) from error
            except BaseException:
                self._undo()
                raise

    def erase_traces(self) -> None:
        """Move the write-ahead log into the file and empty it, so that no old page is left in it.

        It waits for readers at most as long as a connection waits for a lock.

        Raises:
            StorageError: a reader took longer, or the file cannot be written.
        """
        with self._writing:
            try:
                row = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as error:
                raise _failed(error, self._path) from error
        if row[0]:
            raise StorageError("the write-ahead log could not be emptied: it is being read")

    def close(self) -> None:
        """Close every connection; a read that is under way closes its own."""
        with self._writing:
            self._closed = True
            self._writer.close()
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    def _let_log_grow(self, pages: int) -> None:
        if pages != self._log_pages:
            self._writer.execute(f"PRAGMA wal_autocheckpoint = {pages}").close()
            self._log_pages = pages

    def _undo(self) -> None:
        if not self._closed and self._writer.in_transaction:
            self._writer.execute("ROLLBACK")

    def _read(self, question: Callable[[Reading], Value]) -> Value:
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._connected()
        try:
            return question(Reading(connection))
        except sqlite3.Error as error:
            raise _failed(error, self._path) from error
        finally:
            self._give_back(connection)

    def _connected(self) -> sqlite3.Connection:
        if self._closed:
            raise StorageError("the ledger is closed")
        return connect(self._path)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if self._closed:
            connection.close()
            return
        try:
            self._idle.put_nowait(connection)
        except queue.Full:
            connection.close()


class SqliteWriter(Reading):
    """One change of a ledger's file, inside an open transaction."""

    __slots__ = ("_completed",)

    def __init__(self, connection: sqlite3.Connection):
        super().__init__(connection)
        # The nodes that the change has written: the next blocks ask for the latest of them.
        self._completed: dict[tuple[int, int], bytes] = {}

    def node(self, level: int, index: int) -> bytes | None:
        """A node of the journal's tree."""
        return self._completed.get((level, index)) or super().node(level, index)

    def append(self, changes: BlockChanges) -> None:
        """Write a block with everything that it does."""
        tip = changes.tip
        self.connection.execute(
            "INSERT INTO block VALUES (?, ?, ?, ?, ?)",
            (
                tip.sequence_no,
                tip.block_hash,
                tip.block_time,
                changes.transaction_time,
                changes.summary,
            ),
        )
        self.connection.executemany("INSERT INTO node VALUES (?, ?, ?)", changes.nodes)
        self._completed.update({(level, index): hash_ for level, index, hash_ in changes.nodes})
        if changes.revisions:
            self._write_revisions(tip.sequence_no, changes.revisions)
        if changes.ended_entries or changes.added_entries:
            self._write_entries(tip.sequence_no, changes)
        if changes.redactions:
            self._redact(changes.redactions)
        if changes.catalog is not None:
            self.save_catalog(changes.catalog)

    def save_catalog(self, catalog: Catalog) -> None:
        """Write the tables and indexes as they are now."""
        self.connection.execute("DELETE FROM catalog_table")
        self.connection.execute("DELETE FROM catalog_index")
        for table in catalog.tables.values():
            self.connection.execute(
                "INSERT INTO catalog_table (table_id, name, active, confirmed) VALUES (?, ?, ?, ?)",
                (table.table_id, table.name, table.active, table.confirmed),
            )
            self.connection.executemany(
                "INSERT INTO catalog_index (index_id, table_id, field, status) VALUES (?, ?, ?, ?)",
                [
                    (each.index_id, table.table_id, each.field, each.status.value)
                    for each in table.indexes
                ],
            )

    def current_after(self, table_id: str, revision_id: int, count: int) -> list[StoredRevision]:
        """Up to ``count`` of a table's current documents, by revision id, behind that one."""
        rows = self._all(
            "SELECT revision_id FROM revision INDEXED BY revision_by_table"
            " WHERE table_id = ? AND deleted = 0 AND ended = ? AND revision_id > ?"
            " ORDER BY revision_id LIMIT ?",
            table_id,
            CURRENT,
            revision_id,
            count,
        )
        ids = [row[0] for row in rows]
        return [each for batch in batches(ids) for each in self.load(batch)]

    def add_entry(self, entry: IndexEntry, begun: int) -> None:
        """Add an index entry that begins with block ``begun``, if it is not there."""
        self.connection.execute(
            "INSERT OR IGNORE INTO entry VALUES (?, ?, ?, ?, ?)",
            (entry.index_id, entry.key, entry.document_id, begun, CURRENT),
        )

    def remove_entries(self, index_id: str, count: int) -> int:
        """Remove up to ``count`` entries of an index; how many it were."""
        rows = self._all(
            "SELECT key, document_id, begun FROM entry WHERE index_id = ? LIMIT ?", index_id, count
        )
        self.connection.executemany(
            "DELETE FROM entry WHERE index_id = ? AND key = ? AND document_id = ? AND begun = ?",
            [(index_id, *row) for row in rows],
        )
        return len(rows)

    def forget_entries(self, before: int) -> None:
        """Remove the index entries that no snapshot from ``before`` on can see."""
        self.connection.execute(
            f"DELETE FROM entry WHERE ended <= ? AND ended < {CURRENT}",  # noqa: S608 - a constant
            (before,),
        )

    def _write_revisions(self, sequence_no: int, revisions: Sequence[StoredRevision]) -> None:
        later = [(sequence_no, each.document_id, CURRENT) for each in revisions if each.version]
        if later:
            self.connection.executemany(
                "UPDATE revision SET ended = ? WHERE document_id = ? AND ended = ?", later
            )
        self.connection.executemany(
            "INSERT INTO revision VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(*each[:5], each.deleted, each.hash) for each in revisions],
        )
        self.connection.executemany(
            "INSERT INTO content VALUES (?, ?, ?, ?)",
            [(each.revision_id, each.metadata, each.data, each.data_hash) for each in revisions],
        )

    def _write_entries(self, sequence_no: int, changes: BlockChanges) -> None:
        self.connection.executemany(
            "UPDATE entry SET ended = ? WHERE index_id = ? AND key = ? AND document_id = ?"
            " AND ended = ?",
            [
                (sequence_no, each.index_id, each.key, each.document_id, CURRENT)
                for each in changes.ended_entries
            ],
        )
        for entry in changes.added_entries:
            self.add_entry(entry, sequence_no)

    def _redact(self, redactions: Sequence[Redaction]) -> None:
        self.connection.executemany(
            "UPDATE content SET data = NULL, data_hash = ? WHERE revision_id = ?",
            [(each.data_hash, each.revision_id) for each in redactions],
        )
        # What is left of the document's earlier values in the indexes serves only snapshots that
        # are about to conflict; a redacted value must not survive there.
        self.connection.executemany(
            f"DELETE FROM entry WHERE document_id = ? AND ended < {CURRENT}",  # noqa: S608 - a constant
            [(each.document_id,) for each in redactions],
        )


def _failed(error: sqlite3.Error, path: Path) -> StorageError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without it, the module's own refusal
    damaged = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return StorageError(
        f"the ledger's file cannot be read or written: {error}",
        position=str(path),
        hint="qldbkit restore makes it again from an export or archive" if damaged else None,
    )
