"""The functions of QLDB's developer guide, and the further ones."""

import datetime
from decimal import Decimal

import pytest
from amazon.ion import simpleion
from hypothesis import given
from hypothesis import strategies as st

from qldbkit.partiql.errors import EvaluationError, SemanticError
from qldbkit.partiql.functions import AGGREGATES, FUNCTIONS, CallContext
from qldbkit.partiql.intervals import Interval, Span
from qldbkit.partiql.times import Time
from qldbkit.partiql.values import MISSING, Bag, equals, is_missing

NOW = simpleion.loads("2020-01-01T00:00:00.000Z")
QLDB = CallContext(NOW, "2EOkysIJqfFACzE3TLlbY8")
SPECIFICATION = CallContext(NOW, "2EOkysIJqfFACzE3TLlbY8", missing_is_null=False)


def ion(text):
    return simpleion.loads(text, single_value=True)


def call(name, *args, context=QLDB):
    return FUNCTIONS[name].call(args, context)


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("CHAR_LENGTH", ("",), 0),
        ("CHAR_LENGTH", ("😁話é",), 3),
        ("CHARACTER_LENGTH", (ion("abc"),), 3),
        ("LOWER", ("AbCdÉ",), "abcdé"),
        ("UPPER", (ion("abc"),), "ABC"),
        ("SUBSTRING", ("123456789", 0), "123456789"),
        ("SUBSTRING", ("123456789", 2, 3), "234"),
        ("SUBSTRING", ("123456789", -4, 6), "1"),
        ("SUBSTRING", ("123456789", 0, 999), "123456789"),
        ("SUBSTRING", ("1", -4, 0), ""),
        ("SUBSTRING", ("1", 5), ""),
        ("TRIM", ("BOTH", " ", "  a b "), "a b"),
        ("TRIM", ("leading", "_#", "#__a__"), "a__"),
        ("TRIM", ("trailing", "_", "__a__"), "__a"),
        ("SIZE", ([],), 0),
        ("SIZE", (ion("(1 2)"),), 2),
        ("SIZE", (ion("{a: 1, a: 2}"),), 2),
        ("EXISTS", (Bag(),), False),
        ("EXISTS", ([None],), True),
        ("EXISTS", (ion("{a: 1}"),), True),
        ("EXISTS", (1,), False),
        ("EXISTS", (None,), False),
        ("COALESCE", (None, MISSING, 3, 4), 3),
        ("NULLIF", (1, Decimal("1.0")), None),
        ("NULLIF", (2, "2"), 2),
        ("NULLIF", (1, None), 1),
        ("DATE_ADD", ("month", 1, ion("2010T")), ion("2010-02T")),
        ("DATE_DIFF", ("day", ion("2010-01-01T"), ion("2010-02-01T")), 31),
        ("EXTRACT", ("timezone_hour", ion("2010-01-01T00:00+07:08")), 7),
        ("TO_STRING", (ion("1969-07-20T20:18Z"), "MMMM d, y"), "July 20, 1969"),
        ("TO_TIMESTAMP", ("2007T",), ion("2007T")),
        ("TO_TIMESTAMP", ("02-2016", "MM-yyyy"), ion("2016-02T")),
        ("UTCNOW", (), NOW),
        ("TXID", (), "2EOkysIJqfFACzE3TLlbY8"),
        ("ABS", (Decimal("-1.50"),), Decimal("1.50")),
        ("MOD", (-17, 4), -1),
        ("POSITION", ("cde", "abcdefg"), 3),
        ("POSITION", ("x", "abc"), 0),
        ("OVERLAY", ("hello", "XX", 2, 3), "hXXo"),
        ("OVERLAY", ("hello", "XX", 1), "XXllo"),
        ("OVERLAY", ("hello", "XX", 100, 100), "helloXX"),
        ("OCTET_LENGTH", ("français",), 9),
        ("TEXT_REPLACE", ("abcabc", "bc", "X"), "aXaX"),
        ("TEXT_REPLACE", ("ab", "", "X"), "XaXbX"),
        ("TEXT_REPLACE", ("", "", "X"), "X"),
        ("DATE_DIFF", ("hour", Time(10, 30, Decimal(0)), Time(14, 45, Decimal(30))), 4),
        ("DATE_DIFF", ("minute", Time(9, 0, Decimal(0)), Time(8, 15, Decimal(0), 120)), -165),
        ("EXTRACT", ("second", Time(9, 0, Decimal("1.5"))), Decimal("1.5")),
        ("BIT_LENGTH", ("abc",), 24),
        ("CARDINALITY", (Bag([1, 2]),), 2),
        ("COLL_SUM", (Bag([1, Decimal("0.5"), None, MISSING]),), Decimal("1.5")),
        ("COLL_COUNT", ([1, None],), 1),
    ],
)
def test_function(name, args, expected):
    assert equals(call(name, *args), expected) is (None if expected is None else True)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("CHAR_LENGTH", (1,)),
        ("UPPER", ([],)),
        ("SUBSTRING", ("a", Decimal("1.1"))),
        ("SUBSTRING", ("1", 4, -11)),
        ("SIZE", ("abc",)),
        ("DATE_ADD", ("year", Decimal(1), NOW)),
        ("DATE_DIFF", ("hour", NOW, Time(1, 0, Decimal(0)))),
        ("EXTRACT", ("year", 1)),
        ("TO_STRING", ("2020T", "y")),
        ("TO_TIMESTAMP", ("tomorrow",)),
        ("OVERLAY", ("a", "b", 0)),
        ("MOD", (None, "some string")),
        ("COLL_SUM", ("non-collection",)),
        ("COLL_SUM", ([1, "a"],)),
        ("COLL_EVERY", ([True, 5],)),
    ],
)
def test_a_function_refuses_what_it_does_not_take(name, args):
    with pytest.raises(EvaluationError):
        call(name, *args)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("DATE_ADD", ("century", 1, NOW)),
        ("DATE_DIFF", ("timezone_hour", NOW, NOW)),
        ("TO_STRING", (NOW, "qq")),
    ],
)
def test_a_part_or_format_that_does_not_exist_is_no_matter_of_the_values(name, args):
    with pytest.raises(SemanticError):
        call(name, *args)


DAYS = {day: datetime.date(2023, 1, day) for day in (1, 10, 15, 20, 31)}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((1, 15), (10, 20), True),
        ((1, 10), (10, 20), False),
        ((20, 1), (10, 15), True),
        ((15, 15), (15, 20), True),
        ((None, 15), (1, 31), True),
        ((None, 1), (10, 31), None),
        ((1, 10), (None, 31), None),
        ((None, None), (1, 31), None),
    ],
)
def test_overlaps(first, second, expected):
    periods = [[None if d is None else DAYS[d] for d in days] for days in (first, second)]
    assert call("OVERLAPS", *periods) is expected
    assert call("OVERLAPS", *reversed(periods)) is expected


def test_overlaps_takes_lengths_and_nothing_but_times():
    ten_days = Interval(Span.DAY_TIME, 10 * 86_400 * 10**9)
    assert call("OVERLAPS", [DAYS[1], ten_days], [DAYS[15], DAYS[31]]) is False
    assert call("OVERLAPS", [DAYS[10], ten_days], Bag([DAYS[15], DAYS[31]])) is True
    assert call("OVERLAPS", None, [DAYS[1], DAYS[10]]) is None
    assert is_missing(call("OVERLAPS", MISSING, None))
    for wrong in ("now", [DAYS[1]], [DAYS[1], "now"], [DAYS[1], 3.14], [ten_days, ten_days]):
        with pytest.raises(EvaluationError):
            call("OVERLAPS", wrong, [DAYS[1], DAYS[10]])


PLAIN = [f for f in FUNCTIONS.values() if f.propagates_null and f.min_args]


@pytest.mark.parametrize("function", PLAIN, ids=lambda f: f.name)
def test_absent_arguments_give_null_in_qldb_and_missing_by_the_specification(function):
    nulls, missings = [None] * function.min_args, [MISSING] * function.min_args
    assert function.call(nulls, QLDB) is None
    assert function.call(missings, QLDB) is None
    assert function.call(nulls, SPECIFICATION) is None
    assert is_missing(function.call(missings, SPECIFICATION))


def test_coalesce_and_nullif_of_missing():
    assert call("COALESCE", None, MISSING) is None
    assert call("NULLIF", MISSING, 1) is None
    assert is_missing(call("NULLIF", MISSING, 1, context=SPECIFICATION))
    assert call("NULLIF", 1, MISSING) == 1


def test_the_functions_of_qldb_are_those_of_its_reference():
    assert {f.name for f in FUNCTIONS.values() if f.qldb} == {
        *("SIZE", "COALESCE", "EXISTS", "NULLIF", "DATE_ADD", "DATE_DIFF", "EXTRACT", "UTCNOW"),
        *("TXID", "CHAR_LENGTH", "CHARACTER_LENGTH", "LOWER", "SUBSTRING", "TRIM", "UPPER"),
        *("TO_STRING", "TO_TIMESTAMP"),
    }


@pytest.mark.parametrize(
    ("name", "count", "message"),
    [
        ("NULLIF", 1, "takes 2 arguments, not 1"),
        ("SUBSTRING", 4, "takes 2 to 3 arguments, not 4"),
        ("COALESCE", 0, "takes 1 or more arguments, not 0"),
    ],
)
def test_a_wrong_number_of_arguments_says_how_many(name, count, message):
    FUNCTIONS[name].check_count(FUNCTIONS[name].max_args)
    with pytest.raises(SemanticError, match=message):
        FUNCTIONS[name].check_count(count)


@given(st.text(max_size=8), st.integers(-3, 10), st.integers(0, 10))
def test_substring_is_the_characters_at_those_positions(text, start, length):
    expected = "".join(c for i, c in enumerate(text, 1) if start <= i < start + length)
    assert call("SUBSTRING", text, start, length) == expected


@given(st.text(max_size=6), st.text(max_size=3), st.integers(1, 8), st.integers(0, 8))
def test_overlay_puts_a_text_where_another_one_was(text, placing, start, length):
    expected = text[: start - 1] + placing + text[start - 1 + length :]
    assert call("OVERLAY", text, placing, start, length) == expected


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("count", [1, None, MISSING, "a"], 2),
        ("sum", [1, 2, Decimal("0.5")], Decimal("3.5")),
        ("sum", [10**30, 1], 10**30 + 1),
        ("avg", [1, 1, 1, 2], Decimal("1.25")),
        ("avg", [1.0, 2.0], 1.5),
        ("avg", [1, 1, 2], Decimal("1." + "3" * 37)),
        ("min", [3, None, 1.5, "a"], 1.5),
        ("max", [3, None, 1.5, "a"], "a"),
        ("every", [True, None, True], True),
        ("any", [False, MISSING, True], True),
        ("some", [False], False),
    ],
)
def test_aggregate(name, values, expected):
    result = AGGREGATES[name](iter(values))
    assert equals(result, expected) is True
    assert isinstance(result, type(expected))


@pytest.mark.parametrize("name", sorted(AGGREGATES))
def test_an_aggregate_of_nothing_is_null_or_zero(name):
    for nothing in ([], [None], [MISSING, ion("null.int")]):
        assert AGGREGATES[name](nothing) == (0 if name == "count" else None)


def test_distinct_keeps_one_of_each():
    kept = call("DISTINCT", [1, 1.0, "a", Decimal("1.00"), None, None])
    assert equals(kept, Bag([1, "a", None])) is True
