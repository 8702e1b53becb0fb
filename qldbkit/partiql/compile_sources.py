"""Compiling FROM: sources, joins, and where each condition is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from amazon.ion.core import Timestamp

from qldbkit.partiql.catalog import History
from qldbkit.partiql.compile_paths import PathCompiler
from qldbkit.partiql.conditions import ConditionCompiler
from qldbkit.partiql.dialect import Dialect
from qldbkit.partiql.relations import Relation
from qldbkit.partiql.run import Evaluate, Row
from qldbkit.partiql.scopes import Binding, Scope
from qldbkit.partiql.syntax import (
    Call,
    Cast,
    Expression,
    FieldStep,
    From,
    Join,
    Literal,
    Name,
    Path,
    Source,
)
from qldbkit.partiql.values import (
    TEXTS,
    is_absent,
    kind,
    text_of,
)

Open = Callable[[Row], tuple[Relation | None, Any]]
"""What a source goes over: a relation, or else a value in a tuple of one."""


@dataclass(frozen=True, slots=True)
class DeclaredSource:
    """A source whose variables have slots.

    Attributes:
        node: as it was written.
        binding: its variable.
        at_slot: where the position of each value goes.
        by_slot: where its document id goes.
        open: what it goes over.
    """

    node: Source
    binding: Binding
    at_slot: int
    by_slot: int
    open: Open

    @property
    def slots(self) -> frozenset[int]:
        """What it sets."""
        return frozenset({self.binding.slot, self.at_slot, self.by_slot})


@dataclass(frozen=True, slots=True)
class DeclaredJoin:
    """A join of which both sides have slots."""

    node: Join
    left: Declared
    right: Declared

    @property
    def slots(self) -> frozenset[int]:
        """What both sides set."""
        return self.left.slots | self.right.slots


Declared = DeclaredSource | DeclaredJoin


class SourceCompiler(PathCompiler, ConditionCompiler):
    """The part of the compiler for FROM."""

    def declare(self, node: From, scope: Scope) -> Declared:
        """Give the variables of a FROM clause slots, from the left to the right."""
        if isinstance(node, Join):
            left = self.declare(node.left, scope)
            return DeclaredJoin(node, left, self.declare(node.right, scope))
        opened = self._open(node, scope)
        slot, at_slot, by_slot = self.new_slot(), self.new_slot(), self.new_slot()
        ordinal = len(scope.sources()) + 1
        alias = node.alias or implied_name(node.expression)
        name, quoted = (f"_{ordinal}", True) if alias is None else (alias.name, alias.quoted)
        binding = Binding(name, quoted, slot, implicit=True, ordinal=ordinal)
        scope.bindings.append(binding)
        for other, its_slot in ((node.at_alias, at_slot), (node.by_alias, by_slot)):
            if other is not None:
                scope.bindings.append(Binding(other.name, other.quoted, its_slot))
        return DeclaredSource(node, binding, at_slot, by_slot, opened)

    def _open(self, node: Source, scope: Scope) -> Open:
        expression = node.expression
        if isinstance(expression, Call) and expression.name == "history":
            return self._open_history(expression, scope)
        root = expression.root if isinstance(expression, Path) else expression
        if not isinstance(root, Name):
            return self._open_value(self.compile(expression, scope))
        if self.is_free(root, scope):
            return self._open_global(expression, scope, required=True)
        value = self._open_value(self.compile(expression, scope))
        nested = self.settings.dialect is Dialect.QLDB and self.query_depth > 1
        if nested and root is expression and not root.local and not self.variables_first:
            # A document's own name would be ranged over, where its table is meant: refused.
            return self._open_global(expression, scope, required=True)
        if root.local or self.variables_first or nested:
            return value
        return self._table_or(value, expression, scope)

    def _open_value(self, evaluate: Evaluate) -> Open:
        return lambda row: (None, (evaluate(row),))

    def _table_or(self, value: Open, expression: Expression, scope: Scope) -> Open:
        """In FROM, a name is a table before it is a variable, unless it is written with ``@``."""
        table = self._open_global(expression, scope, required=False)

        def find(row: Row) -> tuple[Relation | None, Any]:
            relation, found = table(row)
            return value(row) if relation is None and found is None else (relation, found)

        return find

    def _open_global(self, expression: Expression, scope: Scope, required: bool) -> Open:
        if isinstance(expression, Name):
            return self.relation((expression,), [], required)
        assert isinstance(expression, Path)
        if all(isinstance(step, FieldStep) for step in expression.steps):
            names = self._leading_names(expression)
            return self.relation(names, self.steps(expression.steps, scope), required)
        if not required:
            return lambda _: (None, None)
        return self._open_value(self.path(expression, Scope()))

    def _open_history(self, node: Call, scope: Scope) -> Open:
        if not 1 <= len(node.arguments) <= 3:
            raise self.semantic_error(node.at, "history takes a table, and a start and an end")
        table = self._history_table(node.arguments[0])
        bounds = [self.scalar(argument, scope) for argument in node.arguments[1:]]
        unknown = partial(self.no_such_variable, table, node.arguments[0].at)

        def find(row: Row) -> tuple[Relation, Any]:
            times = [self._instant(bound(row), node.at) for bound in bounds]
            start, end = (*times, None, None)[:2]
            return History(row[0].database, table, (start, end), unknown), None

        return find

    def _history_table(self, node: Expression) -> str:
        if isinstance(node, Name):
            return node.name
        if isinstance(node, Literal) and kind(node.value) in TEXTS:
            return text_of(node.value)
        raise self.semantic_error(node.at, "history takes a table's name or, quoted, its id")

    def _instant(self, value: Any, at: int) -> Timestamp | None:
        if is_absent(value):
            return None
        if not isinstance(value, Timestamp):
            raise self.semantic_error(at, "the start and end of history are timestamps")
        return value


def implied_name(expression: Expression) -> Name | None:
    """What an expression is called when it is given no alias."""
    if isinstance(expression, Name):
        return expression
    if isinstance(expression, Path):
        last = expression.steps[-1]
        if isinstance(last, FieldStep):
            return Name(last.name, last.quoted, at=last.at)
    if isinstance(expression, Cast):
        return implied_name(expression.value)
    if isinstance(expression, Call) and expression.name == "history":
        table = expression.arguments[0] if expression.arguments else None
        return table if isinstance(table, Name) else None
    return None
