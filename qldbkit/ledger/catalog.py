"""The tables and indexes of a ledger, as one unchanging value per state of the ledger.

A transaction keeps the catalog that it began with, so that its view of the tables is as stable as
its view of the documents. What CREATE, DROP and UNDROP do to a catalog is here, for the statements
that a user runs; what they do when they are met again in a journal is in `definitions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import Final

from qldbkit.ledger.errors import BadRequestError

TABLE_EXISTS: Final = "412"
"""QLDB's code for a name that is taken."""
SEMANTIC_ERROR: Final = "432"
"""QLDB's code for a statement that names what is not there."""


class IndexStatus(Enum):
    """How far an index is; QLDB's words."""

    BUILDING = "BUILDING"
    ONLINE = "ONLINE"
    DELETING = "DELETING"


@dataclass(frozen=True, slots=True)
class Index:
    """An index on a top-level field of a table's documents."""

    index_id: str
    field: str
    status: IndexStatus


@dataclass(frozen=True, slots=True)
class TableState:
    """A table and its indexes.

    Attributes:
        table_id: 22 characters.
        name: as it was written in CREATE TABLE.
        active: False once it was dropped.
        indexes: in the order in which they were made.
        confirmed: whether a document in the journal names the id; until then it is the one that
            follows from the CREATE TABLE statement, which a foreign journal does not have to share.
    """

    table_id: str
    name: str
    active: bool = True
    indexes: tuple[Index, ...] = ()
    confirmed: bool = False

    @property
    def online(self) -> frozenset[str]:
        """The fields whose index can be used."""
        return frozenset(each.field for each in self.indexes if each.status is IndexStatus.ONLINE)

    @property
    def maintained(self) -> tuple[Index, ...]:
        """The indexes that a write has to keep up."""
        return tuple(each for each in self.indexes if each.status is not IndexStatus.DELETING)


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every table of a ledger by id, in the order in which they were made."""

    tables: Mapping[str, TableState] = field(default_factory=lambda: MappingProxyType({}))

    def active(self, name: str) -> TableState | None:
        """The table that statements mean by ``name``."""
        for table in self.tables.values():
            if table.active and table.name == name:
                return table
        return None

    def required(self, name: str) -> TableState:
        """The table that statements mean by ``name``.

        Raises:
            BadRequestError: there is none.
        """
        table = self.active(name)
        if table is None:
            raise BadRequestError(
                f"Semantic Error: No such table named '{name}'", Code=SEMANTIC_ERROR
            )
        return table

    def with_table(self, table: TableState) -> Catalog:
        """The catalog with ``table`` added, or in the place of the one with its id."""
        return Catalog(MappingProxyType({**self.tables, table.table_id: table}))

    def with_identifier(self, table: TableState, table_id: str) -> Catalog:
        """The catalog with ``table`` under another id, at the same place."""
        known = replace(table, table_id=table_id, confirmed=True)
        renamed = {
            (table_id if id_ == table.table_id else id_): (known if each == table else each)
            for id_, each in self.tables.items()
        }
        return Catalog(MappingProxyType(renamed))

    def create_table(self, name: str, table_id: str) -> Catalog:
        """CREATE TABLE.

        Raises:
            BadRequestError: an active table has the name.
        """
        self._refuse_taken(name)
        return self.with_table(TableState(table_id, name))

    def drop_table(self, name: str) -> Catalog:
        """DROP TABLE: the table becomes inactive, its documents and indexes stay.

        Raises:
            BadRequestError: no active table has the name.
        """
        return self.with_table(replace(self.required(name), active=False))

    def undrop_table(self, table_id: str) -> Catalog:
        """UNDROP TABLE.

        Raises:
            BadRequestError: there is no inactive table of that id, or its name is taken.
        """
        table = self.tables.get(table_id)
        if table is None or table.active:
            raise BadRequestError(
                f"Semantic Error: No inactive table with id '{table_id}'", Code=SEMANTIC_ERROR
            )
        self._refuse_taken(table.name)
        return self.with_table(replace(table, active=True))

    def create_index(self, table_name: str, field: str, index_id: str) -> Catalog:
        """CREATE INDEX: the index begins as BUILDING.

        Raises:
            BadRequestError: there is no such table, or the field has an index.
        """
        table = self.required(table_name)
        if any(each.field == field for each in table.maintained):
            raise BadRequestError(
                f"Index on {table_name} ({field}) already exists", Code=TABLE_EXISTS
            )
        index = Index(index_id, field, IndexStatus.BUILDING)
        return self.with_table(replace(table, indexes=(*table.indexes, index)))

    def drop_index(self, table_name: str, index_id: str) -> Catalog:
        """DROP INDEX: the index is DELETING until its entries are gone.

        Raises:
            BadRequestError: there is no such table or index.
        """
        table = self.required(table_name)
        if all(each.index_id != index_id for each in table.maintained):
            raise BadRequestError(
                f"Semantic Error: No index with id '{index_id}' on table {table_name}",
                Code=SEMANTIC_ERROR,
            )
        return self.with_index_status(index_id, IndexStatus.DELETING)

    def with_index_status(self, index_id: str, status: IndexStatus | None) -> Catalog:
        """The catalog with an index further on; None removes it."""
        changed = self
        for table in self.tables.values():
            if any(each.index_id == index_id for each in table.indexes):
                changed = changed.with_table(_with_index_status(table, index_id, status))
        return changed

    def unfinished(self) -> list[tuple[TableState, Index]]:
        """The indexes that are still to be built or removed."""
        return [
            (table, index)
            for table in self.tables.values()
            for index in table.indexes
            if index.status is not IndexStatus.ONLINE
        ]

    def _refuse_taken(self, name: str) -> None:
        if self.active(name) is not None:
            raise BadRequestError(f"Table with name: USER.{name} already exists", Code=TABLE_EXISTS)


def _with_index_status(table: TableState, index_id: str, status: IndexStatus | None) -> TableState:
    kept = [each for each in table.indexes if each.index_id != index_id or status is not None]
    return replace(
        table,
        indexes=tuple(
            replace(each, status=status) if each.index_id == index_id and status else each
            for each in kept
        ),
    )
