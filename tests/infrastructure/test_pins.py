"""What is installed is pinned, and the same wherever it is installed."""

import json
import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PROJECT = Path(__file__).resolve().parents[2]
FILES = ["requirements.txt", "requirements-dev.txt", "requirements-no-deps.txt"]


def pins(path: str) -> dict[str, str]:
    """Package to version, in the spelling that package indexes compare by."""
    lines = (PROJECT / path).read_text().splitlines()
    wanted = [each for each in lines if each and not each.startswith(("#", "-r "))]
    found = {}
    for line in wanted:
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.]*)", line)
        assert match, f"{path}: {line} is not pinned to one version"
        found[re.sub(r"[-_.]+", "-", match[1]).lower()] = match[2]
    assert len(found) == len(wanted), f"{path} names a package twice"
    return found


@pytest.mark.parametrize("path", FILES)
def test_every_requirement_is_pinned_once(path: str) -> None:
    assert pins(path)


def test_the_functions_run_what_the_tests_run() -> None:
    installed = pins("requirements.txt") | pins("requirements-no-deps.txt")
    for file in sorted((PROJECT / "lambdas").glob("*/requirements*.txt")):
        for package, version in pins(str(file)).items():
            assert installed[package] == version, f"{file} has another {package}"


def test_development_adds_to_what_runs_and_changes_nothing() -> None:
    assert not pins("requirements-dev.txt").keys() & pins("requirements.txt").keys()


def test_the_package_asks_for_what_is_tested() -> None:
    """`pip install .` takes what fits its bounds; the versions pinned here have to."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(each for extra in extras for each in extra)]
    tested = pins("requirements.txt") | pins("requirements-dev.txt")
    for each in map(Requirement, wanted):
        names = [each.name, *(f"{each.name}-{extra}" for extra in each.extras)]
        for name in names:
            version = tested[re.sub(r"[-_.]+", "-", name).lower()]
            assert each.specifier.contains(version), f"{each} leaves out the pinned {version}"


def test_the_local_aws_takes_our_botocore() -> None:
    (wanted,) = [each for each in requires("ministack") or [] if each.startswith("botocore==")]
    assert wanted.split("==")[1].split(";")[0].strip() == pins("requirements.txt")["botocore"]


def test_node_packages_are_locked_by_hash_and_to_no_registry() -> None:
    lock = json.loads((PROJECT / "package-lock.json").read_text())
    wanted = json.loads((PROJECT / "package.json").read_text())["devDependencies"]
    for name, version in wanted.items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name
