"""Splitting an object of binary Ion into top-level values without decoding them.

Damage in one value must not hide the ones behind it: after something that cannot be a value, the
next version marker is looked for.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import md5
from typing import IO, Final, NamedTuple

from aws_kinesis_agg import DIGEST_SIZE, MAGIC
from botocore.exceptions import BotoCoreError

from qldbkit.journal.binary import (
    ANNOTATION,
    VERSION_MARKER,
    IonFormatError,
    IonType,
    is_padding,
    value_bounds,
)
from qldbkit.journal.kernel import lone_structs
from qldbkit.journal.kinesis import RECORD_LIMIT, AggregationError, RecordPosition, deaggregate
from qldbkit.journal.sources.window import Window

VALUE_LIMIT: Final = 32 * 1024 * 1024
"""A value of more bytes is taken for damage; QLDB's transactions are at most 4 MB."""
HEADER_LIMIT: Final = 16
"""Bytes within which a value's type and length stand."""
NEWLINE: Final = 0x0A
MESSAGE_FIELDS: Final = b"\x0a\x12\x1a"
"""The tags of an aggregation message: partition keys, explicit hash keys, records."""
BROKEN_STREAM: Final = (OSError, EOFError, zlib.error, BotoCoreError)
_BEGINNING: Final = re.compile(re.escape(VERSION_MARKER) + b"|" + re.escape(MAGIC))


class Piece(NamedTuple):
    """One top-level value; a tuple, since there are as many as records.

    Attributes:
        data: its bytes; those of binary Ion stand alone.
        offset: where it begins in the object, or the aggregated record that it is part of.
        part: its number in that aggregated record; None when it stands by itself.
    """

    data: bytes
    offset: int
    part: int | None = None


@dataclass(frozen=True, slots=True)
class Junk:
    """Bytes that are no value: where they begin, and why they cannot be read."""

    offset: int
    reason: str


class NotAValueError(Exception):
    """What stands at the cursor cannot be a value."""


def binary_values(stream: IO[bytes]) -> Iterator[Piece | Junk]:
    """The structs of binary Ion, aggregated Kinesis records taken apart.

    Values may share a symbol table or have their own; a newline may stand between records.
    """
    window, prefix = Window(stream), b""
    try:
        while window.ensure(1):
            yield from _in_a_row(window)
            try:
                prefix, pieces = _next(window, prefix)
            except NotAValueError as damage:
                yield Junk(window.offset, str(damage))
                skip_to(window, _BEGINNING)
                prefix = b""
            else:
                yield from pieces
    except BROKEN_STREAM as error:
        yield broken(window, error)


def _in_a_row(window: Window) -> Iterator[Piece]:
    """The structs at the cursor that stand alone, as nearly all do, up to the last but one."""
    data, offset = window.data, window.offset - window.at
    for begin, value, end in lone_structs(data, window.at, VALUE_LIMIT) or ():
        window.at = end
        yield Piece(data[begin:end], offset + value)


def broken(window: Window, error: Exception) -> Junk:
    """What to say of an object that cannot be read on."""
    return Junk(window.offset, f"the object cannot be read further: {error}")


def skip_to(window: Window, beginning: re.Pattern[bytes]) -> None:
    """Move the cursor to the next match behind it, or to the end."""
    window.at += 1
    while True:
        match = beginning.search(window.data, window.at)
        if match is not None:
            window.at = match.start()
            return
        # A match may lie across the end of what is held; nothing that begins values is longer.
        window.at = max(window.at, len(window.data) - 32)
        if not window.ensure(window.held + 1):
            window.at = len(window.data)
            return


def _next(window: Window, prefix: bytes) -> tuple[bytes, list[Piece]]:
    """The symbols that are in force behind what stands at the cursor, and the values in it."""
    window.ensure(HEADER_LIMIT)
    data, at = window.data, window.at
    octet = data[at]
    if octet == VERSION_MARKER[0]:
        if not data.startswith(VERSION_MARKER, at):
            raise NotAValueError("it is not the version marker of Ion 1.0")
        window.at += len(VERSION_MARKER)
        return VERSION_MARKER, []
    if octet == MAGIC[0] and data.startswith(MAGIC, at):
        return b"", _aggregated(window)
    if octet == NEWLINE and (at + 1 == len(data) or _BEGINNING.match(data, at + 1)):
        window.at += 1
        return b"", []
    if not prefix:
        raise NotAValueError("neither a version marker nor an aggregated record begins here")
    return _value(window, prefix)


def _value(window: Window, prefix: bytes) -> tuple[bytes, list[Piece]]:
    code = window.data[window.at] >> 4
    padding = is_padding(window.data, window.at)
    if code not in (IonType.STRUCT, ANNOTATION) and not padding:
        raise NotAValueError("a struct was expected")
    try:
        begin, end = value_bounds(window.data, window.at, window.at + VALUE_LIMIT)
    except (IonFormatError, IndexError) as error:
        raise NotAValueError("it is not a value of a possible length") from error
    offset, size, inner = window.offset, end - window.at, begin - window.at
    if not window.ensure(size):
        raise NotAValueError("the object ends in the middle of a value")
    data, at = window.data, window.at
    window.at += size
    value = data[at : at + size]
    if code == ANNOTATION and value.startswith(b"\x81\x83", inner):  # $ion_symbol_table, alone
        return prefix + value, []
    return prefix, [] if padding else [Piece(prefix + value, offset)]


def _aggregated(window: Window) -> list[Piece]:
    offset = window.offset
    window.ensure(RECORD_LIMIT)
    end = _aggregated_end(window.data, window.at)
    if end is None:
        raise NotAValueError("the checksum of an aggregated record is not that of its contents")
    try:
        whole = window.data[window.at : end]
        records = list(deaggregate(whole, "", RecordPosition("", str(offset))))
    except AggregationError as error:
        raise NotAValueError(error.message) from error
    window.at = end
    return [Piece(each.data, offset, part) for part, each in enumerate(records)]


def _aggregated_end(data: bytes, start: int) -> int | None:
    """Where an aggregated record ends: nothing says so but its checksum, which must fit."""
    at = start + len(MAGIC)
    limit = min(len(data), start + RECORD_LIMIT)
    checksum = md5(usedforsecurity=False)
    try:
        while at < limit and data[at] in MESSAGE_FIELDS:
            length, body = _protobuf_varint(data, at + 1)
            checksum.update(data[at : body + length])
            at = body + length
            if checksum.digest() == data[at : at + DIGEST_SIZE]:
                return at + int(DIGEST_SIZE)
    except IndexError:
        return None
    return None


def _protobuf_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        octet = data[at]
        at += 1
        number |= (octet & 0x7F) << shift
        if octet < 0x80:
            return number, at
        shift += 7
