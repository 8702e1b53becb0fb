"""What the shell suggests."""

import pytest
from botocore.exceptions import EndpointConnectionError

from qldbkit.client import completion
from qldbkit.client.catalog import TableEntry
from qldbkit.client.completion import Completer, field_names

FIELDS = {'SELECT * FROM "Vehicle"': [{"VIN": "1", "Owner": {"Name": "x"}}]}


@pytest.fixture
def completer(monkeypatch):
    known = (
        TableEntry("Vehicle", "1", True, ()),
        TableEntry("Person", "2", True, ()),
        TableEntry("Voided", "3", False, ()),
    )
    monkeypatch.setattr(completion, "tables", lambda _driver: known)
    monkeypatch.setattr(completion, "look", lambda _, statement, most: FIELDS.get(statement, []))
    return Completer(None)


def test_tables_follow_from_and_dropped_ones_do_not(completer):
    assert completer.suggestions("SELECT * FROM ", "") == ["Person", "Vehicle"]
    assert completer.suggestions("SELECT * FROM ", "v") == ["Vehicle"]


def test_fields_of_the_named_table_follow_a_dot_at_any_depth(completer):
    assert completer.suggestions("SELECT * FROM Vehicle AS v WHERE v.", "") == [
        "Name",
        "Owner",
        "VIN",
    ]
    assert completer.suggestions("SELECT * FROM Person AS p WHERE p.", "") == []


def test_keywords_keep_the_case_that_is_typed(completer):
    assert "SELECT" in completer.suggestions("", "SEL")
    assert "select" in completer.suggestions("", "sel")


def test_the_shells_commands_begin_a_line_only(completer):
    assert "commit" in completer.suggestions("", "com")
    assert completer.suggestions("SELECT ", "com") == []


def test_a_ledger_that_does_not_answer_suggests_keywords_and_raises_nothing(monkeypatch):
    def unreachable(*_):
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    monkeypatch.setattr(completion, "tables", unreachable)
    assert Completer(None).suggestions("SELECT * ", "FR") == ["FROM"]
    assert Completer(None).suggestions("SELECT * FROM ", "") == []


def test_field_names_are_those_of_structs_in_lists_too():
    assert set(field_names([{"a": [{"b": 1}]}, 3])) == {"a", "b"}
