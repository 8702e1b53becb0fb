"""Every type of Ion value, made up, for tests that a form or a database keeps them."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from decimal import Decimal
from typing import Any

from amazon.ion.core import IonType, Timestamp, TimestampPrecision
from amazon.ion.simple_types import (
    IonPyBool,
    IonPyBytes,
    IonPyDecimal,
    IonPyDict,
    IonPyFloat,
    IonPyInt,
    IonPyList,
    IonPyNull,
    IonPySymbol,
    IonPyText,
    IonPyTimestamp,
)
from hypothesis import strategies as st

from qldbkit.journal.ion import IonSpan

TYPES = [each for each in IonType if each != IonType.NULL]
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
NAMES = TEXTS | st.sampled_from(["", "$ion", "$float", "$0", "n", "a\0b"])


def times() -> st.SearchStrategy[Timestamp]:
    """Timestamps of every precision, with and without an offset."""

    @st.composite
    def moments(draw: st.DrawFn) -> Timestamp:
        precision = draw(st.sampled_from(list(TimestampPrecision)))
        moment = draw(
            st.datetimes(
                min_value=_moment(2, 1, 2), max_value=_moment(9998, 12, 30), timezones=st.none()
            )
        )
        if precision < TimestampPrecision.MINUTE:
            return Timestamp(*moment.timetuple()[: precision + 1], precision=precision)
        offset = draw(st.none() | st.integers(-1439, 1439))
        zone = None if offset is None else timezone(timedelta(minutes=offset)) if offset else UTC
        parts = moment.timetuple()[:5]
        if precision == TimestampPrecision.MINUTE:
            return Timestamp(*parts, tzinfo=zone, precision=precision)
        digits = draw(st.integers(0, 20))
        if digits == 0:
            return Timestamp(*parts, moment.second, tzinfo=zone, precision=precision)
        number = draw(st.integers(0, 10**digits - 1))
        return Timestamp(
            *parts,
            moment.second,
            tzinfo=zone,
            precision=precision,
            fractional_seconds=Decimal((0, tuple(map(int, str(number))), -digits)),
        )

    return moments()


def _moment(*parts: int) -> Any:
    from datetime import datetime

    return datetime(*parts)


def _decimals() -> st.SearchStrategy[Decimal]:
    return st.builds(
        lambda negative, digits, exponent: Decimal((negative, digits, exponent)),
        st.integers(0, 1),
        st.lists(st.integers(0, 9), min_size=1, max_size=60).map(tuple),
        st.integers(-400, 400) | st.integers(-6, 0),
    )


def _annotations() -> st.SearchStrategy[tuple[str, ...]]:
    return st.just(()) | st.just(()) | st.lists(NAMES.filter(bool), max_size=3).map(tuple)


def scalars() -> st.SearchStrategy[Any]:
    """Values that hold no others, typed nulls among them, annotated or not."""
    notes = _annotations()
    make = {
        IonPyBool: (IonType.BOOL, st.booleans()),
        IonPyInt: (IonType.INT, st.integers() | st.integers(-(2**9000), 2**9000)),
        IonPyFloat: (IonType.FLOAT, st.floats() | st.sampled_from([-0.0, 0.0, 5e-324, 1e300])),
        IonPyDecimal: (IonType.DECIMAL, _decimals()),
        IonPyTimestamp: (IonType.TIMESTAMP, times()),
        IonPyText: (IonType.STRING, TEXTS),
        IonPySymbol: (IonType.SYMBOL, TEXTS),
    }
    found = [
        st.builds(kind.from_value, st.just(type_), values, notes)
        for kind, (type_, values) in make.items()
    ]
    found += [
        st.builds(IonPyBytes.from_value, st.just(type_), st.binary(max_size=40), notes)
        for type_ in (IonType.BLOB, IonType.CLOB)
    ]
    nulls = st.builds(IonPyNull.from_value, st.sampled_from(list(IonType)), st.none(), notes)
    return st.one_of(nulls, *found)


def values() -> st.SearchStrategy[Any]:
    """Values of every type, nested."""
    notes = _annotations()

    def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        lists = st.lists(inner, max_size=4)
        return st.one_of(
            st.builds(IonPyList.from_value, st.just(IonType.LIST), lists, notes),
            st.builds(IonPyList.from_value, st.just(IonType.SEXP), lists, notes),
            st.builds(struct, st.lists(st.tuples(NAMES, inner), max_size=5), notes),
        )

    return st.recursive(scalars(), containers, max_leaves=12)


def struct(fields: list[tuple[str, Any]], annotations: tuple[str, ...] = ()) -> IonPyDict:
    """A struct; a name may be there several times."""
    found = IonPyDict.from_value(IonType.STRUCT, {}, annotations)
    for name, value in fields:
        found.add_item(name, value)
    return found


def documents() -> st.SearchStrategy[IonSpan]:
    """Structs of values of every type, as written."""
    return st.lists(st.tuples(NAMES, values()), max_size=5).map(
        lambda each: IonSpan.of(struct(each))
    )
