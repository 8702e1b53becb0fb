"""What docs/getting-started.md and docs/cli.md show is run, from the first block to the last.

Their reader has one folder, in which a server runs as docs/getting-started.md starts it.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qldbkit.local.aws import free_port

DOCS = Path(__file__).resolve().parents[2] / "docs"
SERVER = "qldbkit serve"
PORT = "8080"
INSTALLED = "pip install"
"""What a block begins with that is not run: it fetches packages that this environment has."""
TYPED = "SELECT VALUE Color FROM Car\n"
"""Into what asks for a statement."""


def blocks(page, *languages):
    found = re.findall(r"```(\w+)\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    return [(language, text) for language, text in found if language in languages]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """Runs what a page shows, in a folder of its own, and gives what it printed."""
    folder, port = tmp_path_factory.mktemp("reader"), str(free_port())
    environment = {
        **{name: each for name, each in os.environ.items() if not name.startswith("AWS_")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "QLDBKIT_FOLDER": str(folder / ".qldbkit"),
        "QLDBKIT_PORT": port,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "NO_COLOR": "1",
    }

    def run(command):
        ran = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            input=TYPED,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}"
        return ran.stdout

    def shown(language, text):
        there = text.replace(f":{PORT}", f":{port}")
        return run(["sh", "-euc", there] if language == "sh" else [sys.executable, "-c", there])

    shown.run, shown.folder = run, folder
    with subprocess.Popen(
        SERVER.split(), cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert any(f":{port}" in line for line in server.stdout)
            yield shown
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


@pytest.fixture(scope="module")
def first_steps(reader):
    """The blocks of docs/getting-started.md before the application's, and what they printed."""
    (_, start), *rest = blocks("getting-started.md", "sh", "python")
    assert start.splitlines() == ["make setup", SERVER]
    steps = [each for each in rest if not each[1].startswith((INSTALLED, "def test_"))]
    return [(text, reader(language, text)) for language, text in steps]


def test_the_first_steps_lead_from_a_ledger_to_its_proof(first_steps):
    printed = dict(first_steps)
    assert len(printed) == 3
    written, proven = [said for text, said in first_steps if text.startswith("qldbkit")]
    assert '"blue" → "red"' in written
    assert written.endswith('\n"red"\n')
    assert "is equal" in proven


def test_the_driver_is_installed_in_the_version_that_is_tested():
    (text,) = [text for _, text in blocks("getting-started.md", "sh") if INSTALLED in text]
    pins = (DOCS.parent / "requirements-no-deps.txt").read_text().splitlines()
    assert text.splitlines()[1] == f"pip install --no-deps {pins[-1]}"


def test_the_fixtures_for_tests_work_as_they_are_shown(reader):
    (example,) = [text for _, text in blocks("getting-started.md", "python") if "def test_" in text]
    own = "def run_my_application(name, endpoint_url):\n    assert name and endpoint_url\n\n\n"
    (reader.folder / "test_mine.py").write_text(own + example)
    said = reader.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"])
    assert "2 passed" in said


def test_the_commands_page_shows_what_works(reader, first_steps):
    (reader.folder / "cars.partiql").write_text("SELECT * FROM Car;\nSELECT VIN FROM Car;\n")
    said = [reader(*each) for each in blocks("cli.md", "sh")]
    assert '"VIN": "1"' in said[0] or '"VIN":"1"' in said[0]
    assert "1 document" in said[1]
