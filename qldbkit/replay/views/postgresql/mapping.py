"""Ion documents as jsonb, without loss, and back.

jsonb keeps no NUL in a text, no repeated name in an object and no order of names; its numbers are
PostgreSQL's ``numeric``, which keeps every digit and the zeros behind the point, and knows no
exponent, no negative zero and no NaN. So:

| Ion | jsonb |
|---|---|
| null, bool, list | the same |
| int of up to `DIGITS` digits | number |
| decimal with digits behind the point, up to `DIGITS` | number with as many digits there |
| string | string |
| struct | object |
| ``null.int`` | ``{"$null": "int"}`` |
| longer int | ``{"$int": "0x1f"}`` |
| other decimal, such as ``1d3`` and ``-0.0`` | ``{"$decimal": "1E+3"}`` |
| float | ``{"$float": 1.5}``, or ``"nan"``, ``"inf"``, ``"-inf"``, ``"-0"`` |
| timestamp | ``{"$timestamp": "2020-01-17T"}``, as Ion writes it |
| symbol | ``{"$symbol": "text"}`` |
| blob, clob | ``{"$blob": "base64"}``, ``{"$clob": "base64"}`` |
| sexp | ``{"$sexp": [values]}`` |
| annotated value | ``{"$annotated": [["annotation"], value]}`` |
| string with NUL | ``{"$string": ["before", "after"]}`` |
| struct with a repeated name, or one that is unknown, has NUL or begins with ``$`` |\
 ``{"$struct": [["name", value]]}`` |
| what none of these can hold, such as a leap second | ``{"$ion": "base64 of binary Ion"}`` |

A symbol, annotation or name that has NUL is written as the list of what stands between; one whose
text is unknown as null. The order of a struct's fields is lost, which in Ion means nothing; the
Ion hash of what comes back is that of what went in. The history keeps the Ion itself.

Where there is the kernel in C, its ``native/json.h`` writes the usual ones of these forms, and what
has another one is written here whole: a form that changes has to change in both.
"""

from __future__ import annotations

import json
import math
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, Final, cast

from qldbkit.journal import kernel
from qldbkit.journal.binary import (
    ANNOTATION,
    MAX_DEPTH,
    NEGATIVE_INT,
    VERSION_MARKER,
    IonFormatError,
    IonType,
    annotations_at,
    is_padding,
    truncated,
    value_bounds,
    var_uint,
)
from qldbkit.journal.encoding import container, symbol_table, var_uint_bytes
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.symbols import SYSTEM_SYMBOLS, SymbolContext, symbol_text
from qldbkit.replay.views.times import (
    UnusualTimeError,
    time_bytes,
    time_text,
    var_int,
    var_int_bytes,
)

SHORT_INT: Final = 256
"""Bytes of a magnitude that becomes a number; PostgreSQL's ``numeric`` could hold some more."""
DIGITS: Final = 616
"""Digits that any number of `SHORT_INT` bytes may have, and that may be behind the point."""
_INT_DIGITS: Final = 4000
"""Digits of a text that Python makes an int of; more than 4300 it refuses."""
_NULL_NAMES: Final = tuple(
    IonType(each).name.lower() if each != NEGATIVE_INT else "int" for each in range(ANNOTATION)
)


class MappedFormError(IonFormatError):
    """A jsonb value is none that a document is written as: something else has written it."""

    def __init__(self, message: str):
        super().__init__(message, 0)


def json_text(document: IonSpan) -> str:
    """A document as the text of JSON.

    Raises:
        IonFormatError: the Ion is damaged, or nested too deeply.
    """
    answer = kernel.json_text(document)
    if answer is not None:
        return answer
    try:
        return _written(document.data, document.start, document.end, document.context, 0)
    except IndexError as error:
        raise truncated(document.data) from error
    except UnicodeDecodeError as error:
        raise IonFormatError("a string is not UTF-8", document.start) from error


def document_of(text: str) -> IonSpan:
    """The document that was written as this JSON, or as any JSON that jsonb makes of it.

    Raises:
        MappedFormError: no document is written so.
    """
    try:
        value = json.loads(text, parse_float=Decimal)
        symbols = _Symbols()
        body = _read(value, symbols)
    except (ValueError, ArithmeticError, TypeError, RecursionError, IonFormatError) as error:
        raise MappedFormError("the jsonb is none that a document is written as") from error
    return IonSpan.parse(VERSION_MARKER + symbols.table() + body)


def _written(data: bytes, at: int, limit: int, context: SymbolContext, depth: int) -> str:
    """The value at ``at`` as JSON."""
    begin, end = value_bounds(data, at, limit)
    descriptor = data[at]
    code = descriptor >> 4
    if descriptor & 0x0F == 15 and code < ANNOTATION:
        return "null" if code == IonType.NULL else f'{{"$null": "{_NULL_NAMES[code]}"}}'
    if code == IonType.STRING:
        return _string(data[begin:end].decode())
    if code == IonType.STRUCT:
        return _struct(data, begin, end, context, _deeper(depth, at))
    if code in (IonType.LIST, IonType.SEXP):
        items = _items(data, begin, end, context, _deeper(depth, at))
        return items if code == IonType.LIST else f'{{"$sexp": {items}}}'
    if code == IonType.SYMBOL:
        text = symbol_text(context, int.from_bytes(data[begin:end], "big"), at)
        return f'{{"$symbol": {_name(text)}}}'
    if code == ANNOTATION:
        ids, at = annotations_at(data, at, end)
        names = ", ".join(_name(symbol_text(context, each, at)) for each in ids)
        return f'{{"$annotated": [[{names}], {_written(data, at, end, context, depth)}]}}'
    if code == IonType.BOOL:
        return "true" if descriptor & 1 else "false"
    return _SCALARS[code](data, at, begin, end)


def _deeper(depth: int, at: int) -> int:
    if depth >= MAX_DEPTH:
        raise IonFormatError(f"values are nested deeper than {MAX_DEPTH}", at)
    return depth + 1


def _struct(data: bytes, at: int, end: int, context: SymbolContext, depth: int) -> str:
    pairs: list[tuple[str | None, str]] = []
    plain = True
    while at < end:
        symbol, at = var_uint(data, at)
        after = value_bounds(data, at, end)[1]
        if not is_padding(data, at):
            name = symbol_text(context, symbol, at)
            plain = plain and name is not None and _is_plain(name)
            pairs.append((name, _written(data, at, end, context, depth)))
        at = after
    if plain and len(dict(pairs)) == len(pairs):
        return f"{{{', '.join([f'{_name(name)}: {value}' for name, value in pairs])}}}"
    listed = ", ".join([f"[{_name(name)}, {value}]" for name, value in pairs])
    return f'{{"$struct": [{listed}]}}'


@lru_cache(maxsize=4096)
def _is_plain(name: str) -> bool:
    """Whether an object may have the name: none that marks a form, and without NUL."""
    return not name.startswith("$") and "\0" not in name


def _items(data: bytes, at: int, end: int, context: SymbolContext, depth: int) -> str:
    items = []
    while at < end:
        after = value_bounds(data, at, end)[1]
        if not is_padding(data, at):
            items.append(_written(data, at, end, context, depth))
        at = after
    return f"[{', '.join(items)}]"


def _string(text: str) -> str:
    return f'{{"$string": {_parts(text)}}}' if "\0" in text else encode_basestring(text)


@lru_cache(maxsize=4096)
def _name(text: str | None) -> str:
    """The text of a symbol."""
    if text is None:
        return "null"
    return _parts(text) if "\0" in text else encode_basestring(text)


def _parts(text: str) -> str:
    return f"[{', '.join(map(encode_basestring, text.split(chr(0))))}]"


def _integer(data: bytes, at: int, begin: int, end: int) -> str:
    number = int.from_bytes(data[begin:end], "big")
    if data[at] >> 4 == NEGATIVE_INT:
        number = -number
    if end - begin <= SHORT_INT:
        return str(number)
    return f'{{"$int": "{number:#x}"}}'


def _float(data: bytes, _: int, begin: int, end: int) -> str:
    if begin == end:
        return '{"$float": 0}'
    (number,) = struct.unpack(">f" if end - begin == 4 else ">d", data[begin:end])
    if math.isfinite(number):
        text = '"-0"' if number == 0 and math.copysign(1, number) < 0 else repr(number)
    else:
        text = f'"{number}"'
    return f'{{"$float": {text}}}'


def _decimal(data: bytes, _: int, begin: int, end: int) -> str:
    exponent, begin = var_int(data, begin) if begin < end else (0, end)
    first = data[begin] if begin < end else 0
    rest = bytes((first & 0x7F,)) + data[begin + 1 : end]
    coefficient, negative = int.from_bytes(rest, "big"), bool(first & 0x80)
    if end - begin <= SHORT_INT:
        digits = str(coefficient)
        if -DIGITS <= exponent < 0 and not (negative and coefficient == 0):
            digits = digits.rjust(1 - exponent, "0")
            return f"{'-' if negative else ''}{digits[:exponent]}.{digits[exponent:]}"
    else:
        digits = str(Decimal(coefficient))  # knows no limit of digits, as int does
    return f'{{"$decimal": "{"-" if negative else ""}{digits}E{exponent:+d}"}}'


def _timestamp(data: bytes, at: int, begin: int, end: int) -> str:
    try:
        return f'{{"$timestamp": "{time_text(data, begin, end)}"}}'
    except (UnusualTimeError, ValueError, OverflowError):
        return f'{{"$ion": "{b64encode(VERSION_MARKER + data[at:end]).decode()}"}}'


def _bytes(data: bytes, at: int, begin: int, end: int) -> str:
    name = "$clob" if data[at] >> 4 == IonType.CLOB else "$blob"
    return f'{{"{name}": "{b64encode(data[begin:end]).decode()}"}}'


_SCALARS: Final[dict[int, Callable[[bytes, int, int, int], str]]] = {
    IonType.INT: _integer,
    NEGATIVE_INT: _integer,
    IonType.FLOAT: _float,
    IonType.DECIMAL: _decimal,
    IonType.TIMESTAMP: _timestamp,
    IonType.CLOB: _bytes,
    IonType.BLOB: _bytes,
}


class _Symbols:
    """The symbols that a document uses, with the ids that they are given."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}

    def id(self, text: Any) -> int:
        """The id of a symbol; 0 for one whose text is unknown."""
        if text is None:
            return 0
        joined = text if isinstance(text, str) else "\0".join(text)
        return self._ids.setdefault(joined, len(SYSTEM_SYMBOLS) + len(self._ids))

    def table(self) -> bytes:
        """The symbol table of all of them."""
        return symbol_table(self._ids) if self._ids else b""


def _read(value: Any, symbols: _Symbols) -> bytes:
    """A value of JSON as binary Ion.

    Raises:
        ValueError, TypeError: it stands for none.
    """
    if isinstance(value, str):
        return container(IonType.STRING, value.encode())
    if isinstance(value, bool):
        return b"\x11" if value else b"\x10"
    if isinstance(value, int):
        return _int_bytes(value)
    if isinstance(value, Decimal):
        return _decimal_bytes(value)
    if isinstance(value, list):
        return container(IonType.LIST, b"".join([_read(each, symbols) for each in value]))
    if value is None:
        return b"\x0f"
    if len(value) == 1:
        ((mark, content),) = value.items()
        if mark.startswith("$"):
            return _FORMS[mark](content, symbols) if mark in _FORMS else _unknown(mark)
    return _struct_bytes(value.items(), symbols, plain=True)


def _unknown(mark: str) -> bytes:
    raise ValueError(f"{mark} marks no form")


def _struct_bytes(pairs: Any, symbols: _Symbols, *, plain: bool = False) -> bytes:
    fields = []
    for name, value in pairs:
        if plain and name.startswith("$"):
            _unknown(name)
        fields.append(var_uint_bytes(symbols.id(name)) + _read(value, symbols))
    return container(IonType.STRUCT, b"".join(fields))


def _int_bytes(number: int) -> bytes:
    code = IonType.INT if number >= 0 else cast(IonType, NEGATIVE_INT)
    return container(code, abs(number).to_bytes((number.bit_length() + 7) // 8, "big"))


def _decimal_bytes(number: Decimal) -> bytes:
    negative, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("a decimal of Ion's is a number")  # noqa: TRY004
    return _decimal_of(bool(negative), "".join(map(str, digits)), exponent)


def _decimal_of(negative: bool, digits: str, exponent: int) -> bytes:
    coefficient = 0
    for at in range(0, len(digits), _INT_DIGITS):
        part = digits[at : at + _INT_DIGITS]
        coefficient = coefficient * 10 ** len(part) + int(part)
    magnitude = coefficient.to_bytes(coefficient.bit_length() // 8 + 1, "big")
    signed = bytes((magnitude[0] | (0x80 if negative else 0),)) + magnitude[1:]
    return container(IonType.DECIMAL, var_int_bytes(exponent) + signed)


def _read_null(content: Any, _: _Symbols) -> bytes:
    return bytes((_NULL_NAMES.index(content) << 4 | 0x0F,))


def _read_int(content: Any, _: _Symbols) -> bytes:
    return _int_bytes(int(content, 16))


def _read_decimal(content: Any, _: _Symbols) -> bytes:
    digits, _, exponent = content.partition("E")
    return _decimal_of(digits.startswith("-"), digits.removeprefix("-"), int(exponent))


def _read_float(content: Any, _: _Symbols) -> bytes:
    return container(IonType.FLOAT, struct.pack(">d", float(content)))


def _read_timestamp(content: Any, _: _Symbols) -> bytes:
    return time_bytes(content)


def _read_symbol(content: Any, symbols: _Symbols) -> bytes:
    number = symbols.id(content)
    return container(IonType.SYMBOL, number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _read_annotated(content: Any, symbols: _Symbols) -> bytes:
    names, value = content
    ids = b"".join(var_uint_bytes(symbols.id(each)) for each in names)
    wrapped = var_uint_bytes(len(ids)) + ids + _read(value, symbols)
    return bytes((ANNOTATION << 4 | 14,)) + var_uint_bytes(len(wrapped)) + wrapped


def _read_string(content: Any, _: _Symbols) -> bytes:
    return container(IonType.STRING, "\0".join(content).encode())


def _read_blob(content: Any, _: _Symbols) -> bytes:
    return container(IonType.BLOB, b64decode(content, validate=True))


def _read_clob(content: Any, _: _Symbols) -> bytes:
    return container(IonType.CLOB, b64decode(content, validate=True))


def _read_sexp(content: Any, symbols: _Symbols) -> bytes:
    return container(IonType.SEXP, b"".join([_read(each, symbols) for each in content]))


def _read_ion(content: Any, _: _Symbols) -> bytes:
    span = IonSpan.parse(b64decode(content, validate=True))
    return span.data[span.start : span.end]


_FORMS: Final[dict[str, Callable[[Any, _Symbols], bytes]]] = {
    "$null": _read_null,
    "$int": _read_int,
    "$decimal": _read_decimal,
    "$float": _read_float,
    "$timestamp": _read_timestamp,
    "$symbol": _read_symbol,
    "$blob": _read_blob,
    "$clob": _read_clob,
    "$sexp": _read_sexp,
    "$annotated": _read_annotated,
    "$string": _read_string,
    "$struct": _struct_bytes,
    "$ion": _read_ion,
}
