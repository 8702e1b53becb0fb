"""The fixtures that other projects' tests get, in a project of its own."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

TESTS = """
import pytest


def count(driver):
    return len(list(driver.list_tables()))


@pytest.mark.parametrize("time", range(2))
def test_every_test_has_an_empty_ledger(qldb_driver, qldb_ledger, time):
    assert count(qldb_driver) == 0
    qldb_driver.execute_lambda(lambda txn: txn.execute_statement("CREATE TABLE Car"))
    with qldb_ledger.driver() as second:
        assert count(second) == 1


def test_the_endpoint_and_the_control_plane_are_there(qldb_ledger):
    assert qldb_ledger.endpoint_url.startswith("http://127.0.0.1:")
    described = qldb_ledger.control().describe_ledger(Name=qldb_ledger.name)
    assert described["State"] == "ACTIVE"
"""
UNUSED = """
import sys


def test_nothing_is_imported_for_a_test_that_asks_for_nothing():
    assert not {"boto3", "pyqldb", "qldbkit.ledger"} & set(sys.modules)
"""


def pytest_in(folder, text):
    (folder / "test_it.py").write_text(text)
    plugin = [] if _installed() else ["-p", "qldbkit.pytest_plugin"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugin, "-p", "no:cacheprovider", "."],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _installed():
    return any(each.value == "qldbkit.pytest_plugin" for each in entry_points(group="pytest11"))


def test_every_test_of_a_project_gets_a_ledger_and_a_driver(tmp_path):
    ran = pytest_in(tmp_path, TESTS)
    assert ran.returncode == 0, ran.stdout
    assert "3 passed" in ran.stdout


def test_it_costs_nothing_where_it_is_not_used(tmp_path):
    ran = pytest_in(tmp_path, UNUSED)
    assert ran.returncode == 0, ran.stdout
