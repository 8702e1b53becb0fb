"""CAST to the interval types, and interval literals."""

from __future__ import annotations

from typing import Any

from qldbkit.partiql import intervals
from qldbkit.partiql.errors import EvaluationError
from qldbkit.partiql.intervals import Interval, IntervalError, Span
from qldbkit.partiql.kinds import TEXTS, Kind, kind, text_of, type_name
from qldbkit.partiql.type_names import interval_fields


def cast_interval(value: Any, name: str, arguments: tuple[int, ...]) -> Interval:
    """The value as an interval of a type.

    Args:
        value: an interval of the same span, or its text.
        name: ``INTERVAL first`` or ``INTERVAL first TO last``.
        arguments: digits of the first field, then digits of the second's fraction.

    Raises:
        EvaluationError: it is neither an interval nor a text, or of the other span.
        IntervalError: it has too many digits, or its text is not of that form.
    """
    first, last = interval_fields(name)
    precision = arguments[0] if arguments else None
    fraction = arguments[1] if len(arguments) > 1 else None
    if kind(value) in TEXTS:
        return intervals.parse_interval(text_of(value), first, last, precision, fraction)
    if kind(value) is not Kind.INTERVAL or (value.span is Span.YEAR_MONTH) != (
        first in {"YEAR", "MONTH"}
    ):
        raise EvaluationError(f"a value of type {type_name(value)} cannot be cast to {name}")
    return _refitted(value, (first, last), precision, fraction)


def _refitted(
    interval: Interval, ends: tuple[str, str | None], precision: int | None, fraction: int | None
) -> Interval:
    digits = intervals.DEFAULT_LEADING_PRECISION if precision is None else precision
    size = abs(interval.amount)
    if size // intervals.unit_of(ends[0]) >= 10**digits:
        raise IntervalError(f"interval {interval} has more than {digits} digits of {ends[0]}")
    step = intervals.smallest_unit(ends[1] or ends[0], fraction)
    kept = size // step * step
    return intervals.interval(interval.span, -kept if interval.amount < 0 else kept, digits)
