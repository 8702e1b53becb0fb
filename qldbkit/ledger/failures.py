"""What an operator's log says of an unexpected failure."""

from __future__ import annotations

import traceback


def origin_of(error: BaseException) -> str:
    """Where an error came from, without its message, which could quote a document."""
    return "".join(traceback.format_tb(error.__traceback__)) + type(error).__qualname__
