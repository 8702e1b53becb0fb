"""The tables of a view. All of them are in one table of DynamoDB, each under a key of its own.

A document's item names its table's key, so that a table is dropped, and comes back, by one write
whatever it holds. The key is the name; that of a table that was made again under the name of one
that had been dropped is the name and a number, such as ``Vehicle#2``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from qldbkit.replay.errors import DestinationChangedError


@dataclass(frozen=True, slots=True)
class ViewTable:
    """One table: the key that its documents name, its name, and whether it is there."""

    key: str
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Catalog:
    """All tables that were ever made, in their order."""

    tables: tuple[ViewTable, ...] = ()

    def __iter__(self) -> Iterator[ViewTable]:
        return iter(self.tables)

    def active_key(self, name: str) -> str | None:
        """The key of the active table of that name."""
        return next((each.key for each in self.tables if each.name == name and each.active), None)

    def required_key(self, name: str) -> str:
        """The key of the active table of that name.

        Raises:
            DestinationChangedError: there is none.
        """
        key = self.active_key(name)
        if key is None:
            raise DestinationChangedError(f"table {name} is not in the view")
        return key

    def table_of(self, key: str) -> ViewTable | None:
        """The table of a key; None if no table of this view has it."""
        return next((each for each in self.tables if each.key == key), None)

    def created(self, name: str) -> Catalog:
        """The catalog with an active table of that name."""
        if self.active_key(name) is not None:
            return self
        before = sum(each.name == name for each in self.tables)
        key = name if not before else f"{name}#{before + 1}"
        return Catalog((*self.tables, ViewTable(key, name)))

    def with_active(self, key: str, *, active: bool) -> Catalog:
        """The catalog with a table there, or dropped."""
        return Catalog(
            tuple(replace(each, active=active) if each.key == key else each for each in self.tables)
        )
