"""Times as numbers, read from an Ion timestamp's bytes."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Final

from qldbkit.journal import kernel
from qldbkit.journal.binary import IonFormatError, IonType, truncated, value_bounds, var_uint
from qldbkit.journal.ion import IonSpan

_DAY_ONE: Final = date(1970, 1, 1).toordinal()
_MICROSECOND_DIGITS: Final = 6


def microseconds(span: IonSpan) -> int:
    """Microseconds since 1970 of a timestamp; digits beyond them are cut.

    Raises:
        IonFormatError: it is no timestamp, null, or there is no such time.
    """
    answer = kernel.microseconds(span)
    if answer is not None:
        return answer
    if span.ion_type != IonType.TIMESTAMP or span.is_null or span.annotation_ids:
        raise IonFormatError("a timestamp was expected", span.start)
    data = span.data
    try:
        at, end = value_bounds(data, span.start, span.end)
        _, at = var_uint(data, at)  # the offset to UTC is for showing; the fields are in UTC
        year, at = var_uint(data, at)
        fields = [1, 1, 0, 0, 0]
        for place in range(5):
            if at == end:
                break
            fields[place] = data[at] - 0x80
            at += 1
            if fields[place] < 0:
                fields[place], at = var_uint(data, at - 1)
        month, day, hour, minute, second = fields
        days = _days(year, month, day)
    except (IndexError, ValueError) as error:
        raise (
            truncated(data)
            if isinstance(error, IndexError)
            else IonFormatError(f"there is no such day: {error}", span.start)
        ) from error
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
    return seconds * 10**_MICROSECOND_DIGITS + _fraction(data, at, end)


@lru_cache(maxsize=64)
def _days(year: int, month: int, day: int) -> int:
    """Days since 1970; what is read together was mostly written on one day."""
    return date(year, month, day).toordinal() - _DAY_ONE


def _fraction(data: bytes, at: int, end: int) -> int:
    if at >= end:
        return 0
    octet = data[at]  # an exponent of one byte: more digits than 63 are no clock's
    if not octet & 0x80:
        raise IonFormatError("a fraction of a second is too fine", at)
    exponent = octet & 0x3F if not octet & 0x40 else -(octet & 0x3F)
    shift = exponent + _MICROSECOND_DIGITS
    coefficient = int.from_bytes(data[at + 1 : end], "big")
    scale: int = 10 ** abs(shift)
    return coefficient * scale if shift >= 0 else coefficient // scale
