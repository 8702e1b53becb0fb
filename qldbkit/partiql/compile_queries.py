"""Compiling queries: everything around FROM, and the entrance to the whole compiler."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from itertools import islice
from typing import Any

from qldbkit.partiql.canonical import canonical
from qldbkit.partiql.compile_calls import CallCompiler
from qldbkit.partiql.compile_groups import GroupCompiler
from qldbkit.partiql.compile_operators import OperatorCompiler, is_true
from qldbkit.partiql.compile_projections import ProjectionCompiler
from qldbkit.partiql.run import Evaluate, Loop, Produce, Row
from qldbkit.partiql.scopes import Binding, Scope
from qldbkit.partiql.set_operations import combine
from qldbkit.partiql.syntax import (
    Aggregate,
    Between,
    Binary,
    Call,
    Case,
    Cast,
    Expression,
    In,
    Is,
    Like,
    Literal,
    Logical,
    Name,
    Parameter,
    Path,
    Pivot,
    Select,
    SelectList,
    SequenceMaker,
    SetOperation,
    StructMaker,
    TypedLiteral,
    Unary,
    Window,
)
from qldbkit.partiql.values import (
    Bag,
    Kind,
    fields,
    group_key,
    is_absent,
    kind,
    order_key,
)

Bounds = Callable[[Row], tuple[int, int | None]]
"""How many results to skip, and how many to give at most."""


class Planner(ProjectionCompiler, GroupCompiler, OperatorCompiler, CallCompiler):
    """The whole compiler."""

    def compile(self, expression: Expression, scope: Scope) -> Evaluate:
        """The expression as a closure.

        Raises:
            SemanticError: it cannot mean anything.
        """
        for level in scope.chain():
            if level.grouped is not None and level.replaced:
                slot = level.replaced.get(self._replaceable(expression, level.grouped))
                if slot is not None:
                    self.use(slot)
                    return lambda row: row[slot]
        return _COMPILERS[type(expression)](self, expression, scope)

    def _replaceable(self, expression: Expression, scope: Scope) -> Hashable:
        if isinstance(expression, Aggregate):
            return expression
        return canonical(expression, scope, self.settings.case_sensitive)

    def scalar(self, expression: Expression, scope: Scope) -> Evaluate:
        """As `compile`, but of a SELECT of one column the one value, as SQL has it."""
        evaluate = self.compile(expression, scope)
        if not isinstance(expression, Select):
            return evaluate
        if not isinstance(expression.projection, SelectList):
            return evaluate
        refuse = self.mistyped(expression.at, "a subquery gave more than one value")

        def only(row: Row) -> Any:
            found = evaluate(row)
            if not found:
                return None
            values = [value for _, value in fields(found[0])]
            return values[0] if len(found) == 1 and len(values) == 1 else refuse()

        return only

    def row_values(self, node: Expression, scope: Scope) -> Evaluate:
        """The one row of a SELECT as a list."""
        evaluate = self.compile(node, scope)
        refuse = self.mistyped(node.at, "a subquery gave more than one row")

        def values(row: Row) -> Any:
            found = evaluate(row)
            if not found:
                return None
            return [value for _, value in fields(found[0])] if len(found) == 1 else refuse()

        return values

    def stray_aggregate(self, node: Aggregate, _: Scope) -> Evaluate:
        """An aggregate where there are no rows to aggregate."""
        raise self.semantic_error(
            node.at, f"{node.name.upper()} stands where there are no rows to aggregate"
        )

    def set_operation(self, node: SetOperation, scope: Scope) -> Evaluate:
        """UNION, INTERSECT and EXCEPT."""
        left, right = self.compile(node.left, scope), self.compile(node.right, scope)
        operate = combine(node.operator, node.keep_duplicates)
        mistyped = self.nowhere(node.at, f"{node.operator} is of collections only")

        def collection(value: Any) -> Any:
            if isinstance(value, list):
                return value
            mistyped()
            return Bag([None if is_absent(value) else value])

        return lambda row: operate(collection(left(row)), collection(right(row)))

    def query(self, node: Select, scope: Scope) -> Evaluate:
        """A SELECT as one value."""
        return collected(node, self.produce(node, scope))

    def produce(self, node: Select, outer: Scope) -> Produce:
        """A SELECT as its results, one by one."""
        self.query_depth += 1
        produce = self._produced(node, outer)
        self.query_depth -= 1
        return produce

    def _produced(self, node: Select, outer: Scope) -> Produce:
        loop, scope = self._rows(node, outer)
        project = self.projection(node.projection, scope)
        produce = self._ordered(node, loop, scope, project)
        if isinstance(node.projection, Pivot):
            return self._windowed(node.window, outer, produce, self.pivoted)
        if node.distinct:
            produce = _distinct(produce)
        return self._windowed(node.window, outer, produce, None)

    def _rows(self, node: Select, outer: Scope) -> tuple[Loop, Scope]:
        """FROM, LET, WHERE, GROUP BY and HAVING."""
        scope = Scope(parent=outer)
        loop: Loop = _once
        if node.source is not None:
            declared = self.declare(node.source, scope)
            loop = self.loop(declared, scope, None if node.lets else node.where)
        if node.lets:
            loop = self._let(node, scope, loop)
        if node.where is not None and (node.lets or node.source is None):
            loop = _checked(loop, self.scalar(node.where, scope))
        if self.is_grouped(node):
            loop, scope = self.grouped(node, scope, loop)
            if node.having is not None:
                loop = _checked(loop, self.scalar(node.having, scope))
        return loop, scope

    def _let(self, node: Select, scope: Scope, loop: Loop) -> Loop:
        values: list[tuple[int, Evaluate]] = []
        for expression, name in node.lets:
            evaluate = self.scalar(expression, scope)
            slot = self.new_slot()
            scope.bindings.append(Binding(name.name, name.quoted, slot))
            values.append((slot, evaluate))

        def with_values(row: Row) -> Iterator[None]:
            for _ in loop(row):
                for slot, evaluate in values:
                    row[slot] = evaluate(row)
                yield

        return with_values

    def _ordered(self, node: Select, loop: Loop, scope: Scope, project: Evaluate) -> Produce:
        if not node.window.order:

            def unordered(row: Row) -> Iterator[Any]:
                for _ in loop(row):
                    yield project(row)

            return unordered
        named = Scope(parent=scope, aliases=self.aliases(node.projection, scope))
        keys = [
            (self.scalar(key.expression, named), key.descending, key.nulls_first)
            for key in node.window.order
        ]

        def ordered(row: Row) -> Iterator[Any]:
            found = [
                ([order_key(get(row), down, nulls) for get, down, nulls in keys], project(row))
                for _ in loop(row)
            ]
            found.sort(key=_sort_key)
            return (value for _, value in found)

        return ordered

    def _windowed(
        self,
        window: Window,
        scope: Scope,
        produce: Produce,
        finish: Callable[[Iterator[Any]], Iterator[Any]] | None,
    ) -> Produce:
        bounds = self._bounds(window, scope)
        if bounds is None and finish is None:
            return produce

        def within(row: Row) -> Iterator[Any]:
            results = produce(row)
            if bounds is not None:
                skipped, most = bounds(row)
                results = islice(results, skipped, None if most is None else skipped + most)
            return results if finish is None else finish(results)

        return within

    def _bounds(self, window: Window, scope: Scope) -> Bounds | None:
        if window.limit is None and window.offset is None:
            return None
        limit = None if window.limit is None else self._count(window.limit, scope)
        offset = None if window.offset is None else self._count(window.offset, scope)

        def bounds(row: Row) -> tuple[int, int | None]:
            skipped = None if offset is None else offset(row)
            return skipped or 0, None if limit is None else limit(row)

        return bounds

    def _count(self, node: Expression, scope: Scope) -> Callable[[Row], int | None]:
        """LIMIT's or OFFSET's number; None when it is no number of rows."""
        if isinstance(node, Literal) and kind(node.value) is Kind.INT and node.value < 0:
            raise self.semantic_error(node.at, "LIMIT and OFFSET are not negative")
        evaluate = self.scalar(node, scope)
        mistyped = self.mistyped(node.at, "LIMIT and OFFSET take a whole number, 0 or more")

        def count(row: Row) -> int | None:
            value = evaluate(row)
            if kind(value) is Kind.INT and value >= 0:
                return min(int(value), _MOST)
            mistyped()
            return None

        return count


_MOST = 2**62
"""More rows than there can be, within what `islice` takes."""


def collected(node: Select, produce: Produce) -> Evaluate:
    """The results of a SELECT as a bag, or as a list when they are ordered; of PIVOT a struct."""
    if isinstance(node.projection, Pivot):
        return lambda row: next(produce(row))
    if node.window.order:
        return lambda row: list(produce(row))
    return lambda row: Bag(produce(row))


def _once(_: Row) -> Iterator[None]:
    yield


def _checked(loop: Loop, holds: Evaluate) -> Loop:
    def checked(row: Row) -> Iterator[None]:
        for _ in loop(row):
            if is_true(holds(row)):
                yield

    return checked


def _distinct(produce: Produce) -> Produce:
    def each_once(row: Row) -> Iterator[Any]:
        seen = set()
        for value in produce(row):
            key = group_key(value)
            if key not in seen:
                seen.add(key)
                yield value

    return each_once


def _sort_key(pair: tuple[list[Any], Any]) -> list[Any]:
    return pair[0]


_COMPILERS: dict[type[Expression], Callable[[Planner, Any, Scope], Evaluate]] = {
    Aggregate: Planner.stray_aggregate,
    Between: Planner.between,
    Binary: Planner.binary,
    Call: Planner.call,
    Case: Planner.case,
    Cast: Planner.cast,
    In: Planner.contained,
    Is: Planner.type_test,
    Like: Planner.like,
    Literal: Planner.literal,
    Logical: Planner.logical,
    Name: Planner.name,
    Parameter: Planner.parameter,
    Path: Planner.path,
    Select: Planner.query,
    SequenceMaker: Planner.sequence,
    SetOperation: Planner.set_operation,
    StructMaker: Planner.struct,
    TypedLiteral: Planner.typed_literal,
    Unary: Planner.unary,
}
