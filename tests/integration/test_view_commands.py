"""The commands of a replay, given a view by its URL: what they say of it, and what they mend."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from generate_journal import write_archive
from simulation.delivery import kinesis_event
from simulation.source import STRAND_ID, Source, Write, records_of

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block
from qldbkit.journal.sources.opening import open_source
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer_sqlite import SqliteBuffer
from qldbkit.replay.compare import compare
from qldbkit.replay.destination import Changes, RepairDocument, State
from qldbkit.replay.journal_side import JournalSide
from qldbkit.replay.views.opening import open_view
from qldbkit.replay.views.view import View

_numbers = count(1)


@pytest.fixture(params=["postgresql", "dynamodb"])
def url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A view that is not there yet."""
    number = next(_numbers)
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql").url(f"operated_{number}"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    endpoint = request.getfixturevalue("dynamodb").endpoint
    return f"dynamodb://operated-{number}?endpoint={endpoint}"


class Operated:
    """A source, a view that is replayed into, a buffer in a file, and the command line."""

    def __init__(self, url: str, folder: Path, view: View) -> None:
        self.url, self.folder, self.view = url, folder, view
        self.file = folder / "buffer.sqlite"
        self.source = Source()
        self.source.create_table("Person")
        self.buffer = SqliteBuffer(self.file, gap_retention=1000.0)
        self.applier = Applier(
            view,
            self.buffer,
            lambda: time.time() - 1000.0,  # the settle window is over for the operator
            ReplayPolicy(settle_window=0.0, limits=view.limits),
        )

    def insert(self, data: dict[str, Any]) -> str:
        """A document, in a block of its own; its id."""
        (revision,) = self.source.insert("Person", data).revisions
        assert revision.metadata is not None
        return revision.metadata.id

    def deliver(self, *blocks: Block) -> None:
        self.applier.handle(kinesis_event([each for one in blocks for each in records_of(one)]))

    def archive(self, *blocks: Block) -> str:
        """A folder with what a stream has carried of them."""
        folder = self.folder / f"archive-{next(_numbers)}"
        write_archive(folder, [data for each in blocks for _, data in records_of(each)])
        return str(folder)

    def tamper(self, id_: str, data: dict[str, Any]) -> None:
        """Somebody else writes a document, and leaves everything that is remembered of it."""

        def decide(state: State) -> Changes:
            entry, checkpoint = state.documents[id_], state.checkpoint
            assert checkpoint is not None
            assert entry.version is not None
            return Changes(
                (RepairDocument(entry, entry.version, IonSpan.of(data)),), checkpoint, None
            )

        self.view.transact(STRAND_ID, [id_], decide)

    def qldbkit(self, *command: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "qldbkit.cli", *command],
            env={**os.environ, "NO_COLOR": "1", "QLDBKIT_FOLDER": str(self.folder / "state")},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout or done.stderr

    def operate(self, name: str, *arguments: str, code: int = 0) -> str:
        """A command on the view's replay."""
        parts = ["--view", self.url, "--buffer", str(self.file)]
        first = arguments[:1] if name in ("refill", "skip", "resync") else ()
        rest = arguments[len(first) :]
        return self.qldbkit(name, *first, *parts, *rest, code=code)

    def status(self, code: int = 0) -> Any:
        return json.loads(self.operate("status", "--json", code=code))

    def assert_equal(self) -> None:
        with JournalSide(open_source(self.archive(*self.source.blocks))) as journal:
            assert compare(journal, self.view).equal


@pytest.fixture
def operated(url: str, tmp_path: Path) -> Iterator[Operated]:
    with closing(open_view(url, "us-east-1")) as view:
        view.prepare()
        yield Operated(url, tmp_path, view)


def test_a_journal_is_restored_compared_and_repaired(operated: Operated) -> None:
    ids = [operated.insert({"n": each}) for each in range(40)]
    operated.source.write("Person", [Write(ids[0], {"n": "changed"}), Write(ids[1], None)])
    place, last = operated.archive(*operated.source.blocks), len(operated.source.blocks) - 1

    report = json.loads(
        operated.qldbkit("restore", place, "--into-destination", operated.url, "--json")
    )
    assert report["checkpoints"] == [{"strandId": STRAND_ID, "sequenceNo": last}]
    assert json.loads(operated.qldbkit("compare", place, operated.url, "--json"))["equal"]
    again = json.loads(
        operated.qldbkit("restore", place, "--into-destination", operated.url, "--json")
    )
    assert again["offered"] == 0

    operated.tamper(ids[7], {"n": "forged"})
    found = json.loads(operated.qldbkit("compare", place, operated.url, "--json", code=1))
    assert [each["documentId"] for each in found["differences"]] == [ids[7]]
    mended = json.loads(operated.qldbkit("compare", place, operated.url, "--repair", "--json"))
    assert mended["equal"]
    assert mended["repair"]["repaired"] == [f"Person: {ids[7]} at version 0"]


def test_what_the_stream_lost_is_seen_and_brought(operated: Operated) -> None:
    id_ = operated.insert({"n": 1})
    for number in (2, 3):
        operated.source.write("Person", [Write(id_, {"n": number})])
    first, second, lost, last = operated.source.blocks
    operated.deliver(first, second)
    operated.deliver(last)

    operated.operate("refill", operated.archive(last))
    held = operated.status(code=3)
    assert held["destination"] == operated.url
    assert "an earlier revision of one of its documents is missing" in held["held_by"][0]
    (strand,) = held["strands"]
    assert (strand["applied"], strand["waiting"]) == (1, 1)

    said = operated.operate("refill", operated.archive(lost), "--reason", "found")
    assert "1 blocks were missing" in said
    (strand,) = operated.status()["strands"]
    assert (strand["applied"], strand["waiting"]) == (3, 0)
    operated.assert_equal()
    (*_, order) = json.loads(operated.operate("quarantine", "orders", "--json"))
    assert (order["action"], order["reason"]) == ("refill", "found")


def test_a_held_block_is_gone_on_over_by_an_order(operated: Operated) -> None:
    id_ = operated.insert({"n": 1})
    for number in (2, 3):
        operated.source.write("Person", [Write(id_, {"n": number})])
    first, second, _, last = operated.source.blocks
    operated.deliver(first, second)
    operated.deliver(last)
    operated.operate("refill", operated.archive(last))
    said = operated.operate("skip", "3", "--reason", "the archive is gone")
    assert said.startswith("replay goes on")
    assert operated.status()["healthy"]
    operated.assert_equal()


def test_a_damaged_record_is_found_and_redriven(operated: Operated) -> None:
    operated.insert({"n": "sound"})
    *before, (key, last) = [each for one in operated.source.blocks for each in records_of(one)]
    damaged = last.replace(b"sound", b"sOund")
    operated.applier.handle(kinesis_event([*before, (key, damaged)]))
    (entry,) = json.loads(operated.operate("quarantine", "list", "--json"))
    copy = operated.folder / "sound.ion"
    copy.write_bytes(last)
    said = operated.operate("quarantine", "redrive", entry["position"], "--payload", str(copy))
    assert "replayed" in said
    assert operated.status()["healthy"]
    operated.assert_equal()


def test_one_table_is_resynchronised_and_the_others_are_left(operated: Operated) -> None:
    person = operated.insert({"n": 1})
    operated.source.create_table("Car")
    (car,) = operated.source.insert("Car", {"n": 2}).revisions
    assert car.metadata is not None
    operated.deliver(*operated.source.blocks)
    for each in (person, car.metadata.id):
        operated.tamper(each, {"n": "forged"})
    place = operated.archive(*operated.source.blocks)
    said = operated.operate("resync", "Person", "--from", place, "--reason", "somebody wrote to it")
    assert "1 documents were brought" in said
    found = json.loads(operated.qldbkit("compare", place, operated.url, "--json", code=1))
    assert [each["documentId"] for each in found["differences"]] == [car.metadata.id]


def test_a_view_and_a_ledger_are_not_both_named(operated: Operated) -> None:
    said = operated.operate("status", "--ledger", "destination", code=2)
    assert "give --ledger or --view" in said
