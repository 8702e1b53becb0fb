"""Compiling operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amazon.ion.simple_types import IonPyBool

from qldbkit.partiql.arithmetic import (
    add,
    concat,
    divide,
    modulo,
    multiply,
    negate,
    positive,
    subtract,
)
from qldbkit.partiql.casts import can_cast, can_lossless_cast, cast, check_type, type_test
from qldbkit.partiql.compiler import Compiler, constant_kind
from qldbkit.partiql.errors import EvaluationError, SemanticError
from qldbkit.partiql.patterns import like, like_escaped
from qldbkit.partiql.run import Evaluate, Row
from qldbkit.partiql.scopes import Scope
from qldbkit.partiql.syntax import (
    Between,
    Binary,
    Case,
    Cast,
    Expression,
    In,
    Is,
    Like,
    Logical,
    Select,
    SelectAll,
    SelectList,
    SequenceMaker,
    TypeName,
    Unary,
)
from qldbkit.partiql.values import (
    COLLECTIONS,
    MISSING,
    TEXTS,
    Kind,
    compare,
    equals,
    is_absent,
    is_null,
    kind,
    type_name,
)

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": modulo,
    "||": concat,
}
_ORDERS: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}
_CASTS: dict[str, Callable[[Any, str, tuple[int, ...]], Any]] = {
    "cast": cast,
    "can_cast": can_cast,
    "can_lossless_cast": can_lossless_cast,
}


# What gives nothing but true, false, null and MISSING.
_CONDITIONS = (Logical, Between, In, Like, Is)


def is_true(value: Any) -> bool:
    """Whether a condition holds: it does not when it is null or MISSING."""
    return value is True or (type(value) is IonPyBool and bool(value))


def truth(value: Any) -> bool | None:
    """A boolean operand: None for null and MISSING.

    Raises:
        EvaluationError: it is neither a boolean nor absent.
    """
    if value is True or value is False:
        return bool(value)
    if is_absent(value):
        return None
    if kind(value) is Kind.BOOL:
        return bool(value)
    raise EvaluationError(f"{type_name(value)} is neither true nor false")


class OperatorCompiler(Compiler):
    """The part of the compiler for operators and CASE."""

    def unary(self, node: Unary, scope: Scope) -> Evaluate:
        """NOT and the signs."""
        operand = self.scalar(node.operand, scope)
        if node.operator == "NOT":
            return self.guard(lambda row: _negated(truth(operand(row))), node.at)
        sign = negate if node.operator == "-" else positive
        return self.guard(lambda row: sign(operand(row)), node.at)

    def logical(self, node: Logical, scope: Scope) -> Evaluate:
        """AND and OR, of which the first operand that decides ends the evaluation."""
        decisive = node.operator == "OR"
        operands = [self._truth(each, scope) for each in node.operands]

        def evaluate(row: Row) -> Any:
            unknown = False
            for operand in operands:
                value = operand(row)
                if value is decisive:
                    return decisive
                if value is None or value is MISSING:
                    unknown = True
            return None if unknown else not decisive

        return evaluate

    def _truth(self, node: Expression, scope: Scope) -> Evaluate:
        """An operand of AND or OR: true, false, or else unknown."""
        operand = self.scalar(node, scope)
        if isinstance(node, _CONDITIONS) or _is_comparison(node):
            return operand
        return self.guard(lambda row: truth(operand(row)), node.at)

    def binary(self, node: Binary, scope: Scope) -> Evaluate:
        """Comparisons and arithmetic."""
        left = self._operand(node.left, node.right, scope)
        right = self._operand(node.right, node.left, scope)
        if node.operator == "=":
            return lambda row: equals(left(row), right(row))
        if node.operator == "<>":
            return lambda row: _negated(equals(left(row), right(row)))
        if node.operator == "||":
            self._check_texts("||", node.left, node.right)
        operate = _ARITHMETIC.get(node.operator)
        if operate is not None:
            return self.guard(lambda row: operate(left(row), right(row)), node.at)
        holds = _ORDERS[node.operator]
        mistyped = self.mistyped(node.at, f"the operands of {node.operator} cannot be compared")
        return lambda row: _ordered(left(row), right(row), holds, mistyped)

    def _check_texts(self, operator: str, *operands: Expression | None) -> None:
        """Refuse an operator of texts on constants that plainly are none."""
        for operand in operands:
            what = None if operand is None else constant_kind(operand)
            if operand is not None and what is not None and what not in TEXTS:
                raise self.semantic_error(operand.at, f"{operator} does not take {what.value}")

    def _operand(self, node: Expression, other: Expression, scope: Scope) -> Evaluate:
        """An operand; a SELECT beside a list is its row as a list, as SQL's row values are."""
        plain = isinstance(node, Select) and isinstance(node.projection, SelectList | SelectAll)
        if plain and isinstance(other, SequenceMaker):
            return self.row_values(node, scope)
        return self.scalar(node, scope)

    def row_values(self, node: Expression, scope: Scope) -> Evaluate:
        """The one row of a SELECT as a list."""
        raise NotImplementedError

    def between(self, node: Between, scope: Scope) -> Evaluate:
        """BETWEEN, which is two comparisons."""
        value = self.scalar(node.value, scope)
        low, high = self.scalar(node.low, scope), self.scalar(node.high, scope)
        mistyped = self.mistyped(node.at, "the operands of BETWEEN cannot be compared")
        negated = node.negated

        def evaluate(row: Row) -> Any:
            subject = value(row)
            above = _ordered(subject, low(row), _ORDERS[">="], mistyped)
            below = _ordered(subject, high(row), _ORDERS["<="], mistyped)
            found = _both(above, below)
            return _negated(found) if negated else found

        return evaluate

    def contained(self, node: In, scope: Scope) -> Evaluate:
        """IN: whether an element of a collection is equal."""
        value = self.scalar(node.value, scope)
        collection = self.compile(node.collection, scope)
        mistyped = self.mistyped(node.at, "IN looks in a collection only")
        negated = node.negated

        def evaluate(row: Row) -> Any:
            subject, elements = value(row), collection(row)
            if kind(elements) not in COLLECTIONS:
                if is_absent(elements):
                    return None if is_null(elements) else MISSING
                return mistyped()
            found = _contains(subject, elements)
            return _negated(found) if negated else found

        return evaluate

    def like(self, node: Like, scope: Scope) -> Evaluate:
        """LIKE."""
        self._check_texts("LIKE", node.value, node.pattern, node.escape)
        value, pattern = self.scalar(node.value, scope), self.scalar(node.pattern, scope)
        negated = node.negated
        if node.escape is None:
            plain = self.guard(lambda row: like(value(row), pattern(row)), node.at)
            return (lambda row: _negated(plain(row))) if negated else plain
        escape = self.scalar(node.escape, scope)
        escaped = self.guard(
            lambda row: like_escaped(value(row), pattern(row), escape(row)), node.at
        )
        return (lambda row: _negated(escaped(row))) if negated else escaped

    def type_test(self, node: Is, scope: Scope) -> Evaluate:
        """IS."""
        value = self.forgiving(node.value, scope)
        negated = node.negated
        self._check_type(node.type)
        test = type_test(node.type.name, node.type.arguments)
        return lambda row: test(value(row)) is not negated

    def _check_type(self, type_name: TypeName) -> None:
        try:
            check_type(type_name.name, type_name.arguments)
        except SemanticError as error:
            raise self.semantic_error(type_name.at, error.message) from error

    def cast(self, node: Cast, scope: Scope) -> Evaluate:
        """CAST and the questions whether it would work."""
        value = self.scalar(node.value, scope)
        self._check_type(node.type)
        convert, name, arguments = _CASTS[node.function], node.type.name, node.type.arguments
        return self.guard(lambda row: convert(value(row), name, arguments), node.at)

    def case(self, node: Case, scope: Scope) -> Evaluate:
        """CASE with and without a subject."""
        subject = None if node.subject is None else self.scalar(node.subject, scope)
        branches = [
            (self.scalar(condition, scope), self.scalar(value, scope))
            for condition, value in node.branches
        ]
        otherwise = None if node.otherwise is None else self.scalar(node.otherwise, scope)

        def evaluate(row: Row) -> Any:
            chosen = subject(row) if subject is not None else None
            for condition, value in branches:
                found = condition(row)
                if is_true(found if subject is None else equals(chosen, found)):
                    return value(row)
            return None if otherwise is None else otherwise(row)

        return evaluate


def _is_comparison(node: Expression) -> bool:
    return isinstance(node, Binary) and node.operator not in _ARITHMETIC


def _negated(value: Any) -> Any:
    if value is True or value is False:
        return not value
    return value


def _both(left: Any, right: Any) -> Any:
    if left is False or right is False:
        return False
    if left is True and right is True:
        return True
    return MISSING if MISSING in (left, right) else None


def _ordered(
    left: Any, right: Any, holds: Callable[[int], bool], mistyped: Callable[[], Any]
) -> Any:
    order = compare(left, right)
    if order is not None:
        return holds(order)
    if is_null(left) or is_null(right):
        return None
    return MISSING if left is MISSING or right is MISSING else mistyped()


def _contains(subject: Any, elements: Any) -> Any:
    if subject is MISSING:
        return MISSING
    unknown = False
    for element in elements:
        found = equals(subject, element)
        if found is True:
            return True
        if found is not False:
            unknown = True
    return None if unknown else False
