"""Arithmetic: exact where it can be, bounded where it must be."""

import datetime
import math
from decimal import Decimal
from fractions import Fraction

import pytest
from amazon.ion import simpleion
from hypothesis import given
from hypothesis import strategies as st

from qldbkit.partiql import casts
from qldbkit.partiql.arithmetic import (
    MAX_BITS,
    absolute,
    add,
    concat,
    divide,
    modulo,
    multiply,
    negate,
    positive,
    subtract,
)
from qldbkit.partiql.errors import ComputationError, EvaluationError
from qldbkit.partiql.intervals import Interval, IntervalError, Span
from qldbkit.partiql.values import MISSING

exact = st.one_of(
    st.integers(),
    st.builds(
        lambda n, e: Decimal(n).scaleb(e), st.integers(-(10**45), 10**45), st.integers(-40, 40)
    ),
)


def ion(text):
    return simpleion.loads(text, single_value=True)


def literal(type_name, text):
    return casts.typed_literal(type_name, (), text)


@given(exact, exact)
def test_sums_differences_and_products_lose_nothing(a, b):
    assert Fraction(add(a, b)) == Fraction(a) + Fraction(b)
    assert Fraction(subtract(a, b)) == Fraction(a) - Fraction(b)
    assert Fraction(multiply(a, b)) == Fraction(a) * Fraction(b)
    assert Fraction(negate(a)) == -Fraction(a)
    assert Fraction(absolute(a)) == abs(Fraction(a))


@given(st.integers(), st.integers().filter(bool))
def test_integer_division_and_remainder_belong_together(a, b):
    quotient, remainder = divide(a, b), modulo(a, b)
    assert quotient * b + remainder == a
    assert abs(remainder) < abs(b)
    assert remainder == 0 or (remainder < 0) == (a < 0)


@given(exact, exact.filter(bool))
def test_a_decimal_quotient_is_right_to_38_digits(a, b):
    quotient = divide(Decimal(a), Decimal(b))
    true = Fraction(a) / Fraction(b)
    assert abs(Fraction(quotient) - true) <= abs(true) / 10**37


@pytest.mark.parametrize(
    ("a", "b", "total"),
    [
        ("1", "2.50", "3.50"),
        ("1", "2e0", "3e0"),
        ("0.1", "0.2", "0.3"),
        ("1.5e0", "1.25", "2.75"),
        ("123456789012345678901234567890", "0.1", "123456789012345678901234567890.1"),
    ],
)
def test_numbers_of_different_kinds_meet_in_one_that_holds_both(a, b, total):
    result = add(ion(a), ion(b))
    assert result == ion(total)
    assert isinstance(result, type(ion(total)).__mro__[1])


def test_division_of_integers_cuts_off_and_of_decimals_does_not():
    assert [divide(1, 2), divide(-7, 2), divide(7, -2)] == [0, -3, -3]
    assert divide(Decimal("4.0000"), Decimal("3.0")) == Decimal("1." + "3" * 37)
    assert divide(1, Decimal("0.5")) == 2


@pytest.mark.parametrize("operation", [divide, modulo])
@pytest.mark.parametrize("zero", [0, Decimal("0.00")])
def test_division_by_zero_is_refused(operation, zero):
    with pytest.raises(ComputationError, match="division by zero"):
        operation(1, zero)


def test_floats_divide_as_ieee_754_has_it():
    assert divide(1.0, 0.0) == math.inf
    assert divide(-1.0, 0.0) == -math.inf
    assert math.isnan(divide(0.0, 0.0))
    assert math.isnan(modulo(1.0, 0.0))
    assert modulo(-7.5, 2.0) == -1.5
    assert add(math.inf, Decimal(1)) == math.inf


@pytest.mark.parametrize("operation", [add, subtract, multiply, divide, modulo])
def test_null_and_missing_go_through_but_a_wrong_kind_does_not(operation):
    assert operation(1, ion("null.int")) is None
    assert operation(None, MISSING) is MISSING
    for wrong in ("a", True, [1], {}):
        for other in (1, None, MISSING):
            with pytest.raises(EvaluationError):
                operation(wrong, other)
            with pytest.raises(EvaluationError):
                operation(other, wrong)


@pytest.mark.parametrize("operation", [negate, positive, absolute])
def test_signs_are_of_numbers_and_intervals_only(operation):
    assert operation(None) is None
    assert operation(MISSING) is MISSING
    assert operation(Interval(Span.DAY_TIME, -5)).amount == (-5 if operation is positive else 5)
    with pytest.raises(EvaluationError):
        operation("1")


def test_a_result_beyond_all_bounds_is_refused_before_it_is_computed():
    huge = 1 << (MAX_BITS - 1)
    with pytest.raises(ComputationError, match="bits"):
        multiply(huge, huge)
    with pytest.raises(ComputationError, match="bits"):
        add(huge, huge)
    with pytest.raises(ComputationError, match="too large"):
        add(Decimal("1e999999999"), 1)
    with pytest.raises(ComputationError, match="too large"):
        add(10**400, 1.0)


def test_concatenation_is_of_texts():
    assert concat("a", ion("b")) == "ab"
    assert concat("a", None) is None
    assert concat(None, MISSING) is MISSING
    with pytest.raises(EvaluationError):
        concat("a", 1)
    with pytest.raises(EvaluationError):
        concat(None, 1)


@pytest.mark.parametrize(
    ("a", "operation", "b", "expected"),
    [
        (("DATE", "2024-01-31"), add, ("INTERVAL MONTH", "1"), ("DATE", "2024-02-29")),
        (("DATE", "2025-01-01"), subtract, ("INTERVAL DAY", "1"), ("DATE", "2024-12-31")),
        (("TIME", "01:01:01.1"), subtract, ("INTERVAL SECOND", "1.1"), ("TIME", "01:01:00")),
        (
            ("TIME", "01:01:01.1"),
            subtract,
            ("INTERVAL HOUR TO SECOND", "25:25:14.2"),
            ("TIME", "23:35:46.9"),
        ),
        (
            ("TIMESTAMP", "2025-01-01 01:01:01.1+02:30"),
            add,
            ("INTERVAL HOUR", "2"),
            ("TIMESTAMP", "2025-01-01 03:01:01.1+02:30"),
        ),
        (
            ("INTERVAL DAY", "1"),
            subtract,
            ("INTERVAL SECOND", "1.1"),
            ("INTERVAL DAY TO SECOND", "0 23:59:58.9"),
        ),
        (
            ("TIMESTAMP", "2025-01-15 10:00:00+01:00"),
            subtract,
            ("TIMESTAMP", "2025-01-15 09:00:01+00:00"),
            ("INTERVAL SECOND", "-1"),
        ),
        (("DATE", "2025-01-20"), subtract, ("DATE", "2025-01-15"), ("INTERVAL DAY", "5")),
    ],
)
def test_times_and_intervals(a, operation, b, expected):
    assert operation(literal(*a), literal(*b)) == literal(*expected)


def test_what_has_no_meaning_between_times_is_refused():
    date, time = literal("DATE", "2025-01-01"), literal("TIME", "10:00:00")
    month, hour = literal("INTERVAL MONTH", "1"), literal("INTERVAL HOUR", "1")
    for operation, a, b in [
        (add, time, month),
        (add, date, hour),
        (add, date, date),
        (subtract, date, time),
        (add, month, hour),
        (multiply, month, month),
        (divide, 2, month),
        (modulo, month, 2),
        (add, date, 1),
    ]:
        with pytest.raises(EvaluationError):
            operation(a, b)


def test_intervals_scale_within_their_precision():
    years = literal("INTERVAL YEAR", "3")
    assert multiply(years, Decimal("2.1")) == literal("INTERVAL YEAR TO MONTH", "6-3")
    assert multiply(2, years) == literal("INTERVAL YEAR", "6")
    assert divide(years, -3) == literal("INTERVAL YEAR", "-1")
    with pytest.raises(IntervalError, match="leading digits"):
        multiply(years, 50)
    with pytest.raises(IntervalError, match="zero"):
        divide(years, 0)


def test_a_day_beyond_the_calendar_is_refused():
    with pytest.raises(EvaluationError):
        add(datetime.date(9999, 12, 31), literal("INTERVAL DAY", "1"))
