"""CAST and IS, by the developer guide's examples and by what must hold of all values."""

import datetime
import math
from decimal import Decimal

import pytest
from amazon.ion import simpleion
from amazon.ion.symbols import SymbolToken
from hypothesis import given
from hypothesis import strategies as st

from qldbkit.partiql.casts import (
    can_cast,
    can_lossless_cast,
    cast,
    check_type,
    is_type,
    typed_literal,
)
from qldbkit.partiql.errors import EvaluationError, SemanticError
from qldbkit.partiql.intervals import IntervalError
from qldbkit.partiql.times import Time
from qldbkit.partiql.values import MISSING, Bag, Kind, equals, kind, same, type_name


def ion(text):
    return simpleion.loads(text, single_value=True)


@pytest.mark.parametrize(
    ("value", "target", "expected"),
    [
        # The examples of the developer guide's page on CAST.
        ("true", "boolean", "true"),
        ("0", "boolean", "false"),
        ("1e0", "boolean", "true"),
        ("1d0", "boolean", "true"),
        ('"a"', "boolean", "false"),
        ('"true"', "boolean", "true"),
        ("'false'", "boolean", "false"),
        ("true", "integer", "1"),
        ("1d3", "integer", "1000"),
        ("1.45", "integer", "1"),
        ("1.75", "integer", "1"),
        ('"12"', "integer", "12"),
        ("'22'", "integer", "22"),
        # And every other pair that has a meaning.
        ("-1.75", "integer", "-1"),
        ("-2.5e0", "int", "-2"),
        ('"+0x1F"', "int", "31"),
        ('"-0b101"', "int", "-5"),
        ("true", "float", "1e0"),
        ("12", "float", "12e0"),
        ('"-1.5e3"', "double precision", "-1500e0"),
        ("false", "decimal", "0d0"),
        ("0.1e0", "decimal", "0.1"),
        ('"1.50"', "numeric", "1.50"),
        ("12", "string", '"12"'),
        ("1.50", "string", '"1.50"'),
        ("1.5e0", "string", '"1.5"'),
        ("true", "varchar", '"true"'),
        ("abc", "varchar(2)", '"ab"'),
        ('"a"', "char(3)", '"a  "'),
        ("2007-02-23T12:14Z", "string", '"2007-02-23T12:14Z"'),
        ('"abc"', "symbol", "abc"),
        ("12", "symbol", "'12'"),
        ('"2007T"', "timestamp", "2007T"),
        ("'2007-02-23T12:14:33.079-08:00'", "timestamp", "2007-02-23T12:14:33.079-08:00"),
        ('"2007-02-23 12:14:33"', "timestamp", "2007-02-23T12:14:33-00:00"),
        ('{{"hi"}}', "blob", "{{aGk=}}"),
        ("{{aGk=}}", "clob", '{{"hi"}}'),
        ("(1 2)", "list", "[1, 2]"),
        ("[1, 2]", "sexp", "(1 2)"),
        ("{a: 1}", "struct", "{a: 1}"),
    ],
)
def test_cast(value, target, expected):
    name, _, arguments = target.partition("(")
    result = cast(ion(value), name, (int(arguments[:-1]),) if arguments else ())
    assert equals(result, ion(expected)) is True
    assert kind(result) is kind(ion(expected))


@pytest.mark.parametrize(
    ("value", "target"),
    [
        *((value, target) for value in ("true", "1") for target in ("null", "missing")),
        ('"aa"', "integer"),
        ('"00xA"', "integer"),
        ('"2e10"', "integer"),
        ('"१"', "integer"),
        ("nan", "integer"),
        ("nan", "decimal"),
        ("[1]", "integer"),
        ("{}", "integer"),
        ("2007T", "integer"),
        ('"1_0"', "decimal"),
        ('"infinity"', "float"),
        ("1d999", "float"),
        ("[1]", "string"),
        ("{{aGk=}}", "string"),
        ("1", "timestamp"),
        ('"2007"', "timestamp"),
        ('"2007-02-30"', "date"),
        ("[1]", "struct"),
        ("{a: 1}", "list"),
        ("40000", "smallint"),
        ("9223372036854775808", "bigint"),
        ("1d900000", "integer"),
    ],
)
def test_what_cannot_be_cast(value, target):
    with pytest.raises(EvaluationError):
        cast(ion(value), target)
    assert can_cast(ion(value), target) is False


@pytest.mark.parametrize("target", ["boolean", "integer", "string", "timestamp", "null", "missing"])
def test_absent_values_stay_absent_whatever_they_are_cast_to(target):
    assert cast(ion("null.string"), target) is None
    assert cast(MISSING, target) is MISSING


def test_decimals_are_fitted_to_precision_and_scale():
    assert str(cast(Decimal("123.456"), "DECIMAL", (5, 2))) == "123.46"
    assert str(cast(Decimal("0.125"), "DECIMAL", (5, 2))) == "0.12"
    assert str(cast(7, "DECIMAL", (5, 2))) == "7.00"
    assert str(cast(Decimal("1E+2"), "DECIMAL", (3,))) == "100"
    with pytest.raises(EvaluationError, match="too many digits"):
        cast(Decimal("999.999"), "DECIMAL", (5, 2))


def test_times_are_cast_among_each_other():
    stamp = ion("2020-03-04T05:06:07.89+01:00")
    assert cast(stamp, "DATE") == datetime.date(2020, 3, 4)
    assert cast(stamp, "TIME") == Time(5, 6, Decimal("7.89"), 60)
    assert same(cast(datetime.date(2020, 3, 4), "TIMESTAMP"), ion("2020-03-04T"))
    assert cast("10:11:12", "TIME") == Time(10, 11, Decimal(12))
    assert cast(datetime.date(2020, 3, 4), "STRING") == "2020-03-04"
    assert cast(stamp, "TIMESTAMP", (1,)).fractional_seconds == Decimal("0.9")


def test_intervals_are_cast_to_other_fields():
    months = typed_literal("INTERVAL MONTH", (), "13")
    assert str(cast(months, "INTERVAL YEAR TO MONTH")) == "1-1"
    assert str(cast(months, "INTERVAL YEAR")) == "1-0"
    seconds = typed_literal("INTERVAL SECOND", (), "1.123456")
    assert str(cast(seconds, "INTERVAL SECOND", (3, 3))) == "0 0:00:01.123"
    with pytest.raises(EvaluationError):
        cast(months, "INTERVAL DAY")
    with pytest.raises(IntervalError):
        cast(typed_literal("INTERVAL HOUR", (3,), "999"), "INTERVAL HOUR")


@given(st.integers())
def test_integers_come_back_from_every_type_that_holds_them(number):
    for target in ("STRING", "SYMBOL", "DECIMAL"):
        assert cast(cast(number, target), "INT") == number
        assert can_lossless_cast(number, target)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_come_back_from_decimals_and_strings(number):
    assert cast(cast(number, "DECIMAL"), "FLOAT") == number
    assert cast(cast(number, "STRING"), "FLOAT") == number


@given(st.datetimes(), st.integers(-1439, 1439))
def test_timestamps_come_back_from_strings(moment, minutes):
    zone = datetime.timezone(datetime.timedelta(minutes=minutes))
    stamp = moment.replace(tzinfo=zone)
    assert same(cast(cast(stamp, "STRING"), "TIMESTAMP"), stamp)


@given(st.lists(st.one_of(st.integers(), st.text()), max_size=4))
def test_collections_come_back_from_one_another(values):
    assert cast(cast(values, "SEXP"), "LIST") == values
    assert type_name(cast(values, "BAG")) == "bag"
    assert sorted(map(str, cast(cast(values, "BAG"), "LIST"))) == sorted(map(str, values))


def test_long_integers_are_cast_to_text_and_back():
    number = 10**5000 + 1
    assert cast(cast(number, "STRING"), "INT") == number


def test_a_cast_that_loses_is_not_lossless():
    assert can_lossless_cast(Decimal("1.5"), "INT") is False
    assert can_lossless_cast(Decimal("2.0"), "INT") is True
    assert can_lossless_cast(math.inf, "DECIMAL") is False
    assert can_lossless_cast(None, "INT") is True


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        (None, "NULL", True),
        (MISSING, "NULL", True),
        (None, "MISSING", False),
        (MISSING, "MISSING", True),
        (ion("null.int"), "INT", False),
        (True, "INT", False),
        (ion("true"), "BOOLEAN", True),
        (1, "INTEGER", True),
        (40_000, "SMALLINT", False),
        (1, "DECIMAL", False),
        ("a", "STRING", True),
        ("abc", "VARCHAR(2)", False),
        (SymbolToken("a", None), "STRING", False),
        (SymbolToken("a", None), "SYMBOL", True),
        ([], "LIST", True),
        (Bag(), "LIST", False),
        ({}, "TUPLE", True),
        (ion("(1)"), "SEXP", True),
        (ion('{{""}}'), "CLOB", True),
        (ion("2020T"), "TIMESTAMP", True),
        (ion("2020T"), "TIMESTAMP WITH TIME ZONE", False),
        (MISSING, "ANY", True),
    ],
)
def test_is(value, type_, expected):
    name, _, argument = type_.partition("(")
    assert is_type(value, name, (int(argument[:-1]),) if argument else ()) is expected


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("NO_SUCH_TYPE", ()),
        ("DECIMAL", (0, 0)),
        ("DECIMAL", (5, 10)),
        ("INT", (5,)),
        ("VARCHAR", (1, 2)),
        ("CHAR", (10**9,)),
        ("TIME", (10,)),
        ("INTERVAL DAY", (10**9,)),
        ("INTERVAL MONTH TO DAY", ()),
    ],
)
def test_a_type_that_means_nothing_is_found_before_anything_runs(name, arguments):
    with pytest.raises(SemanticError):
        check_type(name, arguments)


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        ("DATE", "2012-02-30"),
        ("DATE", "2021-3-10"),
        ("TIME", "12:59:61"),
        ("TIME WITH TIME ZONE", "12:00:00"),
        ("TIMESTAMP WITHOUT TIME ZONE", "2025-01-01 12:00:00+00:00"),
        ("TIMESTAMP", "2025-01-01"),
        ("INT", "1"),
    ],
)
def test_a_literal_that_is_none_of_its_type_is_refused(type_, text):
    with pytest.raises(SemanticError):
        typed_literal(type_, (), text)


def test_literals():
    assert typed_literal("DATE", (), "2020-01-31") == datetime.date(2020, 1, 31)
    assert typed_literal("TIME", (1,), "10:00:00.05") == Time(10, 0, Decimal("0.1"))
    stamp = typed_literal("TIMESTAMP WITH TIME ZONE", (), "2025-01-01 12:00:00.5+05:30")
    assert same(stamp, ion("2025-01-01T12:00:00.5+05:30"))


def test_every_kind_has_a_type_that_it_is():
    samples = {
        Kind.BOOL: True,
        Kind.INT: 1,
        Kind.DECIMAL: Decimal(1),
        Kind.FLOAT: 1.0,
        Kind.STRING: "",
        Kind.BLOB: b"",
        Kind.LIST: [],
        Kind.BAG: Bag(),
        Kind.STRUCT: {},
    }
    for own, value in samples.items():
        matching = [other for other in samples if is_type(value, other.value)]
        assert matching == [own]
        assert same(cast(value, own.value), value)
