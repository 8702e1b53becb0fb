"""Reading and making structs, whose names may occur more than once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from amazon.ion.simple_types import IonPyDict

from qldbkit.partiql.kinds import MISSING


def fields(struct: Any) -> Iterator[tuple[str, Any]]:
    """Its names and values; a name that it holds twice comes twice."""
    if type(struct) is IonPyDict:
        pairs: Iterator[tuple[str, Any]] = struct.iteritems()
        return pairs
    return iter(struct.items())


def field(struct: Any, name: str, case_sensitive: bool = True) -> Any:
    """The value of a field: the first one of that name; MISSING when there is none.

    Without ``case_sensitive`` an exact match still comes before one that differs in case.
    """
    try:
        return struct.get_all_values(name)[0] if type(struct) is IonPyDict else struct[name]
    except KeyError:
        if case_sensitive:
            return MISSING
    folded = name.casefold()
    return next((v for n, v in fields(struct) if n.casefold() == folded), MISSING)


def make_struct(pairs: Iterable[tuple[str, Any]]) -> IonPyDict:
    """A struct of these fields in this order; those whose value is MISSING are left out."""
    struct = IonPyDict()
    for name, value in pairs:
        if value is not MISSING:
            struct.add_item(name, value)
    return struct
