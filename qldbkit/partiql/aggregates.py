"""What a group of values comes to: COUNT, SUM, AVG, MIN, MAX, EVERY, ANY and SOME.

Null and MISSING do not count. An aggregate of nothing is null, but for COUNT, which is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from qldbkit.partiql.arithmetic import add, divide
from qldbkit.partiql.errors import EvaluationError
from qldbkit.partiql.keys import group_key
from qldbkit.partiql.kinds import NUMBERS, Bag, Kind, is_absent, kind, type_name
from qldbkit.partiql.ordering import rank_key


def count(values: Iterable[Any]) -> int:
    """How many values there are."""
    return sum(1 for _ in _present(values))


def total(values: Iterable[Any]) -> Any:
    """Their sum, without loss; null for none.

    Raises:
        EvaluationError: one of them is not a number.
    """
    result: Any = None
    for value in _numbers(values, "SUM"):
        result = value if result is None else add(result, value)
    return result


def average(values: Iterable[Any]) -> Any:
    """Their mean, a decimal or, of floats alone, a float; null for none.

    Raises:
        EvaluationError: one of them is not a number.
    """
    result, size = None, 0
    for size, value in enumerate(_numbers(values, "AVG"), 1):  # noqa: B007
        result = value if result is None else add(result, value)
    exact = Decimal(result) if isinstance(result, int) else result
    return None if result is None else divide(exact, size)


def smallest(values: Iterable[Any]) -> Any:
    """The one that ORDER BY puts first; null for none."""
    return min(_present(values), key=rank_key, default=None)


def largest(values: Iterable[Any]) -> Any:
    """The one that ORDER BY puts last; null for none."""
    return max(_present(values), key=rank_key, default=None)


def every(values: Iterable[Any]) -> bool | None:
    """Whether all are true; null for none.

    Raises:
        EvaluationError: one of them is not a bool.
    """
    truths = list(_truths(values, "EVERY"))
    return all(truths) if truths else None


def some(values: Iterable[Any]) -> bool | None:
    """Whether one is true; null for none.

    Raises:
        EvaluationError: one of them is not a bool.
    """
    truths = list(_truths(values, "ANY"))
    return any(truths) if truths else None


def distinct(values: Iterable[Any]) -> Bag:
    """The values, each once."""
    return Bag({group_key(value): value for value in reversed(list(values))}.values())


def _present(values: Iterable[Any]) -> Iterator[Any]:
    return (value for value in values if not is_absent(value))


def _numbers(values: Iterable[Any], name: str) -> Iterator[Any]:
    for value in _present(values):
        if kind(value) not in NUMBERS:
            raise EvaluationError(f"{name} takes numbers, not {type_name(value)}")
        yield value


def _truths(values: Iterable[Any], name: str) -> Iterator[bool]:
    for value in _present(values):
        if kind(value) is not Kind.BOOL:
            raise EvaluationError(f"{name} takes bools, not {type_name(value)}")
        yield bool(value)


AGGREGATES: Mapping[str, Callable[[Iterable[Any]], Any]] = {
    "count": count,
    "sum": total,
    "avg": average,
    "min": smallest,
    "max": largest,
    "every": every,
    "any": some,
    "some": some,
}
"""By their names in lower case."""
