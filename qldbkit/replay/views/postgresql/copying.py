"""Rows in PostgreSQL's binary format, as arrays: one for each column.

The format is that of the server's ``array_recv``: a value is its length and its bytes, nothing is
escaped, and a blob costs its bytes alone.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from psycopg.adapt import Dumper
from psycopg.postgres import types as known_types
from psycopg.pq import Format

from qldbkit.journal import kernel
from qldbkit.journal.encoding import standalone
from qldbkit.journal.ion import IonFormatError, IonSpan
from qldbkit.journal.moments import microseconds
from qldbkit.replay.views.postgresql.mapping import json_text

PIECE_BYTES: Final = 64 * 1024
"""Bytes of rows that one statement takes.

PostgreSQL writes them while the next are made, and needs more for each row of a longer array.
"""
_NULL: Final = b"\xff\xff\xff\xff"
_SINCE_2000: Final = 946_684_800_000_000
"""Microseconds from 1970 to 2000, where PostgreSQL's times begin."""
_LENGTH: Final = struct.Struct(">i")
_length: Final = _LENGTH.pack
_bigint: Final = struct.Struct(">iq").pack
_integer: Final = struct.Struct(">ii").pack


class Kind(Enum):
    """The type of a column, by its name in PostgreSQL.

    Times and documents are given as Ion, and null is sent for what is no time. What is sent as
    bytea may be given so as well, and is sent as Ion that stands alone.
    """

    TEXT = "text"
    BIGINT = "bigint"
    INTEGER = "integer"
    JSONB = "jsonb"
    TIME = "timestamptz"
    BYTES = "bytea"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation."""

    name: str
    kind: Kind

    @property
    def array(self) -> str:
        """The type of the array that its values are sent as."""
        return f"{self.kind.value}[]"


Row = tuple[Any, ...]
"""A row's values, as Python or Ion has them."""
Fields = bytes
"""The same as they are sent: one after the other, each with its length before it."""


@dataclass(frozen=True, slots=True)
class Elements:
    """An array in the binary format; the statement says of which type it is."""

    octets: bytes


class ElementsDumper(Dumper):
    """Has psycopg send `Elements` as they are."""

    format = Format.BINARY
    oid = 0

    def dump(self, obj: Elements) -> bytes:
        """The array."""
        return obj.octets


def encoder(columns: Sequence[Column]) -> Callable[[Row], Fields]:
    """What makes a row of such columns ready to be sent."""
    kinds = bytes([_KINDS[each.kind] for each in columns])
    encoders = [_ENCODERS[each.kind] for each in columns]

    def encoded(row: Row) -> Fields:
        answer = kernel.row(kinds, row)
        if answer is not None:
            return answer
        pairs = zip(encoders, row, strict=True)
        return b"".join([_NULL if value is None else encode(value) for encode, value in pairs])

    return encoded


def pieces(rows: Iterable[Fields]) -> Iterator[list[Fields]]:
    """The rows in their order, in pieces of about `PIECE_BYTES`."""
    piece: list[Fields] = []
    size = 0
    for row in rows:
        piece.append(row)
        size += len(row)
        if size >= PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def arrays(columns: Sequence[Column], rows: list[Fields]) -> list[Elements]:
    """The rows' columns, each as an array."""
    types = tuple([_OIDS[each.kind] for each in columns])
    return [Elements(each) for each in kernel.row_arrays(rows, types) or _arrays(rows, types)]


def _arrays(rows: list[Fields], types: tuple[int, ...]) -> list[bytes]:
    found = [[_array_head(each, len(rows))] for each in types]
    for row in rows:
        at = 0
        for array in found:
            (length,) = _LENGTH.unpack_from(row, at)
            end = at + _LENGTH.size + max(length, 0)
            array.append(row[at:end])
            at = end
    return [b"".join(each) for each in found]


def without_ion(columns: Sequence[Column], row: Row) -> Row:
    """A row's values: times in microseconds since 1970, and documents as the text of JSON."""
    readers = [_READERS.get(each.kind) for each in columns]
    return tuple(
        value if value is None or read is None else read(value)
        for read, value in zip(readers, row, strict=True)
    )


def _moment(written: IonSpan) -> int | None:
    """Microseconds since 1970; None for what is no time, as the Ion beside it shows."""
    try:
        return microseconds(written)
    except IonFormatError:
        return None


def _text(value: str) -> bytes:
    data = value.encode()
    return _length(len(data)) + data


def _jsonb(document: IonSpan) -> bytes:
    data = json_text(document).encode()
    return _length(len(data) + 1) + b"\x01" + data


def _time(written: IonSpan) -> bytes:
    moment = _moment(written)
    return _NULL if moment is None else _bigint(8, moment - _SINCE_2000)


def _bytes(value: bytes | IonSpan) -> bytes:
    data = standalone(value) if isinstance(value, IonSpan) else value
    return _length(len(data)) + data


_READERS: Final[dict[Kind, Callable[[IonSpan], Any]]] = {
    Kind.TIME: _moment,
    Kind.JSONB: json_text,
}
_ENCODERS: Final[dict[Kind, Callable[[Any], bytes]]] = {
    Kind.TEXT: _text,
    Kind.BIGINT: lambda value: _bigint(8, value),
    Kind.INTEGER: lambda value: _integer(4, value),
    Kind.JSONB: _jsonb,
    Kind.TIME: _time,
    Kind.BYTES: _bytes,
    Kind.BOOLEAN: lambda value: b"\0\0\0\1\1" if value else b"\0\0\0\1\0",
}
_KINDS: Final = {
    Kind.TEXT: kernel.ROW_TEXT,
    Kind.BIGINT: kernel.ROW_BIGINT,
    Kind.INTEGER: kernel.ROW_INTEGER,
    Kind.JSONB: kernel.ROW_JSONB,
    Kind.TIME: kernel.ROW_TIME,
    Kind.BYTES: kernel.ROW_BYTES,
    Kind.BOOLEAN: kernel.ROW_BOOLEAN,
}
_OIDS: Final = {each: known_types[each.value].oid for each in Kind}


def _array_head(oid: int, length: int) -> bytes:
    """What stands before an array's elements: one dimension, in which there may be nulls."""
    return struct.pack(">iiIii", 1, 1, oid, length, 1)
