"""CAST between every pair of types that QLDB's developer guide allows, and those of SQL's times."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from amazon.ion.core import IonType
from amazon.ion.simple_types import IonPyBytes, IonPyList
from amazon.ion.symbols import SymbolToken

from qldbkit.partiql import datetimes, timestamps, type_names
from qldbkit.partiql.arithmetic import exact_decimal
from qldbkit.partiql.decimals import MAX_DIGITS, rounded
from qldbkit.partiql.errors import EvaluationError, PartiqlError, SemanticError
from qldbkit.partiql.interval_casts import cast_interval
from qldbkit.partiql.keys import group_key
from qldbkit.partiql.kinds import (
    ABSENT,
    COLLECTIONS,
    LOBS,
    MISSING,
    NUMBERS,
    TEXTS,
    Bag,
    Kind,
    kind,
    text_of,
)
from qldbkit.partiql.times import Time, parse_time, round_time
from qldbkit.partiql.type_names import check_type
from qldbkit.partiql.type_tests import is_type, type_test

__all__ = [
    "can_cast",
    "can_lossless_cast",
    "cast",
    "check_type",
    "is_type",
    "type_test",
    "typed_literal",
]

Arguments = tuple[int, ...]

_INT_TEXT = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|(\d+))", re.ASCII)
_NUMBER_TEXT = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eEdD][+-]?\d{1,9})?", re.ASCII)


def cast(value: Any, type_name: str, arguments: Arguments = ()) -> Any:
    """``CAST(value AS type)``. Null stays null and MISSING stays MISSING, whatever the type.

    Casting null or MISSING to NULL or MISSING is a no-op too (developer guide, CAST).

    Raises:
        EvaluationError: the value cannot become one of that type.
        SemanticError: there is no such type.
    """
    name = type_names.canonical(type_name)
    what = kind(value)
    if what in ABSENT:
        return MISSING if value is MISSING else None
    if name.startswith("INTERVAL "):
        return cast_interval(value, name, arguments)
    result = _CASTS[name](value, what, arguments)
    if result is NotImplemented:
        raise EvaluationError(f"a value of type {what.value} cannot be cast to {type_name}")
    return result


def can_cast(value: Any, type_name: str, arguments: Arguments = ()) -> bool:
    """Whether `cast` would give a value."""
    try:
        cast(value, type_name, arguments)
    except (EvaluationError, PartiqlError):
        return False
    return True


def can_lossless_cast(value: Any, type_name: str, arguments: Arguments = ()) -> bool:
    """Whether `cast` would give a value that can be cast back to the same one."""
    try:
        there = cast(value, type_name, arguments)
        back = there if kind(value) in ABSENT else cast(there, _TYPE_OF[kind(value)])
    except PartiqlError:
        return False
    return group_key(back) == group_key(value)


def typed_literal(type_name: str, arguments: Arguments, text: str) -> Any:
    """The value of ``TYPE 'text'``, such as ``DATE '2020-01-31'``.

    Raises:
        SemanticError: the text is not of that form, or there is no such literal.
        IntervalError: an interval's text is not of its form, or a field is too large.
    """
    check_type(type_name, arguments)
    name = type_names.canonical(type_name)
    if name.startswith("INTERVAL "):
        return cast_interval(text, name, arguments)
    parse = _LITERALS.get(name)
    value = None if parse is None else parse(text, *arguments[:1])
    if value is None or not _zone_fits(type_name.upper(), value):
        raise SemanticError(f"'{text}' is not a {type_name}")
    return value


def _zone_fits(type_name: str, value: Any) -> bool:
    if "ZONE" not in type_name:
        return True
    offset = value.offset if isinstance(value, Time) else timestamps.offset_of(value)
    return (offset is None) == ("WITHOUT" in type_name)


def _parse_timestamp(text: str, precision: int | None = None) -> Any:
    value = timestamps.parse_sql(text)
    return value if value is None or precision is None else timestamps.rounded(value, precision)


_LITERALS: dict[str, Callable[..., Any]] = {
    "DATE": datetimes.parse_date,
    "TIME": parse_time,
    "TIME WITH TIME ZONE": parse_time,
    "TIMESTAMP": _parse_timestamp,
    "TIMESTAMP WITH TIME ZONE": _parse_timestamp,
}


def _to_nothing(_value: Any, _what: Kind, _arguments: Arguments) -> Any:
    return NotImplemented


def _to_anything(value: Any, _what: Kind, _arguments: Arguments) -> Any:
    return value


def _to_bool(value: Any, what: Kind, _arguments: Arguments) -> Any:
    if what is Kind.BOOL:
        return value
    if what in NUMBERS:
        return value != 0
    # Every other text is false, as the developer guide's examples of CAST have it.
    return text_of(value).lower() == "true" if what in TEXTS else NotImplemented


def _to_int(value: Any, what: Kind, _arguments: Arguments) -> Any:
    if what is Kind.BOOL:
        return int(value)
    if what is Kind.INT:
        return value
    if what is Kind.FLOAT or what is Kind.DECIMAL:
        return _whole(exact_decimal(value))
    return _parsed_int(text_of(value)) if what in TEXTS else NotImplemented


def _whole(value: Decimal) -> int:
    if value.adjusted() > MAX_DIGITS:
        raise EvaluationError(f"the number has more than {MAX_DIGITS} digits")
    return int(value)


def _parsed_int(text: str) -> int:
    match = _INT_TEXT.fullmatch(text)
    if match is None:
        raise EvaluationError("the text is not an integer")
    sign, hexadecimal, binary, digits = match.groups()
    if hexadecimal or binary:
        size = int(hexadecimal, 16) if hexadecimal else int(binary, 2)
    else:
        # Python refuses int() of long texts of digits, but not of a decimal.
        size = _whole(Decimal(digits))
    return -size if sign == "-" else size


def _sized_int(name: str) -> Callable[[Any, Kind, Arguments], Any]:
    limit = 1 << (type_names.INT_BITS[name] - 1)

    def to_int(value: Any, what: Kind, arguments: Arguments) -> Any:
        result = _to_int(value, what, arguments)
        if result is not NotImplemented and not -limit <= result < limit:
            raise EvaluationError(f"the number is too large for {name}")
        return result

    return to_int


def _to_decimal(value: Any, what: Kind, arguments: Arguments) -> Any:
    if what is Kind.BOOL:
        number = Decimal(int(value))
    elif what in NUMBERS:
        number = exact_decimal(value) if what is not Kind.FLOAT else _shortest(value)
    elif what in TEXTS:
        number = _parsed_decimal(text_of(value))
    else:
        return NotImplemented
    return _fitted(number, *arguments) if arguments else number


def _shortest(value: float) -> Decimal:
    """The decimal that the float is written as, which is what its user typed."""
    if not math.isfinite(value):
        raise EvaluationError(f"the float {value} has no decimal")
    return Decimal(float.__repr__(value))


def _parsed_decimal(text: str) -> Decimal:
    if _NUMBER_TEXT.fullmatch(text) is None:
        raise EvaluationError("the text is not a number")
    return Decimal(text.replace("d", "e").replace("D", "e"))


def _fitted(number: Decimal, precision: int, scale: int = 0) -> Decimal:
    # The size is checked on both sides: before, so that rounding is not asked for endless digits.
    limit = precision - scale
    result = number if number.adjusted() > limit else rounded(number, scale, ROUND_HALF_EVEN)
    if result != 0 and result.adjusted() >= limit:
        raise EvaluationError(f"the number has too many digits for DECIMAL({precision}, {scale})")
    return result


def _to_float(value: Any, what: Kind, _arguments: Arguments) -> Any:
    if what is Kind.FLOAT:
        return value
    if what is Kind.BOOL or what in NUMBERS:
        number = value
    elif what in TEXTS:
        number = _parsed_decimal(text_of(value))
    else:
        return NotImplemented
    try:
        result = float(number)
    except OverflowError:
        result = math.inf
    if math.isinf(result):
        raise EvaluationError("the number is too large for a float")
    return result


def _written(value: Any, what: Kind) -> Any:
    """The text of a scalar; NotImplemented for what has none."""
    if what in TEXTS:
        return text_of(value)
    if what is Kind.BOOL:
        return "true" if value else "false"
    if what is Kind.FLOAT:
        return float.__repr__(value)
    if what in NUMBERS:
        # By way of a decimal, since Python refuses str() of long integers.
        return str(Decimal(value))
    if what is Kind.TIMESTAMP:
        return timestamps.ion_text(value)
    return str(value) if what in {Kind.DATE, Kind.TIME, Kind.INTERVAL} else NotImplemented


def _to_string(value: Any, what: Kind, arguments: Arguments) -> Any:
    text = _written(value, what)
    return text[: arguments[0]] if arguments and text is not NotImplemented else text


def _to_char(value: Any, what: Kind, arguments: Arguments) -> Any:
    text = _written(value, what)
    length = arguments[0] if arguments else 1
    return text if text is NotImplemented else text[:length].ljust(length)


def _to_symbol(value: Any, what: Kind, _arguments: Arguments) -> Any:
    if what is Kind.SYMBOL:
        return value
    text = _written(value, what)
    return text if text is NotImplemented else SymbolToken(text, None)


def _to_timestamp(value: Any, what: Kind, arguments: Arguments) -> Any:
    if what is Kind.DATE:
        result = datetimes.timestamp_of(value)
    elif what is Kind.TIMESTAMP:
        result = value
    elif what in TEXTS:
        text = text_of(value)
        result = timestamps.parse_ion(text) or timestamps.parse_sql(text)
        if result is None:
            raise EvaluationError("the text is not a timestamp")
    else:
        return NotImplemented
    return timestamps.rounded(result, arguments[0]) if arguments else result


def _to_date(value: Any, what: Kind, _arguments: Arguments) -> datetime.date | Any:
    if what is Kind.DATE:
        return value
    if what is Kind.TIMESTAMP:
        return datetimes.date_of(value)
    if what not in TEXTS:
        return NotImplemented
    date = datetimes.parse_date(text_of(value))
    if date is None:
        raise EvaluationError("the text is not a date")
    return date


def _to_time(value: Any, what: Kind, arguments: Arguments) -> Any:
    if what is Kind.TIME:
        time: Time | None = value
    elif what is Kind.TIMESTAMP:
        time = datetimes.time_of(value)
    elif what in TEXTS:
        time = parse_time(text_of(value))
    else:
        return NotImplemented
    if time is None:
        raise EvaluationError("the text is not a time")
    return round_time(time, arguments[0]) if arguments else time


def _to_lob(ion_type: IonType, own: Kind) -> Callable[[Any, Kind, Arguments], Any]:
    def to_lob(value: Any, what: Kind, _arguments: Arguments) -> Any:
        if what is own:
            return value
        return IonPyBytes.from_value(ion_type, bytes(value)) if what in LOBS else NotImplemented

    return to_lob


def _to_collection(make: Callable[[Any], Any], own: Kind) -> Callable[[Any, Kind, Arguments], Any]:
    def to_collection(value: Any, what: Kind, _arguments: Arguments) -> Any:
        if what is own:
            return value
        return make(value) if what in COLLECTIONS else NotImplemented

    return to_collection


def _to_struct(value: Any, what: Kind, _arguments: Arguments) -> Any:
    return value if what is Kind.STRUCT else NotImplemented


_CASTS: dict[str, Callable[[Any, Kind, Arguments], Any]] = {
    "ANY": _to_anything,
    "NULL": _to_nothing,
    "MISSING": _to_nothing,
    "BOOL": _to_bool,
    "INT": _to_int,
    **{name: _sized_int(name) for name in type_names.INT_BITS},
    "DECIMAL": _to_decimal,
    "FLOAT": _to_float,
    "STRING": _to_string,
    "VARCHAR": _to_string,
    "CHAR": _to_char,
    "SYMBOL": _to_symbol,
    "DATE": _to_date,
    "TIME": _to_time,
    "TIME WITH TIME ZONE": _to_time,
    "TIMESTAMP": _to_timestamp,
    "TIMESTAMP WITH TIME ZONE": _to_timestamp,
    "BLOB": _to_lob(IonType.BLOB, Kind.BLOB),
    "CLOB": _to_lob(IonType.CLOB, Kind.CLOB),
    "LIST": _to_collection(list, Kind.LIST),
    "SEXP": _to_collection(lambda v: IonPyList.from_value(IonType.SEXP, list(v)), Kind.SEXP),
    "STRUCT": _to_struct,
    "BAG": _to_collection(Bag, Kind.BAG),
}

# The type to which a value of a kind is cast back.
_TYPE_OF: dict[Kind, str] = {each: each.value.upper() for each in Kind}
_TYPE_OF[Kind.INTERVAL] = "ANY"
