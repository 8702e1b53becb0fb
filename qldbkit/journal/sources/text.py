"""Splitting Ion text and JSON lines into blocks without decoding them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Final

from qldbkit.journal.sources.splitting import (
    BROKEN_STREAM,
    VALUE_LIMIT,
    Junk,
    NotAValueError,
    Piece,
    broken,
    skip_to,
)
from qldbkit.journal.sources.window import Window

_BEGINNING: Final = re.compile(rb"""\{\s{0,8}["']?blockAddress""")
_BETWEEN: Final = re.compile(rb"(?:\s|\$ion_1_0\b)*")
_TOKEN: Final = re.compile(
    rb"""'''(?:[^'\\]|\\.|'(?!''))*'''"""
    rb"""|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
    rb"""|\{\{[A-Za-z0-9+/=\s]*\}\}|[{}"']""",
    re.DOTALL,
)
"""Strings and blobs, inside of which braces mean nothing, and braces; a lone quote is cut off."""


def text_values(stream: IO[bytes]) -> Iterator[Piece | Junk]:
    """The structs of Ion text or JSON, one behind the other."""
    window = Window(stream)
    try:
        while _skip_blank(window):
            offset = window.offset
            try:
                data = _struct(window)
            except NotAValueError as damage:
                yield Junk(offset, str(damage))
                skip_to(window, _BEGINNING)
            else:
                yield Piece(data, offset)
    except BROKEN_STREAM as error:
        yield broken(window, error)


def _skip_blank(window: Window) -> bool:
    """Move the cursor to what is not blank; False when nothing follows."""
    while True:
        match = _BETWEEN.match(window.data, window.at)
        assert match is not None  # it matches nothing, too
        if match.end() < len(window.data) and (window.held >= 16 or window.ended):
            window.at = match.end()
            return True
        window.at = match.end()
        if not window.ensure(window.held + 16) and not window.held:
            return False


def _struct(window: Window) -> bytes:
    """The struct at the cursor, which is moved behind it."""
    if window.data[window.at] != 0x7B:
        raise NotAValueError("a struct was expected")
    depth = scanned = 0
    while True:
        for match in _TOKEN.finditer(window.data, window.at + scanned):
            token = match.group()
            if token == b"{":
                depth += 1
            elif token == b"}":
                depth -= 1
                if depth == 0:
                    begin, window.at = window.at, match.end()
                    return window.data[begin : match.end()]
            elif len(token) == 1:
                break
            scanned = match.end() - window.at
        if window.held > VALUE_LIMIT:
            raise NotAValueError("it is not a struct of a possible length")
        if not window.grow():
            raise NotAValueError("the object ends in the middle of a struct")
