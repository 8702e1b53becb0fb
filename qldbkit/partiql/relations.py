"""What a name in FROM can stand for, behind one interface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from qldbkit.partiql.syntax import Name

Access = tuple[str, ...]
"""A way to look up rows: the fields of a path into a row; of no fields, the row's document id."""


class Relation(Protocol):
    """What a name stands for."""

    def rows(self) -> Iterator[tuple[Any, Any]] | None:
        """Every row with its document id (MISSING where rows have none).

        None when it is no table but a value, which FROM goes over as over any other.
        """

    def lookup(self, access: Access, values: Sequence[Any]) -> Iterator[tuple[Any, Any]] | None:
        """The rows in which ``access`` leads to one of ``values``; None when only a scan can tell.

        The values are neither null nor MISSING.
        """

    def value(self) -> Any:
        """The whole of it as one value."""


class Globals(Protocol):
    """The names that a statement finds around it."""

    def find(self, names: Sequence[Name]) -> tuple[Relation, int] | None:
        """What the first names of a path stand for, and how many of the names that takes.

        None when they stand for nothing.
        """


class ValueRelation:
    """A value that a name stands for.

    Args:
        value: any value.
    """

    def __init__(self, value: Any):
        self._value = value

    def rows(self) -> None:
        """None: it is a value."""

    def lookup(self, _access: Access, _values: Sequence[Any]) -> None:
        """None: there are no indexes."""

    def value(self) -> Any:
        """The value."""
        return self._value


class ValueGlobals:
    """Names that stand for values.

    Args:
        values: the values by their names.
    """

    def __init__(self, values: Mapping[str, Any]):
        self._values = values

    def find(self, names: Sequence[Name]) -> tuple[Relation, int] | None:
        """The value of the first name; an unquoted one may differ in case."""
        name = names[0]
        if name.name in self._values:
            return ValueRelation(self._values[name.name]), 1
        if not name.quoted:
            for key, value in self._values.items():
                if key.casefold() == name.name.casefold():
                    return ValueRelation(value), 1
        return None
