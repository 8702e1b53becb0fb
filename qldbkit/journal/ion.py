"""A walk over binary Ion that builds no Python values.

Journal records are verified by hashes over their Ion values, and most of what they hold is only
carried along. `IonSpan` points at one value inside the bytes that were received: its fields,
elements, scalars and hash are read from there, and `IonSpan.value` decodes it only when somebody
asks. The format is that of the Ion 1.0 binary encoding
(https://amazon-ion.github.io/ion-docs/docs/binary.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from amazon.ion.core import Timestamp
from amazon.ion.exceptions import IonException

from qldbkit.errors import QldbkitError
from qldbkit.journal import codec

VERSION_MARKER: Final = b"\xe0\x01\x00\xea"
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
REMEMBERED_TABLES: Final = 512
"""Symbol tables that are kept ready."""
REMEMBERED_TABLE_BYTES: Final = 2048
"""Larger symbol tables are read anew each time."""
MAX_DEPTH: Final = 128
"""Values nested deeper are refused; QLDB's own limit is not known, its documents are 128 KB."""


class IonFormatError(QldbkitError):
    """The bytes are not the binary Ion that they should be."""

    def __init__(self, message: str, offset: int):
        super().__init__(message, position=f"byte {offset}")
        self.offset = offset


class IonType(IntEnum):
    """The types of Ion values, by their code in the binary encoding."""

    NULL = 0
    BOOL = 1
    INT = 2
    FLOAT = 4
    DECIMAL = 5
    TIMESTAMP = 6
    SYMBOL = 7
    STRING = 8
    CLOB = 9
    BLOB = 10
    LIST = 11
    SEXP = 12
    STRUCT = 13


NEGATIVE_INT: Final = 3
ANNOTATION: Final = 14


@dataclass(frozen=True, slots=True)
class SymbolContext:
    """The symbols in force at a value.

    Attributes:
        texts: the symbols' texts by id; None where the text is unknown.
        prefix: version marker and symbol tables; with it, a value's bytes stand alone.
    """

    texts: tuple[str | None, ...]
    prefix: bytes


SYSTEM_CONTEXT: Final = SymbolContext(SYSTEM_SYMBOLS, VERSION_MARKER)


def var_uint(data: bytes, at: int) -> tuple[int, int]:
    """Read a VarUInt; return it and the offset behind it."""
    result = 0
    while True:
        octet = data[at]
        at += 1
        result = result << 7 | octet & 0x7F
        if octet & 0x80:
            return result, at


def value_bounds(data: bytes, at: int, limit: int) -> tuple[int, int]:
    """Where the representation of the value at ``at`` begins and ends (``limit`` bounds it)."""
    descriptor = data[at]
    length = descriptor & 0x0F
    code = descriptor >> 4
    if code > ANNOTATION:
        raise IonFormatError("type code 15 is reserved", at)
    at += 1
    if length == 15 or code == IonType.BOOL:
        return at, at
    if length == 14 or (length == 1 and code == IonType.STRUCT):
        length = data[at] & 0x7F
        if data[at] & 0x80:
            at += 1
        else:
            length, at = var_uint(data, at)
    end = at + length
    if end > limit:
        raise IonFormatError(f"a value of {length} bytes goes beyond its container", at)
    return at, end


LONG: Final = 255
SHORT_LENGTHS: Final = bytes(
    LONG
    if code > ANNOTATION or (length == 14 and code != IonType.BOOL) or each == 0xD1
    else 0
    if length == 15 or code == IonType.BOOL
    else length
    for each in range(256)
    for code, length in [divmod(each, 16)]
)
"""By a value's first byte, the length behind it; `LONG` where `value_bounds` has to find it."""


def is_padding(data: bytes, at: int) -> bool:
    """Whether the value at ``at`` is padding that carries nothing."""
    return data[at] < 0x0F


_TYPES: Final = tuple(
    IonType.INT if code == NEGATIVE_INT else IonType(code) for code in range(ANNOTATION)
)


class IonSpan:
    """One Ion value, as it was written.

    Two spans are the same when their values have the same Ion hash, so equality ignores how a
    value was encoded.
    """

    __slots__ = ("_body", "_code", "_is_null", "annotation_ids", "context", "data", "end", "start")

    def __init__(self, data: bytes, start: int, end: int, context: SymbolContext):
        self.data = data
        self.start = start
        self.end = end
        self.context = context
        descriptor = data[start]
        body = start
        self.annotation_ids: tuple[int, ...] = ()
        if descriptor >> 4 == ANNOTATION:
            self.annotation_ids, body = annotations_at(data, start, end)
            descriptor = data[body]
        self._body = body
        self._code = descriptor >> 4
        self._is_null = descriptor & 0x0F == 15

    @staticmethod
    def parse(data: bytes) -> IonSpan:
        """The only top-level value of ``data``.

        Raises:
            IonFormatError: ``data`` is damaged, empty, or holds more than one value.
        """
        spans = IonSpan.parse_all(data)
        if len(spans) != 1:
            raise IonFormatError(f"one Ion value was expected, not {len(spans)}", 0)
        return spans[0]

    @staticmethod
    def parse_all(data: bytes) -> list[IonSpan]:
        """All top-level values of ``data``.

        Raises:
            IonFormatError: ``data`` is damaged.
        """
        return list(top_level_spans(data))

    @staticmethod
    def of(value: Any) -> IonSpan:
        """The span of an amazon.ion or plain Python value.

        Raises:
            TypeError: the value is of a type that Ion does not have.
        """
        if isinstance(value, IonSpan):
            return value
        return IonSpan.parse(codec.write(value))

    @staticmethod
    def from_text(text: str) -> IonSpan:
        """The span of one value in Ion text.

        Raises:
            IonFormatError: the text is not one Ion value.
        """
        try:
            return IonSpan.of(codec.read_text(text))
        except (IonException, ValueError) as error:
            raise IonFormatError(f"not an Ion value: {error}", 0) from error

    @property
    def ion_type(self) -> IonType:
        """The value's type; a typed null has the type it is a null of."""
        return _TYPES[self._code]

    @property
    def is_null(self) -> bool:
        """Whether the value is a null of any type."""
        return self._is_null

    @property
    def annotations(self) -> tuple[str | None, ...]:
        """The texts of the value's annotations."""
        return tuple(symbol_text(self.context, each, self.start) for each in self.annotation_ids)

    def value(self) -> Any:
        """The value as amazon.ion gives it, with full fidelity.

        Raises:
            IonFormatError: amazon.ion cannot read it.
        """
        try:
            return codec.read(self.binary())
        except (IonException, ValueError) as error:
            raise IonFormatError(
                f"amazon.ion cannot read the value: {error}", self.start
            ) from error

    def binary(self) -> bytes:
        """The value as binary Ion that stands alone."""
        return self.context.prefix + self.data[self.start : self.end]

    def fields(self) -> dict[str, IonSpan]:
        """A struct's fields by name, in their order; of a name used twice, the last.

        Raises:
            IonFormatError: the value is not a struct, or damaged.
        """
        return dict(self.field_pairs())

    def field_pairs(self) -> Iterator[tuple[str, IonSpan]]:
        """A struct's names and values in their order, a name as often as it was written."""
        self._expect(IonType.STRUCT)
        data, context, found = self.data, self.context, []
        texts, known = context.texts, len(context.texts)
        try:
            at, end = value_bounds(data, self._body, self.end)
            while at < end:
                symbol = data[at] & 0x7F
                if data[at] & 0x80:
                    at += 1
                else:
                    symbol, at = var_uint(data, at)
                length = SHORT_LENGTHS[data[at]]
                after = at + 1 + length
                if length == LONG or after > end:
                    after = value_bounds(data, at, end)[1]
                if data[at] >= 0x0F:
                    name = texts[symbol] if symbol < known else symbol_text(context, symbol, at)
                    found.append((name or "$0", IonSpan(data, at, after, context)))
                at = after
        except IndexError as error:
            raise truncated(data) from error
        return iter(found)

    def written_fields(self) -> Iterator[tuple[str, bytes]]:
        """A struct's fields as they stand, name and value together, by their names."""
        self._expect(IonType.STRUCT)
        data = self.data
        try:
            at, end = value_bounds(data, self._body, self.end)
            while at < end:
                begin = at
                symbol, at = var_uint(data, at)
                value, at = at, value_bounds(data, at, end)[1]
                if not is_padding(data, value):
                    yield symbol_text(self.context, symbol, value) or "$0", data[begin:at]
        except IndexError as error:
            raise truncated(data) from error

    def elements(self) -> list[IonSpan]:
        """A list's or sexp's elements.

        Raises:
            IonFormatError: the value is neither, or damaged.
        """
        self._expect(IonType.LIST, IonType.SEXP)
        data, found = self.data, []
        try:
            at, end = value_bounds(data, self._body, self.end)
            while at < end:
                length = SHORT_LENGTHS[data[at]]
                after = at + 1 + length
                if length == LONG or after > end:
                    after = value_bounds(data, at, end)[1]
                if data[at] >= 0x0F:
                    found.append(IonSpan(data, at, after, self.context))
                at = after
        except IndexError as error:
            raise truncated(data) from error
        return found

    def texts(self) -> list[str | None]:
        """A list's strings; None for what is none, as a symbol table takes it.

        Raises:
            IonFormatError: the value is no list, or damaged.
        """
        self._expect(IonType.LIST)
        data = self.data
        found: list[str | None] = []
        try:
            at, end = value_bounds(data, self._body, self.end)
            while at < end:
                begin, after = value_bounds(data, at, end)
                if data[at] >> 4 == IonType.STRING and data[at] & 0x0F != 15:
                    found.append(str(data[begin:after], "utf-8"))
                elif not is_padding(data, at):
                    found.append(None)
                at = after
        except IndexError as error:
            raise truncated(data) from error
        except UnicodeDecodeError as error:
            raise IonFormatError("a string is not UTF-8", self.start) from error
        return found

    def text(self) -> str:
        """A string's or symbol's text.

        Raises:
            IonFormatError: the value is neither, is null, or is not UTF-8.
        """
        self._expect(IonType.STRING, IonType.SYMBOL)
        begin, end = self._representation()
        if self._code == IonType.STRING:
            try:
                return str(self.data[begin:end], "utf-8")
            except UnicodeDecodeError as error:
                raise IonFormatError("a string is not UTF-8", begin) from error
        symbol = int.from_bytes(self.data[begin:end], "big")
        text = symbol_text(self.context, symbol, self.start)
        if text is None:
            raise IonFormatError("a symbol's text is unknown", self.start)
        return text

    def integer(self) -> int:
        """An int's value.

        Raises:
            IonFormatError: the value is not an int, or null.
        """
        self._expect(IonType.INT, NEGATIVE_INT)
        begin, end = self._representation()
        magnitude = int.from_bytes(self.data[begin:end], "big")
        return -magnitude if self._code == NEGATIVE_INT else magnitude

    def blob(self) -> bytes:
        """A blob's or clob's bytes.

        Raises:
            IonFormatError: the value is neither, or null.
        """
        self._expect(IonType.BLOB, IonType.CLOB)
        begin, end = self._representation()
        return self.data[begin:end]

    def timestamp(self) -> Timestamp:
        """A timestamp with its precision and offset.

        Raises:
            IonFormatError: the value is not a timestamp, or null.
        """
        self._expect(IonType.TIMESTAMP)
        moment = self.value()
        assert isinstance(moment, Timestamp)
        return moment

    def hash(self) -> bytes:
        """The value's Ion hash: 32 bytes, SHA-256.

        Raises:
            IonFormatError: the value is damaged.
        """
        from qldbkit.journal.ionhash import serialized  # noqa: PLC0415 - it walks spans itself

        return sha256(serialized(self)).digest()

    def __eq__(self, other: object) -> bool:
        """Whether both are the same Ion value."""
        return isinstance(other, IonSpan) and self.hash() == other.hash()

    def __hash__(self) -> int:
        return int.from_bytes(self.hash()[:8], "big")

    def __repr__(self) -> str:
        return f"IonSpan({self.ion_type.name}, {self.end - self.start} bytes)"

    def _representation(self) -> tuple[int, int]:
        if self._is_null:
            raise IonFormatError("a value was expected, not null", self.start)
        try:
            return value_bounds(self.data, self._body, self.end)
        except IndexError as error:
            raise truncated(self.data) from error

    def _expect(self, *codes: int) -> None:
        if self._code not in codes or self._is_null:
            wanted = " or ".join(IonType(each).name for each in codes if each != NEGATIVE_INT)
            found = f"null.{self.ion_type.name}" if self._is_null else self.ion_type.name
            raise IonFormatError(f"{wanted} was expected, not {found}", self.start)


def truncated(data: bytes) -> IonFormatError:
    """The error for bytes that end in the middle of a value."""
    return IonFormatError("the bytes end in the middle of a value", len(data))


def symbol_text(context: SymbolContext, symbol: int, offset: int) -> str | None:
    """The text of a symbol id; None for an unknown text."""
    if symbol >= len(context.texts):
        raise IonFormatError(f"symbol {symbol} is in no symbol table", offset)
    return context.texts[symbol]


def annotations_at(data: bytes, start: int, limit: int) -> tuple[tuple[int, ...], int]:
    """The annotation ids of the wrapper at ``start``, and where the wrapped value begins."""
    try:
        at, end = value_bounds(data, start, limit)
        length, at = var_uint(data, at)
        values = at + length
        ids = []
        while at < values:
            symbol, at = var_uint(data, at)
            ids.append(symbol)
        if not ids or at != values or at >= end or data[at] >> 4 == ANNOTATION:
            raise IonFormatError("an annotation wrapper is malformed", start)
        if value_bounds(data, at, end)[1] != end or is_padding(data, at):
            raise IonFormatError("an annotation wrapper does not hold exactly one value", start)
    except IndexError as error:
        raise truncated(data) from error
    return tuple(ids), at


def top_level_spans(data: bytes, start: int = 0) -> Iterator[IonSpan]:
    """The top-level values of binary Ion, with the symbol tables applied, one after the other.

    Raises:
        IonFormatError: the bytes are damaged, or import a shared symbol table.
    """
    if data[start : start + 4] != VERSION_MARKER:
        raise IonFormatError("binary Ion begins with the version marker E0 01 00 EA", start)
    context = SYSTEM_CONTEXT
    at, limit = start, len(data)
    while at < limit:
        if data[at] == 0xE0:
            if data[at : at + 4] != VERSION_MARKER:
                raise IonFormatError("not the version marker of Ion 1.0", at)
            context, at = SYSTEM_CONTEXT, at + 4
            continue
        try:
            _, end = value_bounds(data, at, limit)
        except IndexError as error:
            raise truncated(data) from error
        if not is_padding(data, at):
            span = IonSpan(data, at, end, context)
            if is_symbol_table(span):
                context = extended(context, span)
            else:
                yield span
        at = end


def is_symbol_table(span: IonSpan) -> bool:
    """Whether a top-level value is a local symbol table, which is no value of the user's."""
    return span.annotation_ids[:1] == (SYMBOL_TABLE_ID,) and span.ion_type == IonType.STRUCT


def extended(context: SymbolContext, table: IonSpan) -> SymbolContext:
    """The context behind a local symbol table.

    Values of one shape are written with one symbol table, so the last ones are remembered.
    """
    written = table.data[table.start : table.end]
    if len(written) > REMEMBERED_TABLE_BYTES:
        return _extended(context, table)
    try:
        return _remembered(context, written)
    except IonFormatError:
        return _extended(context, table)  # fails again, with the right offset


@lru_cache(maxsize=REMEMBERED_TABLES)
def _remembered(context: SymbolContext, written: bytes) -> SymbolContext:
    return _extended(context, IonSpan(written, 0, len(written), context))


def _extended(context: SymbolContext, table: IonSpan) -> SymbolContext:
    fields = table.fields()
    texts: tuple[str | None, ...] = SYSTEM_SYMBOLS
    prefix = VERSION_MARKER
    imports = fields.get("imports")
    if imports is not None and imports.ion_type == IonType.SYMBOL and not imports.is_null:
        texts, prefix = context.texts, context.prefix
    elif imports is not None and imports.ion_type == IonType.LIST and imports.elements():
        raise IonFormatError("shared symbol tables are not supported", table.start)
    symbols = fields.get("symbols")
    added: list[str | None] = []
    if symbols is not None and symbols.ion_type == IonType.LIST and not symbols.is_null:
        added = symbols.texts()
    return SymbolContext((*texts, *added), prefix + table.data[table.start : table.end])
