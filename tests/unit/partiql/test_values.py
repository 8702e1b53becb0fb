"""What is equal, what comes first, and that every key of a value says the same."""

import datetime
import itertools
import pickle
import subprocess
import sys
from decimal import Decimal

import pytest
from amazon.ion import simpleion
from amazon.ion.core import IonType
from amazon.ion.simple_types import IonPyBytes, IonPyList
from amazon.ion.symbols import SymbolToken
from hypothesis import example, given
from hypothesis import strategies as st

from qldbkit.partiql.errors import ComputationError
from qldbkit.partiql.intervals import Interval, Span
from qldbkit.partiql.keys import INDEX_KEY_BYTES
from qldbkit.partiql.times import Time
from qldbkit.partiql.values import (
    MISSING,
    Bag,
    Kind,
    compare,
    equals,
    field,
    fields,
    group_key,
    index_key,
    is_absent,
    is_missing,
    is_null,
    kind,
    make_struct,
    order_key,
    same,
    type_name,
)


def ion(text):
    return simpleion.loads(text, single_value=True)


numbers = st.one_of(
    st.integers(),
    st.integers(-3, 3),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-5, max_value=5),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, 0.5, Decimal("0.5"), Decimal("0E+5"), Decimal("1E+3"), 1000]),
    st.builds(lambda n, e: Decimal(n).scaleb(e), st.integers(-99, 99), st.integers(-9, 9)),
)
texts = st.text(max_size=3)
timestamps = st.builds(
    lambda moment, minutes: moment.replace(
        tzinfo=datetime.timezone(datetime.timedelta(minutes=minutes))
    ),
    st.datetimes(datetime.datetime(2020, 1, 1), datetime.datetime(2020, 1, 3)),
    st.integers(-90, 90),
)
scalars = st.one_of(
    st.none(),
    st.just(MISSING),
    st.booleans(),
    numbers,
    texts,
    texts.map(lambda text: SymbolToken(text, None)),
    st.binary(max_size=3),
    st.binary(max_size=3).map(lambda data: IonPyBytes.from_value(IonType.CLOB, data)),
    timestamps,
    st.dates(datetime.date(2020, 1, 1), datetime.date(2020, 1, 3)),
    st.builds(Time, st.integers(0, 23), st.just(0), st.just(Decimal("1.5")), st.just(60)),
    st.builds(Interval, st.sampled_from(Span), st.integers(-3, 3)),
    st.sampled_from(["1", "2020T", "2020-01-01T00:00Z", "null.int", "a", "true", "1e0"]).map(ion),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(Bag),
        st.lists(inner, max_size=3).map(lambda v: IonPyList.from_value(IonType.SEXP, v)),
        st.lists(st.tuples(st.sampled_from("ab"), inner), max_size=3).map(make_struct),
    ),
    max_leaves=6,
)


@given(values)
def test_a_value_that_is_there_equals_itself(value):
    expected = None if is_null(value) else MISSING if is_missing(value) else True
    assert equals(value, value) is expected
    assert same(value, value)


@given(values, values)
def test_equality_and_sameness_do_not_depend_on_the_side(a, b):
    assert equals(a, b) is equals(b, a)
    assert same(a, b) == same(b, a)


@given(values, values, values)
def test_equality_carries_over(a, b, c):
    if equals(a, b) is True and equals(b, c) is True:
        assert equals(a, c) is True


@given(values, values)
@example(1, Decimal("1.00"))
@example([1, None], [1, MISSING])
@example(2**63, float(2**63))
@example([[1], 1], [[1, 1]])
@example(["a", "b"], ["ab"])
def test_index_keys_are_equal_exactly_where_values_are(a, b):
    if not is_absent(a) and not is_absent(b):
        assert (index_key(a) == index_key(b)) == (equals(a, b) is True)


@given(values, values)
def test_group_keys_are_equal_exactly_where_values_are_the_same(a, b):
    keys_equal = group_key(a) == group_key(b)
    assert keys_equal == same(a, b)
    if keys_equal:
        assert hash(group_key(a)) == hash(group_key(b))
        assert equals(a, b) is True or is_absent(a)


@given(values, values)
def test_what_is_less_sorts_before(a, b):
    outcome = compare(a, b)
    assert compare(b, a) == (None if outcome is None else -outcome)
    if outcome == 0:
        assert equals(a, b) is True
    if outcome is not None and kind(a) is kind(b):
        assert (order_key(a) < order_key(b)) == (outcome < 0)


@given(st.lists(values, max_size=6), st.booleans(), st.sampled_from([None, True, False]))
def test_order_by_is_one_total_order(items, descending, nulls_first):
    def key(value):
        return order_key(value, descending, nulls_first)

    ordered = sorted(items, key=key)
    for earlier, later in itertools.combinations(ordered, 2):
        assert not key(later) < key(earlier)
    turned = items[::-1]
    back = sorted(turned, key=key)
    assert all(not key(a) < key(b) for a, b in zip(ordered, back, strict=True))
    if nulls_first is not None and items:
        edge = ordered[0] if nulls_first else ordered[-1]
        assert is_absent(edge) or not any(map(is_absent, items))


ion_scalars = st.one_of(
    st.none(),
    st.booleans(),
    numbers,
    texts,
    texts.map(lambda text: SymbolToken(text, None)),
    st.binary(max_size=3),
    timestamps,
)
ion_values = st.recursive(
    ion_scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(st.tuples(st.sampled_from("ab"), inner), max_size=3).map(make_struct),
    ),
    max_leaves=6,
)


@given(ion_values)
def test_a_value_read_back_from_ion_has_the_keys_that_it_had(value):
    read = simpleion.loads(simpleion.dumps(value, binary=True))
    assert index_key(read) == index_key(value)
    assert group_key(read) == group_key(value)


def test_index_keys_are_the_same_in_another_process():
    text = '{a: 1.50, b: ["x", y, 2020-02-03T04:05:06.70+01:00], c: {{aGk=}}}'
    script = (
        "import sys; from amazon.ion import simpleion as ion;"
        "from qldbkit.partiql.values import index_key;"
        "print(index_key(ion.loads(sys.argv[1])).hex())"
    )
    run = subprocess.run([sys.executable, "-c", script, text], capture_output=True, check=True)
    assert run.stdout.decode().strip() == index_key(ion(text)).hex()


def test_an_index_key_is_short_whatever_the_value_is():
    long = [index_key("x" * 100_000), index_key("x" * 99_999 + "y"), index_key(list(range(9999)))]
    assert all(len(key) <= INDEX_KEY_BYTES for key in long)
    assert len(set(long)) == 3
    assert len(index_key(10**100_000)) <= INDEX_KEY_BYTES


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("1", "1.0", True),
        ("1", "1e0", True),
        ("0.1", "0.1e0", False),  # the float is a little more than a tenth
        ("9007199254740993", "9007199254740992e0", False),
        ('"a"', "a", True),
        ('"a"', '"A"', False),
        ("1", '"1"', False),
        ("true", "1", False),
        ("2020T", "2020-01-01T00:00:00.000Z", True),
        ("2020-01-01T12:00+01:00", "2020-01-01T11:00Z", True),
        ("{a: 1, b: 2}", "{b: 2.0, a: 1}", True),
        ("{a: 1, a: 2}", "{a: 2, a: 1}", True),
        ("{a: 1, a: 1}", "{a: 1}", False),
        ("[1, 2]", "[2, 1]", False),
        ("[1]", "(1)", False),
        ("[null]", "[null.int]", True),
        ("x::1", "1", True),
        ("nan", "nan", True),
        ("{{aGk=}}", '{{"hi"}}', True),
        ("1", "null", None),
        ("null.string", "null.int", None),
    ],
)
def test_equality_of_ion_values(a, b, expected):
    assert equals(ion(a), ion(b)) is expected


def test_a_value_nested_without_end_is_refused_and_does_not_break_the_process():
    deep = []
    for _ in range(5_000):
        deep = [deep]
    for key in (index_key, group_key, order_key, lambda value: equals(value, value)):
        with pytest.raises(ComputationError, match="nested too deeply"):
            key(deep)


def test_bags_are_equal_without_order():
    assert equals(Bag([1, 2, 2]), Bag([2, 1, 2.0])) is True
    assert equals(Bag([1, 2]), Bag([1, 2, 2])) is False
    assert equals(Bag([1]), [1]) is False


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [(1, 2.5, -1), (Decimal("2.50"), 2.5, 0), ("b", "a", 1), ("\ue000", "\U0001f600", -1)],
)
def test_numbers_and_texts_compare_across_their_kinds(a, b, expected):
    assert compare(a, b) == expected


def test_what_cannot_be_compared_has_no_order_but_a_place():
    assert compare(1, "a") is None
    assert compare(None, 1) is None
    assert compare(Interval(Span.YEAR_MONTH, 1), Interval(Span.DAY_TIME, 1)) is None
    mixed = [{}, Bag(), 5, None, [], "a", False, b"x", datetime.date(2020, 1, 1), MISSING]
    names = [type_name(value) for value in sorted(mixed, key=order_key)]
    assert names[:8] == ["bool", "int", "date", "string", "blob", "list", "struct", "bag"]
    assert set(names[8:]) == {"null", "missing"}


def test_missing_is_one_value_that_is_no_truth_value():
    assert pickle.loads(pickle.dumps(MISSING)) is MISSING
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(MISSING)


def test_a_field_is_found_by_its_name_and_by_its_case_only_when_asked():
    struct = ion("{Name: 1, name: 2, other: 3}")
    assert field(struct, "name") == 2
    assert field(struct, "NAME") is MISSING
    assert field(struct, "OTHER", case_sensitive=False) == 3
    assert field(struct, "name", case_sensitive=False) == 2
    assert field(ion("{a: 1, a: 2}"), "a") == 1
    assert field({"a": None}, "a") is None


def test_a_struct_keeps_names_that_occur_twice_and_drops_missing_values():
    struct = make_struct([("a", 1), ("b", MISSING), ("a", 2), ("c", None)])
    assert list(fields(struct)) == [("a", 1), ("a", 2), ("c", None)]
    assert list(fields({"x": 1})) == [("x", 1)]


def test_kinds_of_ion_values():
    read = [ion(t) for t in ("null.int", "true", "1", "1d0", "1e0", "a", '"a"', "(1)", "2020T")]
    assert [type_name(v) for v in read] == [
        *("null", "bool", "int", "decimal", "float", "symbol", "string", "sexp", "timestamp")
    ]
    assert [kind(ion(t)) for t in ("{{}}", '{{""}}', "[]", "{}")] == [
        *(Kind.BLOB, Kind.CLOB, Kind.LIST, Kind.STRUCT)
    ]
    with pytest.raises(TypeError, match="object"):
        kind(object())
