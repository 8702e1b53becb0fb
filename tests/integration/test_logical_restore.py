"""``qldbkit restore --into-destination``: a kept journal, replayed into a ledger over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from generate_journal import write_archive, write_export
from simulation.source import records_of


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

    def qldbkit(self, *arguments: str, code: int = 0) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "qldbkit.cli", *arguments, "--json"],
            env={
                **os.environ,
                "AWS_ENDPOINT_URL": self.user.server.endpoint_url,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "QLDBKIT_FOLDER": str(self.folder / "state"),
            },
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
