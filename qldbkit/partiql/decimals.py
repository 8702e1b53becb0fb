"""Decimal arithmetic that never rounds without being asked to.

Python's operators on `Decimal` round to the thread's 28 digits; an Ion decimal, and the fraction of
an Ion timestamp, may have more. So nothing in this package uses them on values of documents.
"""

from __future__ import annotations

import decimal
import threading
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal

DIVISION_DIGITS = 38
"""Significant digits of a quotient of decimals."""
MAX_DIGITS = 600_000
"""Digits that a computed number may have: more than any document can hold."""

_REFUSED = [decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow]


class _Contexts(threading.local):
    """The contexts of one thread; they are slow to make, and hold flags that operations set."""

    def __init__(self) -> None:
        self.exact = _context(MAX_DIGITS, [*_REFUSED, decimal.Inexact, decimal.Subnormal])
        self.dividing = _context(DIVISION_DIGITS, _REFUSED)
        self.normalizing = _context(MAX_PREC, _REFUSED)


def _context(digits: int, traps: list[type[decimal.DecimalException]]) -> Context:
    return Context(digits, ROUND_HALF_EVEN, MIN_EMIN, MAX_EMAX, traps=traps)


_contexts = _Contexts()


def exact() -> Context:
    """A context that raises a ``decimal`` exception rather than lose a digit."""
    return _contexts.exact


def dividing() -> Context:
    """A context that rounds to `DIVISION_DIGITS`, half to even."""
    return _contexts.dividing


def normalized(value: Decimal) -> Decimal:
    """The same number without zeros at its end."""
    return value.normalize(_contexts.normalizing)


def added(a: Decimal | int, b: Decimal | int) -> Decimal:
    """The exact sum."""
    return _contexts.exact.add(a, b)


def rounded(value: Decimal, digits: int, rounding: str) -> Decimal:
    """The number with ``digits`` digits after the point."""
    return value.quantize(Decimal(1).scaleb(-digits), rounding, _contexts.normalizing)
