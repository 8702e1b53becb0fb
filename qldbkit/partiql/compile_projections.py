"""Compiling what a query makes of each row."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from qldbkit.partiql.compile_sources import implied_name
from qldbkit.partiql.compiler import Compiler
from qldbkit.partiql.run import Evaluate, Row
from qldbkit.partiql.scopes import Scope
from qldbkit.partiql.syntax import (
    AllOf,
    Item,
    Projection,
    SelectAll,
    SelectList,
    SelectValue,
)
from qldbkit.partiql.values import (
    MISSING,
    TEXTS,
    Kind,
    fields,
    kind,
    make_struct,
    text_of,
)


class ProjectionCompiler(Compiler):
    """The part of the compiler for what stands behind SELECT or PIVOT."""

    def projection(self, node: Projection, scope: Scope) -> Evaluate:
        """What each row becomes; for PIVOT, a pair of name and value."""
        if isinstance(node, SelectValue):
            return self.scalar(node.expression, scope)
        if isinstance(node, SelectAll):
            return _all(scope)
        if isinstance(node, SelectList):
            return self._list(node, scope)
        name, value = self.scalar(node.name, scope), self.scalar(node.value, scope)
        return lambda row: (name(row), value(row))

    def aliases(self, node: Projection, scope: Scope) -> dict[str, Evaluate]:
        """The items that were given a name, for ORDER BY."""
        items = node.items if isinstance(node, SelectList) else ()
        return {
            item.alias.name: self.scalar(item.expression, scope)
            for item in items
            if isinstance(item, Item) and item.alias is not None
        }

    def pivoted(self, pairs: Iterator[tuple[Any, Any]]) -> Iterator[Any]:
        """The one struct that PIVOT makes of all rows."""
        mistyped = self.mistyped(0, "the names that PIVOT makes are strings")

        def texts() -> Iterator[tuple[str, Any]]:
            for name, value in pairs:
                if kind(name) in TEXTS:
                    yield text_of(name), value
                else:
                    mistyped()

        yield make_struct(texts())

    def _list(self, node: SelectList, scope: Scope) -> Evaluate:
        unnamed = count(1)
        columns = [self._column(item, unnamed, scope) for item in node.items]
        named = [(name, value) for name, value in columns if name is not None]
        if len(named) == len(columns):
            return lambda row: make_struct([(name, value(row)) for name, value in named])

        def make(row: Row) -> Any:
            pairs: list[tuple[str, Any]] = []
            for number, (name, value) in enumerate(columns, 1):
                found = value(row)
                if name is not None:
                    pairs.append((name, found))
                else:
                    pairs.extend(_members(found, number))
            return make_struct(pairs)

        return make

    def _column(
        self, item: Item | AllOf, unnamed: Iterator[int], scope: Scope
    ) -> tuple[str | None, Evaluate]:
        """The name of a column, which for ``.*`` is None, and its value."""
        value = self.scalar(item.expression, scope)
        if isinstance(item, AllOf):
            return None, value
        name = item.alias or implied_name(item.expression)
        return f"_{next(unnamed)}" if name is None else name.name, value


def _members(value: Any, number: int) -> Iterator[tuple[str, Any]]:
    """The fields of a struct; what is none is one by itself."""
    if kind(value) is Kind.STRUCT:
        yield from fields(value)
    elif value is not MISSING:
        yield f"_{number}", value


def _all(scope: Scope) -> Evaluate:
    """``*``: the fields of every source, and the other variables by their names."""
    bindings = list(scope.bindings)
    if len(bindings) == 1 and bindings[0].implicit:
        slot = bindings[0].slot

        def of_one(row: Row) -> Any:
            value = row[slot]
            return value if kind(value) is Kind.STRUCT else make_struct(_members(value, 1))

        return of_one

    def of_several(row: Row) -> Any:
        pairs: list[tuple[str, Any]] = []
        for binding in bindings:
            value = row[binding.slot]
            if binding.implicit:
                pairs.extend(_members(value, binding.ordinal))
            else:
                pairs.append((binding.name, value))
        return make_struct(pairs)

    return of_several
