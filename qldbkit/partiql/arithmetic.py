"""Arithmetic without loss: integers and decimals of any size are never rounded.

Operands of mixed kinds meet in the one that can hold both: int and float in float, anything with
a decimal in decimal (a float exactly, digit by digit). Only division of decimals rounds, to
`DIVISION_DIGITS`. An operand of the wrong kind raises; otherwise MISSING gives MISSING, then null
gives null.
"""

from __future__ import annotations

import decimal
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from amazon.ion.simple_types import IonPyInt

from qldbkit.partiql import datetimes
from qldbkit.partiql.decimals import dividing, exact
from qldbkit.partiql.errors import ComputationError, EvaluationError
from qldbkit.partiql.intervals import Interval
from qldbkit.partiql.kinds import ABSENT, MISSING, NUMBERS, TEXTS, Kind, kind, text_of, type_name

MAX_BITS = 2_000_000
"""Bits that a computed integer may have."""

_INTS = frozenset({int, IonPyInt})


@dataclass(frozen=True, slots=True)
class _Operation:
    """One operator: what it does to two operands of each kind that it knows."""

    symbol: str
    ints: Callable[[int, int], int]
    decimals: Callable[[Decimal, Decimal], Decimal]
    floats: Callable[[float, float], float]
    others: Callable[[Any, Any], Any]
    """Given dates, times, timestamps and intervals; NotImplemented where it has no meaning."""


def add(a: Any, b: Any) -> Any:
    """``a + b``; also of a date, time or timestamp and an interval.

    Raises:
        EvaluationError: the operands cannot be added.
        ComputationError: the sum is beyond all bounds.
    """
    if type(a) in _INTS and type(b) in _INTS:
        return _bounded(a + b)
    return _apply(_ADD, a, b)


def subtract(a: Any, b: Any) -> Any:
    """``a - b``; of two dates, times or timestamps it is an interval.

    Raises:
        EvaluationError: the operands cannot be subtracted.
        ComputationError: the difference is beyond all bounds.
    """
    if type(a) in _INTS and type(b) in _INTS:
        return _bounded(a - b)
    return _apply(_SUBTRACT, a, b)


def multiply(a: Any, b: Any) -> Any:
    """``a * b``; also of an interval and a number.

    Raises:
        EvaluationError: the operands cannot be multiplied.
        ComputationError: the product is beyond all bounds.
    """
    return _apply(_MULTIPLY, a, b)


def divide(a: Any, b: Any) -> Any:
    """``a / b``; integers give the integer quotient, cut off towards zero.

    Raises:
        EvaluationError: the operands cannot be divided.
        ComputationError: an int, a decimal or an interval is divided by zero.
    """
    return _apply(_DIVIDE, a, b)


def modulo(a: Any, b: Any) -> Any:
    """``a % b``, with the sign of ``a``.

    Raises:
        EvaluationError: the operands are not numbers.
        ComputationError: an int or a decimal is divided by zero.
    """
    return _apply(_MODULO, a, b)


def negate(value: Any) -> Any:
    """``-a`` of a number or an interval.

    Raises:
        EvaluationError: the operand is neither.
    """
    what = _signed(value, "-")
    if what in ABSENT:
        return MISSING if value is MISSING else None
    if what is Kind.DECIMAL:
        return exact().minus(value)
    return value.negated() if what is Kind.INTERVAL else -value


def positive(value: Any) -> Any:
    """``+a``: the number or interval itself.

    Raises:
        EvaluationError: the operand is neither.
    """
    _signed(value, "+")
    return value


def absolute(value: Any) -> Any:
    """The number or interval without its sign.

    Raises:
        EvaluationError: the operand is neither.
    """
    what = _signed(value, "ABS of")
    if what in ABSENT:
        return MISSING if value is MISSING else None
    if what is Kind.INTERVAL:
        return value.negated() if value.amount < 0 else value
    return exact().abs(value) if what is Kind.DECIMAL else abs(value)


def concat(a: Any, b: Any) -> Any:
    """``a || b`` of two strings or symbols, as a string.

    Raises:
        EvaluationError: an operand is of another kind.
    """
    if type(a) is str and type(b) is str:
        return a + b
    for operand in (a, b):
        if (what := kind(operand)) not in TEXTS and what not in ABSENT:
            raise EvaluationError(f"|| joins texts, not {type_name(operand)}")
    if kind(a) in ABSENT or kind(b) in ABSENT:
        return MISSING if a is MISSING or b is MISSING else None
    return text_of(a) + text_of(b)


def exact_decimal(value: Any) -> Decimal:
    """The number as a decimal, without any rounding.

    Raises:
        EvaluationError: it is infinite or not a number.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise EvaluationError(f"the float {value} has no decimal")
    return value if isinstance(value, Decimal) else Decimal(value)


def _signed(value: Any, symbol: str) -> Kind:
    what = kind(value)
    if what not in NUMBERS and what not in ABSENT and what is not Kind.INTERVAL:
        raise EvaluationError(f"{symbol} {type_name(value)} has no meaning")
    return what


_OPERANDS = NUMBERS | ABSENT | {Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.INTERVAL}


def _apply(operation: _Operation, a: Any, b: Any) -> Any:
    kinds = kind(a), kind(b)
    for what, operand in zip(kinds, (a, b), strict=True):
        if what not in _OPERANDS:
            raise EvaluationError(f"{type_name(operand)} is not an operand of {operation.symbol}")
    if kinds[0] in ABSENT or kinds[1] in ABSENT:
        return MISSING if a is MISSING or b is MISSING else None
    if kinds[0] in NUMBERS and kinds[1] in NUMBERS:
        return _numbers(operation, kinds, a, b)
    result = operation.others(a, b)
    if result is NotImplemented:
        names = f"{type_name(a)} {operation.symbol} {type_name(b)}"
        raise EvaluationError(f"{names} has no meaning")
    return result


def _numbers(operation: _Operation, kinds: tuple[Kind, Kind], a: Any, b: Any) -> Any:
    try:
        if kinds == (Kind.INT, Kind.INT):
            return _bounded(operation.ints(a, b))
        if Kind.DECIMAL in kinds and _finite(a) and _finite(b):
            return operation.decimals(Decimal(a), Decimal(b))
        return operation.floats(float(a), float(b))
    except ZeroDivisionError as error:
        raise ComputationError(f"division by zero in {operation.symbol}") from error
    except (decimal.DecimalException, OverflowError) as error:
        raise ComputationError(f"the result of {operation.symbol} is too large") from error


def _finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _bounded(value: int) -> int:
    if value.bit_length() > MAX_BITS:
        raise ComputationError(f"the result has more than {MAX_BITS} bits")
    return value


def _int_product(a: int, b: int) -> int:
    if a.bit_length() + b.bit_length() > MAX_BITS + 1:
        raise ComputationError(f"the product has more than {MAX_BITS} bits")
    return a * b


def _int_quotient(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _int_remainder(a: int, b: int) -> int:
    remainder = abs(a) % abs(b)
    return -remainder if a < 0 else remainder


def _decimal_quotient(a: Decimal, b: Decimal) -> Decimal:
    if b == 0:
        raise ZeroDivisionError
    return dividing().divide(a, b)


def _decimal_remainder(a: Decimal, b: Decimal) -> Decimal:
    if b == 0:
        raise ZeroDivisionError
    return exact().remainder(a, b)


def _float_quotient(a: float, b: float) -> float:
    if b != 0:
        return a / b
    # As IEEE 754 has it, and Ion's floats are.
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)


def _float_remainder(a: float, b: float) -> float:
    return math.nan if b == 0 or math.isinf(a) else math.fmod(a, b)


def _interval_product(a: Any, b: Any) -> Any:
    if isinstance(a, Interval) and kind(b) in NUMBERS:
        return a.times(_factor(b))
    if isinstance(b, Interval) and kind(a) in NUMBERS:
        return b.times(_factor(a))
    return NotImplemented


def _interval_quotient(a: Any, b: Any) -> Any:
    return (
        a.divided(_factor(b)) if isinstance(a, Interval) and kind(b) in NUMBERS else NotImplemented
    )


def _factor(value: Any) -> Decimal | float:
    return float(value) if kind(value) is Kind.FLOAT and _finite(value) else exact_decimal(value)


def _no_meaning(_a: Any, _b: Any) -> Any:
    return NotImplemented


_ADD = _Operation("+", operator.add, lambda a, b: exact().add(a, b), operator.add, datetimes.plus)
_SUBTRACT = _Operation(
    "-", operator.sub, lambda a, b: exact().subtract(a, b), operator.sub, datetimes.minus
)
_MULTIPLY = _Operation(
    "*", _int_product, lambda a, b: exact().multiply(a, b), operator.mul, _interval_product
)
_DIVIDE = _Operation("/", _int_quotient, _decimal_quotient, _float_quotient, _interval_quotient)
_MODULO = _Operation("%", _int_remainder, _decimal_remainder, _float_remainder, _no_meaning)
