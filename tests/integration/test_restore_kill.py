"""A restore that is killed, again and again, loses nothing and loads nothing twice."""

import json
import random
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from generate_journal import blocks, records, write_archive, write_export

from qldbkit.journal.model import Block
from qldbkit.journal.verification import verify_source
from qldbkit.ledger.source import LedgerFileSource, ledger_file
from qldbkit.ledger.sqlite import SqliteStorage
from qldbkit.ledger.storage import StorageError

REVISIONS = 3000
KILLS = 4
PATIENCE = 60.0
"""Seconds to wait for a restore to load something, or to end."""
NAME = "restored"
COMMAND = """
from qldbkit.cli import main
from qldbkit.ledger import restoring

restoring.BLOCKS_AT_ONCE = 200
main()
"""
"""The command line, with so few blocks durable together that a small journal has many such."""


def command(kept: Path, folder: Path) -> list[str]:
    arguments = ["--into", NAME, "--folder", str(folder), "--json", "--processes", "0"]
    return [sys.executable, "-c", COMMAND, "restore", str(kept), *arguments]


def keep(journal: list[Block], folder: Path, form: str) -> Path:
    """The journal as an export, or as a stream's archive."""
    if form == "export":
        write_export(folder, journal, "ION_BINARY", per_object=100)
    else:
        write_archive(folder, records(journal), compressed=True, aggregated=True)
    return folder


def loaded(folder: Path) -> int:
    """How many blocks the ledger has, while another process may be writing it."""
    try:
        file = ledger_file(folder, NAME)
    except StorageError:
        return 0  # the folder is being made
    if file is None:
        return 0
    with closing(SqliteStorage(file)) as storage:
        tip = storage.tip()
    return 0 if tip is None else tip.sequence_no + 1


def killed_after(kept: Path, folder: Path, more: int) -> bool:
    """Run the restore and kill it when it has loaded ``more`` blocks; False if it ended before."""
    before, deadline = loaded(folder), time.monotonic() + PATIENCE
    process = subprocess.Popen(command(kept, folder), stdout=subprocess.DEVNULL)
    try:
        while process.poll() is None and loaded(folder) < before + more:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return process.poll() is None
    finally:
        process.kill()
        process.wait(PATIENCE)


@pytest.mark.parametrize("form", ["export", "archive"])
def test_a_killed_restore_goes_on_where_it_was(form: str, tmp_path: Path) -> None:
    journal = list(blocks(REVISIONS, seed=2))
    kept = keep(journal, tmp_path / form, form)
    source = random.Random(5)
    folder, counts = tmp_path / "ledgers", [0]
    for _ in range(KILLS):
        assert killed_after(kept, folder, source.randint(1, 200))
        counts.append(loaded(folder))
    assert counts == sorted(set(counts)), "each run goes on where the last one was killed"
    assert counts[-1] < len(journal)
    ended = subprocess.run(
        command(kept, folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    report = json.loads(ended.stdout)
    assert report["present"] == counts[-1]
    assert report["present"] + report["blocks"] == len(journal)
    file = ledger_file(folder, NAME)
    assert file is not None
    verified = verify_source(LedgerFileSource(file))
    assert verified.exit_status == 0
    assert verified.strands[0].revisions == REVISIONS
