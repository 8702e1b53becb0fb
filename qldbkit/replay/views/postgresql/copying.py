"""Rows in PostgreSQL's binary formats: for ``COPY``, and as arrays, one for each column.

The formats are those of https://www.postgresql.org/docs/current/sql-copy.html and of the
server's ``array_recv``: a value is its length and its bytes in both, nothing is escaped, and a blob
costs its bytes alone. So a row is made once, whichever way it goes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from psycopg.adapt import Dumper
from psycopg.postgres import types
from psycopg.pq import Format

BUFFER_BYTES: Final = 128 * 1024
"""Bytes that are handed to the connection at once."""
_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_NULL: Final = b"\xff\xff\xff\xff"
_SINCE_2000: Final = 946_684_800_000_000
"""Microseconds from 1970 to 2000, where PostgreSQL's times begin."""
_length: Final = struct.Struct(">i").pack
_bigint: Final = struct.Struct(">iq").pack
_integer: Final = struct.Struct(">ii").pack
_count: Final = struct.Struct(">h").pack


class Kind(Enum):
    """The type of a column, by its name in PostgreSQL.

    Times are microseconds since 1970, jsonb is the text of JSON.
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
"""A row's values, as Python has them."""
Fields = tuple[bytes, ...]
"""The same as they are sent, each with its length before it."""


class Elements(bytes):
    """An array in the binary format; the statement says of which type it is."""


class ElementsDumper(Dumper):
    """Has psycopg send `Elements` as they are."""

    format = Format.BINARY
    oid = 0

    def dump(self, obj: Elements) -> Elements:
        """The array."""
        return obj


def encoder(columns: Iterable[Column]) -> Callable[[Row], Fields]:
    """What makes a row of such columns ready to be sent."""
    encoders = [_ENCODERS[each.kind] for each in columns]

    def encoded(row: Row) -> Fields:
        pairs = zip(encoders, row, strict=True)
        return tuple([_NULL if value is None else encode(value) for encode, value in pairs])

    return encoded


def copied(rows: Iterable[Fields]) -> Iterator[bytes]:
    """The rows as ``COPY`` takes them, in pieces of about `BUFFER_BYTES`."""
    pieces, size = [_HEADER], 0
    for row in rows:
        piece = b"".join((_count(len(row)), *row))
        pieces.append(piece)
        size += len(piece)
        if size >= BUFFER_BYTES:
            yield b"".join(pieces)
            pieces, size = [], 0
    pieces.append(_TRAILER)
    yield b"".join(pieces)


def arrays(columns: Sequence[Column], rows: Sequence[Fields]) -> list[Elements]:
    """The rows' columns, each as an array."""
    return [
        Elements(_array_head(_OIDS[column.kind], len(rows)) + b"".join(fields))
        for column, fields in zip(columns, zip(*rows, strict=True), strict=True)
    ]


def _text(value: str) -> bytes:
    data = value.encode()
    return _length(len(data)) + data


def _jsonb(value: str) -> bytes:
    data = value.encode()
    return _length(len(data) + 1) + b"\x01" + data


def _bytes(value: bytes) -> bytes:
    return _length(len(value)) + value


_ENCODERS: Final[dict[Kind, Callable[[Any], bytes]]] = {
    Kind.TEXT: _text,
    Kind.BIGINT: lambda value: _bigint(8, value),
    Kind.INTEGER: lambda value: _integer(4, value),
    Kind.JSONB: _jsonb,
    Kind.TIME: lambda value: _bigint(8, value - _SINCE_2000),
    Kind.BYTES: _bytes,
    Kind.BOOLEAN: lambda value: b"\0\0\0\1\1" if value else b"\0\0\0\1\0",
}
_OIDS: Final = {each: types[each.value].oid for each in Kind}


def _array_head(oid: int, length: int) -> bytes:
    """What stands before an array's elements: one dimension, in which there may be nulls."""
    return struct.pack(">iiIii", 1, 1, oid, length, 1)
