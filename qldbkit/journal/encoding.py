"""Writing binary Ion from what is binary Ion already."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from qldbkit.journal.binary import (
    ANNOTATION,
    VERSION_MARKER,
    IonType,
    annotations_at,
    is_padding,
    truncated,
    value_bounds,
    var_uint,
)
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.symbols import SYMBOL_TABLE_ID, SYSTEM_SYMBOLS, symbol_text

_IMPORTS: Final = 0x86
_SYMBOLS: Final = 0x87
_NULL: Final = b"\x0f"


def container(code: IonType, representation: bytes) -> bytes:
    """The binary encoding of a value of a type, by its representation."""
    length = len(representation)
    if length < 14 and not (code == IonType.STRUCT and length == 1):
        return bytes((code << 4 | length,)) + representation
    return bytes((code << 4 | 14,)) + var_uint_bytes(length) + representation


def var_uint_bytes(number: int) -> bytes:
    """A number as VarUInt."""
    octets = [number & 0x7F | 0x80]
    while number := number >> 7:
        octets.append(number & 0x7F)
    return bytes(reversed(octets))


def symbol_table(symbols: Iterable[str | None], *, append: bool = False) -> bytes:
    """A local symbol table; None for a symbol that nothing uses.

    Args:
        symbols: the texts, from the first id that is free.
        append: whether it adds to the symbols in force, instead of replacing them.
    """
    texts = b"".join(map(_symbol, symbols))
    imports = bytes((_IMPORTS, IonType.SYMBOL << 4 | 1, SYMBOL_TABLE_ID)) if append else b""
    table = container(IonType.STRUCT, imports + bytes((_SYMBOLS,)) + container(IonType.LIST, texts))
    annotations = bytes((0x81, 0x80 | SYMBOL_TABLE_ID))
    length = var_uint_bytes(len(annotations) + len(table))
    return bytes((ANNOTATION << 4 | 14,)) + length + annotations + table


@lru_cache(maxsize=4096)
def _symbol(text: str | None) -> bytes:
    return _NULL if text is None else container(IonType.STRING, text.encode())


def standalone(span: IonSpan) -> bytes:
    """A value as binary Ion that stands alone, with the texts of no symbols but its own.

    The symbols in force at a value may come from its neighbours. What is kept of it must not keep
    anything of theirs: they may be redacted later.

    Raises:
        IonFormatError: the value is damaged.
    """
    used: set[int] = set()
    try:
        _collect(span.data, span.start, span.end, used)
    except IndexError as error:
        raise truncated(span.data) from error
    own = range(len(SYSTEM_SYMBOLS), max(used, default=0) + 1)
    texts = [symbol_text(span.context, each, span.start) if each in used else None for each in own]
    table = symbol_table(texts) if texts else b""
    return VERSION_MARKER + table + span.data[span.start : span.end]


def _collect(data: bytes, at: int, limit: int, used: set[int]) -> None:
    """Add the ids of all symbols in the value at ``at``."""
    code = data[at] >> 4
    if code == ANNOTATION:
        ids, at = annotations_at(data, at, limit)
        used.update(ids)
        _collect(data, at, limit, used)
        return
    if code < IonType.LIST and code != IonType.SYMBOL:
        return
    at, end = value_bounds(data, at, limit)
    if code == IonType.SYMBOL:
        used.add(int.from_bytes(data[at:end], "big"))
        return
    while at < end:
        name = 0
        if code == IonType.STRUCT:
            name, at = var_uint(data, at)
        after = value_bounds(data, at, end)[1]
        if not is_padding(data, at):
            used.add(name)
            _collect(data, at, after, used)
        at = after
