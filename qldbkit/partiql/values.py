"""Values as PartiQL sees them: their kinds, their fields, and what makes two of them equal.

A value is an amazon.ion value, or plain Python of the same shape where it was computed, or one of
PartiQL's own: `MISSING`, a `Bag`, a ``datetime.date``, a `Time` or an `Interval`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from amazon.ion.simple_types import (
    IonPyDecimal,
    IonPyFloat,
    IonPyInt,
    IonPyText,
)

from qldbkit.partiql.keys import encoded, group_key, index_key
from qldbkit.partiql.kinds import (
    ABSENT,
    COLLECTIONS,
    LOBS,
    MISSING,
    NUMBERS,
    TEXTS,
    Bag,
    Kind,
    Missing,
    is_absent,
    is_missing,
    is_null,
    kind,
    text_of,
    type_name,
)
from qldbkit.partiql.ordering import order_key, rank_key
from qldbkit.partiql.structs import field, fields, make_struct

__all__ = [
    "ABSENT",
    "COLLECTIONS",
    "LOBS",
    "MISSING",
    "NUMBERS",
    "TEXTS",
    "Bag",
    "Kind",
    "Missing",
    "compare",
    "equals",
    "field",
    "fields",
    "group_key",
    "index_key",
    "is_absent",
    "is_missing",
    "is_null",
    "kind",
    "make_struct",
    "order_key",
    "same",
    "text_of",
    "type_name",
]

# The classes whose comparison by Python is already PartiQL's: exact across int, Decimal and float.
_PLAIN_NUMBERS = frozenset({int, IonPyInt, Decimal, IonPyDecimal, float, IonPyFloat})
_PLAIN_TEXTS = frozenset({str, IonPyText})

# Kinds in one family may be equal to or less than one another.
_FAMILIES: dict[Kind, str] = {
    **{each: each.value for each in Kind},
    **dict.fromkeys(NUMBERS, "number"),
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(LOBS, "lob"),
    Kind.DATE: "instant",
    Kind.TIMESTAMP: "instant",
}
_DEEP = frozenset({*COLLECTIONS, Kind.STRUCT})


def equals(a: Any, b: Any) -> Any:
    """PartiQL's `=`: True, False, None for unknown (one is null), or MISSING (one is MISSING).

    Numbers are equal across int, decimal and float when they are exactly the same number; text
    across string and symbol; a date and a timestamp when they are one instant. Lists are equal
    element by element, structs and bags without order. Within them null and MISSING are equal.
    Values of different kinds are not equal.
    """
    kind_a, kind_b = type(a), type(b)
    if kind_a in _PLAIN_NUMBERS and kind_b in _PLAIN_NUMBERS:
        return a == b or (a != a and b != b)  # noqa: PLR0124
    if kind_a in _PLAIN_TEXTS and kind_b in _PLAIN_TEXTS:
        return a == b
    return _equals(a, b)


def _equals(a: Any, b: Any) -> Any:
    kind_a, kind_b = kind(a), kind(b)
    if kind_a in ABSENT or kind_b in ABSENT:
        return None if is_null(a) or is_null(b) else MISSING
    if _FAMILIES[kind_a] != _FAMILIES[kind_b]:
        return False
    if kind_a in _DEEP:
        return encoded(a) == encoded(b)
    return group_key(a) == group_key(b)


def same(a: Any, b: Any) -> bool:
    """Whether GROUP BY and DISTINCT take them for one: null is null, MISSING is MISSING."""
    return group_key(a) == group_key(b)


def compare(a: Any, b: Any) -> int | None:
    """-1, 0 or 1 as ``a`` is less than, equal to or greater than ``b``.

    None when the two cannot be compared: their kinds differ, or one of them is null or MISSING.
    """
    kind_a, kind_b = type(a), type(b)
    if kind_a in _PLAIN_NUMBERS and kind_b in _PLAIN_NUMBERS and a == a and b == b:  # noqa: PLR0124
        return int(a > b) - int(a < b)
    if kind_a in _PLAIN_TEXTS and kind_b in _PLAIN_TEXTS:
        return int(a > b) - int(a < b)
    return _compare(a, b)


def _compare(a: Any, b: Any) -> int | None:
    family_a, family_b = _FAMILIES[kind(a)], _FAMILIES[kind(b)]
    if family_a != family_b or is_absent(a) or is_absent(b):
        return None
    if kind(a) is Kind.INTERVAL and a.span is not b.span:
        return None
    # A date and a timestamp are of one family here, but of different ranks in the total order.
    key_a, key_b = rank_key(a)[1], rank_key(b)[1]
    return int(key_a > key_b) - int(key_a < key_b)
