"""Ion timestamps: made, shifted, compared and taken apart with their precision and offset kept."""

from __future__ import annotations

import calendar
import datetime
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from amazon.ion.core import Timestamp, TimestampPrecision

from qldbkit.partiql import decimals
from qldbkit.partiql.decimals import added
from qldbkit.partiql.errors import EvaluationError
from qldbkit.partiql.keys import fraction_of, instant
from qldbkit.partiql.times import offset_text

PARTS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
ZONE_PARTS = ("TIMEZONE_HOUR", "TIMEZONE_MINUTE")

_PRECISION_OF = {
    "YEAR": TimestampPrecision.YEAR,
    "MONTH": TimestampPrecision.MONTH,
    "DAY": TimestampPrecision.DAY,
    "HOUR": TimestampPrecision.MINUTE,
    "MINUTE": TimestampPrecision.MINUTE,
    "SECOND": TimestampPrecision.SECOND,
}
_SECONDS = {"DAY": 86_400, "HOUR": 3_600, "MINUTE": 60, "SECOND": 1}
_MONTHS = {"YEAR": 12, "MONTH": 1}
_ION_TEXT = re.compile(
    r"(\d{4})(?:T|-(\d\d)(?:T|-(\d\d)(?:T?|T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?"
    r"(Z|[+-]\d\d:\d\d))))",
    re.ASCII,
)
_SQL_TEXT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(\.\d+)?\s*([+-]\d\d:\d\d|Z)?", re.ASCII
)
_ZERO = Decimal(0)


def make(
    fields: tuple[int, ...],
    precision: TimestampPrecision,
    offset: int | None,
    fraction: Decimal = _ZERO,
) -> Timestamp:
    """A timestamp.

    Args:
        fields: year, month, day, hour, minute and second; those that are left out are the first.
        precision: how much of it counts.
        offset: minutes east of UTC; None for an unknown one.
        fraction: of a second, its digits kept.

    Raises:
        EvaluationError: there is no such day or time, or the year is not from 1 to 9999.
    """
    zone = None if offset is None else datetime.timezone(datetime.timedelta(minutes=offset))
    try:
        return Timestamp(*fields, tzinfo=zone, precision=precision, fractional_seconds=fraction)
    except (ValueError, OverflowError) as error:
        raise EvaluationError(f"there is no such time: {error}") from error


def offset_of(timestamp: Any) -> int | None:
    """Its offset in minutes east of UTC; None when it is unknown."""
    offset = timestamp.utcoffset()
    return None if offset is None else int(offset.total_seconds()) // 60


def precision_of(timestamp: Any) -> TimestampPrecision:
    """Its precision; that of a plain datetime is the second."""
    precision = getattr(timestamp, "precision", None)
    return TimestampPrecision.SECOND if precision is None else TimestampPrecision(precision)


def shift(part: str, amount: int, timestamp: Any) -> Timestamp:
    """DATE_ADD: the timestamp moved by ``amount`` of one of `PARTS`.

    The result has the precision of the part where that is finer, and the offset of the timestamp:
    where that had none, it is unknown, as the conformance suite has it. (The developer guide's
    example of it writes Z, which is the same instant.)

    Raises:
        EvaluationError: the result is not in the years 1 to 9999.
    """
    precision = max(precision_of(timestamp), _PRECISION_OF[part])
    if part in _MONTHS:
        fields = _plus_months(timestamp, amount * _MONTHS[part])
    else:
        fields = _plus_seconds(timestamp, amount * _SECONDS[part])
    return make(fields, precision, offset_of(timestamp), fraction_of(timestamp))


def shift_exactly(timestamp: Any, months: int, nanos: int) -> Timestamp:
    """The timestamp moved by an interval; its precision is at least what the interval needs."""
    if nanos == 0:
        return shift("MONTH", months, timestamp) if months else timestamp
    seconds, rest = divmod(nanos, 10**9)
    fraction = added(fraction_of(timestamp), Decimal(rest).scaleb(-9))
    carry, fraction = _carried(fraction)
    if fraction != 0 or rest:
        fraction = _without_padding(fraction, fraction_of(timestamp))
    part = next((p for p in ("DAY", "MINUTE") if nanos % (_SECONDS[p] * 10**9) == 0), "SECOND")
    moved = shift(part, 0, timestamp)
    fields = _plus_seconds(moved, seconds + carry)
    return make(fields, precision_of(moved), offset_of(moved), fraction)


def rounded(timestamp: Any, digits: int) -> Timestamp:
    """The timestamp with ``digits`` digits of its second."""
    carry, fraction = _carried(decimals.rounded(fraction_of(timestamp), digits, ROUND_HALF_UP))
    fields = _plus_seconds(timestamp, carry)
    return make(fields, precision_of(timestamp), offset_of(timestamp), fraction)


def _carried(fraction: Decimal) -> tuple[int, Decimal]:
    """Whole seconds, and the fraction below one."""
    whole = int(fraction)
    return whole, added(fraction, -whole)


def _without_padding(fraction: Decimal, before: Decimal) -> Decimal:
    """Drop the zeros that adding nanoseconds brought, down to the digits that were there."""
    digits = -int(before.as_tuple().exponent)
    text = f"{fraction:f}".partition(".")[2].rstrip("0")
    return Decimal(f"0.{text.ljust(max(digits, 0), '0')}" if text or digits > 0 else "0")


def _plus_months(timestamp: Any, months: int) -> tuple[int, ...]:
    year, month = divmod(timestamp.year * 12 + timestamp.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise EvaluationError(f"year {_abbreviated(year)} is not from 1 to 9999")
    # The 31st of a month that has fewer days becomes its last day, as Ion's own libraries do it.
    day = min(timestamp.day, calendar.monthrange(year, month + 1)[1])
    return year, month + 1, day, timestamp.hour, timestamp.minute, timestamp.second


def _plus_seconds(timestamp: Any, seconds: int) -> tuple[int, ...]:
    local = datetime.datetime(
        timestamp.year,
        timestamp.month,
        timestamp.day,
        timestamp.hour,
        timestamp.minute,
        timestamp.second,
    )
    try:
        return (local + datetime.timedelta(seconds=seconds)).timetuple()[:6]
    except OverflowError as error:
        raise EvaluationError("the result is not in the years 1 to 9999") from error


def _abbreviated(number: int) -> str:
    return str(number) if abs(number) < 10**12 else "out of all bounds"


def difference(part: str, earlier: Any, later: Any) -> int:
    """DATE_DIFF: how many whole parts lie between two timestamps.

    Negative when ``later`` is before ``earlier``. Only what is complete counts: from 31 December
    to 1 January there are no months (developer guide, DATE_DIFF).
    """
    return instants_apart(part, instant(earlier), instant(later))


def instants_apart(part: str, start: tuple[int, Decimal], end: tuple[int, Decimal]) -> int:
    """`difference` of two times that are given as seconds and fractions of one."""
    sign = 1 if start <= end else -1
    first, last = sorted((start, end))
    if part in _MONTHS:
        return sign * (_whole_months(first, last) // _MONTHS[part])
    # A second that is not complete does not count.
    seconds = last[0] - first[0] - (last[1] < first[1])
    return sign * (seconds // _SECONDS[part])


def _whole_months(first: tuple[int, Decimal], last: tuple[int, Decimal]) -> int:
    a, b = _calendar(first[0]), _calendar(last[0])
    months = (b[0] - a[0]) * 12 + b[1] - a[1]
    return months - ((b[2:], last[1]) < (a[2:], first[1]))


def _calendar(seconds: int) -> tuple[int, int, int, int]:
    days, rest = divmod(seconds, 86_400)
    # An offset can put an instant of the first or last year's end outside of the calendar.
    date = datetime.date.fromordinal(min(max(days, 1), datetime.date.max.toordinal()))
    return date.year, date.month, date.day, rest


def extract(part: str, timestamp: Any) -> int | Decimal:
    """EXTRACT: one of `PARTS` or `ZONE_PARTS` of a timestamp.

    What is beyond the precision is the first month, day or 0, and an unknown offset is 0.
    A second with a fraction is a decimal.
    """
    if part == "SECOND":
        fraction = fraction_of(timestamp)
        return added(timestamp.second, fraction) if fraction else int(timestamp.second)
    if part in ZONE_PARTS:
        offset = offset_of(timestamp) or 0
        size = abs(offset) // 60 if part == "TIMEZONE_HOUR" else abs(offset) % 60
        return -size if offset < 0 else size
    return int(getattr(timestamp, part.lower()))


def parse_ion(text: str) -> Timestamp | None:
    """The timestamp that an Ion text is; None when it is not one."""
    # Not read by amazon.ion, whose C extension takes ten or more digits of a second for none.
    match = _ION_TEXT.fullmatch(text)
    return None if match is None else _parsed(match, _ION_PRECISIONS[match.lastindex or 0])


# By the last group of `_ION_TEXT` that a text has; an offset comes with a minute or a second.
_ION_PRECISIONS = {
    1: TimestampPrecision.YEAR,
    2: TimestampPrecision.MONTH,
    3: TimestampPrecision.DAY,
    8: TimestampPrecision.MINUTE,
}


def parse_sql(text: str) -> Timestamp | None:
    """The timestamp of ``YYYY-MM-DD HH:MM:SS[.fraction][+-HH:MM]``; None when it is not that."""
    match = _SQL_TEXT.fullmatch(text)
    return None if match is None else _parsed(match, TimestampPrecision.SECOND)


def _parsed(match: re.Match[str], precision: TimestampPrecision) -> Timestamp | None:
    *fields, fraction, offset = match.groups()
    if fields[5] is not None:
        precision = TimestampPrecision.SECOND
    numbers = tuple(int(field) for field in fields if field is not None)
    try:
        minutes = _offset_minutes(offset)
        return make(numbers, precision, minutes, Decimal(f"0{fraction or ''}"))
    except EvaluationError:
        return None


def _offset_minutes(text: str | None) -> int | None:
    if text is None or text == "-00:00":
        return None
    if text == "Z":
        return 0
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise EvaluationError(f"there is no offset {text}")
    return (hours * 60 + minutes) * (-1 if text[0] == "-" else 1)


def ion_text(timestamp: Any) -> str:
    """The timestamp as Ion text writes it, all of its digits included."""
    precision = precision_of(timestamp)
    text = f"{timestamp.year:04d}"
    if precision is TimestampPrecision.YEAR:
        return f"{text}T"
    text += f"-{timestamp.month:02d}"
    if precision is TimestampPrecision.MONTH:
        return f"{text}T"
    text += f"-{timestamp.day:02d}"
    return text if precision is TimestampPrecision.DAY else f"{text}T{_time_text(timestamp)}"


def _time_text(timestamp: Any) -> str:
    text = f"{timestamp.hour:02d}:{timestamp.minute:02d}"
    if precision_of(timestamp) is TimestampPrecision.SECOND:
        fraction = f"{fraction_of(timestamp):f}".partition(".")[2]
        text += f":{timestamp.second:02d}" + (f".{fraction}" if fraction else "")
    offset = offset_of(timestamp)
    if offset is None:
        return f"{text}-00:00"
    return f"{text}Z" if offset == 0 else text + offset_text(offset)
