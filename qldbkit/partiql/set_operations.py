"""UNION, INTERSECT and EXCEPT of two collections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from qldbkit.partiql.values import Bag, group_key

Combine = Callable[[Iterable[Any], Iterable[Any]], Bag]


def combine(operator: str, keep_duplicates: bool) -> Combine:
    """The operation of that name.

    Args:
        operator: UNION, INTERSECT or EXCEPT.
        keep_duplicates: as ALL says; if not, every value comes once.
    """
    if keep_duplicates:
        return _ALL[operator]
    return lambda left, right: Bag(_DISTINCT[operator](_keyed(left), _keyed(right)).values())


def _keyed(values: Iterable[Any]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for value in values:
        found.setdefault(group_key(value), value)
    return found


_DISTINCT: dict[str, Callable[[dict[Any, Any], dict[Any, Any]], dict[Any, Any]]] = {
    "UNION": lambda left, right: {**right, **left},
    "INTERSECT": lambda left, right: {key: v for key, v in left.items() if key in right},
    "EXCEPT": lambda left, right: {key: v for key, v in left.items() if key not in right},
}


def _matched(left: Iterable[Any], right: Iterable[Any], wanted: bool) -> Iterator[Any]:
    """The values of the left that have, or have not, a partner of their own on the right."""
    partners = Counter(map(group_key, right))
    for value in left:
        key = group_key(value)
        found = partners[key] > 0
        if found:
            partners[key] -= 1
        if found is wanted:
            yield value


_ALL: dict[str, Combine] = {
    "UNION": lambda left, right: Bag([*left, *right]),
    "INTERSECT": lambda left, right: Bag(_matched(left, right, True)),
    "EXCEPT": lambda left, right: Bag(_matched(left, right, False)),
}
