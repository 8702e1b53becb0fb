"""``qldbkit compare`` as a person runs it: ledgers over HTTP, archives on either side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from simulation.delivery import kinesis_event
from simulation.source import records_of

from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.ledger_destination import LedgerDestination
from qldbkit.replay.routing import TableRouting


class Replicated:
    """A source ledger, its archive in a folder, and the destination that it was replayed into."""

    def __init__(self, user: Any, folder: Path):
        self.user, self.folder = user, folder
        for name in ("source", "destination"):
            user.create(name)
        self.applier = Applier(
            LedgerDestination(user.driver("destination")),
            MemoryBuffer(),
            lambda: 2_000_000_000.0,
            ReplayPolicy(settle_window=0.0),
        )
        self.write("source", "CREATE TABLE Person")
        for number in range(4):
            self.write("source", "INSERT INTO Person ?", {"n": number})
        self.write("source", "UPDATE Person SET again = true WHERE n = 1")
        self.write("source", "DELETE FROM Person WHERE n = 3")
        self.replay()

    def write(self, ledger: str, statement: str, *parameters: Any) -> None:
        self.user.driver(ledger).execute_lambda(
            lambda transaction: transaction.execute_statement(statement, *parameters)
        )

    def records(self) -> list[tuple[str, bytes]]:
        blocks = self.user.server.service._registry.ledger("source").blocks(0)
        return [record for each in blocks for record in records_of(each)]

    def replay(self) -> None:
        assert self.applier.handle(kinesis_event(self.records())).problems() == []

    def archive(self) -> str:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "records").write_bytes(b"".join(data for _, data in self.records()))
        return str(self.folder)

    def compare(self, *arguments: str, code: int) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "qldbkit.cli", "compare", *arguments],
            env={
                **{name: each for name, each in os.environ.items() if name != "AWS_ENDPOINT_URL"},
                "NO_COLOR": "1",
                "AWS_ENDPOINT_URL": self.user.server.endpoint_url,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout, done.stderr


@pytest.fixture
def replicated(user: Any, tmp_path: Path) -> Replicated:
    return Replicated(user, tmp_path / "archive")


@pytest.mark.parametrize(
    "sides",
    [("source", "destination"), ("ARCHIVE", "destination"), ("source", "ARCHIVE")],
)
def test_equal_sides_of_every_kind(replicated: Replicated, sides: tuple[str, str]) -> None:
    named = [replicated.archive() if each == "ARCHIVE" else each for each in sides]
    printed, _ = replicated.compare(*named, "--json", code=0)
    found = json.loads(printed)
    assert found["equal"]
    assert found["tables"] == [
        {"name": "Person", "sourceDocuments": 3, "destinationDocuments": 3, "equalDocuments": 3}
    ]


@pytest.mark.parametrize("source", ["source", "ARCHIVE"])
def test_differences_are_shown_repaired_and_recorded_and_replay_goes_on(
    replicated: Replicated, source: str
) -> None:
    replicated.write("destination", "UPDATE Person SET n = 'forged' WHERE n = 0")
    replicated.write("destination", "DELETE FROM Person WHERE n = 2")
    replicated.write("destination", "INSERT INTO Person ?", {"who": "a stranger"})
    named = replicated.archive() if source == "ARCHIVE" else source

    shown, _ = replicated.compare(named, "destination", code=1)
    for kind in ("is not the same", "is missing in the destination", "is only in the destination"):
        assert kind in shown

    printed, _ = replicated.compare(named, "destination", "--repair", "--json", code=0)
    found = json.loads(printed)
    assert found["equal"]
    assert len(found["repair"]["repaired"]) == 3
    (recorded,) = replicated.user.driver("destination").execute_lambda(
        lambda transaction: list(
            transaction.execute_statement("SELECT * FROM _qldbkit_repair AS r")
        )
    )
    assert sorted(recorded["documents"]) == sorted(found["repair"]["repaired"])
    assert recorded["sequenceNo"] == found["repair"]["sequenceNo"]
    assert named in recorded["source"]
    assert recorded["at"] and recorded["who"]

    replicated.write("source", "UPDATE Person SET later = 1")
    replicated.replay()
    replicated.compare("source", "destination", code=0)


def test_what_cannot_be_compared_is_told_apart_from_what_differs(
    replicated: Replicated, tmp_path: Path
) -> None:
    _, said = replicated.compare("source", "no-such-ledger", code=2)
    assert "no-such-ledger" in said
    _, said = replicated.compare(str(tmp_path), "destination", code=2)
    assert "holds no journal export" in said
    _, said = replicated.compare("source", replicated.archive(), "--repair", code=2)
    assert "only a ledger or a view can be repaired" in " ".join(said.replace("│", " ").split())
    replicated.compare("source", code=2)


def test_a_replay_of_some_tables_under_other_names_is_compared_as_such(
    replicated: Replicated,
) -> None:
    user = replicated.user
    user.create("wide")
    routing = TableRouting.from_text("Person", "Person=People")
    applier = Applier(
        LedgerDestination(user.driver("wide")),
        MemoryBuffer(),
        lambda: 2_000_000_000.0,
        ReplayPolicy(settle_window=0.0, tables=routing),
    )
    replicated.write("source", "CREATE TABLE Secret")
    replicated.write("source", "INSERT INTO Secret ?", {"n": 7})
    assert applier.handle(kinesis_event(replicated.records())).problems() == []

    replicated.compare("source", "wide", code=1)
    told = ("--tables", "Person", "--rename", "Person=People")
    replicated.compare("source", "wide", *told, code=0)
    replicated.compare(replicated.archive(), "wide", *told, code=0)

    replicated.write("wide", "DELETE FROM People WHERE n = 0")
    out, _ = replicated.compare("source", "wide", *told, "--json", code=1)
    assert [each["table"] for each in json.loads(out)["differences"]] == ["People"]
    replicated.compare("source", "wide", *told, "--repair", code=0)
