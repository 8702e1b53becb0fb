"""Compiling joins: the loops over sources, and where each condition is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from qldbkit.partiql.compile_operators import is_true
from qldbkit.partiql.compile_sources import (
    Declared,
    DeclaredJoin,
    DeclaredSource,
    SourceCompiler,
)
from qldbkit.partiql.conditions import Condition, selected
from qldbkit.partiql.run import Evaluate, Loop, Row
from qldbkit.partiql.scopes import Scope
from qldbkit.partiql.syntax import Expression, JoinKind, Source
from qldbkit.partiql.values import MISSING, Kind, fields, kind


class JoinCompiler(SourceCompiler):
    """The part of the compiler for what FROM does, row by row."""

    def loop(self, declared: Declared, scope: Scope, where: Expression | None) -> Loop:
        """The FROM clause and its WHERE as a loop."""
        local = declared.slots
        conditions = self.conditions(where, scope, local)
        return _Builder(self, scope, local).build(declared, frozenset(), conditions)


@dataclass(frozen=True, slots=True)
class _Builder:
    """Builds the loops of one FROM clause.

    Attributes:
        compiler: of the statement.
        scope: with all variables of the clause.
        local: the slots of the clause.
    """

    compiler: SourceCompiler
    scope: Scope
    local: frozenset[int]

    def build(self, node: Declared, bound: frozenset[int], conditions: list[Condition]) -> Loop:
        """A loop over what is left of ``node`` when all conditions hold.

        Args:
            node: a source or join.
            bound: the slots that are set around the loop.
            conditions: on slots in ``bound`` and in the node.
        """
        if isinstance(node, DeclaredSource):
            return self._source(node, bound, conditions)
        kind_of_join = node.node.kind
        if kind_of_join is JoinKind.INNER:
            return self._inner(node, bound, conditions)
        if kind_of_join is JoinKind.LEFT:
            return self._outer(node, node.left, node.right, bound, conditions)
        if kind_of_join is JoinKind.RIGHT:
            return self._outer(node, node.right, node.left, bound, conditions)
        return self._full(node, bound, conditions)

    def _on(self, node: DeclaredJoin) -> list[Condition]:
        return self.compiler.conditions(node.node.condition, self.scope, self.local)

    def _inner(
        self, node: DeclaredJoin, bound: frozenset[int], conditions: list[Condition]
    ) -> Loop:
        early, late = _split([*conditions, *self._on(node)], bound | node.left.slots)
        left = self.build(node.left, bound, early)
        right = self.build(node.right, bound | node.left.slots, late)

        def loop(row: Row) -> Iterator[None]:
            for _ in left(row):
                yield from right(row)

        return loop

    def _outer(
        self,
        node: DeclaredJoin,
        kept: Declared,
        other: Declared,
        bound: frozenset[int],
        conditions: list[Condition],
    ) -> Loop:
        """A join that keeps every row of one side, with nulls for the other."""
        early, late = _split(conditions, bound | kept.slots)
        outside = self.build(kept, bound, early)
        inside = self.build(other, bound | kept.slots, self._on(node))
        slots = other.slots

        def loop(row: Row) -> Iterator[None]:
            for _ in outside(row):
                found = False
                for _ in inside(row):
                    found = True
                    yield
                if not found:
                    _clear(row, slots)
                    yield

        return _filtered(loop, late)

    def _full(self, node: DeclaredJoin, bound: frozenset[int], conditions: list[Condition]) -> Loop:
        left = self.build(node.left, bound, [])
        right = self.build(node.right, bound, [])
        on = [condition.holds for condition in self._on(node)]
        left_slots, right_slots = sorted(node.left.slots), sorted(node.right.slots)

        def loop(row: Row) -> Iterator[None]:
            partners = [[row[slot] for slot in right_slots] for _ in right(row)]
            lonely = set(range(len(partners)))
            for _ in left(row):
                found = False
                for number, values in enumerate(partners):
                    _restore(row, right_slots, values)
                    if _all_hold(on, row):
                        found = True
                        lonely.discard(number)
                        yield
                if not found:
                    _clear(row, right_slots)
                    yield
            for number in sorted(lonely):
                _clear(row, left_slots)
                _restore(row, right_slots, partners[number])
                yield

        return _filtered(loop, conditions)

    def _source(
        self, node: DeclaredSource, bound: frozenset[int], conditions: list[Condition]
    ) -> Loop:
        lookups = self.compiler.lookups(
            node.binding, node.by_slot, self.scope, conditions, bound, self.local
        )
        opened = node.open
        value_slot, at_slot, by_slot = node.binding.slot, node.at_slot, node.by_slot
        go_over = self._values(node)

        def loop(row: Row) -> Iterator[None]:
            row[0].check()
            relation, value = opened(row)
            rows = None
            row[at_slot] = MISSING
            if relation is not None and value is None:
                rows = selected(relation, lookups, row)
                value = (relation.value(),) if rows is None else None
            if rows is None:
                yield from go_over(row, value[0])
                return
            for row[value_slot], row[by_slot] in rows:
                yield

        return _filtered(loop, conditions)

    def _values(self, node: DeclaredSource) -> Callable[[Row, Any], Iterator[None]]:
        """Going over a value that is no table."""
        value_slot, at_slot, by_slot = node.binding.slot, node.at_slot, node.by_slot
        elements = self._members if node.node.unpivot else self._elements
        pairs_of = elements(node.node)

        def loop(row: Row, value: Any) -> Iterator[None]:
            row[by_slot] = MISSING
            for row[at_slot], row[value_slot] in pairs_of(value):
                yield

        return loop

    def _elements(self, node: Source) -> Callable[[Any], Iterator[tuple[Any, Any]]]:
        unordered = self.compiler.nowhere(node.at, "AT is only of what is ordered")
        single = self.compiler.nowhere(node.at, "FROM goes over collections only")
        wants_position = node.at_alias is not None

        def pairs(value: Any) -> Iterator[tuple[Any, Any]]:
            what = kind(value)
            if what in (Kind.LIST, Kind.SEXP):
                return enumerate(value)
            if what is not Kind.BAG:
                single()
            elif wants_position:
                unordered()
            elements = value if what is Kind.BAG else [value]
            return ((MISSING, element) for element in elements)

        return pairs

    def _members(self, node: Source) -> Callable[[Any], Iterator[tuple[Any, Any]]]:
        single = self.compiler.nowhere(node.at, "UNPIVOT is only of a struct")

        def pairs(value: Any) -> Iterator[tuple[Any, Any]]:
            if kind(value) is Kind.STRUCT:
                return iter(fields(value))
            single()
            return iter(()) if value is MISSING else iter([("_1", value)])

        return pairs


def _split(
    conditions: list[Condition], slots: frozenset[int]
) -> tuple[list[Condition], list[Condition]]:
    """The conditions that these slots decide, and the others."""
    early = [condition for condition in conditions if condition.slots <= slots]
    return early, [condition for condition in conditions if not condition.slots <= slots]


def _filtered(loop: Loop, conditions: list[Condition]) -> Loop:
    if not conditions:
        return loop
    tests = [condition.holds for condition in conditions]
    if len(tests) == 1:
        holds = tests[0]

        def one(row: Row) -> Iterator[None]:
            for _ in loop(row):
                if is_true(holds(row)):
                    yield

        return one

    def every(row: Row) -> Iterator[None]:
        for _ in loop(row):
            if _all_hold(tests, row):
                yield

    return every


def _all_hold(tests: list[Evaluate], row: Row) -> bool:
    for holds in tests:
        value = holds(row)
        if value is not True and not is_true(value):
            return False
    return True


def _clear(row: Row, slots: Any) -> None:
    for slot in slots:
        row[slot] = None


def _restore(row: Row, slots: list[int], values: list[Any]) -> None:
    for slot, value in zip(slots, values, strict=True):
        row[slot] = value
