"""Documents in a file, one behind the other: Ion text, JSON, JSON lines, or binary Ion.

JSON is Ion text: ``1`` is an int, ``1.5`` a decimal and ``1e3`` a float. A list at the top of a
text holds documents, so that a JSON array of them is read as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from typing import Any, Final

from amazon.ion.exceptions import IonException
from amazon.ion.simple_types import IonPyDict, IonPyList

from qldbkit.errors import QldbkitError
from qldbkit.journal import codec
from qldbkit.journal.binary import VERSION_MARKER
from qldbkit.journal.sources.splitting import Junk, binary_values

TEXT_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of one value in a text, which is held in memory."""

_TOKEN: Final = re.compile(
    rb"""'''(?:[^'\\]|\\.|'(?!''))*'''|'''|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
    rb"""|//[^\n]*\n|/\*.*?\*/|/\*|\{\{[A-Za-z0-9+/=\s]*(?:\}\}|\Z)|[][{}()"']""",
    re.DOTALL,
)
"""Strings, comments and blobs, in which brackets mean nothing, or how they begin; brackets."""
_OPENED_ONLY: Final = re.compile(rb"""'''|/\*|\{\{[^}]*""")
_OPENING: Final = (b"{", b"[", b"(")
_CLOSING: Final = (b"}", b"]", b")")


class DocumentError(QldbkitError):
    """What stands in the file there is no document."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it stands in a file.

    Attributes:
        number: counted from 1.
        line: where the value that it is part of begins, counted from 1; None in binary Ion.
        data: the document in binary Ion, standing alone.
    """

    number: int
    line: int | None
    data: bytes

    @property
    def position(self) -> str:
        """Where it stands, for a person."""
        return _position(self.number, self.line)


def documents(stream: BufferedReader) -> Iterator[Document]:
    """The documents of a file, read as they are asked for; memory does not grow with the file.

    Raises:
        DocumentError: something in it is no struct, or no Ion; with its position.
        OSError: it cannot be read.
    """
    if stream.peek(len(VERSION_MARKER)).startswith(VERSION_MARKER):
        return _binary_documents(stream)
    return _text_documents(stream)


def _position(number: int, line: int | None) -> str:
    return f"document {number}" if line is None else f"document {number}, line {line}"


def _binary_documents(stream: BufferedReader) -> Iterator[Document]:
    for number, piece in enumerate(binary_values(stream), 1):
        if isinstance(piece, Junk):
            raise DocumentError(piece.reason, position=_position(number, None))
        yield Document(number, None, piece.data)


def _text_documents(stream: BufferedReader) -> Iterator[Document]:
    number = 1
    for line, text in _whole_values(stream):
        try:
            values = codec.read_texts(text.decode("utf-8-sig"))
        except (IonException, ValueError) as error:
            raise DocumentError(
                f"it is neither Ion nor JSON: {str(error).strip()}",
                position=_position(number, line),
            ) from error
        for each in _structs(values, number, line):
            yield Document(number, line, codec.write(each))
            number += 1


def _structs(values: Iterable[Any], number: int, line: int) -> Iterator[Any]:
    """The documents among values, and in the lists that are among them."""
    for each in values:
        members = each if isinstance(each, IonPyList) else (each,)
        for at, member in enumerate(members):
            if not isinstance(member, IonPyDict):
                raise DocumentError(
                    f"a document is a struct, and this is {codec.write_text(member)[:40]}",
                    position=_position(number + at, line),
                )
            yield member
        number += len(members)


def _whole_values(stream: BufferedReader) -> Iterator[tuple[int, bytes]]:
    """Lines in which every bracket is closed, together, and where the first of them stands."""
    brackets, first, line = _Brackets(), 1, 0
    while text := stream.readline(TEXT_LIMIT):
        line += text.endswith(b"\n")
        if brackets.closed_by(text):
            yield first, brackets.taken()
            first = line + 1
        if len(brackets.text) > TEXT_LIMIT:
            raise DocumentError(
                f"a value has more than {TEXT_LIMIT:,} bytes; write one document to a line",
                position=f"line {first}",
            )
    if brackets.text.strip():
        yield first, brackets.taken()


class _Brackets:
    """Text of which it is known whether all of its brackets are closed.

    Attributes:
        text: what came since the last that was taken.
    """

    def __init__(self) -> None:
        self.text = bytearray()
        self._scanned = self._depth = self._enough = 0

    def closed_by(self, line: bytes) -> bool:
        """Take a line; True if what is there may be read, which is then to be taken."""
        self.text += line
        if len(self.text) < self._enough:
            return False
        closed = False
        for match in _TOKEN.finditer(self.text, self._scanned):
            token = match.group()
            if token in _OPENING:
                self._depth += 1
            elif token in _CLOSING:
                self._depth -= 1
                closed = self._depth <= 0
            elif _OPENED_ONLY.fullmatch(token):
                # Looked at again, from here, when there is twice as much of it.
                self._enough = 2 * len(self.text) - match.start()
                return False
            elif len(token) == 1:  # no string goes on behind its line, but for one sign
                return not line.endswith(b"\\\n")
            self._scanned = match.end()
        return closed and self._depth <= 0

    def taken(self) -> bytes:
        """The text, from which on another one begins."""
        text = bytes(self.text)
        self.text = bytearray()
        self._scanned = self._depth = self._enough = 0
        return text
