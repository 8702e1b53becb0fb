"""The tables of a ledger, made in a real ledger over its real API."""

from pathlib import Path

import pytest

from qldbkit.driver import control_client, qldb_driver
from qldbkit.ledger.server import running_server
from qldbkit.names import NameRefusedError
from qldbkit.tables import ACTIVE_TABLES, answer

REGION = "us-east-1"


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "000000000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with running_server(tmp_path) as server:
        control_client(server.endpoint_url, REGION).create_ledger(
            Name="Tables", PermissionsMode="STANDARD"
        )
        yield server.endpoint_url


def ask(endpoint: str, action: str, *names: str) -> dict:
    event = {
        "RequestType": action,
        "PhysicalResourceId": "tables-of-Tables",
        "ResourceProperties": {"LedgerName": "Tables", "TableNames": list(names)},
    }
    return answer(event, {"LEDGER_ENDPOINT_URL": endpoint, "AWS_REGION": REGION})


def run(endpoint: str, statement: str) -> list:
    with qldb_driver("Tables", endpoint_url=endpoint, region=REGION) as driver:
        return driver.execute_lambda(
            lambda transaction: list(transaction.execute_statement(statement))
        )


def test_tables_are_made_once_and_documents_in_them_stay(endpoint: str) -> None:
    assert ask(endpoint, "Create", "Vehicle", "Person")["Data"]["Created"] == "Vehicle,Person"
    run(endpoint, "INSERT INTO Vehicle VALUE {'VIN': 'V1'}")
    assert ask(endpoint, "Update", "Vehicle", "Boat")["Data"]["Created"] == "Boat"
    ask(endpoint, "Delete", "Vehicle", "Boat")
    assert sorted(map(str, run(endpoint, ACTIVE_TABLES))) == ["Boat", "Person", "Vehicle"]
    assert [row["VIN"] for row in run(endpoint, "SELECT * FROM Vehicle")] == ["V1"]


def test_a_dropped_table_is_made_anew(endpoint: str) -> None:
    ask(endpoint, "Create", "Vehicle")
    run(endpoint, "DROP TABLE Vehicle")
    assert ask(endpoint, "Update", "Vehicle")["Data"]["Created"] == "Vehicle"


def test_a_table_may_be_named_by_a_reserved_word(endpoint: str) -> None:
    assert ask(endpoint, "Create", "order", "user")["Data"]["Created"] == "order,user"


def test_a_name_that_is_a_statement_makes_nothing(endpoint: str) -> None:
    with pytest.raises(NameRefusedError):
        ask(endpoint, "Create", "Vehicle", 'Boat" DROP TABLE "Vehicle')
    assert run(endpoint, ACTIVE_TABLES) == []
