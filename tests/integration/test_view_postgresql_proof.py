"""What is in PostgreSQL is proven by its own hashes, every change is named, and it restores."""

from __future__ import annotations

import base64
import io
import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from generate_journal import write_archive, write_export
from psycopg import sql
from servers.postgresql_server import PostgresqlServer
from simulation.source import random_history, records_of

from qldbkit.cli import main
from qldbkit.journal.findings import Finding, FindingKind
from qldbkit.journal.peaks import Peaks
from qldbkit.journal.verification import verify_source
from qldbkit.replay.views.postgresql import open_url

NUMBERS = count()


class Kept:
    """A journal that is kept as an export, and the view that it is restored into."""

    def __init__(self, server: PostgresqlServer, folder: Path, form: str = "ION_BINARY"):
        from random import Random

        self.server, self.folder = server, folder
        self.name = f"proof_{next(NUMBERS)}"
        self.url = server.url(self.name)
        self.source = random_history(Random(11), 60)
        self.place = folder / "journal"
        write_export(self.place, self.source.blocks, form, per_object=20)

    @property
    def digest(self) -> str:
        peaks = Peaks()
        for block in self.source.blocks:
            peaks.add(block.summary.block_hash)
        return base64.b64encode(peaks.digest()).decode()

    def digest_file(self) -> Path:
        file = self.folder / "digest.json"
        tip = self.source.blocks[-1].address
        address = f'{{strandId: "{tip.strand_id}", sequenceNo: {tip.sequence_no}}}'
        answer = {"Digest": self.digest, "DigestTipAddress": {"IonText": address}}
        file.write_text(json.dumps(answer))
        return file

    def qldbkit(self, *arguments: str, code: int = 0) -> Any:
        """What a command prints; run in this process, since starting one takes longer."""
        told, said = io.StringIO(), io.StringIO()
        alone = ["--processes", "0"] if arguments[0] in ("verify", "restore") else []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["qldbkit", *arguments, *alone, "--json"])
            patch.setenv("QLDBKIT_FOLDER", str(self.folder / "state"))
            with redirect_stdout(told), redirect_stderr(said), pytest.raises(SystemExit) as ended:
                main()
        assert (ended.value.code or 0) == code, told.getvalue() + said.getvalue()
        printed = told.getvalue()
        return json.loads(printed) if printed.startswith("{") else said.getvalue()

    def restored(self) -> Kept:
        self.qldbkit("restore", str(self.place), "--into-destination", self.url)
        return self

    def sql(self, *statements: str) -> int:
        with psycopg.connect(self.server.conninfo()) as connection:
            path = sql.SQL("SET search_path TO {}").format(sql.Identifier(self.name))
            connection.execute(path)
            return [connection.execute(each).rowcount for each in statements][-1]

    def findings(self) -> list[Finding]:
        view = open_url(self.url, "us-east-1")
        try:
            report = verify_source(view.journal(readable=True))
        finally:
            view.close()
        return [each for each in report.findings if each.kind is not FindingKind.REDACTED]


@pytest.fixture(scope="module")
def kept(postgresql: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(postgresql, tmp_path_factory.mktemp("kept")).restored()


@pytest.fixture
def tampered(kept: Kept) -> Iterator[Kept]:
    """The view, put back afterwards."""
    kept.sql(*(f"CREATE TABLE saved{n} AS TABLE {each}" for n, each in enumerate(TABLES)))
    yield kept
    for number, each in enumerate(TABLES):
        kept.sql(f"TRUNCATE {each}", f"INSERT INTO {each} SELECT * FROM saved{number}")
        kept.sql(f"DROP TABLE saved{number}")


TABLES = ('"Person"', '"Person_history"', "journal_block", "journal_checkpoint")


def test_what_is_in_postgresql_is_proven_up_to_a_saved_digest(kept: Kept) -> None:
    found = kept.qldbkit("verify", kept.url, "--digest", str(kept.digest_file()))
    assert found["proven"]
    assert found["digest"]["equal"]
    (strand,) = found["strands"]
    assert strand["digest"] == kept.digest
    assert strand["blocks"] == len(kept.source.blocks)
    assert found["counts"]["redacted"] > 0


def test_a_ledger_comes_out_of_postgresql_with_the_same_digest(kept: Kept) -> None:
    saved = ("--digest", str(kept.digest_file()))
    report = kept.qldbkit("restore", kept.url, "--into", "again", *saved)
    assert report["digest"] == kept.digest
    assert report["digestEqual"]
    proven = kept.qldbkit("verify", "again", *saved)
    assert proven["proven"]
    assert kept.qldbkit("compare", kept.url, str(kept.place))["equal"]
    again = kept.qldbkit("restore", kept.url, "--into", "again")
    assert (again["blocks"], again["present"]) == (0, len(kept.source.blocks))


def test_views_are_compared_and_filled_from_one_another(kept: Kept) -> None:
    other = kept.server.url(f"{kept.name}_other")
    report = kept.qldbkit("restore", kept.url, "--into-destination", other, "--until", "30")
    assert report["checkpoints"][0]["sequenceNo"] == 30
    assert not kept.qldbkit("compare", kept.url, other, code=1)["equal"]
    kept.qldbkit("restore", kept.url, "--into-destination", other)
    assert kept.qldbkit("compare", kept.url, other)["equal"]
    assert kept.qldbkit("verify", other)["strands"][0]["digest"] == kept.digest


@pytest.mark.parametrize("form", ["archive", "ION_TEXT"])
def test_every_form_of_a_journal_gives_the_same_view(kept: Kept, form: str, tmp_path: Path) -> None:
    place = tmp_path / form
    if form == "archive":
        write_archive(place, [data for each in kept.source.blocks for _, data in records_of(each)])
    else:
        write_export(place, kept.source.blocks, form, per_object=20)
    url = kept.server.url(f"{kept.name}_{form.lower()}")
    kept.qldbkit("restore", str(place), "--into-destination", url)
    assert kept.qldbkit("compare", kept.url, url)["equal"]
    # A stream leaves out blocks that only read; it says so, and nothing is proven wrong.
    kept.qldbkit("verify", url, code=3 if form == "archive" else 0)


LATEST = '(SELECT id FROM "Person" WHERE version > 0 LIMIT 1)'
CHANGES = {
    "a current document's jsonb": (
        """UPDATE "Person" SET data = data || '{"forged": 1}'
            WHERE id = (SELECT min(id) FROM "Person")""",
        "not the latest revision",
        "Person, document",
    ),
    "a current document's version": (
        """UPDATE "Person" SET version = version + 1 WHERE id = (SELECT min(id) FROM "Person")""",
        "not the latest revision",
        "Person, document",
    ),
    "a current document that is gone": (
        """DELETE FROM "Person" WHERE id = (SELECT min(id) FROM "Person")""",
        "is not among the current ones",
        "Person, document",
    ),
    "a current document that is new": (
        """INSERT INTO "Person" (id, version, data) VALUES ('X', 0, '{}')""",
        "its history says it is not",
        "Person, document X",
    ),
    "the history's jsonb": (
        """UPDATE "Person_history" SET data = '{}' WHERE id = (SELECT min(id) FROM "Person")""",
        "column data is not what the Ion",
        "Person_history, document",
    ),
    "the history's time": (
        """UPDATE "Person_history" SET tx_time = tx_time - interval '1 ms' WHERE version = 0""",
        "column tx_time is not what the Ion",
        "version 0",
    ),
    "the history's Ion": (
        """UPDATE "Person_history" SET ion = set_byte(ion, length(ion) - 30,
            get_byte(ion, length(ion) - 30) # 1) WHERE id = (SELECT min(id) FROM "Person")""",
        "is not that of its contents",
        "Person_history, document",
    ),
    "a revision that is gone": (
        """DELETE FROM "Person_history" WHERE id = (SELECT min(id) FROM "Person")""",
        "the revision of document",
        "",
    ),
    "a block's hash beside its Ion": (
        "UPDATE journal_block SET block_hash = entries_hash WHERE sequence_no = 9",
        "column block_hash is not what the Ion",
        "block 9",
    ),
    "a block's Ion": (
        """UPDATE journal_block SET ion = set_byte(ion, length(ion) / 2,
            get_byte(ion, length(ion) / 2) # 1) WHERE sequence_no = 9""",
        "",
        "sequence number 9",
    ),
    "a block that is gone": (
        "DELETE FROM journal_block WHERE sequence_no = 9",
        "block 9 is not there",
        "sequence number 9",
    ),
    "the last blocks": (
        "DELETE FROM journal_block WHERE sequence_no > 55",
        "blocks 56 to 60 are not there",
        "sequence number 56",
    ),
    "the first blocks": (
        "DELETE FROM journal_block WHERE sequence_no < 2",
        "blocks 0 to 1 are not there",
        "sequence number 0",
    ),
    "every block": ("DELETE FROM journal_block", "blocks 0 to 60 are not there", ""),
    "the checkpoint": ("DELETE FROM journal_checkpoint", "has no checkpoint", ""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_found_and_named(change: str, tampered: Kept) -> None:
    statement, reason, position = CHANGES[change]
    assert tampered.findings() == []
    assert tampered.sql(statement) > 0
    found = tampered.findings()
    assert any(reason in each.reason and position in each.position for each in found), found


def test_a_forged_jsonb_does_not_keep_the_journal_from_being_restored(tampered: Kept) -> None:
    """What is restored is the Ion, which is proven; what SQL users read is repaired by it."""
    tampered.sql("""UPDATE "Person" SET data = '{"forged": true}'""")
    found = tampered.qldbkit("verify", tampered.url, code=1)
    assert found["counts"]["damaged"] > 0
    report = tampered.qldbkit("restore", tampered.url, "--into", "sound")
    assert report["digest"] == tampered.digest
    place = str(tampered.place)
    found = tampered.qldbkit("compare", place, tampered.url, "--repair")
    assert found["equal"]
    assert len(found["repair"]["repaired"]) > 0
    assert tampered.qldbkit("verify", tampered.url)["proven"]


def test_a_restore_that_was_interrupted_goes_on(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    kept = Kept(postgresql, tmp_path)
    into = ("--into-destination", kept.url)
    first = kept.qldbkit("restore", str(kept.place), *into, "--until", "20")
    second = kept.qldbkit("restore", str(kept.place), *into)
    assert first["applied"] + second["applied"] == len(kept.source.blocks)
    assert kept.findings() == []


def test_what_cannot_be_done_is_said(kept: Kept, postgresql: PostgresqlServer) -> None:
    said = kept.qldbkit("verify", postgresql.url("nobody_here"), code=1)
    assert "is missing" in said
    said = kept.qldbkit("verify", "postgresql://u:secret@127.0.0.1:1/db?schema=s", code=1)
    assert "has a password" in said
    assert "secret@" not in said
    said = kept.qldbkit("verify", "postgresql://127.0.0.1:1/db?schema=s", code=1)
    assert "cannot be reached" in said
