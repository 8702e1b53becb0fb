"""Whether a destination's documents are the source's, document by document.

Each side gives a digest of every current document, once, in whatever order it has them; the
digests meet in a temporary database, so that memory does not grow with the ledgers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Protocol

from qldbkit.journal.hashes import ion_hash
from qldbkit.replay import partiql_text as partiql
from qldbkit.replay.bookkeeping_tables import BOOKKEEPING_TABLES, DOCUMENT_TABLE
from qldbkit.replay.partiql_text import ACTIVE

if TYPE_CHECKING:  # `qldbkit.driver` has to be imported before pyqldb is
    from pyqldb.driver.qldb_driver import QldbDriver
    from pyqldb.execution.executor import Executor

MAX_DIFFERENCES: Final = 1000
"""How many differences are named; all are counted."""
_SCHEMA: Final = """
CREATE TABLE digest (
    side INTEGER, table_name TEXT, document_id TEXT, digest BLOB NOT NULL,
    PRIMARY KEY (table_name, document_id, side)
) STRICT, WITHOUT ROWID;
CREATE VIEW pair AS
SELECT table_name, document_id,
    MAX(CASE WHEN side = 0 THEN digest END) AS source_digest,
    MAX(CASE WHEN side = 1 THEN digest END) AS destination_digest
FROM digest GROUP BY table_name, document_id;
"""
_SPILL: Final = (
    "CREATE TABLE spill (first TEXT PRIMARY KEY, second ANY NOT NULL) STRICT, WITHOUT ROWID"
)
UNMAPPED: Final = "destination:"
"""Begins the name of a document of the destination that no document of the source came as."""
_SOURCE, _DESTINATION = 0, 1


class DifferenceKind(Enum):
    """How a document differs."""

    MISSING = "is missing in the destination"
    EXTRA = "is only in the destination"
    CHANGED = "is not the same"


@dataclass(frozen=True, slots=True)
class Difference:
    """A document that is not the same on both sides.

    Attributes:
        table: the table's name.
        document_id: the source's id; the destination's, after ``destination:``, where the source's
            is not known.
        kind: how it differs.
        destination_digest: the Ion hash of what the destination has; None for nothing.
    """

    table: str
    document_id: str
    kind: DifferenceKind
    destination_digest: bytes | None = field(default=None, compare=False, repr=False)

    def to_json(self) -> dict[str, str]:
        """The difference as JSON members."""
        return {"table": self.table, "documentId": self.document_id, "kind": self.kind.name.lower()}

    def __str__(self) -> str:
        return f"{self.table}: document {self.document_id} {self.kind.value}"


@dataclass(frozen=True, slots=True)
class TableComparison:
    """How many documents of a table there are, and how many of them are the same."""

    name: str
    source_documents: int
    destination_documents: int
    equal_documents: int

    @property
    def equal(self) -> bool:
        """Whether the table is the same on both sides."""
        return self.source_documents == self.destination_documents == self.equal_documents


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison found.

    Attributes:
        tables: those that are on either side, by name, also where they are empty.
        missing_tables: names of tables that only the source has.
        extra_tables: names of tables that only the destination has.
        differences: as many as were asked for; `different_documents` says how many there are.
        different_documents: documents that are not the same on both sides.
    """

    tables: tuple[TableComparison, ...]
    missing_tables: tuple[str, ...]
    extra_tables: tuple[str, ...]
    differences: tuple[Difference, ...]
    different_documents: int

    @property
    def equal(self) -> bool:
        """Whether both sides have the same tables with the same documents."""
        return not (self.different_documents or self.missing_tables or self.extra_tables)

    @property
    def equal_documents(self) -> int:
        """How many documents are the same on both sides."""
        return sum(each.equal_documents for each in self.tables)

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON members."""
        return {
            "equal": self.equal,
            "tables": [
                {
                    "name": each.name,
                    "sourceDocuments": each.source_documents,
                    "destinationDocuments": each.destination_documents,
                    "equalDocuments": each.equal_documents,
                }
                for each in self.tables
            ],
            "missingTables": list(self.missing_tables),
            "extraTables": list(self.extra_tables),
            "differentDocuments": self.different_documents,
            "differences": [each.to_json() for each in self.differences],
        }


@dataclass(frozen=True, slots=True)
class DocumentDigest:
    """A current document: its table, its id in the source, and the Ion hash of its data."""

    table: str
    document_id: str
    digest: bytes


class Side(Protocol):
    """One side of a comparison: anything that can tell its tables and documents."""

    def tables(self) -> frozenset[str]:
        """The names of the tables that users know of."""

    def digests(self) -> Iterator[DocumentDigest]:
        """Every current document once, in any order, lazily."""


def compare(source: Side, destination: Side, *, most: int = MAX_DIFFERENCES) -> Comparison:
    """Compare every document of both sides.

    Each side is read as it is at that moment: while the source is written to, or the destination
    still lags, they differ.

    Args:
        source: what was replicated.
        destination: where it went to.
        most: how many differences are named.

    Raises:
        Exception: a side cannot be read.
    """
    source_tables, destination_tables = source.tables(), destination.tables()
    with closing(sqlite3.connect("")) as database:  # a temporary file that SQLite removes
        database.executescript(_SCHEMA)
        _load(database, _SOURCE, source.digests())
        _load(database, _DESTINATION, destination.digests())
        return Comparison(
            tables=tuple(_counts(database, sorted(source_tables | destination_tables))),
            missing_tables=tuple(sorted(source_tables - destination_tables)),
            extra_tables=tuple(sorted(destination_tables - source_tables)),
            differences=tuple(_differences(database, most)),
            different_documents=_different(database),
        )


def compare_ledgers(source: QldbDriver, destination: QldbDriver) -> Comparison:
    """Compare a ledger with one that it is replayed into.

    Raises:
        ClientError: one of the ledgers refuses, or cannot be reached.
    """
    return compare(SourceLedger(source), DestinationLedger(destination))


class SourceLedger:
    """A ledger whose document ids are the ones that are compared."""

    def __init__(self, driver: QldbDriver, only: frozenset[str] | None = None):
        """Compare a ledger.

        Args:
            driver: on the ledger.
            only: the tables that are looked at; all when None.
        """
        self._driver, self._only = driver, only

    def tables(self) -> frozenset[str]:
        """The names of the active tables that are looked at, without the replay's own."""
        rows = self._driver.execute_lambda(
            lambda transaction: list(transaction.execute_statement(partiql.USER_TABLES))
        )
        names = {str(each["name"]) for each in rows if str(each["status"]) == ACTIVE}
        names -= BOOKKEEPING_TABLES
        return frozenset(names if self._only is None else names & self._only)

    def digests(self) -> Iterator[DocumentDigest]:
        """Every current document, table by table, each table in one transaction."""
        for table in sorted(self.tables()):
            with closing(sqlite3.connect("")) as spilled:
                spilled.executescript(_SPILL)
                self._spill(table, spilled)
                for id_, digest in spilled.execute("SELECT first, second FROM spill"):
                    yield DocumentDigest(table, id_, digest)

    def _spill(self, table: str, spilled: sqlite3.Connection) -> None:
        def read(transaction: Executor) -> None:
            rows = transaction.execute_statement(partiql.documents(table))
            _fill(spilled, ((str(each["id"]), ion_hash(each["content"])) for each in rows))

        self._driver.execute_lambda(read)


class SomeTables:
    """Some tables of a side, and nothing else of it."""

    def __init__(self, side: Side, only: frozenset[str]):
        self._side, self._only = side, only

    def tables(self) -> frozenset[str]:
        """Those that are there."""
        return self._side.tables() & self._only

    def digests(self) -> Iterator[DocumentDigest]:
        """Their documents."""
        return (each for each in self._side.digests() if each.table in self._only)


class DestinationLedger:
    """A ledger that was replayed into: its documents go by the ids that they have in the source.

    One that nothing was ever replayed into, as one that was restored with identity, has the
    source's ids itself.
    """

    def __init__(self, driver: QldbDriver, only: frozenset[str] | None = None):
        """Compare a ledger; the arguments are those of `SourceLedger`."""
        self._driver = driver
        self._ledger = SourceLedger(driver, only)

    def tables(self) -> frozenset[str]:
        """The names of the active tables that are looked at, without the replay's own."""
        return self._ledger.tables()

    def digests(self) -> Iterator[DocumentDigest]:
        """Every current document under its source's id, or ``destination:`` and its own."""
        with closing(sqlite3.connect("")) as database:
            database.executescript(_SPILL)
            replayed = self._load_map(database)
            for each in self._ledger.digests():
                row = database.execute(
                    "SELECT second FROM spill WHERE first = ?", (each.document_id,)
                ).fetchone()
                id_ = source_id_of(each.document_id, None if row is None else row[0])
                yield DocumentDigest(each.table, id_ if replayed else each.document_id, each.digest)

    def _load_map(self, database: sqlite3.Connection) -> bool:
        """Read the map into the database; return whether there is one."""

        def read(transaction: Executor) -> bool:
            tables = transaction.execute_statement(partiql.USER_TABLES)
            if not any(str(each["name"]) == DOCUMENT_TABLE for each in list(tables)):
                return False
            rows = transaction.execute_statement(partiql.MAP)
            pairs = ((str(each["destinationId"]), str(each["sourceId"])) for each in rows)
            _fill(database, (each for each in pairs if each[0]))
            return True

        return bool(self._driver.execute_lambda(read))


def source_id_of(destination_id: str, source_id: str | None) -> str:
    """What a document of a destination is called: by its source's id where that is known."""
    return f"{UNMAPPED}{destination_id}" if source_id is None else source_id


def _fill(spilled: sqlite3.Connection, rows: Iterable[tuple[str, str | bytes]]) -> None:
    """Take what a transaction reads; what it read before it had to be done again is forgotten."""
    spilled.execute("DELETE FROM spill")
    spilled.executemany("INSERT INTO spill VALUES (?, ?)", rows)


def _load(database: sqlite3.Connection, side: int, digests: Iterable[DocumentDigest]) -> None:
    database.executemany(
        "INSERT INTO digest VALUES (?, ?, ?, ?)",
        ((side, each.table, each.document_id, each.digest) for each in digests),
    )


def _counts(database: sqlite3.Connection, names: Iterable[str]) -> Iterator[TableComparison]:
    rows = database.execute(
        "SELECT table_name, COUNT(source_digest), COUNT(destination_digest),"
        " SUM(source_digest IS destination_digest) FROM pair GROUP BY table_name"
    )
    counted = {name: (source, destination, equal) for name, source, destination, equal in rows}
    for name in names:
        yield TableComparison(name, *counted.get(name, (0, 0, 0)))


def _differences(database: sqlite3.Connection, most: int) -> Iterator[Difference]:
    rows = database.execute(
        "SELECT table_name, document_id, source_digest, destination_digest FROM pair"
        " WHERE source_digest IS NOT destination_digest ORDER BY 1, 2 LIMIT ?",
        (most,),
    )
    for table, document_id, source, destination in rows:
        yield Difference(table, document_id, _kind(source, destination), destination)


def _kind(source: bytes | None, destination: bytes | None) -> DifferenceKind:
    if destination is None:
        return DifferenceKind.MISSING
    return DifferenceKind.EXTRA if source is None else DifferenceKind.CHANGED


def _different(database: sqlite3.Connection) -> int:
    query = "SELECT COUNT(*) FROM pair WHERE source_digest IS NOT destination_digest"
    return int(database.execute(query).fetchone()[0])
