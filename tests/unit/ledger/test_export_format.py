"""The objects that an export writes are the ones that AWS's readers look for."""

import json
from datetime import UTC, datetime

import pytest
from amazon.ion import simpleion

from qldbkit.ledger.export_format import (
    completed_key,
    completed_manifest,
    data_key,
    json_text,
    started_key,
    started_manifest,
)
from qldbkit.ledger.export_store import JournalExport

STRAND = "JdxjkR9bSYB5jMHWcI464T"
EXPORT = "8UyXulxccYLAsbN1aon7e4"


def export(prefix="journalExport", output_format=None):
    return JournalExport(
        EXPORT,
        "my-example-ledger",
        "arn:aws:iam::000000000000:role/export",
        datetime(2019, 4, 15, 22, 3, tzinfo=UTC),
        datetime(2019, 4, 15, tzinfo=UTC),
        datetime(2019, 4, 15, 22, tzinfo=UTC),
        "DOC-EXAMPLE-BUCKET",
        prefix,
        "NO_ENCRYPTION",
        None,
        output_format,
    )


def test_the_keys_are_those_of_the_documentation():
    assert started_key(export()) == f"journalExport/{EXPORT}.started.manifest"
    assert completed_key(export(), STRAND) == (
        f"journalExport/{EXPORT}.{STRAND}.completed.manifest"
    )
    assert data_key(export(), STRAND, 1, 4) == f"journalExport/2019/04/15/22/{STRAND}.1-4.ion"


def test_a_prefix_keeps_its_slash_and_an_empty_one_gets_none():
    assert started_key(export("a/b/")) == f"a/b/{EXPORT}.started.manifest"
    assert started_key(export("")) == f"{EXPORT}.started.manifest"


def test_the_started_manifest_is_that_of_the_documentation():
    assert started_manifest(export(output_format="ION_TEXT")).decode() == (
        '{ledgerName:"my-example-ledger",exportId:"8UyXulxccYLAsbN1aon7e4",'
        "inclusiveStartTime:2019-04-15T00:00:00.000Z,"
        'exclusiveEndTime:2019-04-15T22:00:00.000Z,bucket:"DOC-EXAMPLE-BUCKET",'
        'prefix:"journalExport",objectEncryptionType:"NO_ENCRYPTION",outputFormat:"ION_TEXT"} '
    )


def test_the_output_format_is_named_only_when_one_was_asked_for():
    assert b"outputFormat" not in started_manifest(export())


def test_manifests_are_written_in_the_format_of_the_export():
    keys = ["a", "b"]
    as_json = completed_manifest(export(output_format="JSON"), keys)
    assert json.loads(as_json) == {"keys": keys}
    as_binary = completed_manifest(export(output_format="ION_BINARY"), keys)
    assert as_binary.startswith(b"\xe0\x01\x00\xea")
    assert simpleion.loads(as_binary) == {"keys": keys}


@pytest.mark.parametrize(
    ("ion", "expected"),
    [
        ("null", "null"),
        ("null.int", "null"),
        ("true", "true"),
        ("-7", "-7"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1.20", "1.20"),
        ("123456789012345678901.123456789012345678", "123456789012345678901.123456789012345678"),
        ("1e0", "1.0"),
        ("nan", "null"),
        ("+inf", "null"),
        ("2020T", '"2020T"'),
        ("2020-01-01T00:00:00.120Z", '"2020-01-01T00:00:00.120Z"'),
        ("sym", '"sym"'),
        ('"a\\"b"', '"a\\"b"'),
        ("{{aGk=}}", '"aGk="'),
        ('{{"clob"}}', '"clob"'),
        ("[1, two, 3.0]", '[1,"two",3.0]'),
        ("(a b)", '["a","b"]'),
        ("unit::5", "5"),
        ("{a:{b:[null]}}", '{"a":{"b":[null]}}'),
    ],
)
def test_ion_is_down_converted_to_json_with_all_digits(ion, expected):
    text = json_text(simpleion.loads(ion))
    assert text == expected
    json.loads(text)
