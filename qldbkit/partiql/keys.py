"""Keys by which values are compared, grouped, indexed and ordered.

Every comparison of PartiQL comes down to one of these keys, so that `=`, GROUP BY, DISTINCT, an
index lookup and ORDER BY can never disagree about what is equal.
"""

from __future__ import annotations

import datetime
import hashlib
import math
from collections import Counter
from collections.abc import Callable, Hashable
from decimal import Decimal
from typing import Any

from qldbkit.partiql.decimals import normalized
from qldbkit.partiql.errors import ComputationError
from qldbkit.partiql.kinds import Kind, kind, text_of
from qldbkit.partiql.structs import fields

_SMALL_INT = 10**18

TOO_DEEP = "the value is nested too deeply to be compared"


def instant(timestamp: Any) -> tuple[int, Decimal]:
    """The point in time of a timestamp: whole seconds since 0001-01-01 in UTC, and the fraction.

    An unknown offset counts as UTC, and what is beyond the precision as the beginning.
    """
    offset = timestamp.utcoffset()
    seconds = timestamp.toordinal() * 86_400
    seconds += timestamp.hour * 3_600 + timestamp.minute * 60 + timestamp.second
    if offset is not None:
        seconds -= offset.days * 86_400 + offset.seconds
    return seconds, fraction_of(timestamp)


def fraction_of(timestamp: Any) -> Decimal:
    """The fractional seconds of a timestamp, with their digits."""
    fraction = getattr(timestamp, "fractional_seconds", None)
    if fraction is None:
        return Decimal(timestamp.microsecond).scaleb(-6)
    return Decimal(fraction)


def date_instant(date: datetime.date) -> tuple[int, Decimal]:
    """The point in time at which a date begins in UTC."""
    return date.toordinal() * 86_400, Decimal(0)


def group_key(value: Any) -> Hashable:
    """A hashable key: equal for two values if and only if they are the same to GROUP BY.

    Null is the same as null, MISSING as MISSING, and 1 as 1.0 and 1e0.

    Raises:
        ComputationError: the value is nested hundreds of levels deep.
    """
    try:
        return _GROUP_KEYS[kind(value)](value)
    except RecursionError as error:
        raise ComputationError(TOO_DEEP) from error


class _Nan:
    """Marks the key of a float that is not a number, which equals no other key."""


def _float_key(value: Any) -> Hashable:
    return _Nan if math.isnan(value) else value


def _itself(value: Any) -> Hashable:
    key: Hashable = value
    return key


def _multiset(keys: list[Hashable]) -> Hashable:
    return frozenset(Counter(keys).items())


def _struct_key(value: Any) -> Hashable:
    return "struct", _multiset([(name, group_key(v)) for name, v in fields(value)])


_GROUP_KEYS: dict[Kind, Callable[[Any], Hashable]] = {
    Kind.MISSING: _itself,
    Kind.NULL: lambda _: None,
    Kind.BOOL: lambda v: ("bool", bool(v)),
    Kind.INT: _itself,
    Kind.DECIMAL: _itself,
    Kind.FLOAT: _float_key,
    Kind.DATE: lambda v: ("instant", date_instant(v)),
    Kind.TIME: lambda v: ("time", v.instant()),
    Kind.TIMESTAMP: lambda v: ("instant", instant(v)),
    Kind.INTERVAL: _itself,
    Kind.STRING: _itself,
    Kind.SYMBOL: text_of,
    Kind.BLOB: lambda v: ("lob", bytes(v)),
    Kind.CLOB: lambda v: ("lob", bytes(v)),
    Kind.LIST: lambda v: ("list", tuple(map(group_key, v))),
    Kind.SEXP: lambda v: ("sexp", tuple(map(group_key, v))),
    Kind.STRUCT: _struct_key,
    Kind.BAG: lambda v: ("bag", _multiset(list(map(group_key, v)))),
}


INDEX_KEY_BYTES = 128
"""The longest index key; the key of a larger value is its SHA-256 digest."""

_HASHED = b"#"


def index_key(value: Any) -> bytes:
    """Bytes that are equal for two values if and only if PartiQL's `=` holds between them.

    They are the same in every process and every release, and at most `INDEX_KEY_BYTES` long. Null
    and MISSING have one key, which says that neither is a value: `=` holds for neither.

    Raises:
        ComputationError: the value is nested hundreds of levels deep.
    """
    key = encoded(value)
    return key if len(key) <= INDEX_KEY_BYTES else _HASHED + hashlib.sha256(key).digest()


def encoded(value: Any) -> bytes:
    """The full key of which `index_key` is the bounded form."""
    try:
        return _ENCODERS[kind(value)](value)
    except RecursionError as error:
        raise ComputationError(TOO_DEEP) from error


def _sized(tag: bytes, content: bytes) -> bytes:
    return b"%b%d:%b" % (tag, len(content), content)


def _sequence(tag: bytes, keys: list[bytes]) -> bytes:
    return _sized(tag, b"".join(keys))


def _encode_int(value: int) -> bytes:
    if -_SMALL_INT < value < _SMALL_INT:
        digits = str(int(value))
        stripped = digits.rstrip("0")
        return f"n{stripped}e{len(digits) - len(stripped)}".encode() if stripped else b"n0"
    return _encode_decimal(Decimal(value))


def _encode_decimal(value: Decimal) -> bytes:
    if value == 0:
        return b"n0"
    sign, digits, exponent = normalized(value).as_tuple()
    text = "".join(map(str, digits))
    return f"n{'-' if sign else ''}{text}e{exponent}".encode()


def _encode_float(value: float) -> bytes:
    if math.isnan(value):
        return b"nan"
    if math.isinf(value):
        return b"n+inf" if value > 0 else b"n-inf"
    return _encode_decimal(Decimal(value))


def _encode_seconds(seconds: int, fraction: Decimal) -> bytes:
    return b"d%d" % seconds if fraction == 0 else b"d%d|%b" % (seconds, _encode_decimal(fraction))


def _encode_struct(value: Any) -> bytes:
    pairs = [_sized(b"f", name.encode()) + encoded(v) for name, v in fields(value)]
    return _sequence(b"S", sorted(pairs))


_ENCODERS: dict[Kind, Callable[[Any], bytes]] = {
    Kind.MISSING: lambda _: b"_",
    Kind.NULL: lambda _: b"_",
    Kind.BOOL: lambda v: b"t" if v else b"f",
    Kind.INT: _encode_int,
    Kind.DECIMAL: _encode_decimal,
    Kind.FLOAT: _encode_float,
    Kind.DATE: lambda v: _encode_seconds(*date_instant(v)),
    Kind.TIME: lambda v: b"c" + _encode_decimal(v.instant()),
    Kind.TIMESTAMP: lambda v: _encode_seconds(*instant(v)),
    Kind.INTERVAL: lambda v: b"i%b%d" % (v.span.value[0].encode(), v.amount),
    Kind.STRING: lambda v: _sized(b"s", v.encode("utf-8", "surrogatepass")),
    Kind.SYMBOL: lambda v: _sized(b"s", text_of(v).encode("utf-8", "surrogatepass")),
    Kind.BLOB: lambda v: _sized(b"b", bytes(v)),
    Kind.CLOB: lambda v: _sized(b"b", bytes(v)),
    Kind.LIST: lambda v: _sequence(b"L", list(map(encoded, v))),
    Kind.SEXP: lambda v: _sequence(b"X", list(map(encoded, v))),
    Kind.STRUCT: _encode_struct,
    Kind.BAG: lambda v: _sequence(b"G", sorted(map(encoded, v))),
}
