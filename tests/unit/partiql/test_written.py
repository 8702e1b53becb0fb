"""A value that is still as it was written is to every statement what it is when it is decoded."""

from __future__ import annotations

from typing import Any

import pytest
from amazon.ion.exceptions import IonException
from hypothesis import given, settings
from hypothesis import strategies as st

from qldbkit.journal.ion import IonSpan
from qldbkit.partiql import prepare
from qldbkit.partiql.results import binary, decoded
from qldbkit.partiql.written import Parameters, WrittenStruct, written

TEXTS = [
    "{}",
    "{a: 1, b: 2}",
    "{a: 1, a: 2, b: {a: [3, {c: 4}]}}",
    "{a: null, b: null.struct, c: -7, d: 1.50, e: 2.5e0}",
    '{a: 2020-01-01T00:00:00.123Z, b: symbol, c: {{aGk=}}, d: {{"clob"}}}',
    "note::{a: other::1, b: (s e x p), c: [], d: {}}",
    "{a: \"text\", b: ['\\u00e4', {x: true}], 'A': false, '$0': 1, '': 5}",
    "{a: 2020-01-01T00:00:00.12345678901234Z}",
]
STATEMENTS = [
    "SELECT * FROM ? AS d",
    "SELECT VALUE d FROM ? AS d",
    "SELECT d.a, d.b.a, d.b AS whole FROM ? AS d",
    "SELECT VALUE {'x': d.a, 'y': [d, d.b]} FROM ? AS d",
    "SELECT VALUE k FROM ? AS d, UNPIVOT d AS v AT k",
    "SELECT d.b.a[1].c AS deep FROM ? AS d WHERE d.a = 1 OR d.a IS NULL",
    "SELECT d['a'] AS a, SIZE(d.c) AS c FROM ? AS d WHERE d.c IS LIST",
    "SELECT COUNT(*) AS n, d AS d FROM ? AS d GROUP BY d",
    "SELECT VALUE d.a FROM ? AS d ORDER BY d",
    "SELECT VALUE d = {'a': 1, 'b': 2} FROM ? AS d",
]


class _Nothing:
    """A transaction that no statement of this file asks anything of."""

    transaction_id = "T"
    now = None

    def table(self, _: str) -> None:
        """There is none."""


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("text", TEXTS)
def test_statements_give_the_same(statement: str, text: str) -> None:
    span = IonSpan.from_text(text)
    database: Any = _Nothing()
    plain = list(prepare(statement).execute(database, [span.value()]))
    given_written = list(prepare(statement).execute(database, Parameters([span])))
    assert [IonSpan.of(decoded(each)) for each in given_written] == list(map(IonSpan.of, plain))
    assert [IonSpan.parse(binary(each)) for each in given_written] == list(map(IonSpan.of, plain))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
@settings(max_examples=100, deadline=None)
def test_what_goes_in_comes_out(value: Any) -> None:
    span = IonSpan.of(value)
    found = written(span)
    assert IonSpan.of(decoded(found)) == span
    assert IonSpan.parse(binary([found])) == IonSpan.of([value])


@given(st.dictionaries(st.text(), VALUES, max_size=5))
@settings(max_examples=100, deadline=None)
def test_a_struct_has_its_fields(value: dict[str, Any]) -> None:
    struct = WrittenStruct(IonSpan.of(value).binary())
    assert len(struct) == len(value)
    for name, expected in value.items():
        assert IonSpan.of(decoded(struct[name])) == IonSpan.of(expected)
    with pytest.raises(KeyError):
        struct["no such field, for sure"]


@pytest.mark.parametrize(
    "value",
    [
        b"\x82\xc3\x28",  # not UTF-8
        b"\x67\x80\x0f\xe4\x8d\x81\x80\x80",  # the 13th month
        b"\x71\x63",  # a symbol that is in no table
        b"\xd3\x84\x81\xff",  # a field that is not UTF-8
    ],
)
def test_what_cannot_be_decoded_is_no_parameter(value: bytes) -> None:
    span = IonSpan.parse(b"\xe0\x01\x00\xea" + value)
    with pytest.raises((IonException, ValueError)):
        Parameters([span])
