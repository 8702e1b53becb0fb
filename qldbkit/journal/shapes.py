"""The shapes of the structs of a journal: which fields they have, and how each is read.

A journal is mostly read, so a struct is read in one pass over its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from qldbkit.errors import QldbkitError
from qldbkit.journal import kernel
from qldbkit.journal.ion import IonFormatError, IonSpan, IonType

HASH_SIZE: Final = 32
Value = TypeVar("Value")
Read = Callable[[IonSpan], Any]


class JournalFormatError(QldbkitError):
    """A part of the journal is not of the form that QLDB writes."""


def itself(span: IonSpan) -> IonSpan:
    """A field that is kept as it was written."""
    return span


def hash_bytes(span: IonSpan) -> bytes:
    """A blob of 32 bytes, or of none where there was nothing to hash.

    Raises:
        IonFormatError: it is anything else.
    """
    data = span.blob()
    if span.ion_type != IonType.BLOB or len(data) not in (HASH_SIZE, 0):
        raise IonFormatError(f"a hash was expected, not {len(data)} bytes", span.start)
    return data


def hash_list(span: IonSpan) -> tuple[bytes, ...]:
    """A list of such blobs.

    Raises:
        IonFormatError: it is anything else.
    """
    return tuple(map(hash_bytes, span.elements()))


def natural(span: IonSpan) -> int:
    """An int from 0.

    Raises:
        IonFormatError: it is anything else.
    """
    number = span.integer()
    if number < 0:
        raise IonFormatError(f"{number} is negative", span.start)
    return number


def naturals(span: IonSpan) -> tuple[int, ...]:
    """A list of such ints.

    Raises:
        IonFormatError: it is anything else.
    """
    return tuple(map(natural, span.elements()))


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


_KINDS: Final[dict[Read, int]] = {
    itself: kernel.READ_ITSELF,
    IonSpan.text: kernel.READ_TEXT,
    IonSpan.integer: kernel.READ_NATURAL,
    natural: kernel.READ_NATURAL,
    naturals: kernel.READ_NATURALS,
    hash_bytes: kernel.READ_HASH,
    hash_list: kernel.READ_HASHES,
    IonSpan.blob: kernel.READ_BLOB,
}
"""What the kernel reads by itself; everything else it has read by the function."""


class Usual(Generic[Value]):
    """How structs that become one class are nearly always written, for the kernel to make them.

    Calling it with a span gives the object, or None where the struct is written otherwise, or there
    is no kernel; then a `Shape` has to tell.

    Args:
        made: a dataclass with slots, whose constructor only sets them.
        fields: of each field its attribute, and how it is read. There is no other field.
        ion: the attribute that keeps the struct as it was written; None for none.
        optional: fields that may be missing; their attributes are then None, or empty where they
            are tuples or dicts.
        without: attributes that are None.
    """

    __slots__ = ("form",)

    def __init__(
        self,
        made: type[Value],
        fields: Mapping[str, tuple[str, Read | Inner]],
        *,
        ion: str | None = None,
        optional: Collection[str] = (),
        without: Sequence[str] = (),
    ):
        readers: dict[str, kernel.Reader] = {}
        needed, places = 0, []
        for place, (name, (attribute, read)) in enumerate(fields.items()):
            kind, form = _kind_of(read)
            readers[name] = (kind, place, read, False, form)
            places.append(attribute)
            needed |= (name not in optional) << place
        self.form: Final = kernel.Form(made, readers, needed, (*places, *without), ion)

    def __call__(self, span: IonSpan) -> Value | None:
        """The struct as an object, if it is written as usual."""
        if self.form is None:
            return None
        found: Value | None = kernel.made(self.form, span)
        return found


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of structs that are written as usual."""

    each: Usual[Any]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A struct of such structs, by name."""

    each: Usual[Any]


Inner = Usual[Any] | Listed | Mapped


def _kind_of(read: Read | Inner) -> tuple[int, Any]:
    """How the kernel reads a field, and by which form."""
    match read:
        case Usual():
            return kernel.READ_FORM, read.form
        case Listed():
            return kernel.READ_FORMS, read.each.form
        case Mapped():
            return kernel.READ_FORM_MAP, read.each.form
    return _KINDS.get(read, kernel.READ_BY_CALL), None


class Shape:
    """A kind of struct.

    Args:
        part: what it is called in errors.
        required: how each field that must be there is read.
        optional: the same of fields that may be missing, or null unless they are kept as they are.
        exact: whether other fields are refused, and any that is there twice. What has another name
            would be overlooked, and where no hash covers the struct, nothing would tell that it
            had been changed. Without it, the last field of a name counts.
        usual: fields whose structs the kernel makes where they are written as usual.
    """

    __slots__ = ("_empty", "_exact", "_needed", "_readers", "part")

    def __init__(
        self,
        part: str,
        required: Mapping[str, Read],
        optional: Mapping[str, Read] | None = None,
        *,
        exact: bool = False,
        usual: Mapping[str, Inner] | None = None,
    ):
        self.part: Final = part
        self._exact = exact
        self._needed = (1 << len(required)) - 1
        known = {**required, **(optional or {})}
        self._empty: list[Any] = [None] * len(known)
        self._readers: dict[str, kernel.Reader] = {}
        for slot, (name, read) in enumerate(known.items()):
            nullable = name not in required and read is not itself
            kind, form = _kind_of((usual or {}).get(name, read))
            self._readers[name] = (kind, slot, read, nullable, form)

    def read(self, span: IonSpan) -> list[Any]:
        """The fields' values in the order of the shape's names; None for what is not there.

        Raises:
            JournalFormatError: a field is missing, not of its type, or should not be there.
            IonFormatError: the value is not a struct, or damaged.
        """
        readers, exact = self._readers, self._exact
        answer = kernel.read_struct(span, readers, self._empty, self._needed, exact)
        if answer is not None:
            return answer
        values, seen = self._empty.copy(), 0
        for name, value in span.field_pairs():
            reader = readers.get(name)
            if reader is None:
                if exact:
                    raise JournalFormatError(f"{self.part} has the field {name} but should not")
                continue
            _, slot, read, nullable, _ = reader
            if exact and seen >> slot & 1:
                raise JournalFormatError(f"{self.part} has the field {name} twice")
            seen |= 1 << slot
            try:
                values[slot] = None if nullable and value.is_null else read(value)
            except IonFormatError:
                read_field(value, name, read, self.part)  # raises
                raise
        if seen & self._needed != self._needed:
            raise self._incomplete(seen)
        return values

    def _incomplete(self, seen: int) -> JournalFormatError:
        missing = next(
            name for name, (_, slot, *_) in self._readers.items() if not seen >> slot & 1
        )
        return JournalFormatError(f"{self.part} has no field {missing}")
