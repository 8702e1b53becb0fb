"""What docs/restore.md shows is run, from its first command to its last, in one folder.

The folder has what the page's reader has: an old export, and a file with the digest of its ledger.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from generate_journal import blocks, write_export

from qldbkit.journal.hashes import merkle_root
from qldbkit.local.aws import free_port

PROJECT = Path(__file__).resolve().parent.parent.parent
PAGE = PROJECT / "docs" / "restore.md"
REVISIONS = 60
SERVER = "qldbkit serve"
PORT = "8080"


def examples() -> list[tuple[str, str]]:
    """The page's commands one by one, and its pieces of Python, each with its language."""
    found = []
    for language, text in re.findall(r"```(sh|python)\n(.*?)```", PAGE.read_text(), re.DOTALL):
        parts = text.strip().splitlines() if language == "sh" else [text]
        found += [(language, each) for each in parts]
    return found


class Reader:
    """Somebody who does what the page says, in a folder of their own."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, str(free_port())
        self.environment = {
            **{name: each for name, each in os.environ.items() if not name.startswith("AWS_")},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "QLDBKIT_FOLDER": str(folder / ".qldbkit"),
            "QLDBKIT_PORT": self.port,
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "NO_COLOR": "1",
        }

    def run(self, language: str, text: str) -> str:
        shown = text.replace(f":{PORT}", f":{self.port}")
        command = ["sh", "-euc", shown] if language == "sh" else [sys.executable, "-c", shown]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{shown}\n{done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def serving(self) -> Iterator[None]:
        with subprocess.Popen(
            SERVER.split(),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                announced = process.stdout
                assert announced is not None
                assert any(self.port in line for line in announced)
                yield
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(30)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    journal = list(blocks(REVISIONS, seed=11))
    write_export(tmp_path / "export", journal, "ION_TEXT", per_object=10)
    tip = journal[-1].address
    answer: dict[str, Any] = {
        "Digest": base64.b64encode(
            merkle_root([each.summary.block_hash for each in journal])
        ).decode(),
        "DigestTipAddress": {
            "IonText": f'{{strandId:"{tip.strand_id}",sequenceNo:{tip.sequence_no}}}'
        },
    }
    (tmp_path / "digest.json").write_text(json.dumps(answer))
    return Reader(tmp_path)


def test_everything_that_the_page_shows_works(reader: Reader) -> None:
    shown = examples()
    at = shown.index(("sh", SERVER))
    last = max(index for index, (_, text) in enumerate(shown) if f":{PORT}" in text)
    before = [reader.run(*each) for each in shown[:at]]
    assert any("is equal" in each for each in before)
    assert any("the given digest" in each and "equal" in each for each in before)
    with reader.serving():
        served = [reader.run(*each) for each in shown[at + 1 : last + 1]]
    assert any("hold the same documents" in each for each in served)
    for each in shown[last + 1 :]:
        reader.run(*each)


def test_the_page_shows_all_four_steps(reader: Reader) -> None:
    commands = [text for language, text in examples() if language == "sh"]
    for part in ("verify ./export", "restore ./export --into ", "serve", "compare ./export"):
        assert any(part in each for each in commands)
