"""Every Ion value survives being kept as DynamoDB attributes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ion_strategies import documents, struct, values

from qldbkit.journal.ion import IonSpan
from qldbkit.replay.views.dynamodb.mapping import (
    MAX_NESTING,
    MappedFormError,
    kept_as_ion,
    mapped,
    shape_text,
    value_of,
)
from qldbkit.replay.views.dynamodb.sizes import attribute_size


def kept(value: IonSpan) -> IonSpan:
    """What comes back of a value."""
    attribute, shape = mapped(value)
    return value_of(attribute, None if shape is None else shape_text(shape))


@given(values().map(IonSpan.of))
def test_any_value_comes_back(value: IonSpan) -> None:
    assert kept(value).hash() == value.hash()


@given(documents())
def test_any_document_comes_back(document: IonSpan) -> None:
    assert kept(document).hash() == document.hash()
    attribute, shape = kept_as_ion(document)
    assert value_of(attribute, shape_text(shape)).hash() == document.hash()


@pytest.mark.parametrize(
    ("ion", "attribute", "shape"),
    [
        ("null", {"NULL": True}, None),
        ("null.int", {"NULL": True}, "int"),
        ("null.struct", {"NULL": True}, "struct"),
        ("true", {"BOOL": True}, None),
        ("-7", {"N": "-7"}, None),
        ("1" + 38 * "0", {"N": "1" + 38 * "0"}, None),
        (39 * "1", {"S": 39 * "1"}, "int"),
        ("1" + 126 * "0", {"S": "1" + 126 * "0"}, "int"),
        ("1.5", {"N": "15E-1"}, None),
        ("1.50", {"N": "150E-2"}, -2),
        ("2.", {"N": "2E0"}, 0),
        ("1d3", {"N": "1E3"}, 3),
        ("0.00", {"N": "0"}, -2),
        ("-0.0", {"S": "-0E-1"}, "decimal"),
        ("1d200", {"S": "1E200"}, "decimal"),
        ("1.5e0", {"N": "1.5"}, "float"),
        ("-0e0", {"S": "-0.0"}, "float"),
        ("nan", {"S": "nan"}, "float"),
        ("-inf", {"S": "-inf"}, "float"),
        ("1e300", {"S": "1e+300"}, "float"),
        ("2020-01-17T", {"S": "2020-01-17T"}, "timestamp"),
        ("2020-01-17T10:00:00.10-00:00", {"S": "2020-01-17T10:00:00.10-00:00"}, "timestamp"),
        ("symbol", {"S": "symbol"}, "symbol"),
        ('""', {"S": ""}, None),
        ("{{}}", {"B": b""}, None),
        ('{{"clob"}}', {"B": b"clob"}, "clob"),
        ("[1, a]", {"L": [{"N": "1"}, {"S": "a"}]}, {"1": "symbol"}),
        ("(1)", {"L": [{"N": "1"}]}, {"": "sexp"}),
        ("{a: 1, b: 2.}", {"M": {"a": {"N": "1"}, "b": {"N": "2E0"}}}, {"b": 0}),
        ("kg::1.50", {"N": "150E-2"}, [-2, "kg"]),
        ("a::b::null", {"NULL": True}, [None, "a", "b"]),
    ],
)
def test_an_attribute_reads_as_the_value_does(ion: str, attribute: Any, shape: Any) -> None:
    value = IonSpan.from_text(ion)
    assert mapped(value) == (attribute, shape)
    assert kept(value).hash() == value.hash()


@pytest.mark.parametrize(
    "value",
    [
        struct([("a", 1), ("a", 2)]),
        struct([("", 1)]),
        struct([("$0", 1)]),
    ],
)
def test_a_struct_that_no_map_can_hold_is_kept_as_ion_with_its_neighbours_mapped(
    value: Any,
) -> None:
    document = IonSpan.of(struct([("odd", value), ("even", 2)]))
    attribute, shape = mapped(document)
    assert attribute["M"]["even"] == {"N": "2"}
    assert attribute["M"]["odd"].keys() == {"B"}
    assert shape == {"odd": "ion"}
    assert kept(document).hash() == document.hash()


def nested(depth: int) -> IonSpan:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return IonSpan.of(value)


def levels(attribute: Any) -> int:
    return 1 + max(map(levels, attribute["L"])) if "L" in attribute else 0


@pytest.mark.parametrize("depth", [MAX_NESTING - 1, MAX_NESTING, MAX_NESTING + 1, 100])
def test_what_is_nested_too_deeply_is_kept_as_ion_from_there_on(depth: int) -> None:
    value = nested(depth)
    attribute, _ = mapped(value)
    assert levels(attribute) == min(depth, MAX_NESTING)
    assert kept(value).hash() == value.hash()


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False))
def test_numbers_come_back_however_dynamodb_writes_them(number: int | Decimal) -> None:
    """DynamoDB gives digits without zeros behind them, with an exponent or without."""
    value = IonSpan.of(number)
    attribute, shape = mapped(value)
    text = None if shape is None else shape_text(shape)
    if "N" in attribute:
        plain = Decimal(attribute["N"])
        for written in (f"{plain:f}", f"{plain:E}", str(_stripped(plain))):
            assert value_of({"N": written}, text).hash() == value.hash()


def _stripped(number: Decimal) -> Decimal:
    sign, digits, exponent = number.as_tuple()
    while len(digits) > 1 and digits[-1] == 0:
        digits, exponent = digits[:-1], int(exponent) + 1
    return Decimal((sign, digits, exponent))


@pytest.mark.parametrize(
    ("attribute", "shape"),
    [
        ({"S": "2020-13-01T"}, '"timestamp"'),
        ({"S": "x"}, '"decimal"'),
        ({"B": b"x"}, '"ion"'),
        ({"N": "1.5"}, "3"),
        ({"N": "1"}, "-9999999999"),
        ({"N": "1"}, "not JSON"),
        ({"NULL": True}, '"elephant"'),
        ({"X": 1}, None),
        ({"S": "a"}, '{"a": "b"}'),
        ({}, None),
    ],
)
def test_attributes_that_nothing_is_mapped_to_are_refused(attribute: Any, shape: Any) -> None:
    with pytest.raises(MappedFormError):
        value_of(attribute, shape)


def test_sizes_are_those_of_the_developer_guide() -> None:
    assert attribute_size({"S": "ä"}) == 2
    assert attribute_size({"M": {"ab": {"BOOL": True}}}) == 3 + 1 + 2 + 1
    assert attribute_size({"L": [{"NULL": True}, {"B": b"123"}]}) == 3 + 2 + 1 + 3
    assert attribute_size({"N": 38 * "1"}) >= 20
