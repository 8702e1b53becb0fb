"""The binary encoding of Ion: where values begin and end in bytes, and of what types they are.

The format is that of the Ion 1.0 binary encoding
(https://amazon-ion.github.io/ion-docs/docs/binary.html).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from qldbkit.errors import QldbkitError

VERSION_MARKER: Final = b"\xe0\x01\x00\xea"
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


OWN_LENGTH: Final = -1
NO_LENGTH: Final = 1 << 62
LENGTHS: Final = tuple(
    NO_LENGTH
    if code > ANNOTATION
    else 0
    if length == 15 or code == IonType.BOOL
    else OWN_LENGTH
    if length == 14 or each == 0xD1
    else length
    for each in range(256)
    for code, length in [divmod(each, 16)]
)
"""By a value's first octet, how long its representation is.

`OWN_LENGTH` where the length stands behind that octet, nearly always in one octet, `NO_LENGTH`
where no value begins. The loops over fields and elements take the usual cases from here, and call
`value_bounds` for the others and for its errors: a call a value would cost as much as all else.
"""


def is_padding(data: bytes, at: int) -> bool:
    """Whether the value at ``at`` is padding that carries nothing."""
    return data[at] < 0x0F


def truncated(data: bytes) -> IonFormatError:
    """The error for bytes that end in the middle of a value."""
    return IonFormatError("the bytes end in the middle of a value", len(data))


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
