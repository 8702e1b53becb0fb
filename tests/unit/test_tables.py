"""Making the tables that a ledger is to have."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

import qldbkit.tables
from qldbkit.names import NameRefusedError
from qldbkit.tables import (
    ACTIVE_TABLES,
    LedgerNotActiveError,
    TableRequest,
    TableRequestError,
    answer,
    await_active,
    ensure_tables,
)


@dataclass
class FakeLedger:
    """A ledger that knows the two statements which making tables takes."""

    tables: list[str] = field(default_factory=list)
    conflicts: int = 0
    states: list[str] = field(default_factory=lambda: ["ACTIVE"])

    def execute_lambda(self, query_lambda: Callable[[Any], Any]) -> Any:
        while True:
            draft = FakeTransaction(list(self.tables))
            result = query_lambda(draft)
            if not self.conflicts:
                self.tables = draft.tables
                return result
            self.conflicts -= 1
            self.tables.append("Vehicle")  # whoever else came first

    def describe_ledger(self, Name: str) -> dict[str, str]:  # noqa: N803 - the API's spelling
        return {"State": self.states.pop(0) if len(self.states) > 1 else self.states[0]}

    def __enter__(self) -> "FakeLedger":
        return self

    def __exit__(self, *_: object) -> None: ...


@dataclass
class FakeTransaction:
    tables: list[str]

    def execute_statement(self, statement: str) -> list[str]:
        if statement == ACTIVE_TABLES:
            return list(self.tables)
        verb, name = statement.rsplit(" ", 1)
        assert verb == "CREATE TABLE" and name[0] == name[-1] == '"'
        assert name.strip('"') not in self.tables, f"Table with name: {name} already exists"
        self.tables.append(name.strip('"'))
        return ["an-id"]


def event(action: str, *names: str, ledger: str = "QldbBlog", **more: Any) -> dict[str, Any]:
    return {
        "RequestType": action,
        "ResourceProperties": {"LedgerName": ledger, "TableNames": list(names)},
        **more,
    }


def test_missing_tables_are_made_and_others_left() -> None:
    ledger = FakeLedger(["Person", "Boat"])
    assert ensure_tables(ledger, ["Vehicle", "Person", "user"]) == ("Vehicle", "user")
    assert ledger.tables == ["Person", "Boat", "Vehicle", "user"]
    assert ensure_tables(ledger, ["Vehicle", "Person", "user"]) == ()


def test_a_table_that_another_made_meanwhile_is_left() -> None:
    ledger = FakeLedger([], conflicts=1)
    assert ensure_tables(ledger, ["Vehicle", "Person"]) == ("Person",)
    assert ledger.tables == ["Vehicle", "Person"]


def test_a_name_that_is_no_name_reaches_no_statement() -> None:
    ledger = FakeLedger()
    with pytest.raises(NameRefusedError):
        ensure_tables(ledger, ["Vehicle", 'X" DROP TABLE "Vehicle'])
    assert ledger.tables == []


def test_a_request_is_read_and_its_names_checked() -> None:
    request = TableRequest.from_event(event("Create", "Vehicle", "Person", "Vehicle"))
    assert request == TableRequest("QldbBlog", ("Vehicle", "Person"))


def test_the_identity_is_the_ledgers_so_that_other_tables_are_an_update() -> None:
    before = TableRequest.from_event(event("Create", "Vehicle"))
    after = TableRequest.from_event(event("Update", "Vehicle", "Person"))
    elsewhere = TableRequest.from_event(event("Update", "Vehicle", ledger="Other"))
    assert before.physical_id == after.physical_id != elsewhere.physical_id


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"RequestType": "Create"},
        {"RequestType": "Create", "ResourceProperties": {"LedgerName": "QldbBlog"}},
        {"RequestType": "Create", "ResourceProperties": None},
        {
            "RequestType": "Create",
            "ResourceProperties": {"LedgerName": "QldbBlog", "TableNames": "Vehicle"},
        },
    ],
)
def test_a_request_that_cannot_be_understood_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(TableRequestError):
        TableRequest.from_event(broken)


@pytest.mark.parametrize("names", [["1st"], ["_ql_x"], ["a b"], [""], [7]])
def test_an_illegal_table_name_is_refused(names: list[Any]) -> None:
    with pytest.raises(NameRefusedError):
        TableRequest.from_event(event("Create", *names))


def test_a_ledger_that_is_being_made_is_waited_for() -> None:
    slept: list[float] = []
    ledger = FakeLedger(states=["CREATING", "CREATING", "ACTIVE"])
    await_active(ledger, "QldbBlog", poll_seconds=2, sleep=slept.append)
    assert slept == [2, 2]


def test_the_wait_for_a_ledger_has_an_end() -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    ledger = FakeLedger(states=["CREATING"])
    with pytest.raises(LedgerNotActiveError, match="QldbBlog is CREATING"):
        await_active(ledger, "QldbBlog", within_seconds=10, clock=lambda: now[0], sleep=sleep)
    assert 10 <= now[0] <= 12


def test_a_ledger_that_is_going_away_is_not_waited_for() -> None:
    with pytest.raises(LedgerNotActiveError, match="DELETING"):
        await_active(FakeLedger(states=["DELETING"]), "QldbBlog", sleep=lambda _: pytest.fail())


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> FakeLedger:
    made = FakeLedger(["Person"])
    monkeypatch.setattr(qldbkit.tables, "control_client", lambda *_: made)
    monkeypatch.setattr(qldbkit.tables, "qldb_driver", lambda *_, **__: made)
    return made


LOCAL = {"LEDGER_ENDPOINT_URL": "http://localhost:9", "AWS_REGION": "us-east-1"}


@pytest.mark.parametrize("action", ["Create", "Update"])
def test_create_and_update_make_what_is_missing(ledger: FakeLedger, action: str) -> None:
    said = answer(event(action, "Vehicle", "Person"), LOCAL)
    assert said == {
        "PhysicalResourceId": "tables-of-QldbBlog",
        "Data": {"LedgerName": "QldbBlog", "Created": "Vehicle"},
    }
    assert ledger.tables == ["Person", "Vehicle"]


def test_a_shorter_list_drops_nothing(ledger: FakeLedger) -> None:
    answer(event("Update", "Vehicle", PhysicalResourceId="tables-of-QldbBlog"), LOCAL)
    assert ledger.tables == ["Person", "Vehicle"]


def test_an_unknown_action_is_refused(ledger: FakeLedger) -> None:
    with pytest.raises(TableRequestError, match="Rename"):
        answer(event("Rename", "Vehicle"), LOCAL)
    assert ledger.tables == ["Person"]


def test_delete_drops_nothing_and_needs_no_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        pytest.fail("the ledger was asked")

    monkeypatch.setattr(qldbkit.tables, "control_client", unreachable)
    monkeypatch.setattr(qldbkit.tables, "qldb_driver", unreachable)
    said = answer(event("Delete", "Person", PhysicalResourceId="tables-of-QldbBlog"), {})
    assert said == {"PhysicalResourceId": "tables-of-QldbBlog"}


def test_what_could_not_be_created_can_still_be_deleted() -> None:
    said = answer(event("Delete", "no name", PhysicalResourceId="failed"), {})
    assert said == {"PhysicalResourceId": "failed"}
