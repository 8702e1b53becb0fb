"""Ion timestamps between their binary encoding and Ion's text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from qldbkit.journal.binary import IonType, var_uint
from qldbkit.journal.encoding import container, var_uint_bytes

FRACTION_DIGITS: Final = 1000
"""Digits behind the point of a second that a text has at most."""
_UNKNOWN_OFFSET: Final = 0xC0
_UNKNOWN_OFFSET_BYTES: Final = bytes((_UNKNOWN_OFFSET,))
_MINUTES: Final = 24 * 60
_TIME: Final = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?T"
    r"(?:(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d))?",
    re.ASCII,
)


class UnusualTimeError(Exception):
    """A timestamp that Ion's text, or a calendar, does not have."""


def time_text(data: bytes, at: int, end: int) -> str:
    """A timestamp as Ion's text has it: in its own offset, to its own precision.

    Raises:
        UnusualTimeError, ValueError, OverflowError: the text has no such time.
    """
    unknown = data[at] == _UNKNOWN_OFFSET
    offset, at = var_int(data, at)
    numbers: list[int] = []
    while at < end and len(numbers) < 6:
        number, at = var_uint(data, at)
        numbers.append(number)
    year, month, day, hour, minute, second = (numbers + [0, 1, 1, 0, 0, 0][len(numbers) :])[:6]
    if len(numbers) == 4 or abs(offset) >= _MINUTES or not numbers:
        raise UnusualTimeError
    local = datetime(year, month, day, hour, minute, second) + timedelta(minutes=offset)
    if len(numbers) <= 3:
        if not unknown:
            raise UnusualTimeError
        return local.isoformat()[: (4, 7, 10)[len(numbers) - 1]] + "T"
    text = local.isoformat()[: 16 if len(numbers) == 5 else 19] + _fraction(data, at, end)
    if unknown or offset:
        hours, minutes = divmod(abs(offset), 60)
        return f"{text}{'-' if unknown or offset < 0 else '+'}{hours:02}:{minutes:02}"
    return text + "Z"


def _fraction(data: bytes, at: int, end: int) -> str:
    if at == end:
        return ""
    exponent, at = var_int(data, at)
    if exponent >= 0 or exponent < -FRACTION_DIGITS or (at < end and data[at] & 0x80):
        raise UnusualTimeError
    digits = str(int.from_bytes(data[at:end], "big")).rjust(-exponent, "0")
    if len(digits) > -exponent:
        raise UnusualTimeError
    return f".{digits}"


def time_bytes(text: str) -> bytes:
    """A timestamp's binary encoding, by its text.

    Raises:
        ValueError, OverflowError: no timestamp is written so.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("no timestamp is written so")
    *numbers, fraction, zone = match.groups()
    given = [int(each) for each in numbers if each is not None]
    moment = datetime(*[*given, 1, 1][: max(3, len(given))])  # type: ignore[arg-type]
    if zone is None:
        return _encoded(_UNKNOWN_OFFSET_BYTES, given)
    sign = -1 if zone[0] == "-" else 1
    offset = 0 if zone == "Z" else sign * (int(zone[1:3]) * 60 + int(zone[4:]))
    utc = moment - timedelta(minutes=offset)
    shown = _UNKNOWN_OFFSET_BYTES if zone == "-00:00" else var_int_bytes(offset)
    return _encoded(shown, utc.timetuple()[: len(given)], fraction or "")


def _encoded(offset: bytes, numbers: Iterable[int], fraction: str = "") -> bytes:
    digits = b""
    if fraction:
        number = int(fraction)
        digits = var_int_bytes(-len(fraction)) + number.to_bytes(number.bit_length() // 8 + 1)
    return container(IonType.TIMESTAMP, offset + b"".join(map(var_uint_bytes, numbers)) + digits)


def var_int(data: bytes, at: int) -> tuple[int, int]:
    """Read a VarInt; return it and the offset behind it."""
    octet = data[at]
    number, negative = octet & 0x3F, octet & 0x40
    at += 1
    while not octet & 0x80:
        octet = data[at]
        at += 1
        number = number << 7 | octet & 0x7F
    return -number if negative else number, at


def var_int_bytes(number: int) -> bytes:
    """A number as VarInt."""
    octets = [abs(number) & 0x7F | 0x80]
    rest = abs(number) >> 7
    while rest:
        octets.append(rest & 0x7F)
        rest >>= 7
    if octets[-1] & 0x40:
        octets.append(0)
    octets[-1] |= 0x40 if number < 0 else 0
    return bytes(reversed(octets))
