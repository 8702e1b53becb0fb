"""TO_STRING and TO_TIMESTAMP: timestamps written and read by a format pattern.

The symbols are those of the developer guide's page "Timestamp format strings", and two that it does
not list: MMMMM, the first letter of a month, and n, nanoseconds. Letters stand for parts of the
timestamp; text between single quotes, and everything that is not a letter, stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from amazon.ion.core import Timestamp, TimestampPrecision

from qldbkit.partiql import timestamps
from qldbkit.partiql.decimals import exact
from qldbkit.partiql.errors import EvaluationError, SemanticError
from qldbkit.partiql.keys import fraction_of

CACHED_FORMATS = 64
"""How many analysed patterns are kept."""
MAX_FRACTION_SYMBOLS = 9

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_CENTURY_PIVOT = 70

Read = Callable[[str], tuple[str, int]]


@dataclass(frozen=True, slots=True)
class _Symbol:
    """One format symbol.

    Attributes:
        part: what it stands for; two symbols of one part cannot both be read.
        write: gives its text of a timestamp.
        pattern: the regular expression of its texts.
        read: the number that a text means.
    """

    part: str
    write: Callable[[Any], str]
    pattern: str
    read: Callable[[str], Any]


def to_string(timestamp: Any, pattern: str) -> str:
    """The timestamp written by the pattern.

    Raises:
        SemanticError: the pattern has a symbol that is not known.
    """
    return "".join(
        piece.write(timestamp) if isinstance(piece, _Symbol) else piece
        for piece in _pieces(pattern)
    )


def to_timestamp(text: str, pattern: str) -> Timestamp:
    """The timestamp that a text means by the pattern, as precise as the pattern's finest symbol.

    Raises:
        EvaluationError: the text is not of that form.
        SemanticError: the pattern has a symbol that is not known, or does not make a timestamp.
    """
    expression, symbols = _reader(pattern)
    match = expression.fullmatch(text)
    if match is None:
        raise EvaluationError(f"the text does not have the format '{pattern}'")
    values = zip(symbols, match.groups(), strict=True)
    return _assembled({symbol.part: symbol.read(value) for symbol, value in values})


@lru_cache(maxsize=CACHED_FORMATS)
def _pieces(pattern: str) -> tuple[_Symbol | str, ...]:
    pieces: list[_Symbol | str] = []
    position = 0
    while position < len(pattern):
        match = _PIECE.match(pattern, position)
        if match is None:
            raise SemanticError(f"the format '{pattern}' opens a quote that it does not close")
        pieces.append(_piece(match, pattern))
        position = match.end()
    return tuple(pieces)


def _piece(match: re.Match[str], pattern: str) -> _Symbol | str:
    if match[1] is not None:
        return match[1].replace("''", "'") or "'"
    if match[2] is None:
        return match[0]
    symbol = _SYMBOLS.get(match[0])
    if symbol is None:
        raise SemanticError(f"the format '{pattern}' has the unknown symbol '{match[0]}'")
    return symbol


@lru_cache(maxsize=CACHED_FORMATS)
def _reader(pattern: str) -> tuple[re.Pattern[str], tuple[_Symbol, ...]]:
    pieces = _pieces(pattern)
    symbols = tuple(piece for piece in pieces if isinstance(piece, _Symbol))
    _check_readable(pattern, [symbol.part for symbol in symbols])
    text = "".join(
        f"({piece.pattern})" if isinstance(piece, _Symbol) else re.escape(piece) for piece in pieces
    )
    return re.compile(text, re.ASCII | re.IGNORECASE), symbols


# What a part needs beside it, so that the parts together are a time.
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "month": ("year",),
    "day": ("month",),
    "hour": ("day",),
    "half hour": ("day", "half"),
    "half": ("half hour",),
    "second": ("minute",),
    "fraction": ("second",),
    "offset": ("minute",),
}


_ONLY_WRITTEN = frozenset({"month initial", "nanosecond"})


def _check_readable(pattern: str, parts: list[str]) -> None:
    present = set(parts)
    if present & _ONLY_WRITTEN:
        raise SemanticError(f"the format '{pattern}' has a symbol for writing only")
    hours = present & {"hour", "half hour"}
    lacking = [need for part in parts for need in _NEEDS.get(part, ()) if need not in present]
    if len(present) < len(parts) or len(hours) > 1:
        raise SemanticError(f"the format '{pattern}' has one part of the time twice")
    if lacking or "year" not in present or ("minute" in present and not hours):
        need = lacking[0] if lacking else "year" if "year" not in present else "hour"
        raise SemanticError(f"the format '{pattern}' makes no timestamp without a {need}")


def _assembled(values: Mapping[str, Any]) -> Timestamp:
    hour = values.get("hour", 0)
    if "half hour" in values:
        hour = values["half hour"] % 12 + values["half"]
    fields = (
        values["year"],
        values.get("month", 1),
        values.get("day", 1),
        hour,
        values.get("minute", 0),
        values.get("second", 0),
    )
    fraction = values.get("fraction", Decimal(0))
    return timestamps.make(fields, _precision(values), values.get("offset"), fraction)


def _precision(values: Mapping[str, Any]) -> TimestampPrecision:
    if "second" in values:
        return TimestampPrecision.SECOND
    if "minute" in values or "hour" in values or "half hour" in values:
        return TimestampPrecision.MINUTE
    if "day" in values:
        return TimestampPrecision.DAY
    return TimestampPrecision.MONTH if "month" in values else TimestampPrecision.YEAR


def _two_digit_year(text: str) -> int:
    year = int(text)
    return year + (1900 if year >= _CENTURY_PIVOT else 2000)


def _number(part: str, value: Callable[[Any], int], digits: int, width: int) -> _Symbol:
    """A number, zero-padded to ``width``, of at most ``digits``."""
    pattern = rf"\d{{{width}}}" if width > 1 else rf"\d{{1,{digits}}}"
    return _Symbol(part, lambda t: f"{value(t):0{width}d}", pattern, int)


def _month_name(length: int | None) -> _Symbol:
    names = [month[:length] for month in MONTHS]
    lower = [name.lower() for name in names]
    return _Symbol(
        "month",
        lambda t: names[t.month - 1],
        "|".join(names),
        lambda text: lower.index(text.lower()) + 1,
    )


def _fraction(digits: int) -> _Symbol:
    def write(timestamp: Any) -> str:
        written = f"{fraction_of(timestamp):f}".partition(".")[2]
        return written[:digits].ljust(digits, "0")

    return _Symbol("fraction", write, rf"\d{{{digits}}}", lambda text: Decimal(f"0.{text}"))


def _nanoseconds(timestamp: Any) -> int:
    return int(fraction_of(timestamp).scaleb(9, exact()))


def _offset(letter: str, length: int) -> _Symbol:
    """``X`` writes Z for UTC where ``x`` writes zeros; from three letters on with a colon."""
    colon = ":" if length in {3, 5} else ""
    zulu = letter == "X"
    digits = r"[+-]\d\d" + ("" if length == 1 else rf"{colon}\d\d")
    # One letter writes minutes only where there are some.
    digits += r"(?:\d\d)?" if length == 1 else ""

    def write(timestamp: Any) -> str:
        offset = timestamps.offset_of(timestamp) or 0
        if zulu and offset == 0:
            return "Z"
        hours, minutes = divmod(abs(offset), 60)
        tail = "" if length == 1 and not minutes else f"{colon}{minutes:02d}"
        return f"{'-' if offset < 0 else '+'}{hours:02d}{tail}"

    return _Symbol("offset", write, f"{digits}|Z" if zulu else digits, _read_offset)


def _read_offset(text: str) -> int:
    if text.upper() == "Z":
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise EvaluationError(f"there is no offset {text}")
    return (hours * 60 + minutes) * (-1 if text[0] == "-" else 1)


_HALVES = {"AM": 0, "PM": 12}

_SYMBOLS: dict[str, _Symbol] = {
    "yy": _Symbol("year", lambda t: f"{t.year % 100:02d}", r"\d{2}", _two_digit_year),
    "y": _number("year", lambda t: int(t.year), 4, 1),
    "yyyy": _number("year", lambda t: int(t.year), 4, 4),
    "M": _number("month", lambda t: int(t.month), 2, 1),
    "MM": _number("month", lambda t: int(t.month), 2, 2),
    "MMM": _month_name(3),
    "MMMM": _month_name(None),
    "MMMMM": _Symbol("month initial", lambda t: MONTHS[t.month - 1][0], "", str),
    "d": _number("day", lambda t: int(t.day), 2, 1),
    "dd": _number("day", lambda t: int(t.day), 2, 2),
    "a": _Symbol(
        "half", lambda t: "AM" if t.hour < 12 else "PM", "AM|PM", lambda text: _HALVES[text.upper()]
    ),
    "h": _number("half hour", lambda t: (t.hour + 11) % 12 + 1, 2, 1),
    "hh": _number("half hour", lambda t: (t.hour + 11) % 12 + 1, 2, 2),
    "H": _number("hour", lambda t: int(t.hour), 2, 1),
    "HH": _number("hour", lambda t: int(t.hour), 2, 2),
    "m": _number("minute", lambda t: int(t.minute), 2, 1),
    "mm": _number("minute", lambda t: int(t.minute), 2, 2),
    "s": _number("second", lambda t: int(t.second), 2, 1),
    "ss": _number("second", lambda t: int(t.second), 2, 2),
    **{"S" * digits: _fraction(digits) for digits in range(1, MAX_FRACTION_SYMBOLS + 1)},
    "n": _Symbol("nanosecond", lambda t: str(_nanoseconds(t)), "", str),
    **{letter * length: _offset(letter, length) for letter in "Xx" for length in range(1, 6)},
}
