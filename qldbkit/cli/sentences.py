"""What a person reads of an error."""

from __future__ import annotations

from qldbkit.errors import QldbkitError


def describe(error: Exception) -> str:
    """Its sentence, and the hint on a line of its own."""
    if not isinstance(error, QldbkitError):
        return str(error)
    where = f" (at {error.position})" if error.position else ""
    hint = f"\nhint: {error.hint}" if error.hint else ""
    return f"{error.message}{where}{hint}"
