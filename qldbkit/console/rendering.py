"""Values of a journal as the page gets them: JSON with Ion as text, and hashes in base64."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from qldbkit.client.rendering import indented_ion
from qldbkit.console.asked import Answer
from qldbkit.journal import codec


def base64_of(value: bytes) -> str:
    """A hash as QLDB's Ion text has it, empty for an empty one; or a value's binary Ion."""
    return b64encode(value).decode()


def clipped(text: str, most: int) -> Answer:
    """A text, and whether it goes on: ``text``, ``clipped``."""
    return {"text": text[:most], "clipped": len(text) > most}


def whole_text(value: Any) -> str:
    """A value as Ion text over several lines."""
    return indented_ion(value)


def moment(value: Any) -> str:
    """An Ion timestamp as text, which is also ISO 8601."""
    return codec.write_text(value)


def members(value: Any) -> list[tuple[str, str]] | None:
    """A struct's fields, each with its value on one line; None for another value.

    A list of pairs, since an Ion struct may have a name twice.
    """
    if not isinstance(value, Mapping):
        return None
    pairs = value.iteritems() if hasattr(value, "iteritems") else value.items()
    return [(str(name), codec.write_text(each)) for name, each in pairs]


def fields_text(value: Any) -> str:
    """A value on one line, a struct without its braces: for a list, where it is clipped."""
    found = members(value)
    if found is None:
        return codec.write_text(value)
    return ", ".join(f"{name}: {text}" for name, text in found)
