"""Ion documents as DynamoDB attributes, without loss, and back.

A document is an attribute that reads as one would write it by hand, and beside it, where that does
not say everything, a text with what it leaves open: the *shape*.

| Ion | Attribute | Shape |
|---|---|---|
| null | NULL | |
| ``null.int`` | NULL | ``"int"`` |
| bool | BOOL | |
| int | N | |
| int that N cannot hold | S, its digits | ``"int"`` |
| decimal whose last digit is behind the point and no zero, such as 1.5 | N | |
| other decimal, such as 1.50, 2. or 1d3 | N | its exponent: ``-2``, ``0``, ``3`` |
| decimal that N cannot hold, such as -0.0 | S, digits and exponent | ``"decimal"`` |
| float | N | ``"float"`` |
| float that N cannot hold, such as nan, +inf, -0 | S | ``"float"`` |
| timestamp | S, as Ion's text has it: ``2020-01-17T`` | ``"timestamp"`` |
| symbol | S | ``"symbol"`` |
| string | S | |
| blob | B | |
| clob | B | ``"clob"`` |
| list | L | ``{index: shape}`` of the elements that have one |
| sexp | L | the same with ``"": "sexp"`` |
| struct | M | ``{name: shape}`` of the fields that have one |
| annotated value | of the value | ``[its shape or null, annotation, ...]`` |
| what none of these can hold | B, binary Ion | ``"ion"`` |

N holds 38 digits from 1E-130 to 9.99E+125. None of these can hold: a struct with an empty, unknown
or repeated name, a symbol whose text is unknown, a timestamp of a time that no calendar has, and
what is nested deeper than `MAX_NESTING`. The shape is JSON. The order of a struct's fields is lost,
which in Ion means nothing; the Ion hash of what comes back is that of what went in.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from qldbkit.errors import QldbkitError
from qldbkit.journal.binary import IonFormatError, IonType, annotations_at, value_bounds
from qldbkit.journal.encoding import standalone
from qldbkit.journal.ion import IonSpan
from qldbkit.replay.views.ion_writer import IonWriter
from qldbkit.replay.views.times import UnusualTimeError, time_text, var_int

Attribute = dict[str, Any]
Shape = None | str | int | Mapping[str, "Shape"] | list["Shape"]

MAX_NESTING: Final = 30
"""Containers in containers; DynamoDB takes 32 levels, of which the item is one."""
NUMBER_DIGITS: Final = 38
SMALLEST_NUMBER: Final = -130
LARGEST_NUMBER: Final = 125
"""Powers of ten of the first digits of the smallest and the largest number of DynamoDB."""
LARGEST_EXPONENT: Final = 100_000
"""Of a decimal that is kept as text."""
NAME_BYTES: Final = 65_535
"""DynamoDB's limit for a name in a map."""
ION: Final = "ion"
SEXP: Final = "sexp"
UNKNOWN: Final = "$0"
"""What `IonSpan.field_pairs` calls a name whose text is unknown."""
_OWN: Final = ""
"""The key of what a shape of elements says of the container; no field that is mapped has it."""


_NOT_MAPPED: Final = (
    *(ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError),
    IonFormatError,
)
"""What reading attributes that something else wrote may raise."""


class MappedFormError(QldbkitError):
    """An item's attributes are none that a document is written as: something else wrote them."""


class _UnmappedError(Exception):
    """The value has no form of its own."""


def mapped(value: IonSpan) -> tuple[Attribute, Shape]:
    """A value as an attribute and its shape.

    Raises:
        IonFormatError: the Ion is damaged.
    """
    return _mapped(value, 0)


def kept_as_ion(value: IonSpan) -> tuple[Attribute, Shape]:
    """A value as binary Ion, which is smaller than its mapped form and cannot be queried."""
    return {"B": standalone(value)}, ION


def shape_text(shape: Shape) -> str:
    """A shape as it is kept beside its attribute."""
    return json.dumps(shape, ensure_ascii=False, separators=(",", ":"))


def value_of(attribute: Attribute, shape: str | None) -> IonSpan:
    """The value that was mapped.

    Args:
        attribute: as DynamoDB gives it.
        shape: the text beside it; None if there was none.

    Raises:
        MappedFormError: no value is mapped so.
    """
    try:
        writer = IonWriter()
        body = _read(attribute, None if shape is None else json.loads(shape), writer)
        return writer.span(body)
    except _NOT_MAPPED as error:
        raise MappedFormError("the attributes are none that a document is written as") from error


def _mapped(value: IonSpan, depth: int) -> tuple[Attribute, Shape]:
    try:
        if value.is_null:
            attribute, shape = _null(value)
        else:
            attribute, shape = _FORMS[value.ion_type](value, depth)
        if value.annotation_ids:
            shape = [shape, *_known(value.annotations)]
    except _UnmappedError:
        return kept_as_ion(value)
    return attribute, shape


def _known(annotations: tuple[str | None, ...]) -> list[Shape]:
    if None in annotations:
        raise _UnmappedError
    return list(annotations)


def _null(value: IonSpan) -> tuple[Attribute, Shape]:
    name = None if value.ion_type == IonType.NULL else value.ion_type.name.lower()
    return {"NULL": True}, name


def _bool(value: IonSpan, _: int) -> tuple[Attribute, Shape]:
    return {"BOOL": bool(value.data[_body(value)] & 1)}, None


def _int(value: IonSpan, _: int) -> tuple[Attribute, Shape]:
    number = value.integer()
    digits = str(Decimal(number))  # knows no limit of digits, as int does
    if _fits(len(digits.lstrip("-").rstrip("0")), len(digits.lstrip("-")) - 1):
        return {"N": digits}, None
    return {"S": digits}, "int"


def _float(value: IonSpan, _: int) -> tuple[Attribute, Shape]:
    begin, end = _bounds(value)
    number = 0.0
    if begin < end:
        (number,) = struct.unpack(">f" if end - begin == 4 else ">d", value.data[begin:end])
    power = math.floor(math.log10(abs(number))) if number and math.isfinite(number) else 0
    # One power less, since the logarithm may be rounded across a power of ten
    sound = math.isfinite(number) and SMALLEST_NUMBER < power < LARGEST_NUMBER
    if sound and (number or math.copysign(1, number) > 0):
        return {"N": repr(number)}, "float"
    return {"S": repr(number)}, "float"


def _decimal(value: IonSpan, _: int) -> tuple[Attribute, Shape]:
    begin, end = _bounds(value)
    exponent, begin = var_int(value.data, begin) if begin < end else (0, end)
    first = value.data[begin] if begin < end else 0
    coefficient = int.from_bytes(bytes((first & 0x7F,)) + value.data[begin + 1 : end], "big")
    if abs(exponent) > LARGEST_EXPONENT:
        raise _UnmappedError
    digits, sign = str(Decimal(coefficient)), "-" if first & 0x80 else ""
    text = f"{sign}{digits}E{exponent}"
    if not coefficient:
        return ({"S": text}, "decimal") if sign else ({"N": "0"}, exponent)
    if not _fits(len(digits.rstrip("0")), len(digits) - 1 + exponent):
        return {"S": text}, "decimal"
    return {"N": text}, None if exponent < 0 and digits[-1] != "0" else exponent


def _fits(digits: int, power: int) -> bool:
    """Whether N holds a number of so many digits, whose first stands for that power of ten."""
    return digits <= NUMBER_DIGITS and SMALLEST_NUMBER <= power <= LARGEST_NUMBER


def _timestamp(value: IonSpan, _: int) -> tuple[Attribute, Shape]:
    try:
        return {"S": time_text(value.data, *_bounds(value))}, "timestamp"
    except (UnusualTimeError, ValueError, OverflowError, IndexError) as error:
        raise _UnmappedError from error


def _symbol(value: IonSpan, _: int) -> tuple[Attribute, Shape]:
    begin, end = _bounds(value)
    if not any(value.data[begin:end]):  # symbol 0 has no text
        raise _UnmappedError
    return {"S": value.text()}, "symbol"


def _string(value: IonSpan, _: int) -> tuple[Attribute, Shape]:
    return {"S": value.text()}, None


def _blob(value: IonSpan, _: int) -> tuple[Attribute, Shape]:
    return {"B": value.blob()}, None


def _clob(value: IonSpan, _: int) -> tuple[Attribute, Shape]:
    return {"B": value.blob()}, "clob"


def _sequence(value: IonSpan, depth: int) -> tuple[Attribute, Shape]:
    elements, shapes = [], dict[str, Shape]()
    for index, each in enumerate(value.elements()):
        attribute, shape = _mapped(each, _deeper(depth))
        elements.append(attribute)
        if shape is not None:
            shapes[str(index)] = shape
    return {"L": elements}, shapes or None


def _sexp(value: IonSpan, depth: int) -> tuple[Attribute, Shape]:
    attribute, shapes = _sequence(value, depth)
    return attribute, {_OWN: SEXP, **(shapes if isinstance(shapes, dict) else {})}


def _struct(value: IonSpan, depth: int) -> tuple[Attribute, Shape]:
    fields, shapes = dict[str, Attribute](), dict[str, Shape]()
    for name, each in value.field_pairs():
        if name in fields or name in (_OWN, UNKNOWN) or len(name) * 3 > NAME_BYTES:
            raise _UnmappedError
        fields[name], shape = _mapped(each, _deeper(depth))
        if shape is not None:
            shapes[name] = shape
    return {"M": fields}, shapes or None


def _deeper(depth: int) -> int:
    if depth >= MAX_NESTING:
        raise _UnmappedError
    return depth + 1


def _body(value: IonSpan) -> int:
    """Where the value begins behind its annotations."""
    if not value.annotation_ids:
        return value.start
    return annotations_at(value.data, value.start, value.end)[1]


def _bounds(value: IonSpan) -> tuple[int, int]:
    """Where the representation of a scalar begins and ends."""
    return value_bounds(value.data, _body(value), value.end)


_FORMS: Final[Mapping[IonType, Callable[[IonSpan, int], tuple[Attribute, Shape]]]] = {
    IonType.BOOL: _bool,
    IonType.INT: _int,
    IonType.FLOAT: _float,
    IonType.DECIMAL: _decimal,
    IonType.TIMESTAMP: _timestamp,
    IonType.SYMBOL: _symbol,
    IonType.STRING: _string,
    IonType.CLOB: _clob,
    IonType.BLOB: _blob,
    IonType.LIST: _sequence,
    IonType.SEXP: _sexp,
    IonType.STRUCT: _struct,
}


def _read(attribute: Attribute, shape: Any, writer: IonWriter) -> bytes:
    """The value as binary Ion."""
    ((kind, content),) = attribute.items()
    if isinstance(shape, list):
        return writer.annotated(shape[1:], _read(attribute, shape[0], writer))
    if shape == ION and kind == "B":
        return writer.copied(IonSpan.parse(bytes(content)))
    return _READERS[kind](content, shape, writer)


def _read_null(_: Any, shape: Any, writer: IonWriter) -> bytes:
    return writer.null(IonType.NULL if shape is None else IonType[shape.upper()])


def _read_bool(content: Any, _: Any, writer: IonWriter) -> bytes:
    return writer.truth(content)


def _read_number(text: str, shape: Any, writer: IonWriter) -> bytes:
    if shape == "float":
        return writer.floating(float(text))
    negative, coefficient, exponent = _parts(text)
    if shape is None and exponent >= 0:
        return writer.integer((-1 if negative else 1) * coefficient * 10**exponent)
    if shape is None:
        return writer.decimal(coefficient, exponent, negative=negative)
    if not coefficient:
        return writer.decimal(0, int(shape), negative=False)
    if not 0 <= exponent - shape <= LARGEST_EXPONENT:
        raise ValueError("a number that has no such exponent")
    return writer.decimal(coefficient * 10 ** (exponent - shape), shape, negative=negative)


def _parts(text: str) -> tuple[bool, int, int]:
    """Sign, coefficient and exponent of a number, without zeros behind its last digit."""
    sign, digits, exponent = Decimal(text).as_tuple()
    assert isinstance(exponent, int)
    kept = "".join(map(str, digits)).rstrip("0")
    if not kept:
        return False, 0, 0
    return bool(sign), int(kept), exponent + len(digits) - len(kept)


def _read_text(text: str, shape: Any, writer: IonWriter) -> bytes:
    match shape:
        case None:
            return writer.text(text)
        case "symbol":
            return writer.symbol(text)
        case "timestamp":
            return writer.timestamp(text)
        case "decimal":
            digits, _, exponent = text.partition("E")
            coefficient = int(Decimal(digits.removeprefix("-")))
            return writer.decimal(coefficient, int(exponent), negative=digits.startswith("-"))
        case "float":
            return writer.floating(float(text))
        case "int":
            return writer.integer(int(Decimal(text)))
    raise ValueError("a text of no known type")


def _read_bytes(content: Any, shape: Any, writer: IonWriter) -> bytes:
    if shape not in (None, "clob"):
        raise ValueError("bytes of no known type")
    return writer.octets(IonType.CLOB if shape else IonType.BLOB, bytes(content))


def _read_sequence(content: list[Attribute], shape: Any, writer: IonWriter) -> bytes:
    shapes = shape or {}
    code = IonType.SEXP if shapes.get(_OWN) == SEXP else IonType.LIST
    elements = (_read(each, shapes.get(str(index)), writer) for index, each in enumerate(content))
    return writer.sequence(code, elements)


def _read_struct(content: Mapping[str, Attribute], shape: Any, writer: IonWriter) -> bytes:
    shapes = shape or {}
    return writer.struct(
        (name, _read(each, shapes.get(name), writer)) for name, each in content.items()
    )


_READERS: Final[Mapping[str, Callable[[Any, Any, IonWriter], bytes]]] = {
    "NULL": _read_null,
    "BOOL": _read_bool,
    "N": _read_number,
    "S": _read_text,
    "B": _read_bytes,
    "L": _read_sequence,
    "M": _read_struct,
}
