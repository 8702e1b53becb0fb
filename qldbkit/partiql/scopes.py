"""The variables that an expression can see."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qldbkit.partiql.syntax import Name

if TYPE_CHECKING:
    from qldbkit.partiql.run import Evaluate


@dataclass(frozen=True, slots=True)
class Binding:
    """A variable.

    Attributes:
        name: as it was written.
        quoted: whether only the same case means it.
        slot: where a row has its value.
        implicit: whether an unknown name may be a field of its value.
        ordinal: of its source in FROM, from 1; 0 for what is no source.
    """

    name: str
    quoted: bool
    slot: int
    implicit: bool = False
    ordinal: int = 0


@dataclass(slots=True)
class Scope:
    """The variables of one query, before those of the queries around it.

    Attributes:
        parent: what is visible around the query.
        bindings: in the order in which FROM makes them.
        grouped: in a query with groups, the scope of its FROM clause, whose variables are no
            longer visible but by the keys and aggregates in ``replaced``.
        replaced: the slots of expressions that have been computed for a group.
        aliases: select items that ORDER BY may name.
    """

    parent: Scope | None = None
    bindings: list[Binding] = field(default_factory=list)
    grouped: Scope | None = None
    replaced: dict[Hashable, int] = field(default_factory=dict)
    aliases: dict[str, Evaluate] = field(default_factory=dict)

    def chain(self) -> Iterator[Scope]:
        """This scope, and those around it from the inside out."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def binding(self, name: Name, case_sensitive: bool) -> Binding | None:
        """The variable of this scope that a name means; an exact match comes first."""
        for binding in reversed(self.bindings):
            if binding.name == name.name:
                return binding
        if case_sensitive or name.quoted:
            return None
        folded = name.name.casefold()
        for binding in reversed(self.bindings):
            if binding.name.casefold() == folded:
                return binding
        return None

    def sources(self) -> list[Binding]:
        """The variables whose fields may be named alone."""
        return [binding for binding in self.bindings if binding.implicit]


def resolve(scope: Scope, name: Name, case_sensitive: bool) -> Binding | None:
    """The variable that a name means, from the inside out."""
    for level in scope.chain():
        found = level.binding(name, case_sensitive)
        if found is not None:
            return found
    return None
