"""The destination that docs/adding-a-destination.md writes comes through what the page says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from generate_journal import blocks, write_export

PROJECT = Path(__file__).resolve().parents[3]
PAGE = PROJECT / "docs" / "adding-a-destination.md"
VIEW, SIMULATION, FILLING = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sqlite_view.py").write_text(VIEW)
    return tmp_path


def python(folder, *arguments):
    path = os.pathsep.join(map(str, (folder, PROJECT / "tests", PROJECT)))
    ran = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return ran.returncode, ran.stdout + ran.stderr


def test_it_comes_through_the_simulation_as_the_page_runs_it(folder):
    (folder / "test_sqlite_view.py").write_text(SIMULATION)
    code, said = python(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert code == 0, said
    assert re.search(r"\b[1-9]\d* passed", said) and "skipped" not in said


def test_the_simulation_finds_a_mistake_that_is_easily_made(folder):
    """A view that removes a deleted document's row forgets that the document ever was."""
    forgetful = VIEW.replace(
        "UPDATE documents SET ion = NULL WHERE id = ?", "DELETE FROM documents WHERE id = ?"
    )
    assert forgetful != VIEW
    (folder / "sqlite_view.py").write_text(forgetful)
    (folder / "test_sqlite_view.py").write_text(SIMULATION)
    code, said = python(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "late")
    assert code == 1
    assert "to run it again: make simulate SEEDS=" in said


def test_a_kept_journal_is_replayed_into_it_and_compared(folder):
    write_export(folder / "export", list(blocks(60, seed=11)), "ION_TEXT", per_object=10)
    code, said = python(folder, "-c", FILLING)
    assert code == 0, said
    assert (folder / "orders.sqlite").stat().st_size > 10_000
