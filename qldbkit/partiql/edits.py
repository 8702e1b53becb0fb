"""Changing a value at a place in a document, by copying what is on the way to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amazon.ion.simple_types import IonPyList

from qldbkit.partiql.errors import EvaluationError
from qldbkit.partiql.values import MISSING, Kind, field, fields, kind, make_struct, type_name

Key = str | int
"""The name of a field, or the index of an element."""

Location = Sequence[Key]
"""The keys from a document to a value in it."""

_SEQUENCES = frozenset({Kind.LIST, Kind.SEXP})


def changed(document: Any, location: Location, change: Callable[[Any], Any]) -> Any:
    """The document with ``change`` made to the value at a location.

    Args:
        document: is left as it is.
        location: from the document to the value.
        change: gets the value, or MISSING; what it returns takes its place, and MISSING removes it.

    Raises:
        EvaluationError: the way to the location does not exist.
    """
    if not location:
        return change(document)
    key, rest = location[0], location[1:]
    if isinstance(key, str) and kind(document) is Kind.STRUCT:
        return _with_field(document, key, changed(field(document, key), rest, change))
    if isinstance(key, int) and kind(document) in _SEQUENCES and 0 <= key < len(document):
        return _with_element(document, key, changed(document[key], rest, change))
    raise EvaluationError(f"there is no {_step(key)} in {described(document)}")


def inserted(container: Any, value: Any, key: Any) -> Any:
    """The container with one more value.

    Args:
        container: a list or struct.
        value: to be put into it.
        key: an index of a list, None for its end; a field's name of a struct.

    Raises:
        EvaluationError: the container does not take the value there.
    """
    if kind(container) is Kind.STRUCT and isinstance(key, str):
        return _with_field(container, str(key), value)
    if kind(container) in _SEQUENCES:
        index = len(container) if key is None else key
        if kind(index) is Kind.INT and 0 <= index <= len(container):
            return _list(container, [*container[:index], value, *container[index:]])
    raise EvaluationError(f"nothing can be inserted at {key!r} into {described(container)}")


def _with_field(struct: Any, name: str, value: Any) -> Any:
    """The struct with one field of that name, in the place of the first that it had."""
    pairs: list[tuple[str, Any]] = []
    placed = False
    for other, old in fields(struct):
        if other != name:
            pairs.append((other, old))
        elif not placed:
            pairs.append((name, value))
            placed = True
    if not placed:
        pairs.append((name, value))
    result = make_struct(pairs)
    result.ion_annotations = getattr(struct, "ion_annotations", ())
    return result


def _with_element(sequence: Any, index: int, value: Any) -> Any:
    replacement = [] if value is MISSING else [value]
    return _list(sequence, [*sequence[:index], *replacement, *sequence[index + 1 :]])


def _list(like: Any, elements: list[Any]) -> Any:
    if isinstance(like, IonPyList):
        return IonPyList.from_value(like.ion_type, elements, like.ion_annotations)
    return elements


def _step(key: Key) -> str:
    return f"field '{key}'" if isinstance(key, str) else f"element {key}"


def described(value: Any) -> str:
    """A value's type with its article, for messages."""
    if value is MISSING:
        return "what is missing"
    name = type_name(value)
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"
