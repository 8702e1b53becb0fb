"""The package as another project gets it: built, installed by itself, and used in its tests."""

import os
import re
import subprocess
import sys
import zipfile
from email.parser import BytesParser
from pathlib import Path

import pytest
from generate_journal import blocks, write_export

PROJECT = Path(__file__).resolve().parents[2]
UV = (sys.executable, "-m", "uv")
LIBRARY_MEGABYTES = 200
"""What all of it may take on disk; with the CDK and its Node it was 614."""
TEST = """
def test_a_project_of_somebody_else(qldb_driver):
    qldb_driver.execute_lambda(lambda txn: txn.execute_statement("CREATE TABLE Car"))
    qldb_driver.execute_lambda(lambda txn: txn.execute_statement("INSERT INTO Car ?", {"VIN": "1"}))
    found = qldb_driver.execute_lambda(
        lambda txn: [row["VIN"] for row in txn.execute_statement("SELECT * FROM Car")]
    )
    assert found == ["1"]
"""
SERVING = """
from pathlib import Path

import boto3
from qldbkit.driver import control_client
from qldbkit.ledger.server import running_server

with running_server(Path("served"), region="us-east-1") as server:
    client = control_client(server.endpoint_url, "us-east-1", boto3.Session("a", "b"))
    client.create_ledger(Name="orders", PermissionsMode="STANDARD")
    print(client.describe_ledger(Name="orders")["State"])
"""


def run(*command, folder, code=0, **environment):
    kept = {name: each for name, each in os.environ.items() if not name.startswith("PYTHON")}
    ran = subprocess.run(
        [str(each) for each in command],
        cwd=folder,
        env={**kept, "NO_COLOR": "1", "UV_SYSTEM_CERTS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == code, f"{command}\n{ran.stdout}{ran.stderr}"
    assert "Traceback" not in ran.stderr
    return ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    run(*UV, "build", "--quiet", "--wheel", "--out-dir", folder, PROJECT, folder=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory):
    """The folder of a Python that has the package and pytest, in the pinned versions."""
    folder = tmp_path_factory.mktemp("elsewhere")
    run(*UV, "venv", "--quiet", "--python", sys.executable, "venv", folder=folder)
    install = (*UV, "pip", "install", "--quiet", "--python", "venv")
    pins = PROJECT / "requirements-dev.txt"
    run(*install, "--constraint", pins, wheel, "pytest", folder=folder)
    return folder


@pytest.fixture(scope="module")
def with_driver(elsewhere):
    """The same with AWS's driver, which the others do without."""
    apart = PROJECT / "requirements-no-deps.txt"
    install = (*UV, "pip", "install", "--quiet", "--python", "venv", "--no-deps")
    run(*install, "--requirement", apart, folder=elsewhere)
    return elsewhere


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    there = {
        path.relative_to(PROJECT).as_posix()
        for path in (PROJECT / "qldbkit").rglob("*")
        if path.suffix == ".py" or path.name == "py.typed" or path.parent.name == "assets"
    }
    with zipfile.ZipFile(wheel) as opened:
        held = {each for each in opened.namelist() if ".dist-info/" not in each}
    assert there <= held
    assert all(each.startswith("qldbkit/") for each in held)
    assert not any("__pycache__" in each for each in held)


def test_its_metadata_names_no_cdk_no_node_and_no_single_version(wheel):
    with zipfile.ZipFile(wheel) as opened:
        (name,) = [each for each in opened.namelist() if each.endswith(".dist-info/METADATA")]
        metadata = BytesParser().parsebytes(opened.read(name))
    wanted = metadata.get_all("Requires-Dist")
    always = [each for each in wanted if "extra ==" not in each]
    assert not [each for each in always if re.match(r"aws-cdk|constructs|jsii|nodejs|uv\b", each)]
    assert not [each for each in always if "==" in each]
    assert set(metadata.get_all("Provides-Extra")) == {"local", "opensearch", "postgresql"}


def test_it_is_small_and_whole(elsewhere):
    size = sum(path.stat().st_size for path in (elsewhere / "venv").rglob("*") if path.is_file())
    assert size < LIBRARY_MEGABYTES * 1_000_000
    program = elsewhere / "venv/bin/qldbkit"
    for command in (["--version"], ["serve", "--help"], ["query", "--help"], ["verify", "--help"]):
        run(program, *command, folder=elsewhere)


def test_what_an_extra_brings_is_asked_for_in_a_sentence(elsewhere):
    program = elsewhere / "venv/bin/qldbkit"
    for command, extra, code in [
        (["local"], "local", 1),
        (["compare", "postgresql://127.0.0.1/x", "dynamodb://x"], "postgresql", 2),
        (["unindexed", "opensearch+http://127.0.0.1/x"], "opensearch", 1),
    ]:
        said = run(program, *command, folder=elsewhere, code=code)
        assert f'hint: pip install "qldbkit[{extra}]"' in said
    said = run(program, "demo", folder=elsewhere, code=1)
    assert "clone the project" in said


def test_without_the_driver_a_journal_is_verified_restored_and_served(elsewhere):
    program = elsewhere / "venv/bin/qldbkit"
    write_export(elsewhere / "export", list(blocks(20, seed=7)), "ION_BINARY", per_object=20)
    run(program, "verify", "export", folder=elsewhere)
    run(program, "restore", "export", "--into", "again", folder=elsewhere)
    (elsewhere / "serving.py").write_text(SERVING)
    assert "ACTIVE" in run("venv/bin/python", "serving.py", folder=elsewhere)
    said = run(program, "query", "again", "SELECT 1", folder=elsewhere, code=1)
    assert "hint: pip install --no-deps pyqldb==" in said


def test_the_fixtures_serve_a_project_of_somebody_else(with_driver):
    (with_driver / "test_it.py").write_text(TEST)
    assert "1 passed" in run("venv/bin/python", "-m", "pytest", "-q", folder=with_driver)
