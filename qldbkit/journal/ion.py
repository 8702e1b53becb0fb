"""A walk over binary Ion that builds no Python values.

Journal records are verified by hashes over their Ion values, and most of what they hold is only
carried along. `IonSpan` points at one value inside the bytes that were received: its fields,
elements, scalars and hash are read from there, and `IonSpan.value` decodes it only when somebody
asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

from amazon.ion.core import Timestamp
from amazon.ion.exceptions import IonException

from qldbkit.journal import codec, kernel
from qldbkit.journal.binary import (
    ANNOTATION,
    LENGTHS,
    NEGATIVE_INT,
    NO_LENGTH,
    OWN_LENGTH,
    VERSION_MARKER,
    IonFormatError,
    IonType,
    is_padding,
    truncated,
    value_bounds,
    var_uint,
)
from qldbkit.journal.symbols import (
    SYMBOL_TABLE_ID,
    SYSTEM_CONTEXT,
    SymbolContext,
    extended,
    symbol_text,
)

__all__ = ["VERSION_MARKER", "IonFormatError", "IonSpan", "IonType", "top_level_spans"]

_TYPES: Final = tuple(
    IonType.INT if code == NEGATIVE_INT else IonType(code) for code in range(ANNOTATION)
)


class IonSpan(kernel.Span):
    """One Ion value, as it was written.

    Two spans are the same when their values have the same Ion hash, so equality ignores how a
    value was encoded.
    """

    __slots__ = ()

    @staticmethod
    def parse(data: bytes) -> IonSpan:
        """The only top-level value of ``data``.

        Raises:
            IonFormatError: ``data`` is damaged, empty, or holds more than one value.
        """
        start = kernel.only_value(data)
        if start is not None:
            return IonSpan(data, start, len(data), _context_before(data, start))
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
        return _TYPES[self._descriptor >> 4]

    @property
    def is_null(self) -> bool:
        """Whether the value is a null of any type."""
        return self._descriptor & 0x0F == 15

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

    def field_pairs(self) -> list[tuple[str, IonSpan]]:
        """A struct's names and values in their order, a name as often as it was written.

        Raises:
            IonFormatError: the value is not a struct, or damaged.
        """
        answer = kernel.fields(self)
        if answer is not None:
            return answer
        self._expect(IonType.STRUCT)
        data, context, found = self.data, self.context, []
        texts, known = context.texts, len(context.texts)
        try:
            at, end = self._begin(), self.end
            while at < end:
                symbol = data[at] - 0x80
                at += 1
                if symbol < 0:
                    symbol, at = var_uint(data, at - 1)
                after = at + 1 + LENGTHS[data[at]]
                if after == at:  # see LENGTHS
                    length = data[at + 1] - 0x80
                    after = at + 2 + length if length >= 0 else NO_LENGTH
                if after > end:
                    after = value_bounds(data, at, end)[1]
                if data[at] >= 0x0F:
                    name = texts[symbol] if symbol < known else symbol_text(context, symbol, at)
                    found.append((name or "$0", IonSpan(data, at, after, context)))
                at = after
        except IndexError as error:
            raise truncated(data) from error
        return found

    def written_fields(self) -> list[tuple[str, bytes]]:
        """A struct's fields as they stand, name and value together, by their names.

        Raises:
            IonFormatError: the value is not a struct, or damaged.
        """
        answer = kernel.written_fields(self)
        if answer is not None:
            return answer
        self._expect(IonType.STRUCT)
        data, found = self.data, []
        try:
            at, end = self._begin(), self.end
            while at < end:
                begin = at
                symbol, at = var_uint(data, at)
                value, at = at, value_bounds(data, at, end)[1]
                if not is_padding(data, value):
                    name = symbol_text(self.context, symbol, value) or "$0"
                    found.append((name, data[begin:at]))
        except IndexError as error:
            raise truncated(data) from error
        return found

    def elements(self) -> list[IonSpan]:
        """A list's or sexp's elements.

        Raises:
            IonFormatError: the value is neither, or damaged.
        """
        answer = kernel.elements(self)
        if answer is not None:
            return answer
        self._expect(IonType.LIST, IonType.SEXP)
        data, found = self.data, []
        try:
            at, end = self._begin(), self.end
            while at < end:
                after = at + 1 + LENGTHS[data[at]]
                if after == at:  # see LENGTHS
                    length = data[at + 1] - 0x80
                    after = at + 2 + length if length >= 0 else NO_LENGTH
                if after > end:
                    after = value_bounds(data, at, end)[1]
                if data[at] >= 0x0F:
                    found.append(IonSpan(data, at, after, self.context))
                at = after
        except IndexError as error:
            raise truncated(data) from error
        return found

    def text(self) -> str:
        """A string's or symbol's text.

        Raises:
            IonFormatError: the value is neither, is null, or is not UTF-8.
        """
        answer = kernel.text(self)
        if answer is not None:
            return answer
        code = self._descriptor >> 4
        if code != IonType.STRING:
            self._expect(IonType.STRING, IonType.SYMBOL)
        begin, end = self._representation()
        if code == IonType.STRING:
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
        answer = kernel.integer(self)
        if answer is not None:
            return answer
        code = self._descriptor >> 4
        if code != IonType.INT:
            self._expect(IonType.INT, NEGATIVE_INT)
        begin, end = self._representation()
        magnitude = int.from_bytes(self.data[begin:end], "big")
        return -magnitude if code == NEGATIVE_INT else magnitude

    def blob(self) -> bytes:
        """A blob's or clob's bytes.

        Raises:
            IonFormatError: the value is neither, or null.
        """
        answer = kernel.blob(self)
        if answer is not None:
            return answer
        if self._descriptor >> 4 != IonType.BLOB:
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
        answer = kernel.ion_hash(self)
        if answer is not None:
            return answer
        from qldbkit.journal.ionhash import serialized  # noqa: PLC0415 - it walks spans itself

        return sha256(serialized(self)).digest()

    def __eq__(self, other: object) -> bool:
        """Whether both are the same Ion value."""
        return isinstance(other, IonSpan) and self.hash() == other.hash()

    def __hash__(self) -> int:
        return int.from_bytes(self.hash()[:8], "big")

    def __repr__(self) -> str:
        return f"IonSpan({self.ion_type.name}, {self.end - self.start} bytes)"

    def _begin(self) -> int:
        """Where the representation begins; it ends where the value does."""
        at = self._body + 1
        if LENGTHS[self._descriptor] == OWN_LENGTH:
            while self.data[at] < 0x80:
                at += 1
            at += 1
        return at

    def _representation(self) -> tuple[int, int]:
        if self._descriptor & 0x0F == 15:
            raise IonFormatError("a value was expected, not null", self.start)
        return self._begin(), self.end

    def _expect(self, *codes: int) -> None:
        is_null = self._descriptor & 0x0F == 15
        if self._descriptor >> 4 not in codes or is_null:
            wanted = " or ".join(IonType(each).name for each in codes if each != NEGATIVE_INT)
            found = f"null.{self.ion_type.name}" if is_null else self.ion_type.name
            raise IonFormatError(f"{wanted} was expected, not {found}", self.start)


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
                context = extended(context, data, at, end)
            else:
                yield span
        at = end


def _context_before(data: bytes, start: int) -> SymbolContext:
    """The symbols of what stands before the only value: a version marker, and maybe a table."""
    table = len(VERSION_MARKER)
    return extended(SYSTEM_CONTEXT, data, table, start) if start > table else SYSTEM_CONTEXT


def is_symbol_table(span: IonSpan) -> bool:
    """Whether a top-level value is a local symbol table, which is no value of the user's."""
    return span.annotation_ids[:1] == (SYMBOL_TABLE_ID,) and span.ion_type == IonType.STRUCT
