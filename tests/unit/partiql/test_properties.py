"""What must hold of every statement, tried on random tables and documents."""

from __future__ import annotations

from decimal import Decimal

import pytest
from amazon.ion import simpleion
from hypothesis import given, settings
from hypothesis import strategies as st

from qldbkit.partiql.edits import changed
from qldbkit.partiql.values import MISSING, group_key, make_struct, same

_SCALARS = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.sampled_from([Decimal("1.0"), Decimal("2.5"), 1e0, "a", "b", True, "1"]),
)
_DOCUMENTS = st.lists(
    st.dictionaries(st.sampled_from(["k", "v", "w"]), _SCALARS, max_size=3), max_size=8
)
_CONDITIONS = st.sampled_from(
    [
        "a.k = ?",
        "? = a.k",
        "a.k IN (?, 1)",
        "a.k IN (?, 1) AND a.v = 2",
        "a.v = 'a' AND a.k = ?",
        "a.k = ? OR a.v = 1",
        "NOT (a.k = ?)",
        "a.k = a.v AND a.k = ?",
    ]
)


def multiset(rows):
    return sorted(map(repr, map(group_key, rows)))


def filled(ledger, **tables):
    for name, documents in tables.items():
        ledger.run(f"CREATE TABLE {name}")
        for document in documents:
            ledger.run(f"INSERT INTO {name} ?", make_struct(document.items()))
    return ledger


@given(_DOCUMENTS, _CONDITIONS, _SCALARS)
@settings(deadline=None, max_examples=150)
def test_an_index_changes_no_result(new_ledger, documents, condition, value):
    ledger = filled(new_ledger(), t=documents)
    statement = f"SELECT a.k, a.v, a.w FROM t AS a WHERE {condition}"
    scanned = ledger.run(statement, value)
    ledger.run("CREATE INDEX ON t (k)")
    assert multiset(ledger.run(statement, value)) == multiset(scanned)


@given(_DOCUMENTS, _DOCUMENTS)
@settings(deadline=None, max_examples=100)
def test_an_index_changes_no_join(new_ledger, left, right):
    ledger = filled(new_ledger(), t=left, u=right)
    statements = [
        "SELECT a.v, b.w FROM t AS a, u AS b WHERE a.k = b.k",
        "SELECT a.v, b.w FROM t AS a JOIN u AS b ON a.k = b.k AND b.v = 1",
        "SELECT a.v, b.w FROM t AS a LEFT JOIN u AS b ON a.k = b.k WHERE a.v = 1",
        "SELECT a.v, b.w FROM t AS a RIGHT JOIN u AS b ON a.k = b.k",
        "SELECT a.v FROM t AS a WHERE EXISTS(SELECT * FROM u AS b WHERE b.k = a.k)",
    ]
    scanned = [multiset(ledger.run(statement)) for statement in statements]
    ledger.run("CREATE INDEX ON u (k)")
    ledger.run("CREATE INDEX ON t (k)")
    assert [multiset(ledger.run(statement)) for statement in statements] == scanned


@given(_DOCUMENTS, _DOCUMENTS)
@settings(deadline=None, max_examples=100)
def test_joins_are_what_their_pairs_are(new_ledger, left, right):
    ledger = filled(new_ledger(), t=left, u=right)

    def count(text):
        return ledger.run(f"SELECT VALUE COUNT(*) FROM {text}")[0]

    inner = count("t a JOIN u b ON a.k = b.k")
    lonely_left = count("t a WHERE NOT EXISTS(SELECT * FROM u b WHERE a.k = b.k)")
    lonely_right = count("u b WHERE NOT EXISTS(SELECT * FROM t a WHERE a.k = b.k)")
    assert inner == count("t a, u b WHERE a.k = b.k")
    assert count("t a LEFT JOIN u b ON a.k = b.k") == inner + lonely_left
    assert count("t a RIGHT JOIN u b ON a.k = b.k") == inner + lonely_right
    assert count("t a FULL JOIN u b ON a.k = b.k") == inner + lonely_left + lonely_right


@given(_DOCUMENTS)
@settings(deadline=None, max_examples=100)
def test_groups_part_the_rows(new_ledger, documents):
    ledger = filled(new_ledger(), t=documents)
    groups = ledger.run("SELECT a.k AS k, COUNT(*) AS n FROM t AS a GROUP BY a.k")
    assert sum(group["n"] for group in groups) == len(documents)
    keys = [group["k"] for group in groups]
    assert len({group_key(key) for key in keys}) == len(keys)
    distinct = ledger.run("SELECT DISTINCT VALUE COALESCE(a.k, NULL) FROM t AS a")
    assert multiset(distinct) == multiset(keys)


@given(_DOCUMENTS, st.integers(0, 9), st.integers(0, 9))
@settings(deadline=None, max_examples=100)
def test_a_window_is_a_part_of_the_order(new_ledger, documents, limit, offset):
    ledger = filled(new_ledger(), t=documents)
    ordered = ledger.run("SELECT VALUE a.k FROM t AS a ORDER BY a.k, a.v, a.w")
    window = ledger.run(
        "SELECT VALUE a.k FROM t AS a ORDER BY a.k, a.v, a.w LIMIT ? OFFSET ?", limit, offset
    )
    assert multiset(window) == multiset(ordered[offset : offset + limit])
    assert len(ordered) == len(documents)


_KEYS = st.sampled_from(["a", "b", "c"])
_VALUES = st.recursive(
    st.integers(0, 9),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3),
        st.dictionaries(_KEYS, inner, min_size=1, max_size=3),
    ),
    max_leaves=12,
)


@st.composite
def _places(draw):
    """A document and the way to some value in it."""
    document = draw(st.dictionaries(_KEYS, _VALUES, min_size=1, max_size=3))
    value, location = document, []
    while isinstance(value, dict | list) and (not location or draw(st.booleans())):
        if isinstance(value, dict):
            key = draw(st.sampled_from(sorted(value)))
        else:
            key = draw(st.integers(0, len(value) - 1))
        location.append(key)
        value = value[key]
    return document, location


def _at(value, location):
    for key in location:
        value = value[key]
    return value


@given(_places(), _VALUES)
@settings(deadline=None, max_examples=200)
def test_setting_a_place_changes_that_place_only(new_ledger, place, value):
    document, location = place
    given_document = simpleion.loads(simpleion.dumps(document, binary=True))
    ledger = filled(new_ledger(), t=[])
    ledger.run("INSERT INTO t ?", given_document)
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in location)
    ledger.run(f"UPDATE t AS d SET d{path} = ?", simpleion.loads(simpleion.dumps(value)))
    (after,) = ledger.run("SELECT * FROM t")
    assert same(_at(after, location), value)
    restored = changed(after, location, lambda _: _at(document, location))
    assert same(restored, document)
    assert same(given_document, document)


@given(_places())
@settings(deadline=None, max_examples=200)
def test_removing_a_place_leaves_all_others(place):
    document, location = place
    after = changed(document, location, lambda _: MISSING)
    container = _at(after, location[:-1])
    assert len(container) == len(_at(document, location[:-1])) - 1
    if isinstance(location[-1], str):
        assert location[-1] not in container


def test_a_value_that_is_not_there_cannot_be_changed():
    from qldbkit.partiql.errors import EvaluationError

    with pytest.raises(EvaluationError, match="no element 3 in a list"):
        changed({"a": [1]}, ["a", 3], lambda value: value)
