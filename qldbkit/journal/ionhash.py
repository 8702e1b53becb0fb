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
from typing import Final

from qldbkit.journal.ion import (
    ANNOTATION,
    LONG,
    MAX_DEPTH,
    NEGATIVE_INT,
    SHORT_LENGTHS,
    IonFormatError,
    IonSpan,
    IonType,
    SymbolContext,
    annotations_at,
    symbol_text,
    truncated,
    value_bounds,
    var_uint,
)

BEGIN: Final = b"\x0b"
END: Final = b"\x0e"
ESCAPED: Final = b"\x0b\x0c\x0e"

Digest = Callable[[bytes], bytes]


def sha256_digest(data: bytes) -> bytes:
    """SHA-256, which is what QLDB hashes with."""
    return sha256(data).digest()


def serialized(span: IonSpan, digest: Digest = sha256_digest) -> bytes:
    """The bytes whose hash is the value's Ion hash.

    Args:
        span: the value.
        digest: the hash function for struct fields; a test may give another than SHA-256.

    Raises:
        IonFormatError: the value is damaged or nested too deeply.
    """
    try:
        return _value(span.data, span.start, span.end, span.context, digest, 0)
    except IndexError as error:
        raise truncated(span.data) from error


def escape(representation: bytes) -> bytes:
    """Put 0C before the bytes that have a meaning in the serialization."""
    if len(representation.translate(None, ESCAPED)) == len(representation):
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
        sha256(symbol(name) + serialized(span)).digest() for name, span in fields.items()
    )
    return sha256(b"\x0b\xd0" + escape(b"".join(hashes)) + END).digest()


def _value(
    data: bytes, at: int, limit: int, context: SymbolContext, digest: Digest, depth: int
) -> bytes:
    begin, end = value_bounds(data, at, limit)
    return _bounded(data, at, begin, end, context, digest, depth)


def _bounded(
    data: bytes, at: int, begin: int, end: int, context: SymbolContext, digest: Digest, depth: int
) -> bytes:
    """The serialization of the value at ``at``, with its representation's bounds known."""
    descriptor = data[at]
    code = descriptor >> 4
    if code == ANNOTATION:
        ids, at = annotations_at(data, at, end)
        names = b"".join(symbol(symbol_text(context, each, at)) for each in ids)
        inner = _value(data, at, end, context, digest, depth)
        return BEGIN + b"\xe0" + names + inner + END
    if descriptor & 0x0F == 15:
        quarter = IonType.INT if code == NEGATIVE_INT else code
        return bytes((0x0B, quarter << 4 | 0x0F, 0x0E))
    if code == IonType.STRING:
        return b"\x0b\x80" + escape(data[begin:end]) + END
    if code >= IonType.LIST:
        if depth >= MAX_DEPTH:
            raise IonFormatError(f"values are nested deeper than {MAX_DEPTH}", at)
        if code == IonType.STRUCT:
            return _struct(data, begin, end, context, digest, depth + 1)
        return _sequence(code, data, begin, end, context, digest, depth + 1)
    if code == IonType.SYMBOL:
        number = int.from_bytes(data[begin:end], "big")
        return symbol(symbol_text(context, number, at))
    return _SCALARS[code](data, at, begin, end)


def _struct(
    data: bytes, at: int, end: int, context: SymbolContext, digest: Digest, depth: int
) -> bytes:
    hashes = []
    texts, known = context.texts, len(context.texts)
    while at < end:
        name = data[at] & 0x7F
        if data[at] & 0x80:
            at += 1
        else:
            name, at = var_uint(data, at)
        begin = at + 1
        length = SHORT_LENGTHS[data[at]]
        after = begin + length
        if length == LONG or after > end:
            begin, after = value_bounds(data, at, end)
        if data[at] >= 0x0F:
            text = texts[name] if name < known else symbol_text(context, name, at)
            value = _bounded(data, at, begin, after, context, digest, depth)
            hashes.append(digest(symbol(text) + value))
        at = after
    hashes.sort()
    return b"\x0b\xd0" + escape(b"".join(hashes)) + END


def _sequence(
    code: int, data: bytes, at: int, end: int, context: SymbolContext, digest: Digest, depth: int
) -> bytes:
    parts = [bytes((0x0B, code << 4))]
    while at < end:
        begin, after = value_bounds(data, at, end)
        if data[at] >= 0x0F:
            parts.append(_bounded(data, at, begin, after, context, digest, depth))
        at = after
    parts.append(END)
    return b"".join(parts)


def _bool(data: bytes, at: int, *_: int) -> bytes:
    if data[at] > 0x11:
        raise IonFormatError("a bool is neither true nor false", at)
    return bytes((0x0B, data[at], 0x0E))


def _integer(data: bytes, at: int, begin: int, end: int) -> bytes:
    magnitude = data[begin:end].lstrip(b"\0")
    code = data[at] >> 4 if magnitude else IonType.INT
    return bytes((0x0B, code << 4)) + escape(magnitude) + END


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
    if _CANONICAL_TIME.fullmatch(data, begin, end):
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


_CANONICAL_TIME: Final = re.compile(
    rb"\x80[\x01-\x7f][\x80-\xff][\x80-\xff]{5}\xc3(?:[\x01-\x7f]|[\x01-\x7f].)", re.DOTALL
)
"""A time in UTC to the millisecond, each number in its shortest encoding, as ledgers write it."""


def _bytes(data: bytes, at: int, begin: int, end: int) -> bytes:
    return bytes((0x0B, data[at] & 0xF0)) + escape(data[begin:end]) + END


_SCALARS: Final[dict[int, Callable[[bytes, int, int, int], bytes]]] = {
    IonType.BOOL: _bool,
    IonType.INT: _integer,
    NEGATIVE_INT: _integer,
    IonType.FLOAT: _float,
    IonType.DECIMAL: _decimal,
    IonType.TIMESTAMP: _timestamp,
    IonType.CLOB: _bytes,
    IonType.BLOB: _bytes,
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
