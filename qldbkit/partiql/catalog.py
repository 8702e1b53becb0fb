"""A ledger's tables and views as relations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from amazon.ion.core import Timestamp

from qldbkit.partiql.database import Database, Row, Table
from qldbkit.partiql.errors import PartiqlError
from qldbkit.partiql.relations import Access, Relation
from qldbkit.partiql.syntax import Name
from qldbkit.partiql.values import MISSING, Bag, field

COMMITTED_PREFIX = "_ql_committed_"
INFORMATION_SCHEMA = ("information_schema", "user_tables")
_DOCUMENT_ID: Access = ("metadata", "id")


class LedgerGlobals:
    """The names of a ledger: its tables, their committed views, and the information schema.

    Args:
        database: the transaction that asks.
    """

    def __init__(self, database: Database):
        self._database = database

    def find(self, names: Sequence[Name]) -> tuple[Relation, int] | None:
        """What the first names of a path stand for."""
        if tuple(name.name.lower() for name in names[:2]) == INFORMATION_SCHEMA:
            return SystemView(self._database), 2
        name = names[0].name
        committed = name.startswith(COMMITTED_PREFIX)
        table = self._database.table(name.removeprefix(COMMITTED_PREFIX) if committed else name)
        if table is None:
            return None
        return (CommittedView if committed else UserView)(self._database, table), 1


class UserView:
    """The current documents of a table.

    Args:
        database: the transaction that asks.
        table: whose documents.
    """

    def __init__(self, database: Database, table: Table):
        self._database = database
        self.table = table

    def rows(self) -> Iterator[tuple[Any, Any]]:
        """Every document."""
        return self._given(self._database.scan(self.table))

    def lookup(self, access: Access, values: Sequence[Any]) -> Iterator[tuple[Any, Any]] | None:
        """Documents by their ids, or by an indexed field."""
        if access == ():
            return self._given(self._database.get(self.table, _texts(values)))
        if len(access) == 1 and access[0] in self.table.indexed:
            return self._given(self._database.find(self.table, access[0], values))
        return None

    def value(self) -> Any:
        """All documents."""
        return Bag(document for document, _ in self.rows())

    def _given(self, rows: Iterator[Row]) -> Iterator[tuple[Any, Any]]:
        return ((row.document, row.document_id) for row in rows)


class CommittedView(UserView):
    """The current revisions of a table, with their metadata (``_ql_committed_`` and its name)."""

    def lookup(self, access: Access, values: Sequence[Any]) -> Iterator[tuple[Any, Any]] | None:
        """Revisions by their document's id, or by an indexed field of their data."""
        if access == _DOCUMENT_ID:
            return super().lookup((), values)
        if len(access) == 2 and access[0] == "data":
            return super().lookup(access[1:], values)
        return super().lookup((), values) if access == () else None

    def _given(self, rows: Iterator[Row]) -> Iterator[tuple[Any, Any]]:
        committed = self._database.committed
        return ((committed(self.table, row), row.document_id) for row in rows)


class History:
    """The revisions of a table that were active in a range of time.

    Args:
        database: the transaction that asks.
        table: a table's name, or the id of one that may have been dropped.
        times: the start and the end; None for the beginning and for now.
        unknown: makes what is raised when there is no such table.
    """

    def __init__(
        self,
        database: Database,
        table: str,
        times: tuple[Timestamp | None, Timestamp | None],
        unknown: Callable[[], PartiqlError],
    ):
        self._database = database
        self._table = table
        self._times = times
        self._unknown = unknown

    def rows(self) -> Iterator[tuple[Any, Any]]:
        """Every revision."""
        return self._revisions(None)

    def lookup(self, access: Access, values: Sequence[Any]) -> Iterator[tuple[Any, Any]] | None:
        """Revisions by their document's id."""
        return self._revisions(_texts(values)) if access in (_DOCUMENT_ID, ()) else None

    def value(self) -> Any:
        """All revisions."""
        return Bag(revision for revision, _ in self.rows())

    def _revisions(self, document_ids: Sequence[str] | None) -> Iterator[tuple[Any, Any]]:
        try:
            found = self._database.history(self._table, *self._times, document_ids)
            for revision in found:
                metadata = field(revision, "metadata")
                yield revision, field(metadata, "id")
        except LookupError as error:
            raise self._unknown() from error


class SystemView:
    """``information_schema.user_tables``.

    Args:
        database: the transaction that asks.
    """

    def __init__(self, database: Database):
        self._database = database

    def rows(self) -> Iterator[tuple[Any, Any]]:
        """A row per table, active or not."""
        return ((row, MISSING) for row in self._database.user_tables())

    def lookup(self, _access: Access, _values: Sequence[Any]) -> None:
        """None: there are few rows."""

    def value(self) -> Any:
        """All rows."""
        return Bag(self._database.user_tables())


def _texts(values: Sequence[Any]) -> list[str]:
    """The values that could be a document's id."""
    return list(dict.fromkeys(str(value) for value in values if isinstance(value, str)))
