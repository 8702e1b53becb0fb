"""A time of day, with or without an offset from UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from qldbkit.partiql.decimals import added, rounded

MAX_FRACTION_DIGITS = 9
"""Digits of a second that a time literal keeps; what is beyond is cut off."""

_TIME = re.compile(r"(\d{2}):(\d{2}):(\d{2})(\.\d+)?\s*([+-]\d{2}:\d{2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day.

    Attributes:
        hour: 0 to 23.
        minute: 0 to 59.
        second: 0 to under 60, with its fraction.
        offset: minutes east of UTC; None for a time without time zone.
    """

    hour: int
    minute: int
    second: Decimal
    offset: int | None = None

    def instant(self) -> Decimal:
        """Seconds since midnight in UTC (a time without time zone counts as UTC).

        It may be negative or above a day's length: a time of day belongs to no day.
        """
        return added((self.hour * 60 + self.minute - (self.offset or 0)) * 60, self.second)

    def __str__(self) -> str:
        text = f"{self.hour:02d}:{self.minute:02d}:{_two_digits(self.second)}"
        return text if self.offset is None else text + offset_text(self.offset)


def parse_time(text: str, precision: int | None = None) -> Time | None:
    """Read ``HH:MM:SS[.fraction][+-HH:MM]``; None when it is not that.

    Args:
        text: the literal's text.
        precision: digits of the second to round to; None keeps up to nine.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, minute = int(match[1]), int(match[2])
    second = _cut(Decimal(match[3] + (match[4] or "")))
    offset = None if match[5] is None else parse_offset(match[5])
    if hour > 23 or minute > 59 or second >= 60 or (match[5] and offset is None):
        return None
    time = Time(hour, minute, second, offset)
    return time if precision is None else round_time(time, precision)


def round_time(time: Time, precision: int) -> Time:
    """The time with ``precision`` digits of its second; it wraps around at midnight."""
    second = rounded(time.second, precision, ROUND_HALF_UP)
    if second < 60:
        return Time(time.hour, time.minute, second, time.offset)
    hour, minute = divmod(time.hour * 60 + time.minute + 1, 60)
    return Time(hour % 24, minute, added(second, -60), time.offset)


def parse_offset(text: str) -> int | None:
    """Minutes east of UTC of ``+HH:MM``; None when hours or minutes are out of range."""
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        return None
    total = hours * 60 + minutes
    return -total if text[0] == "-" else total


def offset_text(offset: int) -> str:
    """``+HH:MM`` of minutes east of UTC."""
    hours, minutes = divmod(abs(offset), 60)
    return f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"


def _cut(second: Decimal) -> Decimal:
    digits = -int(second.as_tuple().exponent)
    if digits <= MAX_FRACTION_DIGITS:
        return second
    return rounded(second, MAX_FRACTION_DIGITS, ROUND_DOWN)


def _two_digits(second: Decimal) -> str:
    return f"0{second}" if second < 10 else str(second)
