"""The questions that a ledger asks its SQLite file."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from qldbkit.ledger.catalog import Catalog, Index, IndexStatus, TableState
from qldbkit.ledger.storage import (
    CURRENT,
    Identity,
    StorageError,
    StoredRevision,
    Tip,
    revision_number,
)

BATCH: Final = 64
"""Keys in one query; a longer list is asked in several."""

# Which index to use is said, not left to the planner: it knows nothing of how few revisions of one
# document there are behind a snapshot, and would rather walk the whole table.
_COLUMNS: Final = (
    "SELECT r.revision_id, r.table_id, r.document_id, r.version, r.ended, r.hash, c.metadata,"
    " c.data, c.data_hash"
)
_CONTENT: Final = "CROSS JOIN content c ON c.revision_id = r.revision_id"
_REVISION: Final = f"{_COLUMNS} FROM revision r {_CONTENT}"
_BY_DOCUMENT: Final = f"{_COLUMNS} FROM revision r INDEXED BY revision_by_document {_CONTENT}"
_ENDED: Final = f"{_BY_DOCUMENT} WHERE r.document_id = ? AND r.ended = ?"


class Reading:
    """Queries on one connection, which only one thread uses at a time."""

    __slots__ = ("connection",)

    def __init__(self, connection: sqlite3.Connection):
        self.connection = connection

    def identity(self) -> Identity:
        """Which ledger the file holds."""
        row = self._one("SELECT ledger_id, ledger_name, strand_id FROM identity")
        if row is None:
            raise StorageError("the ledger's file has no identity: its creation did not finish")
        return Identity(*row)

    def tip(self) -> Tip | None:
        """The latest block."""
        row = self._one(
            "SELECT sequence_no, block_hash, block_time FROM block"
            " ORDER BY sequence_no DESC LIMIT 1"
        )
        return None if row is None else Tip(*row)

    def catalog(self) -> Catalog:
        """The tables and indexes."""
        indexes: dict[str, list[Index]] = {}
        for table_id, index_id, field, status in self._all(
            "SELECT table_id, index_id, field, status FROM catalog_index ORDER BY position"
        ):
            indexes.setdefault(table_id, []).append(Index(index_id, field, IndexStatus(status)))
        catalog = Catalog()
        for table_id, name, active, confirmed in self._all(
            "SELECT table_id, name, active, confirmed FROM catalog_table ORDER BY position"
        ):
            made = tuple(indexes.get(table_id, ()))
            table = TableState(table_id, name, bool(active), made, bool(confirmed))
            catalog = catalog.with_table(table)
        return catalog

    def summary(self, sequence_no: int) -> bytes | None:
        """A block's summary."""
        row = self._one("SELECT summary FROM block WHERE sequence_no = ?", sequence_no)
        return None if row is None else row[0]

    def summaries(self, first: int, count: int) -> list[tuple[int, bytes]]:
        """Several blocks' summaries."""
        return self._all(
            "SELECT sequence_no, summary FROM block WHERE sequence_no >= ?"
            " ORDER BY sequence_no LIMIT ?",
            first,
            count,
        )

    def revisions_of(self, sequence_no: int) -> list[StoredRevision]:
        """The revisions that a block made."""
        rows = self._all(
            f"{_REVISION} WHERE r.revision_id >= ? AND r.revision_id < ? ORDER BY r.revision_id",
            revision_number(sequence_no, 0),
            revision_number(sequence_no + 1, 0),
        )
        return [StoredRevision(*row) for row in rows]

    def current(self, document_id: str) -> StoredRevision | None:
        """The latest revision of a document."""
        row = self._one(_ENDED, document_id, CURRENT)
        return None if row is None else StoredRevision(*row)

    def revision_at(self, sequence_no: int, document_id: str) -> StoredRevision | None:
        """The revision of a document that a block made."""
        # No block makes two revisions of a document, so the next one ended in a later block.
        row = self._one(
            f"{_BY_DOCUMENT} WHERE r.document_id = ? AND r.ended > ? AND r.revision_id >= ?"
            " AND r.revision_id < ? ORDER BY r.ended LIMIT 1",
            document_id,
            sequence_no,
            revision_number(sequence_no, 0),
            revision_number(sequence_no + 1, 0),
        )
        return None if row is None else StoredRevision(*row)

    def visible(self, table_id: str, snapshot: int) -> Sequence[int]:
        """The revisions that are a table's documents at a snapshot."""
        return self._ids(
            "SELECT revision_id FROM revision INDEXED BY revision_by_table"
            " WHERE table_id = ? AND deleted = 0 AND ended > ? AND revision_id < ?",
            table_id,
            snapshot,
            revision_number(snapshot + 1, 0),
        )

    def active_between(
        self, table_id: str, first: int, last: int, document_ids: Sequence[str] | None
    ) -> Sequence[int]:
        """A table's revisions that were the latest at ``first``, or made up to ``last``."""
        bound = revision_number(last + 1, 0)
        if document_ids is None:
            return self._ids(
                "SELECT revision_id FROM revision INDEXED BY revision_by_table"
                " WHERE table_id = ? AND deleted IN (0, 1) AND ended > ? AND revision_id < ?"
                " ORDER BY revision_id",
                table_id,
                first,
                bound,
            )
        found = array("q")
        for document_id in document_ids:
            found += self._ids(
                "SELECT revision_id FROM revision INDEXED BY revision_by_document"
                " WHERE document_id = ? AND ended > ? AND revision_id < ? AND table_id = ?",
                document_id,
                first,
                bound,
                table_id,
            )
        return array("q", sorted(found))

    def load(self, revision_ids: Sequence[int]) -> list[StoredRevision]:
        """The revisions of at most `BATCH` ids, in their order."""
        rows = self._all(
            f"{_REVISION} WHERE r.revision_id IN ({_marks(revision_ids)})", *revision_ids
        )
        found = {row[0]: StoredRevision(*row) for row in rows}
        return [found[each] for each in revision_ids]

    def documents(
        self, table_id: str, document_ids: Sequence[str], snapshot: int
    ) -> list[StoredRevision]:
        """The documents of at most `BATCH` ids at a snapshot."""
        rows = self._all(
            f"{_BY_DOCUMENT} WHERE r.document_id IN ({_marks(document_ids)}) AND r.ended > ?"
            " AND r.revision_id < ? AND r.table_id = ? AND r.deleted = 0",
            *document_ids,
            snapshot,
            revision_number(snapshot + 1, 0),
            table_id,
        )
        return [StoredRevision(*row) for row in rows]

    def newest(self, table_id: str, before: int, count: int) -> list[StoredRevision]:
        """The newest of a table's documents, before a revision id."""
        ids = self._ids(
            "SELECT revision_id FROM revision INDEXED BY revision_by_table"
            " WHERE table_id = ? AND deleted = 0 AND ended = ? AND revision_id < ?"
            " ORDER BY revision_id DESC LIMIT ?",
            table_id,
            CURRENT,
            before,
            count,
        )
        return [each for batch in batches(ids) for each in self.load(batch)]

    def versions(self, document_id: str, until: int, count: int) -> list[StoredRevision]:
        """The newest of a document's revisions that were ended up to a block."""
        rows = self._all(
            f"{_BY_DOCUMENT} WHERE r.document_id = ? AND r.ended <= ?"
            " ORDER BY r.ended DESC LIMIT ?",
            document_id,
            until,
            count,
        )
        return [StoredRevision(*row) for row in rows]

    def indexed(self, index_id: str, keys: Sequence[bytes], snapshot: int) -> list[str]:
        """The documents that an index has under at most `BATCH` keys at a snapshot."""
        rows = self._all(
            f"SELECT DISTINCT document_id FROM entry WHERE index_id = ? AND key IN ({_marks(keys)})"  # noqa: S608 - only question marks
            " AND begun <= ? AND ended > ?",
            index_id,
            *keys,
            snapshot,
            snapshot,
        )
        return [row[0] for row in rows]

    def sequence_by_transaction_time(self, moment: int) -> int:
        """The latest block whose transaction time is at or before ``moment``."""
        row = self._one(
            "SELECT sequence_no FROM block WHERE transaction_time <= ?"
            " ORDER BY transaction_time DESC, sequence_no DESC LIMIT 1",
            moment,
        )
        return -1 if row is None else int(row[0])

    def sequence_by_block_time(self, moment: int) -> int:
        """The first block whose timestamp is at or after ``moment``."""
        row = self._one(
            "SELECT sequence_no FROM block WHERE block_time >= ?"
            " ORDER BY block_time, sequence_no LIMIT 1",
            moment,
        )
        if row is not None:
            return int(row[0])
        tip = self.tip()
        return 0 if tip is None else tip.sequence_no + 1

    def node(self, level: int, index: int) -> bytes | None:
        """A node of the journal's tree."""
        row = self._one("SELECT hash FROM node WHERE level = ? AND position = ?", level, index)
        return None if row is None else row[0]

    def _one(self, statement: str, *parameters: Any) -> Any:
        return self.connection.execute(statement, parameters).fetchone()

    def _all(self, statement: str, *parameters: Any) -> list[Any]:
        return self.connection.execute(statement, parameters).fetchall()

    def _ids(self, statement: str, *parameters: Any) -> array[int]:
        return array("q", (row[0] for row in self.connection.execute(statement, parameters)))


def batches(values: Sequence[Any]) -> Iterator[list[Any]]:
    """The values in lists of at most `BATCH`."""
    remaining = iter(values)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))
