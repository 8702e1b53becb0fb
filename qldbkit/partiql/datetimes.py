"""Dates, times and timestamps combined with intervals and with each other."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from amazon.ion.core import TimestampPrecision

from qldbkit.partiql import intervals, timestamps
from qldbkit.partiql.decimals import added, exact, normalized
from qldbkit.partiql.errors import EvaluationError
from qldbkit.partiql.intervals import NANOS_PER_SECOND, Interval, Span
from qldbkit.partiql.keys import date_instant, fraction_of, instant
from qldbkit.partiql.kinds import (
    ABSENT,
    COLLECTIONS,
    MISSING,
    Kind,
    is_absent,
    is_null,
    kind,
    type_name,
)
from qldbkit.partiql.times import Time

_DAY_NANOS = 86_400 * NANOS_PER_SECOND
_INSTANTS = frozenset({Kind.DATE, Kind.TIMESTAMP})
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)


def parse_date(text: str) -> datetime.date | None:
    """The date of ``YYYY-MM-DD``; None when it is not that, or there is no such day."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    try:
        return datetime.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def date_of(timestamp: Any) -> datetime.date:
    """The calendar day of a timestamp, in its own offset."""
    return datetime.date(timestamp.year, timestamp.month, timestamp.day)


def timestamp_of(date: datetime.date) -> Any:
    """The timestamp, precise to the day, of a date."""
    return timestamps.make((date.year, date.month, date.day), TimestampPrecision.DAY, None)


def time_of(timestamp: Any) -> Time:
    """The time of day of a timestamp, with its offset."""
    second = added(timestamp.second, fraction_of(timestamp))
    return Time(timestamp.hour, timestamp.minute, second, timestamps.offset_of(timestamp))


def plus(a: Any, b: Any) -> Any:
    """The sum of an interval and a date, time, timestamp or interval, in either order."""
    if isinstance(b, Interval):
        return _moved(a, b)
    return _moved(b, a) if isinstance(a, Interval) else NotImplemented


def minus(a: Any, b: Any) -> Any:
    """What is left without an interval; or the interval between two dates, times or timestamps."""
    if isinstance(b, Interval):
        return _moved(a, b.negated())
    kinds = {kind(a), kind(b)}
    if kinds == {Kind.TIME}:
        return intervals.difference(exact().subtract(a.instant(), b.instant()))
    if kinds <= _INSTANTS:
        return intervals.difference(exact().subtract(_seconds(a), _seconds(b)))
    return NotImplemented


def _moved(value: Any, interval: Interval) -> Any:
    what = kind(value)
    if what is Kind.INTERVAL:
        return value.plus(interval) if value.span is interval.span else NotImplemented
    if what is Kind.DATE:
        return _move_date(value, interval)
    if what is Kind.TIME:
        return _move_time(value, interval) if interval.span is Span.DAY_TIME else NotImplemented
    return _move_timestamp(value, interval) if what is Kind.TIMESTAMP else NotImplemented


def _move_date(date: datetime.date, interval: Interval) -> Any:
    if interval.span is Span.DAY_TIME and interval.amount % _DAY_NANOS:
        return NotImplemented
    return date_of(_move_timestamp(timestamp_of(date), interval))


def _move_timestamp(timestamp: Any, interval: Interval) -> Any:
    if interval.span is Span.YEAR_MONTH:
        return timestamps.shift_exactly(timestamp, interval.amount, 0)
    return timestamps.shift_exactly(timestamp, 0, interval.amount)


def _move_time(time: Time, interval: Interval) -> Time:
    nanos = (time.hour * 60 + time.minute) * 60 * NANOS_PER_SECOND
    nanos += int(time.second.scaleb(9, exact())) + interval.amount
    minutes, rest = divmod(nanos % _DAY_NANOS, 60 * NANOS_PER_SECOND)
    second = Decimal(rest).scaleb(-9)
    return Time(minutes // 60, minutes % 60, added(normalized(second), 0), time.offset)


def _seconds(value: Any) -> Decimal:
    whole, fraction = date_instant(value) if kind(value) is Kind.DATE else instant(value)
    return added(whole, fraction)


def overlaps(a: Any, b: Any) -> Any:
    """SQL's OVERLAPS of two periods, each a start with an end or a length.

    Args:
        a: a list or bag of two: a date, time or timestamp, then another or an interval.
        b: likewise.

    Returns:
        True or False; None where an absent start or end leaves it open, MISSING when an operand
        is MISSING.

    Raises:
        EvaluationError: an operand is not a period.
    """
    if a is MISSING or b is MISSING:
        return MISSING
    if is_null(a) or is_null(b):
        return None
    return _periods_overlap(_period(a), _period(b))


_PERIOD_KINDS = ABSENT | {Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.INTERVAL}


def _period(value: Any) -> tuple[Decimal | None, Decimal | None]:
    """Its start and end in order; one that is absent comes last."""
    if kind(value) not in COLLECTIONS or len(value) != 2:
        raise EvaluationError(f"OVERLAPS needs a start and an end, not {type_name(value)}")
    for end in value:
        if kind(end) not in _PERIOD_KINDS:
            raise EvaluationError(f"OVERLAPS compares times, not {type_name(end)}")
    return _ordered(value)


def _ordered(value: Sequence[Any]) -> tuple[Decimal | None, Decimal | None]:
    start, end = value
    if isinstance(end, Interval):
        end = None if is_absent(start) else plus(start, end)
    first, last = _point(start), _point(end)
    swapped = first is None or (last is not None and last < first)
    return (last, first) if swapped else (first, last)


def _point(value: Any) -> Decimal | None:
    if is_absent(value):
        return None
    if kind(value) is Kind.TIME:
        return Decimal(value.instant())
    if kind(value) not in _INSTANTS:
        raise EvaluationError(f"OVERLAPS compares times, not {type_name(value)}")
    return _seconds(value)


def _periods_overlap(
    a: tuple[Decimal | None, Decimal | None], b: tuple[Decimal | None, Decimal | None]
) -> bool | None:
    """SQL's definition, three-valued: a period that begins later begins before the other ends."""
    (start_a, end_a), (start_b, end_b) = a, b
    if start_a is None or start_b is None:
        return None
    if start_a == start_b:
        return True if end_a is not None and end_b is not None else None
    later, later_end, end = (
        (start_a, end_a, end_b) if start_a > start_b else (start_b, end_b, end_a)
    )
    if end is None:
        return None
    # A period that begins after the other ends may, when its end is unknown, have begun earlier.
    return True if later < end else None if later_end is None else False
