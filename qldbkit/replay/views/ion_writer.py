"""Writing a value as binary Ion from what a database keeps of it, with nothing in between.

amazon.ion's writer changes some integers of more than 240 bits, and holds nine digits of a second;
what is written here is what was kept.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

from qldbkit.journal.binary import (
    ANNOTATION,
    NEGATIVE_INT,
    VERSION_MARKER,
    IonType,
    annotations_at,
    is_padding,
    value_bounds,
    var_uint,
)
from qldbkit.journal.encoding import container, symbol_table, var_uint_bytes
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.symbols import SYSTEM_SYMBOLS, SymbolContext, symbol_text
from qldbkit.replay.views.times import time_bytes, var_int_bytes

_NULL: Final = 15
_TRUE: Final = 1


class IonWriter:
    """Writes the parts of one value, each method one part; `span` puts the symbols before it."""

    def __init__(self) -> None:
        self._symbols: dict[str, int] = {}

    def span(self, body: bytes) -> IonSpan:
        """The value whose parts were written, by the bytes of the outermost.

        Raises:
            IonFormatError: they are no value.
        """
        table = symbol_table(self._symbols) if self._symbols else b""
        return IonSpan.parse(VERSION_MARKER + table + body)

    def null(self, of: IonType) -> bytes:
        """A null of a type."""
        return bytes((of << 4 | _NULL,))

    def truth(self, value: bool) -> bytes:
        """A bool."""
        return bytes((IonType.BOOL << 4 | (_TRUE if value else 0),))

    def integer(self, number: int) -> bytes:
        """An int of any size."""
        magnitude = abs(number).to_bytes((number.bit_length() + 7) // 8, "big")
        return container(IonType.INT if number >= 0 else NEGATIVE_INT, magnitude)

    def decimal(self, coefficient: int, exponent: int, *, negative: bool) -> bytes:
        """A decimal of any size; a coefficient of 0 may be negative."""
        magnitude = coefficient.to_bytes(coefficient.bit_length() // 8 + 1, "big")
        signed = bytes((magnitude[0] | (0x80 if negative else 0),)) + magnitude[1:]
        return container(IonType.DECIMAL, var_int_bytes(exponent) + signed)

    def floating(self, number: float) -> bytes:
        """A float."""
        return container(IonType.FLOAT, struct.pack(">d", number))

    def timestamp(self, text: str) -> bytes:
        """A timestamp as Ion's text has it.

        Raises:
            ValueError, OverflowError: no timestamp is written so.
        """
        return time_bytes(text)

    def text(self, text: str) -> bytes:
        """A string."""
        return container(IonType.STRING, text.encode())

    def symbol(self, text: str | None) -> bytes:
        """A symbol; None for one whose text is unknown."""
        number = self._id(text)
        return container(IonType.SYMBOL, number.to_bytes((number.bit_length() + 7) // 8, "big"))

    def octets(self, code: IonType, data: bytes) -> bytes:
        """A blob or a clob."""
        return container(code, data)

    def sequence(self, code: IonType, elements: Iterable[bytes]) -> bytes:
        """A list or a sexp."""
        return container(code, b"".join(elements))

    def struct(self, fields: Iterable[tuple[str | None, bytes]]) -> bytes:
        """A struct; a name may be there several times, and None is an unknown one."""
        written = (var_uint_bytes(self._id(name)) + value for name, value in fields)
        return container(IonType.STRUCT, b"".join(written))

    def annotated(self, annotations: Iterable[str | None], value: bytes) -> bytes:
        """A value with annotations; without any, the value."""
        ids = b"".join(var_uint_bytes(self._id(each)) for each in annotations)
        if not ids:
            return value
        wrapped = var_uint_bytes(len(ids)) + ids + value
        # No length stands in an annotation's own octet but 3 and more, so it is always spelt out
        return bytes((ANNOTATION << 4 | 14,)) + var_uint_bytes(len(wrapped)) + wrapped

    def copied(self, span: IonSpan) -> bytes:
        """A value that was written elsewhere, under the symbols of this one.

        Raises:
            IonFormatError: the value is damaged.
            IndexError: the value is cut off.
        """
        return self._copied(span.data, span.start, span.end, span.context)

    def _copied(self, data: bytes, at: int, end: int, context: SymbolContext) -> bytes:
        if data[at] >> 4 == ANNOTATION:
            ids, body = annotations_at(data, at, end)
            texts = [symbol_text(context, each, at) for each in ids]
            return self.annotated(texts, self._copied(data, body, end, context))
        begin, after = value_bounds(data, at, end)
        code = data[at] >> 4
        if data[at] & 0x0F == _NULL:
            return data[at:after]
        if code == IonType.SYMBOL:
            number = int.from_bytes(data[begin:after], "big")
            return self.symbol(symbol_text(context, number, at))
        if code == IonType.STRUCT:
            return self.struct(self._copied_fields(data, begin, after, context))
        if code in (IonType.LIST, IonType.SEXP):
            return self.sequence(IonType(code), self._copied_all(data, begin, after, context))
        return data[at:after]

    def _copied_fields(
        self, data: bytes, at: int, end: int, context: SymbolContext
    ) -> Iterable[tuple[str | None, bytes]]:
        while at < end:
            symbol, at = var_uint(data, at)
            after = value_bounds(data, at, end)[1]
            if not is_padding(data, at):
                yield symbol_text(context, symbol, at), self._copied(data, at, after, context)
            at = after

    def _copied_all(
        self, data: bytes, at: int, end: int, context: SymbolContext
    ) -> Iterable[bytes]:
        while at < end:
            after = value_bounds(data, at, end)[1]
            if not is_padding(data, at):
                yield self._copied(data, at, after, context)
            at = after

    def _id(self, text: str | None) -> int:
        if text is None:
            return 0
        return self._symbols.setdefault(text, len(SYSTEM_SYMBOLS) + len(self._symbols))
