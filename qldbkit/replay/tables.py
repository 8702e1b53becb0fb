"""The source's tables, as the replay has come to know them.

A CREATE TABLE in the journal does not carry the table's id; the first document in the table does.
The book keeps both sides together: a table that was dropped and made again under the same name is
another table, and UNDROP TABLE names a table by the source's id, which the destination does not
know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from qldbkit.journal.model import TableInfo
from qldbkit.replay.errors import CatalogOrderError, RevisionMissingError


@dataclass(frozen=True, slots=True)
class SourceTable:
    """One table of the source.

    Attributes:
        name: its name.
        source_id: its id in the source; None while no document has named it.
        destination_id: its id in the destination; known once it has been dropped there.
        observed: whether its CREATE TABLE was replayed. Its documents then have to be seen from
            version 0 on; those of a table that is older than the stream may begin at any version.
        active: whether it is there, rather than dropped.
    """

    name: str
    source_id: str | None
    destination_id: str | None
    observed: bool
    active: bool


@dataclass(frozen=True, slots=True)
class TableBook:
    """All tables of a source that were seen; at most as many as a ledger may have."""

    tables: tuple[SourceTable, ...] = ()

    def created(self, name: str) -> TableBook:
        """The book behind a CREATE TABLE that was replayed."""
        if self._active(name) is not None:
            return self
        return TableBook((*self.tables, SourceTable(name, None, None, observed=True, active=True)))

    def dropped(self, name: str) -> TableBook:
        """The book behind a DROP TABLE that was replayed."""
        table = self._active(name)
        if table is None:
            return self
        return self._with(table, replace(table, active=False))

    def dropped_as(self, name: str, destination_id: str) -> TableBook:
        """The book with the id that the table dropped last has in the destination."""
        for table in reversed(self.tables):
            if table.name == name and not table.active and table.destination_id is None:
                return self._with(table, replace(table, destination_id=destination_id))
        return self

    def knows(self, source_id: str) -> bool:
        """Whether a table is known by that id of the source."""
        return any(each.source_id == source_id for each in self.tables)

    def undropped(self, source_id: str) -> tuple[TableBook, SourceTable]:
        """The book behind an UNDROP TABLE, and the table.

        A table that never held a document has no known id. If exactly one such table is dropped,
        it is the one.

        Raises:
            CatalogOrderError: it cannot be told which table is meant.
        """
        dropped = [each for each in self.tables if not each.active]
        found = [each for each in dropped if each.source_id == source_id] or [
            each for each in dropped if each.source_id is None
        ]
        if len(found) != 1 or found[0].destination_id is None:
            raise CatalogOrderError(
                f"UNDROP TABLE names {source_id}, and no dropped table is known by that id",
                hint="undrop the table in the destination by hand",
            )
        table = replace(found[0], source_id=source_id, active=True, destination_id=None)
        return self._with(found[0], table), found[0]

    def seen(self, info: TableInfo) -> tuple[TableBook, bool]:
        """The book behind a document's naming its table, and whether the table is new to it.

        Raises:
            RevisionMissingError: the table was dropped, or an active table of that name has
                another id: the blocks that undropped it, or made it again, are missing.
        """
        for table in self.tables:
            if table.source_id == info.table_id:
                if table.active:
                    return self, False
                raise RevisionMissingError(
                    f"table {info.table_name} was dropped and is written to: the block that"
                    " undropped it is missing"
                )
        active = self._active(info.table_name)
        if active is None:
            fresh = SourceTable(info.table_name, info.table_id, None, observed=False, active=True)
            return TableBook((*self.tables, fresh)), True
        if active.source_id is not None:
            raise RevisionMissingError(
                f"table {info.table_name} is {info.table_id} now and was {active.source_id}: the"
                " blocks that dropped it and made it again are missing"
            )
        return self._with(active, replace(active, source_id=info.table_id)), False

    def observed(self, table_id: str) -> bool:
        """Whether all of the table's documents are to be seen from version 0 on."""
        return any(each.observed for each in self.tables if each.source_id == table_id)

    def __iter__(self) -> Iterator[SourceTable]:
        return iter(self.tables)

    def _active(self, name: str) -> SourceTable | None:
        found = (each for each in self.tables if each.name == name and each.active)
        return next(found, None)

    def _with(self, old: SourceTable, new: SourceTable) -> TableBook:
        return TableBook(tuple(new if each is old else each for each in self.tables))
