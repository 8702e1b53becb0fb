"""The base of every error that qldbkit raises on purpose."""

from __future__ import annotations


class QldbkitError(Exception):
    """Something that qldbkit was asked to do cannot be done.

    Args:
        message: one sentence that says what is wrong.
        position: where in the journal, file or stream it is wrong, e.g. ``strand X, sequence 7``.
        hint: what the reader can do next, as a sentence or a command.
    """

    def __init__(self, message: str, *, position: str | None = None, hint: str | None = None):
        super().__init__(message)
        self.message = message
        self.position = position
        self.hint = hint

    def __str__(self) -> str:
        """The message, its position and the hint, in one line."""
        text = self.message if self.position is None else f"{self.message} (at {self.position})"
        return text if self.hint is None else f"{text} - {self.hint}"
