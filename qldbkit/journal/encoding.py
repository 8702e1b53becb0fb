"""Writing binary Ion from what is binary Ion already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from amazon.ion.core import Timestamp

from qldbkit.journal import kernel
from qldbkit.journal.binary import (
    ANNOTATION,
    LENGTHS,
    VERSION_MARKER,
    IonType,
    annotations_at,
    truncated,
    value_bounds,
    var_uint,
)
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.kernel import used_texts
from qldbkit.journal.symbols import (
    SYMBOL_TABLE_ID,
    SYSTEM_CONTEXT,
    SYSTEM_SYMBOLS,
    SymbolContext,
    extended,
    symbol_text,
)

_IMPORTS: Final = 0x86
_SYMBOLS: Final = 0x87
_NULL: Final = b"\x0f"
_CONTAINERS: Final = IonType.LIST << 4


def container(code: int, representation: bytes) -> bytes:
    """The binary encoding of a value of a type, by its representation."""
    length = len(representation)
    if length < SHORT:
        return _OPENINGS[code << 7 | length] + representation
    return _opening(code, length) + representation


def _opening(code: int, length: int) -> bytes:
    if length < 14 and not (code == IonType.STRUCT and length == 1):
        return bytes((code << 4 | length,))
    return bytes((code << 4 | 14,)) + var_uint_bytes(length)


def var_uint_bytes(number: int) -> bytes:
    """A number as VarUInt."""
    if number < 1 << 14:  # nearly always
        low = number & 0x7F | 0x80
        return bytes((low,)) if number < 1 << 7 else bytes((number >> 7, low))
    octets = [number & 0x7F | 0x80]
    while number := number >> 7:
        octets.append(number & 0x7F)
    return bytes(reversed(octets))


SHORT: Final = 128
"""What is shorter has its length in one octet."""
_OPENINGS: Final = tuple(
    _opening(code, length) for code in range(ANNOTATION + 1) for length in range(SHORT)
)


def struct(fields: bytes) -> bytes:
    """A struct, by its fields' names and values."""
    return container(IonType.STRUCT, fields)


def text(text: str) -> bytes:
    """A string."""
    return container(IonType.STRING, text.encode())


def blob(data: bytes) -> bytes:
    """A blob."""
    return container(IonType.BLOB, data)


def natural(number: int) -> bytes:
    """An int from 0."""
    return container(IonType.INT, number.to_bytes((number.bit_length() + 7) // 8, "big"))


def timestamp(moment: Timestamp) -> bytes:
    """A timestamp; in a tenth of the time if it is in UTC to the millisecond, as a block's are."""
    utc = moment.tzinfo is not None and not moment.utcoffset()
    if not utc or moment.fractional_precision != 3 or moment.year < 128:
        return written_value(moment)
    thousandths = moment.microsecond // 1000
    size = (thousandths.bit_length() + 8) // 8 if thousandths else 0  # with a bit for the sign
    fields = (moment.month, moment.day, moment.hour, moment.minute, moment.second)
    year = (moment.year >> 7, moment.year & 0x7F | 0x80)
    body = bytes((0x80, *year, *(each | 0x80 for each in fields), 0xC3))
    return container(IonType.TIMESTAMP, body + thousandths.to_bytes(size, "big"))


def field_names(names: Iterable[str], first: int) -> dict[str, bytes]:
    """Names of fields as they are written, whose symbols have the ids from ``first`` on."""
    return {name: var_uint_bytes(first + each) for each, name in enumerate(names)}


def written_part(span: IonSpan) -> bytes:
    """A value's own bytes, without the symbols that are in force."""
    return span.data[span.start : span.end]


def written_value(value: Any) -> bytes:
    """The bytes of a value without symbols."""
    return written_part(IonSpan.of(value))


def spanned(context: SymbolContext, value: bytes) -> IonSpan:
    """A value's bytes as a value, with its symbols before it."""
    data = context.prefix + value
    return IonSpan(data, len(context.prefix), len(data), context)


def value_span(value: bytes) -> IonSpan:
    """The bytes of a value without symbols as a value."""
    return spanned(SYSTEM_CONTEXT, value)


def symbol_table(symbols: Iterable[str | None], *, append: bool = False) -> bytes:
    """A local symbol table; None for a symbol that nothing uses.

    Args:
        symbols: the texts, from the first id that is free.
        append: whether it adds to the symbols in force, instead of replacing them.
    """
    imports = bytes((_IMPORTS, IonType.SYMBOL << 4 | 1, SYMBOL_TABLE_ID)) if append else b""
    return _table(imports, b"".join(map(_symbol, symbols)))


def own_symbols(texts: Sequence[str]) -> SymbolContext:
    """The symbols in force behind a table of these texts, which is not kept ready."""
    prefix = VERSION_MARKER + _table(b"", b"".join(map(text, texts)))
    return SymbolContext((*SYSTEM_SYMBOLS, *texts), prefix)


def _table(imports: bytes, texts: bytes) -> bytes:
    table = struct(imports + bytes((_SYMBOLS,)) + container(IonType.LIST, texts))
    return container(ANNOTATION, bytes((0x81, 0x80 | SYMBOL_TABLE_ID)) + table)


@lru_cache(maxsize=4096)
def _symbol(text: str | None) -> bytes:
    return _NULL if text is None else container(IonType.STRING, text.encode())


def alone(span: IonSpan) -> IonSpan:
    """The same value over bytes that hold nothing else; see `standalone`.

    Raises:
        IonFormatError: the value is damaged.
    """
    data = standalone(span)
    start = len(data) - (span.end - span.start)
    table = len(VERSION_MARKER)
    context = SYSTEM_CONTEXT if start == table else extended(SYSTEM_CONTEXT, data, table, start)
    return IonSpan(data, start, len(data), context)


def standalone(span: IonSpan) -> bytes:
    """A value as binary Ion that stands alone, with the texts of no symbols but its own.

    The symbols in force at a value may come from its neighbours. What is kept of it must not keep
    anything of theirs: they may be redacted later.

    Raises:
        IonFormatError: the value is damaged.
    """
    answer = kernel.standalone(span)
    if answer is not None:
        return answer
    return VERSION_MARKER + _own_table(own_texts(span)) + span.data[span.start : span.end]


def own_texts(span: IonSpan) -> tuple[str | None, ...]:
    """The texts of the symbols from the first that is not Ion's own to the last that a value uses.

    None for those that it does not use.

    Raises:
        IonFormatError: the value is damaged.
    """
    answer = used_texts(span)
    if answer is not None:
        return answer
    used: set[int] = set()
    try:
        _collect(span.data, span.start, span.end, used)
    except IndexError as error:
        raise truncated(span.data) from error
    texts, known = span.context.texts, len(span.context.texts)
    highest = max(used, default=0)
    if highest >= known:
        symbol_text(span.context, highest, span.start)  # raises
    own = range(len(SYSTEM_SYMBOLS), highest + 1)
    return tuple([texts[each] if each in used else None for each in own])


@lru_cache(maxsize=512)
def _own_table(texts: tuple[str | None, ...]) -> bytes:
    """The table of these symbols; values of one shape have the same."""
    return symbol_table(texts) if texts else b""


def _collect(data: bytes, at: int, end: int, used: set[int], *, named: bool = False) -> None:
    """Add the ids of all symbols in the values from ``at`` to ``end``.

    Args:
        data: binary Ion.
        at: where the first value begins, or its name.
        end: where the last one ends.
        used: where the ids are added.
        named: whether the values are a struct's fields.
    """
    while at < end:
        name = 0
        if named:
            name, at = data[at] - 0x80, at + 1
            if name < 0:
                name, at = var_uint(data, at - 1)
        descriptor, begin = data[at], at + 1
        length = LENGTHS[descriptor]
        if length < 0:
            length, begin = data[begin] - 0x80, begin + 1
        after = begin + length
        if length < 0 or after > end:
            begin, after = value_bounds(data, at, end)
        if descriptor >= 0x0F:  # no padding
            used.add(name)
            if descriptor >= _CONTAINERS:
                _collect_inside(data, at, begin, after, used)
            elif descriptor >> 4 == IonType.SYMBOL:
                used.add(int.from_bytes(data[begin:after], "big"))
        at = after


def _collect_inside(data: bytes, at: int, begin: int, end: int, used: set[int]) -> None:
    code = data[at] >> 4
    if code == ANNOTATION:
        ids, begin = annotations_at(data, at, end)
        used.update(ids)
    _collect(data, begin, end, used, named=code == IonType.STRUCT)
