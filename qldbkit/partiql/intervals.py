"""Lengths of time, as SQL has them: years and months, or days down to parts of a second."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum
from fractions import Fraction

from qldbkit.partiql.decimals import exact
from qldbkit.partiql.errors import ComputationError

DEFAULT_LEADING_PRECISION = 2
"""Digits that the first field of an interval may have when none are written."""
DEFAULT_FRACTION_PRECISION = 6
"""Digits of a second that an interval keeps when none are written."""
MAX_FRACTION_DIGITS = 9

NANOS_PER_SECOND = 10**9
_NANOS = {
    "DAY": 86_400 * NANOS_PER_SECOND,
    "HOUR": 3_600 * NANOS_PER_SECOND,
    "MINUTE": 60 * NANOS_PER_SECOND,
    "SECOND": NANOS_PER_SECOND,
}
_MONTHS = {"YEAR": 12, "MONTH": 1}
_FIELDS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
# What stands between a field and the one before it, and how large a field after the first may be.
_SEPARATORS = {"MONTH": "-", "HOUR": " ", "MINUTE": ":", "SECOND": ":"}
_LIMITS = {"MONTH": 11, "HOUR": 23, "MINUTE": 59, "SECOND": 59}


class IntervalError(ComputationError):
    """The interval cannot be written or computed within its precision."""


class Span(Enum):
    """The two kinds of interval, which do not mix: a month has no fixed number of days."""

    YEAR_MONTH = "year-month"
    DAY_TIME = "day-time"


@dataclass(frozen=True, slots=True)
class Interval:
    """A length of time, with its sign.

    Attributes:
        span: which kind it is.
        amount: months of a year-month interval, nanoseconds of a day-time interval.
        precision: digits that its years or days may have; results must stay within it.
    """

    span: Span
    amount: int
    precision: int = field(default=DEFAULT_LEADING_PRECISION, compare=False)

    def plus(self, other: Interval) -> Interval:
        """The sum of two intervals of one span, checked against the wider precision."""
        precision = max(self.precision, other.precision)
        return Interval(self.span, self.amount + other.amount, precision).checked()

    def negated(self) -> Interval:
        """The same length the other way."""
        return replace(self, amount=-self.amount)

    def times(self, factor: Decimal | float) -> Interval:
        """The interval multiplied; parts below a month or a microsecond are cut off."""
        return self._scaled(Fraction(self.amount) * Fraction(factor))

    def divided(self, divisor: Decimal | float) -> Interval:
        """The interval divided; parts below a month or a microsecond are cut off.

        Raises:
            IntervalError: the divisor is zero, or the result has more digits than its precision.
        """
        if divisor == 0:
            raise IntervalError("an interval cannot be divided by zero")
        if self.span is Span.YEAR_MONTH and isinstance(divisor, float):
            # Exact division by 0.225e0, which is a little more than 9/40, would lose a month.
            return self._scaled(Fraction(self.amount / divisor))
        return self._scaled(Fraction(self.amount) / Fraction(divisor))

    def checked(self) -> Interval:
        """The interval itself.

        Raises:
            IntervalError: its years or days have more digits than its precision.
        """
        unit = 12 if self.span is Span.YEAR_MONTH else _NANOS["DAY"]
        if abs(self.amount) // unit >= 10**self.precision:
            raise IntervalError(f"interval {self} has more than {self.precision} leading digits")
        return self

    def _scaled(self, amount: Fraction) -> Interval:
        step = 1 if self.span is Span.YEAR_MONTH else 1000
        return Interval(self.span, int(amount / step) * step, self.precision).checked()

    def parts(self) -> dict[str, int]:
        """The absolute values of its fields: years and months, or days down to nanos."""
        size = abs(self.amount)
        if self.span is Span.YEAR_MONTH:
            return {"years": size // 12, "months": size % 12}
        seconds, nanos = divmod(size, NANOS_PER_SECOND)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        return {
            "days": days,
            "hours": hours,
            "minutes": minutes,
            "seconds": seconds,
            "nanos": nanos,
        }

    def __str__(self) -> str:
        sign, part = "-" if self.amount < 0 else "", self.parts()
        if self.span is Span.YEAR_MONTH:
            return f"{sign}{part['years']}-{part['months']}"
        text = f"{sign}{part['days']} {part['hours']}:{part['minutes']:02d}:{part['seconds']:02d}"
        return f"{text}.{part['nanos']:09d}".rstrip("0") if part["nanos"] else text


def difference(seconds: Decimal) -> Interval:
    """The day-time interval between two times, as wide as it needs to be."""
    return interval(Span.DAY_TIME, int(seconds.scaleb(9, exact())), DEFAULT_LEADING_PRECISION)


def parse_interval(
    text: str,
    start: str,
    end: str | None = None,
    precision: int | None = None,
    fraction: int | None = None,
) -> Interval:
    """Read the text of an interval literal.

    Args:
        text: such as ``-1 2:30:45.123``.
        start: the first field: YEAR, MONTH, DAY, HOUR, MINUTE or SECOND.
        end: the last field, of ``start TO end``; None when there is one field.
        precision: digits that the first field may have.
        fraction: digits of a second to keep.

    Raises:
        IntervalError: the text is not of that form, or a field is too large.
    """
    names = field_names(start, end)
    match = re.fullmatch(_pattern(names), text.strip(), re.ASCII)
    if match is None:
        raise IntervalError(
            f"'{text}' is not an interval of {' TO '.join({start: 0, end or start: 0})}"
        )
    numbers = list(match.groups()[1:])
    leading = DEFAULT_LEADING_PRECISION if precision is None else precision
    _check_fields(text, names, numbers, leading)
    amount = _amount(names, numbers, fraction)
    span = Span.YEAR_MONTH if start in _MONTHS else Span.DAY_TIME
    return interval(span, -amount if match[1] == "-" else amount, leading)


def interval(span: Span, amount: int, precision: int) -> Interval:
    """An interval whose precision is widened to the years or days that it already holds.

    A thousand seconds of MINUTE(4) may be more days than a MINUTE(4) has digits.
    """
    unit = 12 if span is Span.YEAR_MONTH else _NANOS["DAY"]
    return Interval(span, amount, max(precision, len(str(abs(amount) // unit))))


def unit_of(name: str) -> int:
    """Months in a year or month; nanoseconds in the other fields."""
    return _MONTHS[name] if name in _MONTHS else _NANOS[name]


def smallest_unit(name: str, fraction: int | None) -> int:
    """What an interval that ends in a field is a multiple of, in months or nanoseconds."""
    if name != "SECOND":
        return unit_of(name)
    digits = DEFAULT_FRACTION_PRECISION if fraction is None else fraction
    return int(10 ** (MAX_FRACTION_DIGITS - min(digits, MAX_FRACTION_DIGITS)))


def field_names(start: str, end: str | None) -> Sequence[str]:
    """The fields from ``start`` to ``end``.

    Raises:
        IntervalError: there is no such field, or the two do not belong together.
    """
    first = _FIELDS.index(start) if start in _FIELDS else -1
    last = first if end is None else _FIELDS.index(end) if end in _FIELDS else -1
    one_span = (start in _MONTHS) == ((end or start) in _MONTHS)
    if first < 0 or last < first or (end is not None and first == last) or not one_span:
        raise IntervalError(f"there is no interval of {start}{'' if end is None else f' TO {end}'}")
    return _FIELDS[first : last + 1]


def _pattern(names: Sequence[str]) -> str:
    pieces = [r"([+-]?)"]
    for position, name in enumerate(names):
        number = rf"(\d+(?:\.\d{{1,{MAX_FRACTION_DIGITS}}})?)" if name == "SECOND" else r"(\d+)"
        pieces.append((_SEPARATORS[name] if position else "") + number)
    return "".join(pieces)


def _check_fields(text: str, names: Sequence[str], numbers: Sequence[str], leading: int) -> None:
    if len(numbers[0].partition(".")[0].lstrip("0")) > leading:
        raise IntervalError(f"'{text}' has more than {leading} digits in its {names[0]}")
    for name, number in zip(names[1:], numbers[1:], strict=True):
        if int(number.partition(".")[0]) > _LIMITS[name]:
            raise IntervalError(f"'{text}' has a {name} above {_LIMITS[name]}")


def _amount(names: Sequence[str], numbers: Sequence[str], fraction: int | None) -> int:
    if names[0] in _MONTHS:
        return sum(_MONTHS[n] * int(v) for n, v in zip(names, numbers, strict=True))
    nanos = sum(int(_NANOS[n] * Decimal(v)) for n, v in zip(names, numbers, strict=True))
    step = smallest_unit(names[-1], fraction)
    return nanos // step * step
