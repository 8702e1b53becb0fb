"""Compiling GROUP BY and aggregates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from qldbkit.partiql.aggregates import distinct
from qldbkit.partiql.canonical import aggregates, canonical, nodes
from qldbkit.partiql.compile_joins import JoinCompiler
from qldbkit.partiql.compile_sources import implied_name
from qldbkit.partiql.functions import AGGREGATES
from qldbkit.partiql.run import Evaluate, Loop, Row
from qldbkit.partiql.scopes import Binding, Scope, resolve
from qldbkit.partiql.syntax import (
    Aggregate,
    Expression,
    Grouping,
    Item,
    Name,
    Select,
    SelectList,
)
from qldbkit.partiql.values import MISSING, Bag, group_key, is_absent, make_struct


@dataclass(frozen=True, slots=True)
class _Accumulation:
    """An aggregate: what it takes of each row, and what it makes of all of them."""

    slot: int
    argument: Evaluate
    make: Callable[[], _Count | _Values]


class _Count:
    """The number of values that are there."""

    def __init__(self) -> None:
        self._count = 0

    def add(self, value: Any) -> None:
        """Count a value."""
        if not is_absent(value):
            self._count += 1

    def result(self, _: Row) -> int:
        """The count."""
        return self._count


class _Values:
    """Values for a function that needs all of them."""

    def __init__(self, result: Callable[[list[Any]], Any]) -> None:
        self._values: list[Any] = []
        self._result = result

    def add(self, value: Any) -> None:
        """Keep a value."""
        self._values.append(value)

    def result(self, _: Row) -> Any:
        """What the function makes of them."""
        return self._result(self._values)


class GroupCompiler(JoinCompiler):
    """The part of the compiler for GROUP BY."""

    def is_grouped(self, select: Select) -> bool:
        """Whether the rows of a query are groups."""
        clauses = (select.projection, select.having, select.window.order)
        found = select.grouping is not None or select.having is not None
        return found or next(aggregates(clauses), None) is not None

    def grouped(self, select: Select, scope: Scope, loop: Loop) -> tuple[Loop, Scope]:
        """The groups of a query as a loop, and the scope of what comes after."""
        after = Scope(parent=scope.parent, grouped=scope)
        grouping = select.grouping or Grouping((), None, at=select.at)
        keys = [self._grouped_by(key, alias, select, scope, after) for key, alias in grouping.keys]
        accumulations = self._accumulations(select, scope, after)
        members = None
        if grouping.group_as is not None:
            slot = self.new_slot()
            after.bindings.append(Binding(grouping.group_as.name, grouping.group_as.quoted, slot))
            members = slot, _members(scope)
        return _group_loop(loop, keys, accumulations, members), after

    def _grouped_by(
        self, key: Expression, alias: Name | None, select: Select, scope: Scope, after: Scope
    ) -> tuple[int, Evaluate]:
        expression = self._aliased(key, select, scope)
        slot = self.new_slot()
        name = alias or implied_name(key)
        if name is None:
            name = Name(f"_{len(after.bindings) + 1}", quoted=True, at=key.at)
        after.bindings.append(Binding(name.name, name.quoted, slot))
        after.replaced[canonical(expression, scope, self.settings.case_sensitive)] = slot
        return slot, self.scalar(expression, scope)

    def _aliased(self, key: Expression, select: Select, scope: Scope) -> Expression:
        """A key that names a select item is that item's expression."""
        exact = self.settings.case_sensitive
        if not isinstance(key, Name) or resolve(scope, key, exact) is not None:
            return key
        items = select.projection.items if isinstance(select.projection, SelectList) else ()
        for item in items:
            if isinstance(item, Item) and item.alias is not None and item.alias.name == key.name:
                mentioned = any(
                    isinstance(n, Name) and n.name == key.name for n in nodes(item.expression)
                )
                if not mentioned and next(aggregates(item.expression), None) is None:
                    return item.expression
        return key

    def _accumulations(self, select: Select, scope: Scope, after: Scope) -> list[_Accumulation]:
        found: list[_Accumulation] = []
        clauses = (select.projection, select.having, select.window.order)
        for node in dict.fromkeys(aggregates(clauses)):
            slot = self.new_slot()
            after.replaced[node] = slot
            argument: Evaluate = lambda _: True  # noqa: E731
            if node.argument is not None:
                argument = self.scalar(node.argument, scope)
            found.append(_Accumulation(slot, argument, self._accumulator(node)))
        return found

    def _accumulator(self, node: Aggregate) -> Callable[[], _Count | _Values]:
        if node.name == "count" and not node.distinct:
            return _Count
        aggregate = AGGREGATES[node.name]

        def whole(values: list[Any]) -> Any:
            return aggregate(distinct(values) if node.distinct else values)

        guarded = self.guard(whole, node.at)
        return lambda: _Values(guarded)


def _present(key: Any) -> Any:
    """A key as its group has it: what is MISSING is in the group of null."""
    return None if key is MISSING else key


Members = tuple[int, Callable[[Row], Any]]


def _members(scope: Scope) -> Callable[[Row], Any]:
    """What GROUP AS keeps of a row: a struct of its variables."""
    bindings = [(binding.name, binding.slot) for binding in scope.bindings]
    return lambda row: make_struct((name, row[slot]) for name, slot in bindings)


def _group_loop(
    loop: Loop,
    keys: list[tuple[int, Evaluate]],
    accumulations: list[_Accumulation],
    members: Members | None,
) -> Loop:
    def begin(values: list[Any]) -> tuple[list[Any], list[_Count | _Values], Bag]:
        return values, [each.make() for each in accumulations], Bag()

    def groups(row: Row) -> Iterator[None]:
        found: dict[Any, tuple[list[Any], list[_Count | _Values], Bag]] = {}
        if not keys:
            found[()] = begin([])
        for _ in loop(row):
            values = [_present(evaluate(row)) for _, evaluate in keys]
            key = tuple(map(group_key, values))
            group = found.get(key)
            if group is None:
                group = found[key] = begin(values)
            for each, accumulator in zip(accumulations, group[1], strict=True):
                accumulator.add(each.argument(row))
            if members is not None:
                group[2].append(members[1](row))
        for values, accumulators, bag in found.values():
            for (slot, _), value in zip(keys, values, strict=True):
                row[slot] = value
            for each, accumulator in zip(accumulations, accumulators, strict=True):
                row[each.slot] = accumulator.result(row)
            if members is not None:
                row[members[0]] = bag
            yield

    return groups
