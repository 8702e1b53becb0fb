"""Expressions in one form, so that two ways of writing the same can be seen to be the same.

After GROUP BY, ``t.city``, ``city`` and ``"city"`` may all be the key that was written ``t.city``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import fields as fields_of
from dataclasses import is_dataclass
from typing import Any

from qldbkit.partiql.scopes import Scope, resolve
from qldbkit.partiql.syntax import (
    Aggregate,
    FieldStep,
    Name,
    Node,
    Path,
    Select,
    SetOperation,
)


def canonical(node: Any, scope: Scope, case_sensitive: bool) -> Hashable:
    """The expression in a form that depends on what its names mean, not on how they are written.

    Args:
        node: an expression, or anything within one.
        scope: in which its names have their meaning.
        case_sensitive: whether unquoted names are.
    """
    if isinstance(node, Name):
        return _name(node, scope, case_sensitive)
    if isinstance(node, Path):
        root = canonical(node.root, scope, case_sensitive)
        steps = tuple(canonical(step, scope, case_sensitive) for step in node.steps)
        if isinstance(root, tuple) and root[0] == "path":
            return (*root, *steps)
        return ("path", root, *steps)
    if isinstance(node, FieldStep):
        return "field", _folded(node.name, node.quoted, case_sensitive)
    if isinstance(node, tuple):
        return tuple(canonical(each, scope, case_sensitive) for each in node)
    if is_dataclass(node):
        parts = (getattr(node, f.name) for f in fields_of(node) if f.compare)
        return type(node).__name__, *(canonical(p, scope, case_sensitive) for p in parts)
    found: Hashable = node
    return found


def _name(node: Name, scope: Scope, case_sensitive: bool) -> Hashable:
    binding = resolve(scope, node, case_sensitive)
    if binding is not None:
        return "path", binding.slot
    folded = _folded(node.name, node.quoted, case_sensitive)
    sources = scope.sources()
    if len(sources) == 1:
        return "path", sources[0].slot, ("field", folded)
    return "free", folded


def _folded(name: str, quoted: bool, case_sensitive: bool) -> str:
    return name if case_sensitive or quoted else name.casefold()


def nodes(node: Any) -> Iterator[Node]:
    """A node and all that is in it, subqueries included."""
    if isinstance(node, Node):
        yield node
        for part in fields_of(node):
            yield from nodes(getattr(node, part.name))
    elif isinstance(node, tuple):
        for each in node:
            yield from nodes(each)


def aggregates(node: Any) -> Iterator[Aggregate]:
    """The aggregates of a query in one of its clauses: those of its subqueries are not its own."""
    if isinstance(node, Aggregate):
        yield node
    elif isinstance(node, Node) and not isinstance(node, Select | SetOperation):
        for part in fields_of(node):
            yield from aggregates(getattr(node, part.name))
    elif isinstance(node, tuple):
        for each in node:
            yield from aggregates(each)
