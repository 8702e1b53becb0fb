"""What every part of the compiler shares: slots, free names, settings and errors.

The compiler turns a syntax tree into Python closures once; a plan is those closures, and running it
walks no tree. Each part is a class of its own, and `compile_queries.Planner` is all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

from qldbkit.partiql.dialect import Dialect, DialectError
from qldbkit.partiql.errors import EvaluationError, SemanticError
from qldbkit.partiql.run import Evaluate, Row
from qldbkit.partiql.scopes import Scope
from qldbkit.partiql.settings import Settings, Typing
from qldbkit.partiql.syntax import Expression, Literal, Name, SequenceMaker, StructMaker
from qldbkit.partiql.tokens import line_and_column
from qldbkit.partiql.values import MISSING, Kind, is_absent, kind


@dataclass(frozen=True, slots=True)
class FreeName:
    """A path whose first names only the `Globals` of an execution can know.

    Attributes:
        names: the path's names until the first step that is not one.
        required: whether it is an error when they stand for nothing.
        error: makes that error.
    """

    names: tuple[Name, ...]
    required: bool
    error: Callable[[], SemanticError]


class Compiler:
    """The state of compiling one statement.

    Args:
        text: the statement, for the positions of errors.
        settings: how it will be evaluated.
    """

    def __init__(self, text: str, settings: Settings):
        self.text = text
        self.settings = settings
        self.slot_count = 1
        self.query_depth = 0
        # A statement that changes documents has one table: what else its FROM names is in them.
        self.variables_first = False
        self.free_names: list[FreeName] = []
        self._used: set[int] = set()

    def compile(self, expression: Expression, scope: Scope) -> Evaluate:
        """The expression as a closure."""
        raise NotImplementedError

    def scalar(self, expression: Expression, scope: Scope) -> Evaluate:
        """As `compile`, but of a SELECT of one column the one value, as SQL has it."""
        raise NotImplementedError

    def forgiving(self, expression: Expression, scope: Scope) -> Evaluate:
        """As `scalar`, but a value that cannot be had is MISSING even in strict evaluation."""
        operand = self.scalar(expression, scope)
        if self.settings.typing is not Typing.STRICT:
            return operand

        def evaluate(row: Row) -> Any:
            try:
                return operand(row)
            except EvaluationError:
                return MISSING

        return evaluate

    def new_slot(self) -> int:
        """A place in the row that nothing else uses."""
        self.slot_count += 1
        return self.slot_count - 1

    def use(self, slot: int) -> None:
        """Note that what is being compiled reads a slot."""
        self._used.add(slot)

    def tracked(self, expression: Expression, scope: Scope) -> tuple[Evaluate, frozenset[int]]:
        """The compiled expression, and the slots that it reads."""
        outer, self._used = self._used, set()
        evaluate = self.compile(expression, scope)
        used, self._used = frozenset(self._used), outer | self._used
        return evaluate, used

    def free_name(self, names: tuple[Name, ...], required: bool) -> int:
        """The number of a free name, by which the run knows what it stands for.

        Raises:
            DialectError: only QLDB's dialect is accepted, in which tables are names for the
                outermost query only (its documentation of nested queries).
        """
        if self.settings.dialect is Dialect.QLDB and self.query_depth > 1:
            line, column = line_and_column(self.text, names[0].at)
            raise DialectError(
                "a table in a nested query is not supported by Amazon QLDB",
                line=line,
                column=column,
            )
        error = partial(self.no_such_variable, names[0].name, names[0].at)
        self.free_names.append(FreeName(names, required, error))
        return len(self.free_names) - 1

    def no_such_variable(self, name: str, at: int) -> SemanticError:
        """QLDB's error for a name that means nothing, in its wording (its driver's tests)."""
        line, column = line_and_column(self.text, at)
        problem = f"No such variable named '{name}'"
        return SemanticError(
            f"Semantic Error: at line {line}, column {column}: {problem}; {problem}",
            line=line,
            column=column,
        )

    def semantic_error(self, at: int, message: str) -> SemanticError:
        """An error at an offset of the statement, to be raised."""
        line, column = line_and_column(self.text, at)
        return SemanticError(message, line=line, column=column)

    def evaluation_error(self, at: int, message: str) -> EvaluationError:
        """An error of a value that an expression at an offset met, to be raised."""
        line, column = line_and_column(self.text, at)
        return EvaluationError(message, line=line, column=column)

    def guard(self, evaluate: Evaluate, at: int) -> Evaluate:
        """An operation, of which errors of its values become MISSING where that is wanted.

        Where it is not, they say at which offset of the statement the operation is.
        """
        permissive = self.settings.typing is Typing.PERMISSIVE

        def guarded(row: Row) -> Any:
            try:
                return evaluate(row)
            except EvaluationError as error:
                if permissive:
                    return MISSING
                if error.line is None:
                    raise self.evaluation_error(at, error.message) from error
                raise

        return guarded

    def mistyped(self, at: int, message: str) -> Callable[[], Any]:
        """What an operation on a value of the wrong type gives: MISSING, or an error."""
        return self._refusal(at, message, self.settings.typing is not Typing.PERMISSIVE)

    def nowhere(self, at: int, message: str) -> Callable[[], Any]:
        """What a path or a FROM gives that leads to nothing: MISSING, or when strict an error."""
        return self._refusal(at, message, self.settings.typing is Typing.STRICT)

    def _refusal(self, at: int, message: str, refused: bool) -> Callable[[], Any]:
        if not refused:
            return _missing

        def refuse() -> NoReturn:
            raise self.evaluation_error(at, message)

        return refuse


def _missing() -> Any:
    return MISSING


def constant(value: Any) -> Evaluate:
    """A closure that always gives one value."""

    def evaluate(_: Row) -> Any:
        return value

    return evaluate


def constant_kind(expression: Expression) -> Kind | None:
    """What an expression will be, where that is plain to see; None for null and MISSING."""
    if isinstance(expression, Literal):
        return None if is_absent(expression.value) else kind(expression.value)
    if isinstance(expression, SequenceMaker):
        return Kind[expression.kind]
    return Kind.STRUCT if isinstance(expression, StructMaker) else None
