"""Time, as ledgers need it: the time of day to the millisecond, and time that only goes forward."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Protocol

from amazon.ion.core import OffsetTZInfo, Timestamp, TimestampPrecision

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_UTC: Final = OffsetTZInfo(timedelta())


class Clock(Protocol):
    """Where a ledger gets the time from; tests give one that they move themselves."""

    def milliseconds(self) -> int:
        """The time of day: milliseconds since 1970 in UTC."""

    def monotonic(self) -> float:
        """Seconds from any point; it never goes back."""


class SystemClock:
    """The machine's clocks."""

    def milliseconds(self) -> int:
        """The time of day: milliseconds since 1970 in UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds from any point; it never goes back."""
        return time.monotonic()


@lru_cache(maxsize=64)
def to_timestamp(milliseconds: int) -> Timestamp:
    """An Ion timestamp in UTC to the millisecond, as QLDB writes them."""
    at = _EPOCH + milliseconds * _MILLISECOND
    return Timestamp(
        at.year,
        at.month,
        at.day,
        at.hour,
        at.minute,
        at.second,
        at.microsecond,
        _UTC,
        precision=TimestampPrecision.SECOND,
        fractional_precision=3,
    )


def to_milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 of a time; one without an offset counts as UTC."""
    offset = moment.utcoffset() or timedelta()
    return (moment.replace(tzinfo=UTC) - offset - _EPOCH) // _MILLISECOND
