"""IS: whether a value is of a type."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from qldbkit.partiql import type_names
from qldbkit.partiql.intervals import Span
from qldbkit.partiql.kinds import Kind, kind
from qldbkit.partiql.timestamps import offset_of

Arguments = tuple[int, ...]
Test = Callable[[Any], bool]


def is_type(value: Any, type_name: str, arguments: Arguments = ()) -> bool:
    """``value IS type``. MISSING is NULL, but null is not MISSING.

    Args:
        value: of any kind.
        type_name: in any of its spellings.
        arguments: lengths or precisions.

    Raises:
        SemanticError: there is no such type.
    """
    return type_test(type_name, arguments)(value)


def type_test(type_name: str, arguments: Arguments = ()) -> Test:
    """`is_type` with everything decided that does not depend on the value.

    Raises:
        SemanticError: there is no such type.
    """
    name = type_names.canonical(type_name)
    if name == "ANY":
        return lambda _: True
    if name.startswith("INTERVAL "):
        return _interval_test(name)
    kinds, refine = _KINDS[name], _refinement(name, arguments)
    if refine is None:
        return lambda value: kind(value) in kinds
    return lambda value: kind(value) in kinds and refine(value)


def _interval_test(name: str) -> Test:
    first, _ = type_names.interval_fields(name)
    span = Span.YEAR_MONTH if first in {"YEAR", "MONTH"} else Span.DAY_TIME
    return lambda value: kind(value) is Kind.INTERVAL and value.span is span


def _refinement(name: str, arguments: Arguments) -> Test | None:
    if name in type_names.INT_BITS:
        limit = 1 << (type_names.INT_BITS[name] - 1)
        return lambda value: -limit <= value < limit
    if name == "TIME WITH TIME ZONE":
        return lambda value: value.offset is not None
    if name == "TIMESTAMP WITH TIME ZONE":
        return lambda value: offset_of(value) is not None
    return _SIZED[name](*arguments) if arguments and name in _SIZED else None


def _decimal_of(precision: int, scale: int = 0) -> Test:
    """A value has a decimal type when its digits before the point are as many as the type's."""

    def test(value: Decimal) -> bool:
        # The conformance suite has it so: 123.456 is a DECIMAL(6,3), and no DECIMAL(7,3).
        digits, exponent = len(value.as_tuple().digits), int(value.as_tuple().exponent)
        whole = 1 if value == 0 else max(digits + exponent, 0)
        return whole == precision - scale and -exponent <= scale

    return test


_SIZED: dict[str, Callable[..., Test]] = {
    "VARCHAR": lambda length: lambda value: len(value) <= length,
    "CHAR": lambda length: lambda value: len(value) == length,
    "DECIMAL": _decimal_of,
}

_KINDS: dict[str, frozenset[Kind]] = {
    "NULL": frozenset({Kind.NULL, Kind.MISSING}),
    "MISSING": frozenset({Kind.MISSING}),
    "BOOL": frozenset({Kind.BOOL}),
    "INT": frozenset({Kind.INT}),
    **dict.fromkeys(type_names.INT_BITS, frozenset({Kind.INT})),
    "DECIMAL": frozenset({Kind.DECIMAL}),
    "FLOAT": frozenset({Kind.FLOAT}),
    **dict.fromkeys(("STRING", "VARCHAR", "CHAR"), frozenset({Kind.STRING})),
    "SYMBOL": frozenset({Kind.SYMBOL}),
    "DATE": frozenset({Kind.DATE}),
    **dict.fromkeys(("TIME", "TIME WITH TIME ZONE"), frozenset({Kind.TIME})),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"), frozenset({Kind.TIMESTAMP})),
    "BLOB": frozenset({Kind.BLOB}),
    "CLOB": frozenset({Kind.CLOB}),
    "LIST": frozenset({Kind.LIST}),
    "SEXP": frozenset({Kind.SEXP}),
    "STRUCT": frozenset({Kind.STRUCT}),
    "BAG": frozenset({Kind.BAG}),
}
