"""Statements made ready to run: parsed and compiled once, and kept by their text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from qldbkit.partiql.canonical import nodes
from qldbkit.partiql.catalog import LedgerGlobals
from qldbkit.partiql.compile_changes import ChangeCompiler, Work, affected
from qldbkit.partiql.compile_queries import collected
from qldbkit.partiql.database import Database
from qldbkit.partiql.definitions import define
from qldbkit.partiql.dialect import Dialect
from qldbkit.partiql.errors import SemanticError
from qldbkit.partiql.functions import CallContext
from qldbkit.partiql.parser import parse_with_parameters
from qldbkit.partiql.relations import Globals, Relation
from qldbkit.partiql.results import to_ion
from qldbkit.partiql.run import Check, Row, Run
from qldbkit.partiql.scopes import Scope
from qldbkit.partiql.settings import Settings
from qldbkit.partiql.statements import (
    Delete,
    Insert,
    Query,
    Statement,
    Update,
    kind_of,
)
from qldbkit.partiql.syntax import (
    Cast,
    ElementsStep,
    Grouping,
    MembersStep,
    Select,
    SelectAll,
    SelectList,
    SequenceMaker,
    TypedLiteral,
)
from qldbkit.partiql.values import Bag

CACHED_STATEMENTS = 500
"""How many prepared statements are kept, by text and settings."""
CACHED_CHARACTERS = 2_000
"""The longest text that is kept: what is longer has its values written into it, and comes once."""


def _no_check() -> None:
    """Let a statement run for as long as it takes."""


class Prepared:
    """A statement that can be run any number of times, by several threads at once.

    Attributes:
        statement: its syntax tree.
        kind: what it does.
        parameter_count: how many question marks it has.
        touches: how many changes it makes to each document that it affects. The journal lists a
            statement once for each of them (the real block in ``samples`` has ``[1, 2, 2]`` for an
            UPDATE with two assignments).
    """

    def __init__(self, text: str, settings: Settings):
        self.statement, self.parameter_count = parse_with_parameters(text, settings.dialect)
        self.kind = kind_of(self.statement)
        self.touches = _touches(self.statement)
        self._settings = settings
        self._compiler = ChangeCompiler(text, settings)
        self._results = self._compiled(self.statement)

    def execute(
        self, database: Database, parameters: Sequence[Any] = (), check: Check = _no_check
    ) -> Iterator[Any]:
        """Run the statement.

        A SELECT is read as the iterator is; anything else has been done when this returns.

        Args:
            database: the transaction that it runs in.
            parameters: Ion values for the question marks.
            check: called again and again while the statement runs, and its results are read; what
                it raises ends the statement.

        Returns:
            Ion values, one per result, as `qldbkit.partiql.results.binary` writes them: some may
            still be as they were written. A DML statement gives ``{documentId: ...}`` for each
            document that it affected.

        Raises:
            SemanticError: a name means nothing, or there are too many or too few parameters.
            EvaluationError: a value is not one that the statement can work on.
        """
        row = self._row(database, LedgerGlobals(database), parameters, check)
        return self._results(row)

    def evaluate(self, database: Database, names: Globals) -> Any:
        """The value of a query over other names than a ledger's, as PartiQL has values.

        Raises:
            SemanticError: a name means nothing, or the statement is no query.
            EvaluationError: a value is not one that the query can work on.
        """
        if not isinstance(self.statement, Query):
            raise SemanticError("only a query has a value")
        return self._value(self._row(database, names, (), _no_check))

    def _row(
        self, database: Database, names: Globals, parameters: Sequence[Any], check: Check
    ) -> Row:
        if len(parameters) != self.parameter_count:
            raise SemanticError(
                f"the statement has {self.parameter_count} parameters, not {len(parameters)}",
                hint="give one value for each question mark",
            )
        settings = self._settings
        context = CallContext(
            database.now, database.transaction_id, settings.missing_arguments_are_null
        )
        run = Run(database, parameters, context, check, self._found(names))
        return [run, *[None] * (self._compiler.slot_count - 1)]

    def _found(self, names: Globals) -> list[tuple[Relation, int] | None]:
        found = []
        for free in self._compiler.free_names:
            known = names.find(free.names)
            if known is None and free.required:
                raise free.error()
            found.append(known)
        return found

    def _compiled(self, statement: Statement) -> Callable[[Row], Iterator[Any]]:
        compiler = self._compiler
        if isinstance(statement, Query):
            return self._query(statement)
        if isinstance(statement, Insert):
            return _change(compiler.insertion(statement))
        if isinstance(statement, Update):
            return _change(compiler.update(statement))
        if isinstance(statement, Delete):
            return _change(compiler.deletion(statement))
        return define(compiler, statement)

    def _query(self, statement: Query) -> Callable[[Row], Iterator[Any]]:
        expression = statement.expression
        if not isinstance(expression, Select):
            self._value = self._compiler.compile(expression, Scope())
            return lambda row: map(to_ion, _results(self._value(row)))
        produce = self._compiler.produce(expression, Scope())
        self._value = collected(expression, produce)
        if _is_plain_ion(statement):
            return produce
        return lambda row: map(to_ion, produce(row))


def _results(value: Any) -> Sequence[Any]:
    return value if isinstance(value, Bag) else [value]


def _change(work: Work) -> Callable[[Row], Iterator[Any]]:
    return lambda row: iter(affected(work(row)))


def _touches(statement: Statement) -> int:
    if isinstance(statement, Update):
        return len(statement.changes)
    return 1 if isinstance(statement, Insert | Delete) else 0


# What can make a value that Ion has no type for. A row of columns may lack all of them only
# because no source has one.
_FOREIGN = (SequenceMaker, TypedLiteral, Cast, ElementsStep, MembersStep, Grouping)


def _is_plain_ion(statement: Query) -> bool:
    """Whether every result is Ion already, so that none has to be walked through."""
    selects = 0
    for node in nodes(statement):
        selects += isinstance(node, Select)
        if isinstance(node, _FOREIGN) or selects > 1:
            return False
    expression = statement.expression
    return isinstance(expression, Select) and isinstance(
        expression.projection, SelectList | SelectAll
    )


@lru_cache(maxsize=CACHED_STATEMENTS)
def prepared(text: str, settings: Settings) -> Prepared:
    """As `prepare`, of a text that is worth keeping."""
    return Prepared(text, settings)


def prepare(text: str, dialect: Dialect = Dialect.FULL) -> Prepared:
    """A statement as a ledger runs it, made ready or taken from the cache.

    Raises:
        PartiqlSyntaxError: the text is not a statement of the dialect.
        SemanticError: the statement cannot mean anything.
    """
    settings = Settings(dialect=dialect)
    if len(text) > CACHED_CHARACTERS:
        return Prepared(text, settings)
    return prepared(text, settings)
