"""Rows for ``COPY`` in PostgreSQL's binary format, and for arrays.

The format is that of https://www.postgresql.org/docs/current/sql-copy.html: nothing is escaped, and
a blob costs its bytes alone.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final

BUFFER_BYTES: Final = 128 * 1024
"""Bytes that are handed to the connection at once."""
_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_NULL: Final = b"\xff\xff\xff\xff"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SINCE_2000: Final = 946_684_800_000_000
"""Microseconds from 1970 to 2000, where PostgreSQL's times begin."""
_length: Final = struct.Struct(">i").pack
_bigint: Final = struct.Struct(">iq").pack
_integer: Final = struct.Struct(">ii").pack


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
        return "text[]" if self.kind is Kind.JSONB else f"{self.kind.value}[]"


def copied(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The rows in the binary format, in pieces of about `BUFFER_BYTES`."""
    encoders = [_ENCODERS[each.kind] for each in columns]
    count = struct.pack(">h", len(columns))
    pieces, size = [_HEADER], 0
    for row in rows:
        pieces.append(count)
        for encode, value in zip(encoders, row, strict=True):
            piece = _NULL if value is None else encode(value)
            pieces.append(piece)
            size += len(piece)
        if size >= BUFFER_BYTES:
            yield b"".join(pieces)
            pieces, size = [], 0
    pieces.append(_TRAILER)
    yield b"".join(pieces)


def array(column: Column, values: Iterable[Any]) -> list[Any]:
    """A column's values as the client sends them in an array."""
    if column.kind is Kind.TIME:
        return [None if each is None else moment(each) for each in values]
    return list(values)


def moment(since: int) -> datetime:
    """A time, by its microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=since)


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
