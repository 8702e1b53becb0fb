"""The names by which CAST and IS know types, and what may stand in their brackets."""

from __future__ import annotations

from collections.abc import Mapping

from qldbkit.partiql.errors import SemanticError
from qldbkit.partiql.intervals import IntervalError, field_names

INT_BITS: Mapping[str, int] = {"TINYINT": 8, "SMALLINT": 16, "INT4": 32, "BIGINT": 64}
"""The integer types of fixed size; INT and INTEGER, which QLDB has, hold integers of any size."""

_ALIASES: dict[str, tuple[str, ...]] = {
    "ANY": ("ANY",),
    "NULL": ("NULL",),
    "MISSING": ("MISSING",),
    "BOOL": ("BOOL", "BOOLEAN"),
    "INT": ("INT", "INTEGER"),
    "TINYINT": ("TINYINT", "INTEGER1", "INT1"),
    "SMALLINT": ("SMALLINT", "INTEGER2", "INT2"),
    "INT4": ("INT4", "INTEGER4"),
    "BIGINT": ("BIGINT", "INTEGER8", "INT8"),
    "DECIMAL": ("DECIMAL", "NUMERIC", "DEC"),
    "FLOAT": ("FLOAT", "REAL", "DOUBLE PRECISION", "DOUBLE_PRECISION", "DOUBLE"),
    "STRING": ("STRING", "TEXT"),
    "VARCHAR": ("VARCHAR", "CHARACTER VARYING", "CHARACTER_VARYING", "CHAR VARYING"),
    "CHAR": ("CHAR", "CHARACTER"),
    "SYMBOL": ("SYMBOL",),
    "DATE": ("DATE",),
    "TIME": ("TIME", "TIME WITHOUT TIME ZONE"),
    "TIME WITH TIME ZONE": ("TIME WITH TIME ZONE",),
    "TIMESTAMP": ("TIMESTAMP", "TIMESTAMP WITHOUT TIME ZONE"),
    "TIMESTAMP WITH TIME ZONE": ("TIMESTAMP WITH TIME ZONE",),
    "BLOB": ("BLOB",),
    "CLOB": ("CLOB",),
    "LIST": ("LIST", "ARRAY"),
    "SEXP": ("SEXP",),
    "STRUCT": ("STRUCT", "TUPLE"),
    "BAG": ("BAG",),
}
_CANONICAL = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}

MAX_LENGTH = 1_048_576
"""Characters of a CHAR or VARCHAR: as many as a parameter may have in text."""
MAX_PRECISION = 1000
"""Digits of a DECIMAL with a precision."""

# The arguments that types take, as the largest value of each.
_LARGEST: dict[str, tuple[int, ...]] = {
    "DECIMAL": (MAX_PRECISION, MAX_PRECISION),
    "FLOAT": (53,),
    "VARCHAR": (MAX_LENGTH,),
    "CHAR": (MAX_LENGTH,),
    **dict.fromkeys(("TIME", "TIME WITH TIME ZONE"), (9,)),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"), (9,)),
}
_LARGEST_OF_INTERVALS = (18, 9)


def canonical(name: str) -> str:
    """The one name of a type that has several: INTEGER is INT; intervals are as they are.

    Raises:
        SemanticError: there is no such type.
    """
    upper = name.upper()
    found = _CANONICAL.get(upper)
    if found is not None:
        return found
    if not upper.startswith("INTERVAL "):
        raise SemanticError(f"there is no type {name}")
    try:
        interval_fields(upper)
    except IntervalError as error:
        raise SemanticError(error.message) from error
    return upper


def interval_fields(name: str) -> tuple[str, str | None]:
    """The first field of ``INTERVAL first TO last``, and the last, if there is one.

    Raises:
        IntervalError: there is no such interval.
    """
    first, _, last = name.removeprefix("INTERVAL ").partition(" TO ")
    field_names(first, last or None)
    return first, last or None


def check_type(name: str, arguments: tuple[int, ...] = ()) -> None:
    """Make sure, before anything runs, that a type and its arguments can mean something.

    Raises:
        SemanticError: they cannot, such as DECIMAL(0, 0) or DECIMAL(5, 10).
    """
    type_name = canonical(name)
    interval = type_name.startswith("INTERVAL ")
    largest = _LARGEST_OF_INTERVALS if interval else _LARGEST.get(type_name, ())
    if len(arguments) > len(largest):
        raise SemanticError(f"the type {name} takes {len(largest)} arguments, not {len(arguments)}")
    for argument, limit in zip(arguments, largest, strict=False):
        if argument > limit:
            raise SemanticError(f"the type {name} has no use for {argument}: at most {limit}")
    if type_name == "DECIMAL" and arguments:
        _check_decimal(*arguments)


def _check_decimal(precision: int, scale: int = 0) -> None:
    if precision == 0:
        raise SemanticError("a DECIMAL has at least one digit")
    if scale > precision:
        raise SemanticError(
            f"a DECIMAL of {precision} digits has no {scale} digits after the point"
        )
