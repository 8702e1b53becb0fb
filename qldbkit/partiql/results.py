"""PartiQL's values as the Ion that a statement gives out or a table keeps."""

from __future__ import annotations

import datetime
from typing import Any, Final

from amazon.ion.core import IonType, Timestamp, TimestampPrecision
from amazon.ion.simple_types import (
    IonPyDict,
    IonPyInt,
    IonPyList,
    IonPyTimestamp,
)

from qldbkit.journal import codec
from qldbkit.partiql.intervals import Interval, Span
from qldbkit.partiql.times import Time
from qldbkit.partiql.values import MISSING, Bag, Kind, fields, kind, make_struct
from qldbkit.partiql.written import WrittenStruct


def binary(value: Any) -> bytes:
    """A value that `to_ion` gave as binary Ion; of what is still as it was written, those bytes.

    Raises:
        TypeError: the value is of a type that Ion does not have.
    """
    return value.binary() if type(value) is WrittenStruct else codec.write(decoded(value))


def decoded(value: Any) -> Any:
    """The value as amazon.ion takes it: with nothing in it that is still as it was written."""
    what = type(value)
    if what not in _CONTAINERS:
        return value
    if what is WrittenStruct:
        return value.span.value()
    if what is IonPyDict or what is dict:
        if _CONTAINERS.isdisjoint(type(each) for _, each in fields(value)):
            return value
        struct = make_struct((name, decoded(each)) for name, each in fields(value))
        struct.ion_annotations = getattr(value, "ion_annotations", ())
        return struct
    elements = [decoded(each) for each in value]
    if what is IonPyList:
        return IonPyList.from_value(value.ion_type, elements, value.ion_annotations)
    return elements


_CONTAINERS: Final = frozenset({WrittenStruct, IonPyDict, IonPyList, Bag, dict, list, tuple})


def to_ion(value: Any) -> Any:
    """The value as Ion knows it.

    A bag becomes a list and MISSING in a collection null, since Ion has neither. A date, a time and
    an interval become annotated values: ``$date::2020-01-31``, ``$time::{hour: ...}``.
    """
    match kind(value):
        case Kind.MISSING:
            return None
        case Kind.LIST | Kind.SEXP:
            return _list(value)
        case Kind.BAG:
            return [to_ion(element) for element in value]
        case Kind.STRUCT:
            return value if type(value) is WrittenStruct else _struct(value)
        case Kind.DATE:
            return _date(value)
        case Kind.TIME:
            return _time(value)
        case Kind.INTERVAL:
            return _interval(value)
    return value


def _list(value: Any) -> Any:
    converted = [to_ion(element) for element in value]
    if all(new is old for new, old in zip(converted, value, strict=True)):
        return value
    if isinstance(value, IonPyList):
        return IonPyList.from_value(value.ion_type, converted, value.ion_annotations)
    return converted


def _struct(value: Any) -> Any:
    pairs = [(name, member, to_ion(member)) for name, member in fields(value)]
    if all(new is old for _, old, new in pairs):
        return value
    struct = make_struct((name, new) for name, old, new in pairs if old is not MISSING)
    struct.ion_annotations = getattr(value, "ion_annotations", ())
    return struct


def _date(value: datetime.date) -> IonPyTimestamp:
    day = Timestamp(value.year, value.month, value.day, precision=TimestampPrecision.DAY)
    return IonPyTimestamp.from_value(IonType.TIMESTAMP, day, ("$date",))


def _annotated(annotation: str, pairs: list[tuple[str, Any]]) -> IonPyDict:
    struct = make_struct(pairs)
    struct.ion_annotations = (annotation,)
    return struct


def _time(value: Time) -> IonPyDict:
    parts = [("hour", value.hour), ("minute", value.minute), ("second", value.second)]
    return _annotated("$time", [*parts, ("offset", value.offset)])


def _interval(value: Interval) -> IonPyDict:
    name = "$interval_ym" if value.span is Span.YEAR_MONTH else "$interval_dt"
    sign = "-" if value.amount < 0 else "+"
    parts = [(part, IonPyInt(number)) for part, number in value.parts().items()]
    return _annotated(name, [("sign", sign), *parts])
