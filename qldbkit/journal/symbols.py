"""The symbols in force at a value of binary Ion, and the tables that bring them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from qldbkit.journal.binary import (
    LENGTHS,
    VERSION_MARKER,
    IonFormatError,
    IonType,
    annotations_at,
    is_padding,
    truncated,
    value_bounds,
    var_uint,
)
from qldbkit.journal.kernel import constructor, table_texts

SYSTEM_SYMBOLS: Final = (
    None,
    "$ion",
    "$ion_1_0",
    "$ion_symbol_table",
    "name",
    "version",
    "imports",
    "symbols",
    "max_id",
    "$ion_shared_symbol_table",
)
SYMBOL_TABLE_ID: Final = 3
IMPORTS_ID: Final = 6
SYMBOLS_ID: Final = 7
REMEMBERED_TABLES: Final = 512
"""Symbol tables that are kept ready."""
REMEMBERED_TABLE_BYTES: Final = 2048
"""Larger symbol tables are read anew each time."""


@dataclass(frozen=True, slots=True)
class SymbolContext:
    """The symbols in force at a value.

    Attributes:
        texts: the symbols' texts by id; None where the text is unknown.
        prefix: version marker and symbol tables; with it, a value's bytes stand alone.
    """

    texts: tuple[str | None, ...]
    prefix: bytes


_context: Final = constructor(SymbolContext)
SYSTEM_CONTEXT: Final = SymbolContext(SYSTEM_SYMBOLS, VERSION_MARKER)


def symbol_text(context: SymbolContext, symbol: int, offset: int) -> str | None:
    """The text of a symbol id; None for an unknown text."""
    if symbol >= len(context.texts):
        raise IonFormatError(f"symbol {symbol} is in no symbol table", offset)
    return context.texts[symbol]


def extended(context: SymbolContext, data: bytes, start: int, end: int) -> SymbolContext:
    """The context behind the local symbol table that stands at ``start``.

    Values of one shape are written with one symbol table, so the last ones are remembered.

    Raises:
        IonFormatError: the table is damaged, or imports a shared one.
    """
    written = data[start:end]
    try:
        if len(written) > REMEMBERED_TABLE_BYTES:
            return _extended(context, written)
        return _remembered(context, written)
    except IonFormatError as error:
        raise IonFormatError(error.message, start + error.offset) from error


def _extended(context: SymbolContext, table: bytes) -> SymbolContext:
    answer = table_texts(table)
    if answer is not None:
        return _context((*SYSTEM_SYMBOLS, *answer), VERSION_MARKER + table)
    texts: tuple[str | None, ...] = SYSTEM_SYMBOLS
    prefix = VERSION_MARKER
    added: list[str | None] = []
    try:
        _, struct = annotations_at(table, 0, len(table))
        at, end = value_bounds(table, struct, len(table))
        while at < end:
            name, at = var_uint(table, at)
            begin, after = value_bounds(table, at, end)
            code, is_null = table[at] >> 4, table[at] & 0x0F == 15
            if name == IMPORTS_ID and code == IonType.SYMBOL and not is_null:
                texts, prefix = context.texts, context.prefix
            elif name == IMPORTS_ID and code == IonType.LIST and after > begin:
                raise IonFormatError("shared symbol tables are not supported", at)
            elif name == SYMBOLS_ID and code == IonType.LIST:
                added = _texts(table, begin, after)
            at = after
    except IndexError as error:
        raise truncated(table) from error
    return SymbolContext((*texts, *added), prefix + table)


_remembered: Final = lru_cache(maxsize=REMEMBERED_TABLES)(_extended)


def _texts(data: bytes, at: int, end: int) -> list[str | None]:
    """A list's strings; None for what is none, which takes an id as well."""
    found: list[str | None] = []
    try:
        while at < end:
            descriptor, begin = data[at], at + 1
            length = LENGTHS[descriptor]
            if length < 0:
                length, begin = data[begin] - 0x80, begin + 1
            after = begin + length
            if length < 0 or after > end:
                begin, after = value_bounds(data, at, end)
            if descriptor >> 4 == IonType.STRING and descriptor != 0x8F:
                found.append(str(data[begin:after], "utf-8"))
            elif not is_padding(data, at):
                found.append(None)
            at = after
    except UnicodeDecodeError as error:
        raise IonFormatError("a string is not UTF-8", at) from error
    return found
