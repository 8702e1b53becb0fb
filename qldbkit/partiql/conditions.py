"""The conditions of WHERE and ON, taken apart, and the lookups that they allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from qldbkit.partiql.compiler import Compiler
from qldbkit.partiql.relations import Access, Relation
from qldbkit.partiql.run import Evaluate, Row
from qldbkit.partiql.scopes import Binding, Scope, resolve
from qldbkit.partiql.syntax import (
    Binary,
    Expression,
    FieldStep,
    In,
    Logical,
    Name,
    Path,
    SequenceMaker,
)
from qldbkit.partiql.values import COLLECTIONS, is_absent, kind


@dataclass(frozen=True, slots=True)
class Condition:
    """A part of a condition that must hold by itself.

    Attributes:
        expression: as it was written.
        holds: the compiled expression.
        slots: what it reads of the FROM clause that it belongs to.
    """

    expression: Expression
    holds: Evaluate
    slots: frozenset[int]


Lookup = Callable[[Row], list[Any] | None]
"""The values to look up, without null and MISSING; None when only a scan can tell."""


def conjuncts(expression: Expression | None) -> Iterator[Expression]:
    """The expressions that all must hold for a condition to hold."""
    if isinstance(expression, Logical) and expression.operator == "AND":
        for operand in expression.operands:
            yield from conjuncts(operand)
    elif expression is not None:
        yield expression


class ConditionCompiler(Compiler):
    """The part of the compiler that finds lookups in conditions."""

    def conditions(
        self, expression: Expression | None, scope: Scope, local: frozenset[int]
    ) -> list[Condition]:
        """The parts of a condition; ``local`` are the slots of its FROM clause."""
        found = []
        for part in conjuncts(expression):
            holds, used = self.tracked(part, scope)
            found.append(Condition(part, holds, used & local))
        return found

    def lookups(
        self,
        source: Binding,
        by_slot: int,
        scope: Scope,
        conditions: list[Condition],
        bound: frozenset[int],
        local: frozenset[int],
    ) -> list[tuple[Access, Lookup]]:
        """The lookups into one source that conditions allow.

        Args:
            source: the variable of the source.
            by_slot: where its document id is.
            scope: of the whole FROM clause.
            conditions: of which each must hold for a row of the source.
            bound: the slots that are set before the source is read.
            local: the slots of the whole FROM clause.
        """
        if not self.settings.case_sensitive:
            # An index knows names only as they are.
            return []
        found = []
        for condition in conditions:
            for value, others in _equalities(condition.expression):
                access = self._access(value, source, by_slot, scope)
                if access is None:
                    continue
                lookup, used = self._lookup(others, scope)
                if used & local <= bound:
                    found.append((access, lookup))
        return found

    def _access(
        self, node: Expression, source: Binding, by_slot: int, scope: Scope
    ) -> Access | None:
        root = node
        names: Access = ()
        if isinstance(node, Path):
            root = node.root
            if not all(isinstance(step, FieldStep) for step in node.steps):
                return None
            names = tuple(step.name for step in node.steps if isinstance(step, FieldStep))
        if not isinstance(root, Name):
            return None
        binding = resolve(scope, root, self.settings.case_sensitive)
        if binding is not None:
            if binding.slot == by_slot and not names:
                return ()
            return names if binding.slot == source.slot and names else None
        implicit = [b.slot for level in scope.chain() for b in level.sources()]
        return (root.name, *names) if implicit == [source.slot] else None

    def _lookup(
        self, others: Expression | tuple[Expression, ...], scope: Scope
    ) -> tuple[Lookup, frozenset[int]]:
        if isinstance(others, tuple):
            compiled = [self.tracked(other, scope) for other in others]
            values = [evaluate for evaluate, _ in compiled]
            used = frozenset().union(*(slots for _, slots in compiled))
            return (lambda row: _present([value(row) for value in values])), used
        collection, used = self.tracked(others, scope)

        def elements(row: Row) -> list[Any] | None:
            found = collection(row)
            return _present(found) if kind(found) in COLLECTIONS else None

        return elements, used


def _equalities(
    expression: Expression,
) -> Iterator[tuple[Expression, Expression | tuple[Expression, ...]]]:
    """What must be equal: an expression, and those of which it must equal one.

    A single expression on the right is a collection of them.
    """
    if isinstance(expression, Binary) and expression.operator == "=":
        yield expression.left, (expression.right,)
        yield expression.right, (expression.left,)
    elif isinstance(expression, In) and not expression.negated:
        collection = expression.collection
        if isinstance(collection, SequenceMaker):
            yield expression.value, collection.elements
        else:
            yield expression.value, collection


def _present(values: list[Any]) -> list[Any]:
    return [value for value in values if not is_absent(value)]


def selected(
    relation: Relation, lookups: list[tuple[Access, Lookup]], row: Row
) -> Iterator[tuple[Any, Any]] | None:
    """The rows by the first lookup that works, else all; None when it is no table."""
    for access, lookup in lookups:
        values = lookup(row)
        if values is not None:
            rows = relation.lookup(access, values)
            if rows is not None:
                return rows
    return relation.rows()
