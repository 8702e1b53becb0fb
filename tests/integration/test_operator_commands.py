"""``qldbkit quarantine`` and ``qldbkit status`` as a person runs them, on ledgers over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from simulation.delivery import kinesis_event, raw_event
from simulation.source import records_of

from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer_sqlite import SqliteBuffer
from qldbkit.replay.ledger_destination import LedgerDestination


class Operated:
    """A source and a destination ledger, a buffer in a file, and the command line."""

    def __init__(self, user: Any, folder: Path) -> None:
        self.user, self.file = user, folder / "buffer.sqlite"
        self.folder = folder
        for name in ("source", "destination"):
            user.create(name)
        self.buffer = SqliteBuffer(self.file, gap_retention=1000.0)
        self.applier = Applier(
            LedgerDestination(user.driver("destination")),
            self.buffer,
            lambda: 2_000_000_000.0,
            ReplayPolicy(settle_window=0.0),
        )
        for statement in ("CREATE TABLE Person", "INSERT INTO Person {'v': 'one'}"):
            self.run(statement)

    def run(self, statement: str) -> None:
        self.user.driver("source").execute_lambda(
            lambda transaction: transaction.execute_statement(statement)
        )

    def records(self) -> list[tuple[str, bytes]]:
        blocks = self.user.server.service._registry.ledger("source").blocks(0)
        return [record for each in blocks for record in records_of(each)]

    def qldbkit(self, *command: str, code: int = 0) -> bytes:
        parts = ["--ledger", "destination", "--buffer", str(self.file)]
        name, *arguments = command
        if name == "status":
            parts += ["--source", "source"]
        if name == "refill":
            parts = [arguments.pop(0), *parts]
        done = subprocess.run(
            [sys.executable, "-m", "qldbkit.cli", name, *parts, *arguments],
            env={
                **os.environ,
                "NO_COLOR": "1",
                "LEDGER_ENDPOINT_URL": self.user.server.endpoint_url,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
            },
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == code, done.stderr.decode()
        return done.stdout + done.stderr

    def status(self, code: int = 0) -> Any:
        return json.loads(self.qldbkit("status", "--json", code=code))


@pytest.fixture
def operated(user: Any, tmp_path: Path) -> Operated:
    return Operated(user, tmp_path)


def test_a_damaged_record_is_found_shown_and_redriven(operated: Operated) -> None:
    *sound, (_, summary), (key, last) = operated.records()
    operated.applier.handle(kinesis_event(sound))
    damaged = last.replace(b"one", b"oNe")
    operated.applier.handle(kinesis_event([(key, summary), (key, damaged)]))

    before = operated.status(code=3)
    assert before["quarantined"] == 1
    (strand,) = before["strands"]
    assert (strand["applied"], strand["blocks_behind"], strand["waiting"]) == (1, 1, 1)
    (entry,) = json.loads(operated.qldbkit("quarantine", "list", "--json"))
    assert entry["position"].encode() in operated.qldbkit("quarantine", "list").splitlines()
    assert b"oNe" in operated.qldbkit("quarantine", "show", entry["position"])
    copy = operated.folder / "sound.ion"
    copy.write_bytes(last)

    said = operated.qldbkit(
        "quarantine", "redrive", entry["position"], "--payload", str(copy), "--reason", "export"
    )

    assert b"replayed" in said
    after = operated.status()
    (strand,) = after["strands"]
    assert (strand["applied"], strand["blocks_behind"], strand["waiting"]) == (2, 0, 0)
    assert after["healthy"] is True
    (order,) = json.loads(operated.qldbkit("quarantine", "orders", "--json"))
    assert (order["action"], order["reason"]) == ("redrive", "export")
    assert "@" in order["who"]
    assert b"block 2" in operated.qldbkit("status")


def test_a_record_is_given_up_only_with_a_reason(operated: Operated) -> None:
    operated.applier.handle(raw_event([("key", b"\xe0\x01\x00\xea damaged")]))
    (entry,) = json.loads(operated.qldbkit("quarantine", "list", "--json"))
    assert b"--reason" in operated.qldbkit("quarantine", "discard", entry["position"], code=2)
    assert len(json.loads(operated.qldbkit("quarantine", "list", "--json"))) == 1

    operated.qldbkit("quarantine", "discard", entry["position"], "--reason", "not of this ledger")

    assert b"Nothing is in quarantine" in operated.qldbkit("quarantine", "list")
    assert b"not of this ledger" in operated.qldbkit("quarantine", "orders", "--json")


def test_what_the_stream_lost_is_brought_from_an_archive(operated: Operated) -> None:
    records = operated.records()
    operated.applier.handle(kinesis_event(records[:1]))
    archive = operated.folder / "archive"
    archive.mkdir()
    (archive / "delivery-1").write_bytes(b"".join(data for _, data in records))

    said = operated.qldbkit("refill", str(archive), "--reason", "expired")

    assert b"1 blocks were missing, 1 were applied" in said

    (strand,) = operated.status()["strands"]
    assert (strand["applied"], strand["blocks_behind"]) == (2, 0)
    (order,) = json.loads(operated.qldbkit("quarantine", "orders", "--json"))
    assert (order["action"], order["reason"], order["position"]) == (
        *("refill", "expired", str(archive)),
    )


def test_mistakes_are_answered_with_a_sentence(operated: Operated) -> None:
    said = operated.qldbkit("quarantine", "redrive", "nowhere", code=1).decode()
    assert said.startswith("qldbkit: no record is in quarantine (at nowhere)\nhint: ")
    operated.file.unlink()
    assert b"there is no settling buffer" in operated.qldbkit("status", code=1)


def test_before_anything_is_replayed_the_status_is_that_nothing_is(operated: Operated) -> None:
    found = operated.status()
    (strand,) = found["strands"]
    assert (strand["applied"], strand["blocks_behind"]) == (-1, 3)
    assert strand["seconds_behind"] > 0
    assert found["clock_at"] is None
