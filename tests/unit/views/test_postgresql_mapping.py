"""Ion to jsonb and back: nothing is lost that the Ion hash covers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from ion_strategies import documents, values

from qldbkit.journal.binary import NEGATIVE_INT
from qldbkit.journal.encoding import container
from qldbkit.journal.ion import VERSION_MARKER, IonFormatError, IonSpan, IonType
from qldbkit.replay.views.postgresql.mapping import (
    DIGITS,
    MappedFormError,
    document_of,
    json_text,
)


@settings(max_examples=150, deadline=None)
@given(values())
def test_every_value_comes_back_with_its_hash(value: object) -> None:
    span = IonSpan.of(value)
    assert document_of(json_text(span)).hash() == span.hash()


@settings(max_examples=50, deadline=None)
@given(documents())
def test_no_document_holds_what_jsonb_loses(document: IonSpan) -> None:
    """No NUL, and no name twice: jsonb refuses the one and forgets the other."""
    text = json_text(document)
    assert "\\u0000" not in text
    assert "\0" not in text

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    json.loads(text, object_pairs_hook=once)


@pytest.mark.parametrize(
    ("ion", "text"),
    [
        ("null", "null"),
        ("null.int", '{"$null": "int"}'),
        ("null.struct", '{"$null": "struct"}'),
        ("true", "true"),
        ("-12", "-12"),
        ("12.50", "12.50"),
        ("-0.05", "-0.05"),
        ("0.00", "0.00"),
        ("-0.00", '{"$decimal": "-0E-2"}'),
        ("5.", '{"$decimal": "5E+0"}'),
        ("1d3", '{"$decimal": "1E+3"}'),
        ("1.5e0", '{"$float": 1.5}'),
        ("0e0", '{"$float": 0}'),
        ("-0e0", '{"$float": "-0"}'),
        ("nan", '{"$float": "nan"}'),
        ("-inf", '{"$float": "-inf"}'),
        ("2020T", '{"$timestamp": "2020T"}'),
        ("2020-01T", '{"$timestamp": "2020-01T"}'),
        ("2020-01-17T", '{"$timestamp": "2020-01-17T"}'),
        ("2020-01-17T10:00-00:00", '{"$timestamp": "2020-01-17T10:00-00:00"}'),
        ("2020-07-03T20:36:44.180Z", '{"$timestamp": "2020-07-03T20:36:44.180Z"}'),
        ("2020-07-03T00:36:44+02:00", '{"$timestamp": "2020-07-03T00:36:44+02:00"}'),
        ('"two\\nlines"', '"two\\nlines"'),
        ('"a\\0b"', '{"$string": ["a", "b"]}'),
        ("red", '{"$symbol": "red"}'),
        ("$0", '{"$symbol": null}'),
        ("{{aGk=}}", '{"$blob": "aGk="}'),
        ('{{"hi"}}', '{"$clob": "aGk="}'),
        ("[1, [], {}]", "[1, [], {}]"),
        ("(1 2)", '{"$sexp": [1, 2]}'),
        ("a::'b c'::1", '{"$annotated": [["a", "b c"], 1]}'),
        ("{n: {m: 1}, '': 2}", '{"n": {"m": 1}, "": 2}'),
        ("{n: 1, n: 2}", '{"$struct": [["n", 1], ["n", 2]]}'),
        ("{'$int': 1}", '{"$struct": [["$int", 1]]}'),
        ("{'a\\0': 1}", '{"$struct": [[["a", ""], 1]]}'),
    ],
)
def test_the_documented_forms(ion: str, text: str) -> None:
    span = IonSpan.from_text(ion)
    assert json_text(span) == text
    assert document_of(text) == span


def test_long_numbers_keep_every_digit() -> None:
    for octets in (200, 256, 257, 4000):
        for code in (IonType.INT, NEGATIVE_INT):
            span = IonSpan.parse(VERSION_MARKER + container(code, b"\xf9" * octets))
            assert document_of(json_text(span)) == span
        body = b"\xc7" + b"\xf9" * octets  # negative, seven digits behind the point
        span = IonSpan.parse(VERSION_MARKER + container(IonType.DECIMAL, body))
        assert document_of(json_text(span)) == span
    largest = IonSpan.of(10**DIGITS - 1)
    assert json_text(largest) == "9" * DIGITS


def test_what_text_cannot_say_is_kept_as_the_bytes_it_was() -> None:
    leap = b"\xe0\x01\x00\xea\x68\x80\x0f\xe0\x8c\x9f\x97\xbb\xbc"  # 2016-12-31T23:59:60Z
    span = IonSpan.parse(leap)
    assert json.loads(json_text(span)).keys() == {"$ion"}
    assert document_of(json_text(span)) == span


def test_deep_nesting_is_refused_as_the_hash_refuses_it() -> None:
    with pytest.raises(IonFormatError, match="nested deeper than 128"):
        json_text(IonSpan.from_text("[" * 129 + "]" * 129))
    span = IonSpan.from_text("[" * 128 + "]" * 128)
    assert document_of(json_text(span)) == span


@pytest.mark.parametrize(
    "forged",
    [
        '{"$nothing": 1}',
        '{"$int": "x"}',
        '{"$int": 5}',
        '{"$float": "one"}',
        '{"$timestamp": "yesterday"}',
        '{"$timestamp": "2020-13-01T"}',
        '{"$null": "nothing"}',
        '{"$annotated": [["a"]]}',
        '{"$blob": "?"}',
        '{"$ion": "4AEA6g=="}',
        '{"$decimal": "1"}',
        '{"a": 1, "$b": 2}',
        "not json",
    ],
)
def test_what_no_document_is_written_as_is_told(forged: str) -> None:
    with pytest.raises(MappedFormError):
        document_of(forged)
