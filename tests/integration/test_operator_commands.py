"""``qldbkit quarantine`` and ``qldbkit status`` as a person runs them, on ledgers over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from simulation.delivery import kinesis_event, raw_event
from simulation.source import records_of

from qldbkit.journal.records import decode_record
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer_sqlite import SqliteBuffer
from qldbkit.replay.ledger_destination import LedgerDestination
from qldbkit.replay.routing import ALL_TABLES, TableRouting


class Operated:
    """A source and a destination ledger, a buffer in a file, and the command line."""

    def __init__(self, user: Any, folder: Path) -> None:
        self.user, self.file = user, folder / "buffer.sqlite"
        self.folder = folder
        for name in ("source", "destination"):
            user.create(name)
        self.buffer = SqliteBuffer(self.file, gap_retention=1000.0)
        self.applier = self.new_applier(ALL_TABLES)
        for statement in ("CREATE TABLE Person", "INSERT INTO Person {'v': 'one'}"):
            self.run(statement)

    def new_applier(self, tables: TableRouting) -> Applier:
        return Applier(
            LedgerDestination(self.user.driver("destination")),
            self.buffer,
            lambda: time.time() - 1000.0,  # the settle window is over for the operator
            ReplayPolicy(settle_window=0.0, tables=tables),
        )

    def replay(self, tables: TableRouting) -> None:
        """All that the stream has had, with those tables."""
        self.new_applier(tables).handle(kinesis_event(self.records()))

    def run(self, statement: str, ledger: str = "source") -> None:
        self.user.driver(ledger).execute_lambda(
            lambda transaction: transaction.execute_statement(statement)
        )

    def people(self, ledger: str, table: str = "Person") -> list[str]:
        """What the table's documents hold."""
        rows = self.user.driver(ledger).execute_lambda(
            lambda transaction: list(transaction.execute_statement(f"SELECT v FROM {table}"))
        )
        return sorted(str(each["v"]) for each in rows)

    def archive_of(self, records: list[tuple[str, bytes]]) -> Path:
        """A folder with those records."""
        archive = self.folder / "archive"
        archive.mkdir()
        (archive / "delivery-1").write_bytes(b"".join(data for _, data in records))
        return archive

    def records(self) -> list[tuple[str, bytes]]:
        blocks = self.user.server.service._registry.ledger("source").blocks(0)
        return [record for each in blocks for record in records_of(each)]

    def qldbkit(self, *command: str, code: int = 0) -> bytes:
        parts = ["--ledger", "destination", "--buffer", str(self.file)]
        name, *arguments = command
        if name == "status":
            parts += ["--source", "source"]
        if name in ("refill", "skip", "resync"):
            parts = [arguments.pop(0), *parts]
        if name == "resync":
            parts += ["--source", "source"]
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
    shown = operated.qldbkit("quarantine", "show", entry["position"])
    assert b"oNe" in shown
    as_json = json.loads(operated.qldbkit("quarantine", "show", entry["position"], "--json"))
    assert as_json == {"position": entry["position"], "payload": b64encode(shown).decode()}
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


def test_a_held_block_is_gone_on_over_by_an_order_and_the_status_says_so_at_once(
    operated: Operated,
) -> None:
    operated.run("UPDATE Person AS p SET p.v = 'two' WHERE p.v = 'one'")
    operated.run("UPDATE Person AS p SET p.v = 'three' WHERE p.v = 'two'")
    records = operated.records()
    blocks = {decode_record(data).address.sequence_no: [] for _, data in records}
    for each in records:
        blocks[decode_record(each[1]).address.sequence_no].append(each)
    *_, lost, last = blocks
    operated.applier.handle(
        kinesis_event([each for at, some in blocks.items() if at != lost for each in some])
    )
    operated.qldbkit("refill", str(operated.archive_of(blocks[last])))
    held = operated.status(code=3)["held_by"]
    assert "an earlier revision of one of its documents is missing" in held[0]

    assert b"--reason" in operated.qldbkit("skip", str(last), code=2)
    assert b"does not wait for block 1" in operated.qldbkit(
        *("skip", "1", "--reason", "a try"), code=1
    )
    said = operated.qldbkit("skip", str(last), "--reason", "the archive is gone")

    assert said.startswith(b"replay goes on; it was an earlier revision")
    (strand,) = operated.status()["strands"]
    assert (strand["applied"], strand["blocks_behind"]) == (last, 0)
    assert operated.people("destination") == ["three"]
    orders = json.loads(operated.qldbkit("quarantine", "orders", "--json"))
    assert (orders[-1]["action"], orders[-1]["reason"]) == ("skip", "the archive is gone")


def test_one_table_is_resynchronised_and_the_others_are_left(operated: Operated) -> None:
    for statement in ("CREATE TABLE Car", "INSERT INTO Car {'v': 'red'}"):
        operated.run(statement)
    operated.applier.handle(kinesis_event(operated.records()))
    for table in ("Person", "Car"):
        operated.run(f"UPDATE {table} SET v = 'forged'", "destination")

    said = operated.qldbkit("resync", "Person", "--reason", "somebody wrote to it")

    assert said == b"1 documents were brought to what they are in the source\n"
    assert operated.people("destination") == ["one"]
    assert operated.people("destination", "Car") == ["forged"]
    (order,) = json.loads(operated.qldbkit("quarantine", "orders", "--json"))
    assert (order["action"], order["position"]) == ("resync", "Person from ledger source")
    operated.run("UPDATE Person SET v = 'two'")
    operated.applier.handle(kinesis_event(operated.records()))
    assert operated.people("destination") == ["two"]
    assert operated.status()["healthy"] is True


def test_a_table_that_was_left_out_until_now_is_brought(operated: Operated) -> None:
    for statement in ("CREATE TABLE Car", "INSERT INTO Car {'v': 'red'}"):
        operated.run(statement)
    operated.replay(TableRouting.of(["Person"], {}))
    assert b"1 documents were brought" in operated.qldbkit("resync", "Car")
    operated.run("UPDATE Car SET v = 'blue'")
    operated.replay(ALL_TABLES)
    assert operated.people("destination", "Car") == ["blue"]
    assert operated.status()["healthy"] is True


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
