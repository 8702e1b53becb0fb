"""PartiQL's total order, by which ORDER BY can sort values of any kinds together."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import total_ordering
from typing import Any

from qldbkit.partiql.errors import ComputationError
from qldbkit.partiql.keys import TOO_DEEP, date_instant, instant
from qldbkit.partiql.kinds import Kind, kind, text_of
from qldbkit.partiql.structs import fields

# The order of the kinds among each other, as PartiQL's specification gives it in its section on
# ORDER BY. Kinds of one rank are compared by value.
_RANKS: dict[Kind, int] = {
    Kind.BOOL: 1,
    Kind.INT: 2,
    Kind.DECIMAL: 2,
    Kind.FLOAT: 2,
    Kind.DATE: 3,
    Kind.TIME: 4,
    Kind.TIMESTAMP: 5,
    Kind.INTERVAL: 6,
    Kind.STRING: 7,
    Kind.SYMBOL: 7,
    Kind.BLOB: 8,
    Kind.CLOB: 8,
    Kind.LIST: 9,
    Kind.SEXP: 10,
    Kind.STRUCT: 11,
    Kind.BAG: 12,
}
_FIRST, _LAST = 0, 99

Key = tuple[Any, ...]


@total_ordering
class Descending:
    """A key that sorts the other way around."""

    __slots__ = ("key",)

    def __init__(self, key: Key):
        self.key = key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Descending) and self.key == other.key

    def __lt__(self, other: Descending) -> bool:
        return other.key < self.key

    __hash__ = None  # type: ignore[assignment]


def order_key(value: Any, descending: bool = False, nulls_first: bool | None = None) -> Any:
    """What to sort a value by.

    All values of one sort must be keyed with the same ``descending`` and ``nulls_first``.

    Args:
        value: of any kind; MISSING sorts as null.
        descending: largest first.
        nulls_first: where absent values go; None for PartiQL's default, which is last in
            ascending and first in descending order.
    """
    if nulls_first is None:
        nulls_first = descending
    absent = _FIRST if nulls_first != descending else _LAST
    key = rank_key(value, absent)
    return Descending(key) if descending else key


def rank_key(value: Any, absent: int = _LAST) -> Key:
    """The ascending key of a value: its kind's rank, then what compares within the rank.

    Args:
        value: of any kind.
        absent: the rank of null and MISSING.

    Raises:
        ComputationError: the value is nested hundreds of levels deep.
    """
    what = kind(value)
    rank = _RANKS.get(what)
    if rank is None:
        return (absent,)
    try:
        return (rank, _WITHIN[what](value, absent))
    except RecursionError as error:
        raise ComputationError(TOO_DEEP) from error


def _number(value: Any, _: int) -> Key:
    # What is not a number comes before every number, negative infinity included.
    return (0,) if math.isnan(value) else (1, value)


def _struct(value: Any, absent: int) -> list[Key]:
    return sorted((name, rank_key(v, absent)) for name, v in fields(value))


def _elements(value: Any, absent: int) -> list[Key]:
    return [rank_key(element, absent) for element in value]


_WITHIN: dict[Kind, Callable[[Any, int], Any]] = {
    Kind.BOOL: lambda v, _: bool(v),
    Kind.INT: lambda v, _: (1, v),
    Kind.DECIMAL: lambda v, _: (1, v),
    Kind.FLOAT: _number,
    Kind.DATE: lambda v, _: date_instant(v),
    Kind.TIME: lambda v, _: v.instant(),
    Kind.TIMESTAMP: lambda v, _: instant(v),
    Kind.INTERVAL: lambda v, _: (v.span.value, v.amount),
    Kind.STRING: lambda v, _: v,
    Kind.SYMBOL: lambda v, _: text_of(v),
    Kind.BLOB: lambda v, _: bytes(v),
    Kind.CLOB: lambda v, _: bytes(v),
    Kind.LIST: _elements,
    Kind.SEXP: _elements,
    Kind.STRUCT: _struct,
    Kind.BAG: lambda v, absent: sorted(_elements(v, absent)),
}
