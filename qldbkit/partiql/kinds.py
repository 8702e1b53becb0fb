"""The kinds of value that PartiQL knows, and the two that Ion has no type for: MISSING and bag."""

from __future__ import annotations

import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from amazon.ion.core import IonType, Timestamp
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
from amazon.ion.symbols import SymbolToken

from qldbkit.partiql.intervals import Interval
from qldbkit.partiql.times import Time
from qldbkit.partiql.written import WrittenStruct


class Missing:
    """The absence of a value: what a path to a field that is not there gives.

    There is one instance, `MISSING`; compare with ``is``. It refuses to be used as a truth value,
    because neither answer would be right.
    """

    __slots__ = ()

    def __bool__(self) -> bool:
        raise TypeError("MISSING is neither true nor false; compare it with `is MISSING`")

    def __repr__(self) -> str:
        return "MISSING"

    def __reduce__(self) -> str:
        return "MISSING"


MISSING = Missing()


class Bag(list[Any]):
    """An unordered collection, which may hold the same value more than once."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<<{', '.join(map(repr, self))}>>"


class Kind(Enum):
    """What a value is, whatever Python class holds it."""

    MISSING = "missing"
    NULL = "null"
    BOOL = "bool"
    INT = "int"
    DECIMAL = "decimal"
    FLOAT = "float"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    INTERVAL = "interval"
    STRING = "string"
    SYMBOL = "symbol"
    BLOB = "blob"
    CLOB = "clob"
    LIST = "list"
    SEXP = "sexp"
    STRUCT = "struct"
    BAG = "bag"

    # Enum's own hash goes through Python code for every lookup; identity is enough and faster.
    __hash__ = object.__hash__


NUMBERS = frozenset({Kind.INT, Kind.DECIMAL, Kind.FLOAT})
TEXTS = frozenset({Kind.STRING, Kind.SYMBOL})
LOBS = frozenset({Kind.BLOB, Kind.CLOB})
COLLECTIONS = frozenset({Kind.LIST, Kind.SEXP, Kind.BAG})
ABSENT = frozenset({Kind.MISSING, Kind.NULL})

_KINDS: dict[type, Kind] = {
    Missing: Kind.MISSING,
    type(None): Kind.NULL,
    IonPyNull: Kind.NULL,
    bool: Kind.BOOL,
    IonPyBool: Kind.BOOL,
    int: Kind.INT,
    IonPyInt: Kind.INT,
    Decimal: Kind.DECIMAL,
    IonPyDecimal: Kind.DECIMAL,
    float: Kind.FLOAT,
    IonPyFloat: Kind.FLOAT,
    datetime.date: Kind.DATE,
    Time: Kind.TIME,
    datetime.datetime: Kind.TIMESTAMP,
    Timestamp: Kind.TIMESTAMP,
    IonPyTimestamp: Kind.TIMESTAMP,
    Interval: Kind.INTERVAL,
    str: Kind.STRING,
    IonPyText: Kind.STRING,
    SymbolToken: Kind.SYMBOL,
    IonPySymbol: Kind.SYMBOL,
    bytes: Kind.BLOB,
    list: Kind.LIST,
    Bag: Kind.BAG,
    tuple: Kind.LIST,
    dict: Kind.STRUCT,
    IonPyDict: Kind.STRUCT,
    WrittenStruct: Kind.STRUCT,
}


def kind(value: object) -> Kind:
    """What ``value`` is.

    Raises:
        TypeError: it is not of a class that holds Ion or PartiQL values.
    """
    found = _KINDS.get(type(value))
    return found if found is not None else _kind_by_ion_type(value)


def _kind_by_ion_type(value: Any) -> Kind:
    if type(value) is IonPyBytes:
        return Kind.CLOB if value.ion_type is IonType.CLOB else Kind.BLOB
    if type(value) is IonPyList:
        return Kind.SEXP if value.ion_type is IonType.SEXP else Kind.LIST
    raise TypeError(f"{type(value).__name__} is not a class of Ion or PartiQL values")


def is_missing(value: object) -> bool:
    """Whether it is MISSING."""
    return value is MISSING


def is_null(value: object) -> bool:
    """Whether it is null, typed or not."""
    return value is None or type(value) is IonPyNull


def is_absent(value: object) -> bool:
    """Whether it is null or MISSING."""
    return value is None or value is MISSING or type(value) is IonPyNull


def type_name(value: object) -> str:
    """The name of its type, as messages give it: ``int``, ``string``, ``bag``..."""
    return str(kind(value).value)


def text_of(value: Any) -> str:
    """The text of a string or symbol.

    A symbol whose text is not known has the empty text.
    """
    return value if isinstance(value, str) else value.text or ""
