"""Every Ion value survives being kept in OpenSearch, and what is searched is JSON."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from ion_strategies import NAMES, documents, values

from qldbkit.journal.encoding import container
from qldbkit.journal.ion import IonFormatError, IonSpan, IonType
from qldbkit.replay.views.opensearch.documents import Name, digest, living, without_index
from qldbkit.replay.views.opensearch.mapping import (
    BLOB_BYTES,
    document_of,
    field_name,
    ion_name,
    kept,
    searchable,
)

NAME = Name("Person", "D000000000000000000001", 3, 7)


@given(values().map(IonSpan.of))
def test_any_value_comes_back(value: IonSpan) -> None:
    assert document_of(kept(value)).hash() == value.hash()


@given(documents())
def test_any_document_comes_back_and_is_as_it_is_searched(document: IonSpan) -> None:
    stored = json.loads(living(NAME, document, None), parse_float=Decimal)
    assert digest(stored) == document.hash()
    assert stored["data"] == json.loads(searchable(document), parse_float=Decimal)
    plain = without_index(json.dumps(stored, default=str), "mapper_parsing_exception")
    assert plain is not None
    assert digest(json.loads(plain)) == document.hash()


@given(NAMES)
def test_any_field_name_comes_back(name: str) -> None:
    found = field_name(name)
    assert ion_name(found) == name
    assert found.strip()  # as OpenSearch wants it
    assert "." not in found


@pytest.mark.parametrize(
    ("ion", "found"),
    [
        ("null", "null"),
        ("null.timestamp", "null"),
        ("true", "true"),
        ("-7", "-7"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1" + 100 * "0", '"1' + 100 * "0" + '"'),
        ("1.50", "1.50"),
        ("1d2", "1E+2"),
        ("1d400", '"1E+400"'),
        ("-0.", "-0"),
        ("1.5e0", "1.5"),
        ("-0e0", "-0.0"),
        ("nan", '"nan"'),
        ("+inf", '"+inf"'),
        ("-inf", '"-inf"'),
        ("2007T", '"2007"'),
        ("2007-02T", '"2007-02"'),
        ("2007-02-23", '"2007-02-23"'),
        ("x::2007-02-23", '"2007-02-23"'),
        ("'a::b'::2007-02-23", '"2007-02-23"'),
        ("2007-02-23T20:14-00:00", '"2007-02-23T20:14-00:00"'),
        ("2007-02-23T20:14:33.10Z", '"2007-02-23T20:14:33.10Z"'),
        ("2007-02-23T20:14:33.12345678901+01:30", '"2007-02-23T20:14:33.123456789+01:30"'),
        ("symbol", '"symbol"'),
        ('"a\\0\\"b"', '"a\\u0000\\"b"'),
        ("{{aGVsbG8=}}", '"aGVsbG8="'),
        ('{{"caf\\xe9"}}', '"caf\\u00e9"'),
        ("[1, (a b), []]", '[1,["a","b"],[]]'),
        ("{a: 1, b: 2, a: [3]}", '{"a":[1,[3]],"b":2}'),
        ("{'': 1, 'a.b%': 2, ' ': 3}", '{"%":1,"a%2Eb%25":2,"%20":3}'),
        ("kg::1.5", "1.5"),
        ("$0", '"$0"'),
    ],
)
def test_what_is_searched(ion: str, found: str) -> None:
    assert searchable(IonSpan.from_text(ion)) == found


def test_a_long_blob_is_not_searched() -> None:
    assert searchable(IonSpan.of(bytes(BLOB_BYTES))).startswith('"AAAA')
    assert searchable(IonSpan.of(bytes(BLOB_BYTES + 1))) == "null"


def test_a_document_that_cannot_be_decoded_is_kept_and_not_searched() -> None:
    """The Ion library reads no int of more than 4300 digits; QLDB took any."""
    number = container(IonType.INT, b"\x7f" * 2000)
    document = IonSpan.parse(
        b"\xe0\x01\x00\xea" + container(IonType.STRUCT, bytes((0x84,)) + number)
    )
    with pytest.raises(IonFormatError):
        searchable(document)
    stored = json.loads(living(NAME, document, None))
    assert "data" not in stored
    assert stored["qldbkit"]["unindexed"] == "unreadable"
    assert digest(stored) == document.hash()


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"n": 2}},
        {"data": {}},
        {"data": None},
        {"qldbkit": {"ion": "!"}},
        {"qldbkit": {"ion": ""}},
        {"qldbkit": {}},
        {"qldbkit": None},
    ],
)
def test_a_document_that_was_changed_by_hand_is_not_what_it_was(change: dict[str, object]) -> None:
    document = IonSpan.from_text("{n: 1}")
    stored = json.loads(living(NAME, document, None))
    assert digest(stored) == document.hash()
    assert digest({**stored, **change}) != document.hash()
