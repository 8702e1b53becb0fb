"""The Lambda functions' packages, built for real for this machine."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from qldbkit.journal import kernel
from stacks.packaging import LARGEST_PACKAGE, PACKAGES, LambdaPackages, PackagingError

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
MODULES = {
    "tables": ["handler"],
    "replay": ["handler", "drain"],
    "view-dynamodb": ["handler", "drain"],
    "view-opensearch": ["handler", "drain"],
    "view-postgresql": ["handler", "drain"],
}
VIEW_URLS = {
    "view-dynamodb": "dynamodb://View",
    "view-opensearch": "opensearch+https://127.0.0.1:9/view?signing=es",
    "view-postgresql": "postgresql://u@127.0.0.1:9/views?schema=s",
}
ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "DESTINATION_LEDGER": "Destination",
    "BUFFER_TABLE": "Buffer",
    "STREAM_NAME": "Stream",
    "SETTLE_WINDOW_SECONDS": "120",
    "LOG_LEVEL": "INFO",
    "LEDGER_ENDPOINT_URL": "http://localhost:9",
    "VIEW_NAME": "View",
}

# Imports a module, then says which files came from outside of the package and of Python itself
IMPORT = """
import importlib, json, sys
package, module = sys.argv[1:]
standard = set(sys.path)
sys.path.insert(0, package)
assert callable(importlib.import_module(module).handle)
files = [str(getattr(each, "__file__", None) or "") for each in list(sys.modules.values())]
print(json.dumps([f for f in files if "site-packages" in f or "/qldbkit/" in f]))
"""


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> LambdaPackages:
    return LambdaPackages(PYTHON, ARCHITECTURE, tmp_path_factory.mktemp("lambda"))


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("package", "module"), [(name, each) for name, listed in MODULES.items() for each in listed]
)
def test_a_handler_runs_on_its_package_alone(packages, package: str, module: str) -> None:
    folder = packages.folder(package)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", IMPORT, str(folder), module],
        env={**ENVIRONMENT, "VIEW_URL": VIEW_URLS.get(package, "")},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    assert loaded, "the handler imports nothing of qldbkit"
    assert [each for each in loaded if not each.startswith(str(folder))] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_holds_what_its_function_needs_and_no_more(packages, package: str) -> None:
    files = files_of(packages.folder(package))
    layers = {path.split("/")[1] for path in files if path.startswith("qldbkit/")}
    assert not layers & {"ledger", "local", "cli"}
    top = {path.split("/")[0] for path in files}
    assert not top & {"numpy", "jsonconversion", "bin", "aws_cdk", "ministack", "typer"}
    assert not [path for path in files if "/tests/" in path]
    assert not [path for path in files if ".dist-info/" in path]
    models = {path.split("/")[2] for path in files if path.startswith("botocore/data/")}
    services = {each for each in models if not each.endswith((".json", ".json.gz"))}
    assert services == set(PACKAGES[package].services)
    assert sum(map(len, files.values())) < LARGEST_PACKAGE


COLD_START = """
import sys, time
began = time.process_time()
sys.path.insert(0, sys.argv[1])
import handler
print(time.process_time() - began)
"""


def seconds_to_import(folder: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", COLD_START, str(folder)],
        env=ENVIRONMENT,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return float(done.stdout)


def test_a_cold_start_compiles_nothing_and_takes_less_than_a_second(packages) -> None:
    folder = packages.folder("replay")
    sources = {each for each in files_of(folder) if each.endswith(".py")}
    compiled = {each for each in files_of(folder) if each.endswith(".pyc")}
    assert len(compiled) == len(sources)
    assert min(seconds_to_import(folder) for _ in range(5)) < 1.0  # of one processor


def test_without_that_python_a_package_has_its_sources_alone(tmp_path, monkeypatch, capfd) -> None:
    monkeypatch.setattr("stacks.packaging._interpreter", lambda _: None)
    with_sources = LambdaPackages("3.13", "arm64", tmp_path)
    files = files_of(with_sources.folder("tables"))
    assert not [each for each in files if each.endswith(".pyc")]
    assert "No python3.13 here" in capfd.readouterr().err


def test_the_kernel_is_there_where_the_function_runs_as_this_machine_does(
    packages, tmp_path
) -> None:
    def kernels(folder: Path) -> list[str]:
        return [each for each in files_of(folder) if "/_kernel." in each and each.endswith(".so")]

    if not kernel.COMPILED:
        pytest.skip("the kernel was not built: there is no C compiler")
    assert len(kernels(packages.folder("replay"))) == 1
    foreign = "x86_64" if ARCHITECTURE == "arm64" else "arm64"
    assert kernels(LambdaPackages(PYTHON, foreign, tmp_path).folder("tables")) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_ion_and_aggregation_are_compiled(packages, package: str) -> None:
    compiled = {Path(path).name for path in files_of(packages.folder(package)) if ".so" in path}
    assert "_ioncmodule.so" in compiled
    assert any(name.startswith("_message") for name in compiled) == (package != "tables")


def test_the_same_sources_make_the_same_package(packages, tmp_path) -> None:
    other = LambdaPackages(PYTHON, ARCHITECTURE, tmp_path)
    first, second = packages.folder("tables"), other.folder("tables")
    assert first.name == second.name
    assert files_of(first) == files_of(second)


def test_a_second_synth_builds_nothing(packages, capfd) -> None:
    folder = packages.folder("tables")
    capfd.readouterr()
    built_at = folder.stat().st_mtime_ns
    assert packages.folder("tables") == folder
    assert folder.stat().st_mtime_ns == built_at
    assert capfd.readouterr().err == ""


def test_the_size_is_reported(tmp_path, capfd) -> None:
    LambdaPackages(PYTHON, ARCHITECTURE, tmp_path).folder("tables")
    assert "Lambda package tables: " in (said := capfd.readouterr().err)
    assert "MB unzipped" in said


def test_another_python_or_processor_is_another_package(tmp_path) -> None:
    arm = LambdaPackages("3.13", "arm64", tmp_path).folder("tables")
    intel = LambdaPackages("3.12", "x86_64", tmp_path).folder("tables")
    machines = [(each / "amazon" / "_ioncmodule.so").read_bytes()[18] for each in (arm, intel)]
    assert machines == [0xB7, 0x3E]  # e_machine of ELF: AArch64 and x86-64


def test_what_cannot_be_installed_fails_with_the_reason(tmp_path, monkeypatch) -> None:
    wrong = tmp_path / "requirements.txt"
    wrong.write_text("boto3==0.0.0\n")
    monkeypatch.setattr("stacks.packaging.PROJECT", tmp_path)
    monkeypatch.setattr("stacks.packaging._requirements", lambda name: [wrong])
    monkeypatch.setattr("stacks.packaging._sources", lambda name: iter(()))
    monkeypatch.setattr("stacks.packaging.__file__", str(wrong))
    with pytest.raises(
        PackagingError, match=r"(?s)could not install the requirements of tables.*boto3==0.0.0"
    ):
        LambdaPackages(PYTHON, ARCHITECTURE, tmp_path / "out").folder("tables")
    assert not list((tmp_path / "out").glob("*"))


def test_old_builds_do_not_pile_up(tmp_path) -> None:
    for number in range(5):
        old = tmp_path / f"tables-{number}"
        old.mkdir()
        os.utime(old, (number, number))
    newest = LambdaPackages(PYTHON, ARCHITECTURE, tmp_path).folder("tables")
    assert newest.is_dir()
    assert len(list(tmp_path.glob("tables-*"))) == 3
