"""A view of a stream that is only as large as the value being read."""

from __future__ import annotations

from typing import IO, Final

CHUNK: Final = 256 * 1024
"""Bytes that are read at once, at least: few enough to be in the processor's cache still when they
are looked at."""


class Window:
    """The bytes of a stream from a cursor on; those before it are forgotten at times.

    Attributes:
        data: the bytes that are held.
        at: the cursor, as an index into ``data``; callers move it.
        ended: whether the stream has no more.
    """

    __slots__ = ("_base", "_stream", "at", "data", "ended")

    def __init__(self, stream: IO[bytes]):
        self._stream = stream
        self._base = 0
        self.data = b""
        self.at = 0
        self.ended = False

    @property
    def offset(self) -> int:
        """The cursor's offset in the stream."""
        return self._base + self.at

    @property
    def held(self) -> int:
        """How many bytes are held behind the cursor."""
        return len(self.data) - self.at

    def ensure(self, count: int) -> bool:
        """Hold ``count`` bytes behind the cursor; False when the stream ends before.

        The cursor's index changes when bytes are read.

        Raises:
            OSError, EOFError, zlib.error, BotoCoreError: the stream is damaged or broken off.
        """
        if self.at + count <= len(self.data):  # nearly always
            return True
        while self.held < count and not self.ended:
            self._read(max(CHUNK, count - self.held))
        return self.held >= count

    def grow(self) -> bool:
        """Hold about twice as much behind the cursor; False when there is no more."""
        held = self.held
        self.ensure(2 * max(held, CHUNK))
        return self.held > held

    def _read(self, wanted: int) -> None:
        piece = self._stream.read(wanted)
        self._base += self.at
        self.data = self.data[self.at :] + piece
        self.at = 0
        self.ended = not piece
