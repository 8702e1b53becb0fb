"""Compiling INSERT, UPDATE, FROM and DELETE."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from qldbkit.journal.encoding import struct, symbol_table, text, var_uint_bytes
from qldbkit.journal.ion import VERSION_MARKER
from qldbkit.journal.symbols import SYSTEM_SYMBOLS
from qldbkit.partiql.compile_queries import Planner
from qldbkit.partiql.compile_sources import Declared, DeclaredJoin, DeclaredSource
from qldbkit.partiql.database import Database, Table
from qldbkit.partiql.dialect import Dialect, DialectError
from qldbkit.partiql.edits import Key, changed, described, inserted
from qldbkit.partiql.errors import EvaluationError
from qldbkit.partiql.results import to_ion
from qldbkit.partiql.run import Row
from qldbkit.partiql.scopes import Scope, resolve
from qldbkit.partiql.statements import Assign, Change, Delete, Insert, Put, Remove, Update
from qldbkit.partiql.syntax import (
    ElementsStep,
    FieldStep,
    MembersStep,
    Name,
    Parameter,
    Path,
    Source,
    Step,
)
from qldbkit.partiql.tokens import line_and_column
from qldbkit.partiql.values import (
    COLLECTIONS,
    MISSING,
    TEXTS,
    Kind,
    kind,
    text_of,
)
from qldbkit.partiql.written import WrittenStruct

Work = Callable[[Row], Iterable[str]]
"""What a statement does when it runs; the ids of the documents that it affected."""

Locate = Callable[[Row], tuple[Key, ...]]
"""Where in its document a variable's value is."""

Edit = Callable[[Any], Any]
"""A change to a document; MISSING is what remains of one that is removed."""


@dataclass(slots=True)
class _Pending:
    """The changes of one document, which wait until all of FROM has been read."""

    document: Any
    edits: list[Edit] = field(default_factory=list)


class ChangeCompiler(Planner):
    """The part of the compiler for statements that change documents."""

    def insertion(self, node: Insert) -> Work:
        """INSERT INTO a table."""
        scope = Scope()
        compiled = (self.scalar if node.single else self.compile)(node.value, scope)
        table_of = self._table(node.table)

        def work(row: Row) -> list[str]:
            value = compiled(row)
            table = table_of(row)
            documents = value if not node.single and kind(value) in COLLECTIONS else [value]
            checked = [_document(document) for document in documents]
            return [row[0].database.insert(table, document) for document in checked]

        return work

    def deletion(self, node: Delete) -> Work:
        """DELETE FROM a table."""
        scope = Scope()
        target, declared = self._target(node.source, scope)
        loop = self.loop(declared, scope, node.where)

        def work(row: Row) -> list[str]:
            table = target(row)
            found = list(dict.fromkeys(row[declared.by_slot] for _ in loop(row)))
            for document_id in found:
                row[0].database.delete(table, document_id)
            return found

        return work

    def update(self, node: Update) -> Work:
        """UPDATE, and FROM with changes."""
        scope = Scope()
        self.variables_first = True
        declared = self.declare(node.source, scope)
        self.variables_first = False
        source = self._changed_source(declared)
        table_of = self._source_table(source.node)
        places = self._places(declared, source, scope)
        loop = self.loop(declared, scope, node.where)
        changes = [self._change(change, scope, places) for change in node.changes]
        # Inserting and removing elements moves those behind them: the last are changed first.
        backwards = declared is not source and any(
            isinstance(change, Put | Remove) for change in node.changes
        )

        def work(row: Row) -> list[str]:
            table = table_of(row)
            pending: dict[str, _Pending] = {}
            for _ in loop(row):
                document_id = row[source.by_slot]
                waiting = pending.setdefault(document_id, _Pending(row[source.binding.slot]))
                made = [change(row) for change in changes]
                waiting.edits = [*made, *waiting.edits] if backwards else waiting.edits + made
            for document_id, waiting in pending.items():
                _apply(row[0].database, table, document_id, waiting)
            return list(pending)

        return work

    def _table(self, name: Name) -> Callable[[Row], Table]:
        if name.name.startswith("_ql_"):
            raise self.semantic_error(name.at, f"'{name.name}' is a view, which cannot be changed")
        unknown = partial(self.no_such_variable, name.name, name.at)

        def find(row: Row) -> Table:
            database: Database = row[0].database
            table = database.table(name.name)
            if table is None:
                raise unknown()
            return table

        return find

    def _source_table(self, source: Source) -> Callable[[Row], Table]:
        if not isinstance(source.expression, Name):
            raise self.semantic_error(source.at, "only the documents of a table can be changed")
        return self._table(source.expression)

    def _target(self, source: Any, scope: Scope) -> tuple[Callable[[Row], Table], DeclaredSource]:
        declared = self.declare(source, scope)
        if not isinstance(declared, DeclaredSource):
            raise self.semantic_error(source.at, "documents are deleted from one table")
        return self._source_table(declared.node), declared

    def _changed_source(self, declared: Declared) -> DeclaredSource:
        """The source whose documents are changed: the first one that is not a parameter.

        Raises:
            DialectError: only QLDB's dialect is accepted, and the first source is a parameter.
        """
        first, *others = _sources(declared)
        if not isinstance(first.node.expression, Parameter):
            return first
        if self.settings.dialect is Dialect.QLDB:
            line, column = line_and_column(self.text, first.node.at)
            raise DialectError(
                "a parameter before the table in FROM is not supported by Amazon QLDB",
                line=line,
                column=column,
            )
        tables = (each for each in others if not isinstance(each.node.expression, Parameter))
        return next(tables, first)

    def _places(
        self, declared: Declared, target: DeclaredSource, scope: Scope
    ) -> dict[int, Locate]:
        """Where the variables of a FROM clause are within the documents that are changed."""
        places: dict[int, Locate] = {}
        for source in _sources(declared):
            if source is target:
                places[source.binding.slot] = lambda _: ()
                continue
            root = self._locate(source.node.expression, scope, places)
            if root is not None:
                places[source.binding.slot] = _element_place(root, source.at_slot)
        return places

    def _locate(self, node: Any, scope: Scope, places: dict[int, Locate]) -> Locate | None:
        """Where a variable or path leads to; None when that is in no document."""
        steps: tuple[Step, ...] = node.steps if isinstance(node, Path) else ()
        root = node.root if isinstance(node, Path) else node
        if not isinstance(root, Name):
            return None
        if any(isinstance(step, ElementsStep | MembersStep) for step in steps):
            return None
        binding = resolve(scope, root, self.settings.case_sensitive)
        sources = scope.sources()
        if binding is None and len(sources) == 1:
            binding = sources[0]
            steps = (FieldStep(root.name, root.quoted, at=root.at), *steps)
        place = None if binding is None else places.get(binding.slot)
        if place is None:
            return None
        return _stepped_place(place, [self._key(step, scope) for step in steps])

    def _key(self, step: Step, scope: Scope) -> Callable[[Row], Key]:
        if isinstance(step, FieldStep):
            name = step.name
            return lambda _: name
        assert not isinstance(step, ElementsStep | MembersStep)
        index = self.scalar(step.index, scope)

        def key(row: Row) -> Key:
            value = index(row)
            if kind(value) in TEXTS:
                return text_of(value)
            if kind(value) is Kind.INT:
                return int(value)
            raise self.evaluation_error(step.at, "the index of a path is an integer or a string")

        return key

    def _change(
        self, change: Change, scope: Scope, places: dict[int, Locate]
    ) -> Callable[[Row], Edit]:
        locate = self._locate(change.target, scope, places)
        if locate is None:
            root = change.target.root if isinstance(change.target, Path) else change.target
            if isinstance(root, Name) and self.is_free(root, scope):
                raise self.no_such_variable(root.name, root.at)
            raise self.semantic_error(change.target.at, "this is no place in a document")
        if isinstance(change, Remove):
            return _removal(locate)
        if isinstance(change, Assign):
            return self._assignment(change, scope, locate)
        return self._put(change, scope, locate)

    def _assignment(self, change: Assign, scope: Scope, locate: Locate) -> Callable[[Row], Edit]:
        evaluate = self.scalar(change.value, scope)

        def edit(row: Row) -> Edit:
            location, value = locate(row), evaluate(row)
            new = value if value is MISSING else to_ion(value)
            if not location:
                new = _document(value)
            return lambda document: changed(document, location, lambda _: new)

        return edit

    def _put(self, change: Put, scope: Scope, locate: Locate) -> Callable[[Row], Edit]:
        evaluate = (self.scalar if change.single else self.compile)(change.value, scope)
        key_of = None if change.key is None else self.scalar(change.key, scope)

        def edit(row: Row) -> Edit:
            location, value = locate(row), evaluate(row)
            key = None if key_of is None else key_of(row)
            spread = not change.single and kind(value) in COLLECTIONS
            values = [to_ion(each) for each in value] if spread else [to_ion(value)]

            def insert(container: Any) -> Any:
                for offset, each in enumerate(values):
                    container = inserted(container, each, _place(key, offset))
                return container

            return lambda document: changed(document, location, insert)

        return edit


def _place(key: Any, offset: int) -> Any:
    """Where the value goes that is ``offset`` behind the one that goes to ``key``."""
    if kind(key) is Kind.INT:
        return key + offset
    return text_of(key) if kind(key) in TEXTS else key


def _apply(database: Database, table: Table, document_id: str, waiting: _Pending) -> None:
    document = waiting.document
    for edit in waiting.edits:
        if document is not MISSING:
            document = edit(document)
    if document is MISSING:
        database.delete(table, document_id)
    else:
        database.replace(table, document_id, document)


def _document(value: Any) -> Any:
    if kind(value) is not Kind.STRUCT:
        raise EvaluationError(f"a document is a struct, not {described(value)}")
    try:
        return to_ion(value)
    except RecursionError:
        raise EvaluationError("the document is nested too deeply") from None


def _removal(locate: Locate) -> Callable[[Row], Edit]:
    def edit(row: Row) -> Edit:
        location = locate(row)
        return lambda document: _without(document, location)

    return edit


def _without(document: Any, location: tuple[Key, ...]) -> Any:
    """The document without what is at a location, which need not be there."""
    try:
        return changed(document, location, lambda _: MISSING)
    except EvaluationError:
        return document


def _sources(declared: Declared) -> Iterator[DeclaredSource]:
    if isinstance(declared, DeclaredJoin):
        yield from _sources(declared.left)
        yield from _sources(declared.right)
    else:
        yield declared


def _element_place(root: Locate, at_slot: int) -> Locate:
    """The place of the element that FROM is at; a value that is no collection is its own."""

    def place(row: Row) -> tuple[Key, ...]:
        at = row[at_slot]
        return root(row) if at is MISSING else (*root(row), at)

    return place


def _stepped_place(root: Locate, keys: list[Callable[[Row], Key]]) -> Locate:
    if not keys:
        return root
    return lambda row: (*root(row), *(key(row) for key in keys))


def affected(document_ids: Iterable[str]) -> list[Any]:
    """The rows that a statement gives for the documents that it affected."""
    return [WrittenStruct(_AFFECTED + struct(_DOCUMENT_ID + text(each))) for each in document_ids]


_DOCUMENT_ID: Final = var_uint_bytes(len(SYSTEM_SYMBOLS))
_AFFECTED: Final = VERSION_MARKER + symbol_table(["documentId"])
