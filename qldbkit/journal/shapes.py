"""The shapes of the structs of a journal: which fields they have, and how each is read.

A journal is mostly read, so a struct is read in one pass over its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from qldbkit.errors import QldbkitError
from qldbkit.journal.ion import IonFormatError, IonSpan

Value = TypeVar("Value")
Read = Callable[[IonSpan], Any]


class JournalFormatError(QldbkitError):
    """A part of the journal is not of the form that QLDB writes."""


def itself(span: IonSpan) -> IonSpan:
    """A field that is kept as it was written."""
    return span


def read_field(span: IonSpan, name: str, read: Callable[[IonSpan], Value], part: str) -> Value:
    """Read the field ``name`` of ``part``.

    Raises:
        JournalFormatError: it is not of the type that QLDB writes.
    """
    try:
        return read(span)
    except IonFormatError as error:
        raise JournalFormatError(
            f"field {name} of {part}: {error.message}", position=error.position
        ) from error


class Shape:
    """A kind of struct.

    Args:
        part: what it is called in errors.
        required: how each field that must be there is read.
        optional: the same of fields that may be missing, or null unless they are kept as they are.
        exact: whether other fields are refused, and any that is there twice. What has another name
            would be overlooked, and where no hash covers the struct, nothing would tell that it
            had been changed. Without it, the last field of a name counts.
    """

    __slots__ = ("_empty", "_exact", "_needed", "_readers", "part")

    def __init__(
        self,
        part: str,
        required: Mapping[str, Read],
        optional: Mapping[str, Read] | None = None,
        *,
        exact: bool = False,
    ):
        self.part: Final = part
        self._exact = exact
        self._needed = (1 << len(required)) - 1
        known = {**required, **(optional or {})}
        self._empty: list[Any] = [None] * len(known)
        self._readers = {
            name: (slot, 1 << slot, read, name not in required and read is not itself)
            for slot, (name, read) in enumerate(known.items())
        }

    def read(self, span: IonSpan) -> list[Any]:
        """The fields' values in the order of the shape's names; None for what is not there.

        Raises:
            JournalFormatError: a field is missing, not of its type, or should not be there.
            IonFormatError: the value is not a struct, or damaged.
        """
        values, seen = self._empty.copy(), 0
        readers, exact = self._readers, self._exact
        for name, value in span.field_pairs():
            reader = readers.get(name)
            if reader is None:
                if exact:
                    raise JournalFormatError(f"{self.part} has the field {name} but should not")
                continue
            slot, bit, read, nullable = reader
            if exact and seen & bit:
                raise JournalFormatError(f"{self.part} has the field {name} twice")
            seen |= bit
            if read is itself:
                values[slot] = value
                continue
            try:
                values[slot] = None if nullable and value.is_null else read(value)
            except IonFormatError:
                read_field(value, name, read, self.part)  # raises
                raise
        if seen & self._needed != self._needed:
            raise self._incomplete(seen)
        return values

    def _incomplete(self, seen: int) -> JournalFormatError:
        missing = next(name for name, (_, bit, *_) in self._readers.items() if not seen & bit)
        return JournalFormatError(f"{self.part} has no field {missing}")
