"""Ion hash, by walking binary Ion.

The algorithm is that of https://amazon-ion.github.io/ion-hash/docs/spec.html: a value is hashed
as ``0B type representation 0E``, where representations are close to the binary encoding, a list
concatenates its elements, and a struct concatenates the sorted hashes of its fields.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final, Protocol

from qldbkit.journal.binary import (
    ANNOTATION,
    LENGTHS,
    MAX_DEPTH,
    NEGATIVE_INT,
    IonFormatError,
    IonType,
    annotations_at,
    truncated,
    value_bounds,
    var_uint,
)
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.kernel import field_hash
from qldbkit.journal.symbols import SymbolContext, symbol_text

BEGIN: Final = b"\x0b"
END: Final = b"\x0e"


class Hashed(Protocol):
    """What a hash function of `hashlib` returns."""

    def digest(self) -> bytes:
        """The hash."""


Hasher = Callable[[bytes], Hashed]


def serialized(span: IonSpan, hasher: Hasher = sha256) -> bytes:
    """The bytes whose hash is the value's Ion hash.

    Args:
        span: the value.
        hasher: the hash function for struct fields; a test may give another than SHA-256.

    Raises:
        IonFormatError: the value is damaged or nested too deeply.
    """
    try:
        return _value(span.data, span.start, span.end, span.context, hasher, 0)
    except IndexError as error:
        raise truncated(span.data) from error


def escape(representation: bytes) -> bytes:
    """Put 0C before the bytes that have a meaning in the serialization."""
    # Three searches for one octet cost a sixth of one search for three.
    if not (11 in representation or 12 in representation or 14 in representation):
        return representation
    return (
        representation.replace(b"\x0c", b"\x0c\x0c")
        .replace(b"\x0b", b"\x0c\x0b")
        .replace(b"\x0e", b"\x0c\x0e")
    )


@lru_cache(maxsize=4096)
def symbol(text: str | None) -> bytes:
    """The serialization of a symbol, which field names and annotations are too."""
    if text is None:
        return b"\x0b\x71\x0e"
    return BEGIN + b"\x70" + escape(text.encode("utf-8", "surrogatepass")) + END


def struct_hash(fields: Mapping[str, IonSpan]) -> bytes:
    """The Ion hash (SHA-256) of a struct of these fields, without writing it.

    Raises:
        IonFormatError: a value is damaged or nested too deeply.
    """
    hashes = sorted(
        field_hash(name, span) or sha256(symbol(name) + serialized(span)).digest()
        for name, span in fields.items()
    )
    return sha256(b"\x0b\xd0" + escape(b"".join(hashes)) + END).digest()


def _value(
    data: bytes, at: int, limit: int, context: SymbolContext, hasher: Hasher, depth: int
) -> bytes:
    begin, end = value_bounds(data, at, limit)
    return _bounded(data, at, begin, end, context, hasher, depth)


def _bounded(
    data: bytes, at: int, begin: int, end: int, context: SymbolContext, hasher: Hasher, depth: int
) -> bytes:
    """The serialization of the value at ``at``, with its representation's bounds known."""
    descriptor = data[at]
    opening = _OPENINGS[descriptor]
    if opening is not None:
        return opening + escape(data[begin:end]) + END
    code = descriptor >> 4
    if code == IonType.STRUCT:
        return _struct(data, begin, end, context, hasher, _deeper(depth, at))
    if code in (IonType.LIST, IonType.SEXP):
        return _sequence(code, data, begin, end, context, hasher, _deeper(depth, at))
    if code == IonType.SYMBOL:
        number = int.from_bytes(data[begin:end], "big")
        return symbol(symbol_text(context, number, at))
    if code == ANNOTATION:
        ids, at = annotations_at(data, at, end)
        names = b"".join(symbol(symbol_text(context, each, at)) for each in ids)
        inner = _value(data, at, end, context, hasher, depth)
        return BEGIN + b"\xe0" + names + inner + END
    return _SCALARS[code](data, at, begin, end)


def _deeper(depth: int, at: int) -> int:
    if depth >= MAX_DEPTH:
        raise IonFormatError(f"values are nested deeper than {MAX_DEPTH}", at)
    return depth + 1


def _opening(descriptor: int) -> bytes | None:
    """See `_OPENINGS`."""
    code, length = divmod(descriptor, 16)
    quarter = IonType.INT if code == NEGATIVE_INT else code
    if code < ANNOTATION and length == 15:
        return bytes((0x0B, quarter << 4 | 0x0F))
    if code in (IonType.STRING, IonType.CLOB, IonType.BLOB):
        return bytes((0x0B, quarter << 4))
    return bytes((0x0B, descriptor)) if descriptor in (0x10, 0x11, 0x20) else None


_OPENINGS: Final = tuple(map(_opening, range(256)))
"""By its first octet, what a value's serialization begins with, if its representation follows as it
is written but for escapes: of strings, blobs and clobs, nulls, bools and the zero."""


def _struct(
    data: bytes, at: int, end: int, context: SymbolContext, hasher: Hasher, depth: int
) -> bytes:
    hashes = []
    texts, known = context.texts, len(context.texts)
    while at < end:
        name = data[at] - 0x80
        at += 1
        if name < 0:
            name, at = var_uint(data, at - 1)
        # This is `value_bounds` and `_bounded` for nearly all fields there are, without a call.
        descriptor = data[at]
        begin = at + 1
        length = LENGTHS[descriptor]
        if length < 0:
            length = data[begin] - 0x80
            begin += 1
        after = begin + length
        if length < 0 or after > end:
            begin, after = value_bounds(data, at, end)
        if descriptor >= 0x0F:
            text = texts[name] if name < known else symbol_text(context, name, at)
            opening = _OPENINGS[descriptor]
            if opening is None:
                value = _bounded(data, at, begin, after, context, hasher, depth)
                hashes.append(hasher(symbol(text) + value).digest())
            else:
                body = data[begin:after]
                if 11 in body or 12 in body or 14 in body:
                    body = escape(body)
                hashes.append(hasher(symbol(text) + opening + body + END).digest())
        at = after
    hashes.sort()
    return b"\x0b\xd0" + escape(b"".join(hashes)) + END


def _sequence(
    code: int, data: bytes, at: int, end: int, context: SymbolContext, hasher: Hasher, depth: int
) -> bytes:
    parts = [bytes((0x0B, code << 4))]
    while at < end:
        begin, after = value_bounds(data, at, end)
        if data[at] >= 0x0F:
            parts.append(_bounded(data, at, begin, after, context, hasher, depth))
        at = after
    parts.append(END)
    return b"".join(parts)


def _bool(_: bytes, at: int, *__: int) -> bytes:
    raise IonFormatError("a bool is neither true nor false", at)


def _integer(data: bytes, at: int, begin: int, end: int) -> bytes:
    magnitude = data[begin:end].lstrip(b"\0")
    code = data[at] >> 4 if magnitude else IonType.INT
    return (b"\x0b\x20" if code == IonType.INT else b"\x0b\x30") + escape(magnitude) + END


def _float(data: bytes, at: int, begin: int, end: int) -> bytes:
    if end - begin not in (0, 4, 8):
        raise IonFormatError(f"a float has 0, 4 or 8 bytes, not {end - begin}", at)
    number = 0.0
    if end > begin:
        number = struct.unpack(">f" if end - begin == 4 else ">d", data[begin:end])[0]
    if math.isnan(number):
        return b"\x0b\x40\x7f\xf8\0\0\0\0\0\0\x0e"
    double = struct.pack(">d", number)
    return b"\x0b\x40" + (b"" if double == bytes(8) else escape(double)) + END


def _decimal(data: bytes, _: int, begin: int, end: int) -> bytes:
    if begin == end:
        return b"\x0b\x50\x0e"
    exponent, after = _var_int(data, begin)
    coefficient = _int(data[after:end])
    body = exponent + coefficient
    return b"\x0b\x50" + (b"" if body == b"\x80" else escape(body)) + END


def _timestamp(data: bytes, _: int, begin: int, end: int) -> bytes:
    if _is_canonical_time(data, begin, end):
        return b"\x0b\x60" + escape(data[begin:end]) + END
    offset, position = _var_int(data, begin)
    parts = [offset]
    while position < end and len(parts) < 7:
        number, position = var_uint(data, position)
        parts.append(_encoded_var_uint(number))
    if position < end:
        exponent, after = _var_int(data, position)
        coefficient = _int(data[after:end])
        if coefficient == b"\x80":
            coefficient = b""
        # A zero with an exponent that is not negative says nothing about fractions of a second.
        if coefficient or (exponent[0] & 0x40 and exponent != b"\xc0"):
            parts += [exponent, coefficient]
    return b"\x0b\x60" + escape(b"".join(parts)) + END


_is_canonical_time: Final = re.compile(
    rb"[\x80-\xff][\x01-\x7f][\x80-\xff](?:[\x80-\xff]{0,2}|[\x80-\xff]{5}"
    rb"(?:[\xc1-\xff](?:[\x01-\x7f].{0,7}|\x00[\x80-\xff].{0,6})?)?)",
    re.DOTALL,
).fullmatch
"""A time with each number in its shortest encoding, as nearly all times of any precision are."""


_SCALARS: Final[dict[int, Callable[[bytes, int, int, int], bytes]]] = {
    IonType.BOOL: _bool,
    IonType.INT: _integer,
    NEGATIVE_INT: _integer,
    IonType.FLOAT: _float,
    IonType.DECIMAL: _decimal,
    IonType.TIMESTAMP: _timestamp,
}


def _var_int(data: bytes, at: int) -> tuple[bytes, int]:
    """Read a VarInt; return its shortest encoding, sign kept, and the offset behind it."""
    octet = data[at]
    at += 1
    negative = octet & 0x40
    magnitude = octet & 0x3F
    while not octet & 0x80:
        octet = data[at]
        at += 1
        magnitude = magnitude << 7 | octet & 0x7F
    octets = [magnitude & 0x7F | 0x80]
    magnitude >>= 7
    while magnitude:
        octets.append(magnitude & 0x7F)
        magnitude >>= 7
    if octets[-1] & 0x40:
        octets.append(0)
    octets[-1] |= negative
    return bytes(reversed(octets)), at


def _encoded_var_uint(number: int) -> bytes:
    octets = [number & 0x7F | 0x80]
    number >>= 7
    while number:
        octets.append(number & 0x7F)
        number >>= 7
    return bytes(reversed(octets))


def _int(representation: bytes) -> bytes:
    """The shortest encoding of an Int (sign in the first bit); nothing for a positive zero."""
    if not representation:
        return b""
    negative = representation[0] & 0x80
    magnitude = (bytes((representation[0] & 0x7F,)) + representation[1:]).lstrip(b"\0")
    if not magnitude:
        return b"\x80" if negative else b""
    if magnitude[0] & 0x80:
        magnitude = b"\0" + magnitude
    return bytes((magnitude[0] | negative,)) + magnitude[1:]
