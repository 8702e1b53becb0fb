"""``qldbkit restore --into-destination``: a kept journal, replayed into a ledger over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import pytest
from generate_journal import blocks, records, write_archive, write_export
from simulation.source import records_of

from qldbkit.journal.model import Block
from qldbkit.replay.bookkeeping_tables import BOOKKEEPING_TABLES
from qldbkit.replay.destination import Destination
from qldbkit.replay.ledger_destination import LedgerDestination
from qldbkit.replay.retrying import RetryingDestination


class Kept:
    """A journal of a ledger that is kept as an archive and an export, and an empty ledger."""

    def __init__(self, user: Any, folder: Path):
        self.user, self.folder = user, folder
        user.create("source")
        user.create("destination")
        for statement, *parameters in (
            ("CREATE TABLE Person",),
            ("CREATE INDEX ON Person (n)",),
            *(("INSERT INTO Person ?", {"n": each}) for each in range(5)),
            ("UPDATE Person SET again = true WHERE n = 1",),
            ("DELETE FROM Person WHERE n = 3",),
        ):
            self.write(statement, *parameters)

    def write(self, statement: str, *parameters: Any) -> None:
        self.user.driver("source").execute_lambda(
            lambda transaction: transaction.execute_statement(statement, *parameters)
        )

    def kept_as(self, form: str) -> str:
        blocks = list(self.user.server.service._registry.ledger("source").blocks(0))
        place = self.folder / form
        if form == "archive":
            write_archive(place, [data for each in blocks for _, data in records_of(each)])
        else:
            write_export(place, blocks, form, per_object=3)
        return str(place)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "AWS_ENDPOINT_URL": self.user.server.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "QLDBKIT_FOLDER": str(self.folder / "state"),
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "qldbkit.cli", *arguments, "--json"]

    def qldbkit(self, *arguments: str, code: int = 0) -> Any:
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stderr


@pytest.fixture
def kept(user: Any, tmp_path: Path) -> Kept:
    return Kept(user, tmp_path)


def test_some_tables_are_restored_under_other_names(kept: Kept) -> None:
    kept.write("CREATE TABLE Car")
    kept.write("INSERT INTO Car {'v': 1}")
    place, tables = kept.kept_as("archive"), ("--tables", "Person", "--rename", "Person=People")
    kept.qldbkit("restore", place, "--into-destination", "destination", *tables)
    found = kept.qldbkit("compare", place, "destination", *tables)
    assert (found["equal"], [each["name"] for each in found["tables"]]) == (True, ["People"])
    said = kept.qldbkit("restore", place, "--into", "whole", *tables, code=2)
    assert "--into-destination" in said


@pytest.mark.parametrize("form", ["archive", "ION_TEXT"])
def test_a_kept_journal_is_restored_in_two_goes_and_equal(kept: Kept, form: str) -> None:
    place = kept.kept_as(form)
    into = ("--into-destination", "destination")

    first = kept.qldbkit("restore", place, *into, "--until", "4")
    (checkpoint,) = first["checkpoints"]
    assert checkpoint["sequenceNo"] == 4
    found = kept.qldbkit("compare", place, "destination", code=1)
    assert found["differentDocuments"] > 0

    second = kept.qldbkit("restore", place, *into)
    for each in (first, second):
        assert each["offered"] == each["applied"] > 0
    assert kept.qldbkit("compare", place, "destination")["equal"]

    again = kept.qldbkit("restore", place, *into)
    assert (again["offered"], again["applied"]) == (0, 0)

    kept.write("UPDATE Person SET later = true WHERE n = 2")
    kept.qldbkit("restore", kept.kept_as("archive"), *into)
    assert kept.qldbkit("compare", "source", "destination")["equal"]


def test_a_killed_restore_goes_on_where_it_was_and_writes_nothing_twice(kept: Kept) -> None:
    journal = list(blocks(150, seed=3))
    write_archive(kept.folder / "kept", records(journal), aggregated=True)
    restore = ("restore", str(kept.folder / "kept"), "--into-destination", "destination")
    # Looking on conflicts with each transaction that writes
    destination = RetryingDestination(LedgerDestination(kept.user.driver("destination")))
    chance = Random(7)
    reached = [-1]
    for _ in range(3):
        process = subprocess.Popen(kept.command(*restore), env=kept.environment)
        deadline, more = monotonic() + 60.0, chance.randint(1, 12)
        while process.poll() is None and position(destination) < reached[-1] + more:
            assert monotonic() < deadline
        process.kill()
        process.wait(10)
        reached.append(position(destination))
    assert reached == sorted(set(reached)), "each run goes on where the last one was killed"
    assert reached[-1] < len(journal) - 1, "every run was killed in its middle"

    kept.qldbkit(*restore)

    assert kept.qldbkit("compare", restore[1], "destination")["equal"]
    written = kept.user.server.service._registry.ledger("destination").blocks(0)
    assert replicated(written) == sum(len(each.revisions) for each in journal)


def position(destination: Destination) -> int:
    """The last block that the destination holds; -1 for none."""
    return max((each.sequence_no for each in destination.checkpoints()), default=-1)


def replicated(written: Iterable[Block]) -> int:
    """Revisions in the tables that users know of."""
    tables = [block.table_of(each) for block in written for each in block.revisions]
    return sum(each is not None and each.table_name not in BOOKKEEPING_TABLES for each in tables)


def test_what_cannot_be_trusted_is_not_restored_and_said(kept: Kept) -> None:
    place = Path(kept.kept_as("archive"))
    (file,) = (each for each in place.rglob("*") if each.is_file())
    file.write_bytes(file.read_bytes().replace(b"again", b"agaim"))
    report = kept.qldbkit("restore", str(place), "--into-destination", "destination", code=1)
    assert report["quarantined"] == 2  # the statement and the document
    assert report["problems"]
    assert report["applied"] < report["offered"]


def test_a_command_line_that_asks_for_what_there_is_not(kept: Kept) -> None:
    said = kept.qldbkit("restore", ".", "--into", "x", "--into-destination", "y", code=2)
    assert "say --into or --into-destination" in said
