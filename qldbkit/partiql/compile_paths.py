"""Compiling variables and paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any

from amazon.ion.simple_types import IonPyDict

from qldbkit.partiql.compiler import Compiler
from qldbkit.partiql.dialect import Dialect
from qldbkit.partiql.relations import Relation
from qldbkit.partiql.run import Evaluate, Row
from qldbkit.partiql.scopes import Scope, resolve
from qldbkit.partiql.settings import Typing
from qldbkit.partiql.syntax import (
    ElementsStep,
    FieldStep,
    IndexStep,
    Literal,
    MembersStep,
    Name,
    Path,
    Step,
)
from qldbkit.partiql.values import (
    COLLECTIONS,
    MISSING,
    TEXTS,
    Bag,
    Kind,
    field,
    fields,
    is_null,
    kind,
    text_of,
)
from qldbkit.partiql.written import WrittenStruct

Move = Callable[[Row, Any], Any]
"""One step of a path: from a value to the next."""

_STRUCTS = frozenset({IonPyDict, WrittenStruct, dict})


class PathCompiler(Compiler):
    """The part of the compiler for variables and paths."""

    def name(self, node: Name, scope: Scope) -> Evaluate:
        """A variable: of FROM, else a field of one, else what the globals know."""
        found = self._bound(node, scope)
        return found if found is not None else self._unbound((node,), [], scope)

    def path(self, node: Path, scope: Scope) -> Evaluate:
        """Steps from any expression."""
        moves = self.steps(node.steps, scope)
        wildcards = [isinstance(step, ElementsStep | MembersStep) for step in node.steps]
        plain = wildcards.index(True) if any(wildcards) else len(moves)
        bound = self._bound(node.root, scope) if isinstance(node.root, Name) else None
        if isinstance(node.root, Name) and bound is None:
            root = self._unbound(self._leading_names(node), moves[:plain], scope)
        else:
            root = bound or self.compile(node.root, scope)
            for move in moves[:plain]:
                root = _stepped(root, move)
        if plain == len(moves):
            return root
        return _spread(root, list(zip(moves[plain:], wildcards[plain:], strict=True)))

    def _bound(self, node: Name, scope: Scope) -> Evaluate | None:
        for level in scope.chain():
            alias = level.aliases.get(node.name)
            if alias is not None:
                return alias
            binding = level.binding(node, self.settings.case_sensitive)
            if binding is not None:
                self.use(binding.slot)
                return itemgetter(binding.slot)
            if level.grouped is not None and level.grouped.binding(
                node, self.settings.case_sensitive
            ):
                raise self.semantic_error(
                    node.at, f"'{node.name}' is neither a key of GROUP BY nor in an aggregate"
                )
        return None

    @staticmethod
    def _leading_names(node: Path) -> tuple[Name, ...]:
        assert isinstance(node.root, Name)
        names = [node.root]
        for step in node.steps:
            if not isinstance(step, FieldStep):
                break
            names.append(Name(step.name, step.quoted, at=step.at))
        return tuple(names)

    def _unbound(self, names: tuple[Name, ...], moves: list[Move], scope: Scope) -> Evaluate:
        """A path from a name that no FROM binds; ``moves`` are its steps."""
        node = names[0]
        slots = [b.slot for level in scope.chain() for b in level.sources()]
        self._refuse_unknown(node, scope, slots)
        if not slots:
            return self._global(names, moves)
        for slot in slots:
            self.use(slot)
        get = self._field_of_any(node, slots)
        optional = None
        if not self.settings.tables_only_in_from and not node.local:
            optional = self.free_name(names, required=False)
        return self._field_or_global(get, optional, node, moves)

    def _refuse_unknown(self, node: Name, scope: Scope, slots: list[int]) -> None:
        innermost = scope.sources()
        ambiguous = len(innermost) > 1 and self.settings.dialect is Dialect.QLDB
        if ambiguous:
            raise self.no_such_variable(node.name, node.at)
        for level in scope.chain():
            if level.grouped is not None and level.grouped.sources() and not slots:
                raise self.semantic_error(
                    node.at, f"'{node.name}' is neither a key of GROUP BY nor in an aggregate"
                )

    def _field_of_any(self, node: Name, slots: list[int]) -> Evaluate:
        name = node.name
        exact = self.settings.case_sensitive or node.quoted
        if len(slots) == 1:
            slot = slots[0]

            def of_one(row: Row) -> Any:
                value = row[slot]
                return field(value, name, exact) if type(value) in _STRUCTS else MISSING

            return of_one

        def of_any(row: Row) -> Any:
            for slot in slots:
                value = row[slot]
                if type(value) in _STRUCTS:
                    found = field(value, name, exact)
                    if found is not MISSING:
                        return found
            return MISSING

        return of_any

    def _field_or_global(
        self, get: Evaluate, number: int | None, node: Name, moves: list[Move]
    ) -> Evaluate:
        absent = self.nowhere(node.at, f"there is no '{node.name}'")
        if number is None and not moves and self.settings.typing is not Typing.STRICT:
            return get

        def evaluate(row: Row) -> Any:
            value = get(row)
            steps = moves
            if value is MISSING:
                known = None if number is None else row[0].relations[number]
                if known is None:
                    return absent()
                relation, consumed = known
                value, steps = relation.value(), moves[consumed - 1 :]
            for move in steps:
                value = move(row, value)
            return value

        return evaluate

    def _global(self, names: tuple[Name, ...], moves: list[Move]) -> Evaluate:
        number = self.free_name(names, required=True)

        def evaluate(row: Row) -> Any:
            relation, consumed = row[0].relations[number]
            value = relation.value()
            for move in moves[consumed - 1 :]:
                value = move(row, value)
            return value

        return evaluate

    def relation(
        self, names: tuple[Name, ...], moves: list[Move], required: bool
    ) -> Callable[[Row], tuple[Relation | None, Any]]:
        """A path from a free name in FROM: its relation, and its value when that is not all.

        Neither when the name stands for nothing and is not required to.
        """
        number = self.free_name(names, required)

        def find(row: Row) -> tuple[Relation | None, Any]:
            known = row[0].relations[number]
            if known is None:
                return None, None
            relation, consumed = known
            rest = moves[consumed - 1 :]
            if not rest:
                return relation, None
            value = relation.value()
            for move in rest:
                value = move(row, value)
            return relation, (value,)

        return find

    def steps(self, steps: tuple[Step, ...], scope: Scope) -> list[Move]:
        """The steps of a path, each as a closure."""
        return [self._move(step, scope) for step in steps]

    def is_free(self, name: Name, scope: Scope) -> bool:
        """Whether no FROM binds the name."""
        return resolve(scope, name, self.settings.case_sensitive) is None

    def _move(self, step: Step, scope: Scope) -> Move:
        if isinstance(step, FieldStep):
            return self._field_move(step)
        if isinstance(step, IndexStep):
            return self._index_move(step, scope)
        if isinstance(step, ElementsStep):
            return self._elements_move(step)
        return self._members_move(step)

    def _field_move(self, step: FieldStep) -> Move:
        name = step.name
        exact = self.settings.case_sensitive or step.quoted
        absent = self.nowhere(step.at, f"there is no '{name}'")
        strict = self.settings.typing is Typing.STRICT

        def move(_: Row, value: Any) -> Any:
            found = field(value, name, exact) if type(value) in _STRUCTS else MISSING
            if found is not MISSING:
                return found
            # Strict evaluation takes a field of null for null, not for a mistake.
            return None if strict and is_null(value) else absent()

        return move

    def _index_move(self, step: IndexStep, scope: Scope) -> Move:
        if isinstance(step.index, Literal) and isinstance(step.index.value, str):
            return self._field_move(FieldStep(str(step.index.value), True, at=step.at))
        index = self.scalar(step.index, scope)
        absent = self.nowhere(step.at, "there is nothing at this index")

        def move(row: Row, value: Any) -> Any:
            key = index(row)
            found = _element(value, key)
            return found if found is not MISSING else absent()

        return move

    def _elements_move(self, step: ElementsStep) -> Move:
        refuse = self.nowhere(step.at, "[*] is only of a collection")

        def move(_: Row, value: Any) -> Any:
            if kind(value) in COLLECTIONS:
                return value
            refuse()
            return [] if value is MISSING else [value]

        return move

    def _members_move(self, step: MembersStep) -> Move:
        refuse = self.nowhere(step.at, ".* is only of a struct")

        def move(_: Row, value: Any) -> Any:
            if kind(value) is Kind.STRUCT:
                return [member for _, member in fields(value)]
            refuse()
            return [] if value is MISSING else [value]

        return move


def _element(value: Any, key: Any) -> Any:
    """The element of a list at an index, or the field of a struct by a text."""
    what = kind(key)
    if what is Kind.INT and kind(value) in (Kind.LIST, Kind.SEXP):
        return value[key] if 0 <= key < len(value) else MISSING
    if what in TEXTS and type(value) in _STRUCTS:
        return field(value, text_of(key), True)
    return MISSING


def _stepped(root: Evaluate, move: Move) -> Evaluate:
    def evaluate(row: Row) -> Any:
        return move(row, root(row))

    return evaluate


def _spread(root: Evaluate, moves: list[tuple[Move, bool]]) -> Evaluate:
    """A path with wildcards, which are flagged: a bag of what every branch leads to."""

    def branches(row: Row, value: Any, depth: int) -> Iterator[Any]:
        if depth == len(moves):
            if value is not MISSING:
                yield value
            return
        move, wildcard = moves[depth]
        reached = move(row, value)
        for each in reached if wildcard else (reached,):
            yield from branches(row, each, depth + 1)

    def evaluate(row: Row) -> Any:
        return Bag(branches(row, root(row), 0))

    return evaluate
