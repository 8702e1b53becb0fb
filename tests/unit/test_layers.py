"""The folders are the architecture: what each may import is checked here, not only written down.

The table is that of docs/architecture.md.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "qldbkit"

GROUND = {"errors", "names"}
ALLOWED = {
    "errors": set(),
    "names": {"errors"},
    "endpoints": {"errors"},
    "journal": GROUND,
    "partiql": GROUND | {"journal"},
    "driver": GROUND | {"journal"},
    "tables": GROUND | {"driver", "endpoints"},
    "ledger": GROUND | {"journal", "partiql"},
    "client": GROUND | {"journal", "partiql", "driver", "ledger"},
    "console": GROUND | {"journal", "partiql", "ledger", "client", "replay"},
    "pytest_plugin": GROUND | {"driver", "ledger"},
    "replay": GROUND | {"journal", "partiql", "driver", "endpoints"},
}
"""Layer: the other layers of qldbkit that it may import. `local` and `cli` may import all."""


def imports(file: Path) -> Iterator[str]:
    """The layers of qldbkit that a file imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = (
                [f"qldbkit.{each.name}" for each in node.names]
                if node.module == "qldbkit"
                else [node.module]
            )
        for name in names:
            first, _, rest = name.partition(".")
            if first == "qldbkit" and rest:
                yield rest.split(".")[0]


@pytest.mark.parametrize("layer", ALLOWED)
def test_a_layer_imports_only_those_below_it(layer: str) -> None:
    folder = PACKAGE / layer
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{layer}.py"]
    assert files
    for file in files:
        beyond = set(imports(file)) - ALLOWED[layer] - {layer}
        assert not beyond, f"{file.relative_to(PACKAGE)} imports {sorted(beyond)}"


def test_every_layer_is_in_the_table() -> None:
    layers = {
        each.stem
        for each in PACKAGE.iterdir()
        if each.name not in {"__init__.py", "__pycache__", "py.typed"}
    }
    assert layers == ALLOWED.keys() | {"local", "cli"}


def test_replay_takes_only_the_parser_of_partiql() -> None:
    for file in sorted((PACKAGE / "replay").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "qldbkit.partiql."
            ):
                assert node.module in {
                    "qldbkit.partiql.parser",
                    "qldbkit.partiql.syntax",
                    "qldbkit.partiql.statements",
                    "qldbkit.partiql.errors",
                    "qldbkit.partiql.dialect",
                }, f"{file.name} imports {node.module}"


EXTRAS = {
    "local": ("local/gateway.py", "local/persistence.py"),
    "opensearch": ("replay/views/opensearch",),
    "postgresql": ("replay/views/postgresql",),
}
"""Extra of the package: where alone it is imported."""
APART = {"pyqldb", "pytest"}
"""What is imported and no dependency: pip refuses one, and a plugin's host is there already."""


owners = cache(packages_distributions)


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", name)[0]).lower()


def distributions(file: Path) -> Iterator[str]:
    """The installed packages that a file imports a module of, in whichever of its functions."""
    known = owners()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        else:
            continue
        for name in names:
            first, _, second = name.partition(".")
            if first in sys.stdlib_module_names or first == "qldbkit":
                continue
            # A namespace that several packages have a part of
            yield canonical(second.split(".")[0] if first == "google" else known[first][0])


def test_what_is_imported_is_a_dependency_or_in_its_place_an_extra() -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    always = {canonical(each) for each in project["dependencies"]} | APART
    extras = project["optional-dependencies"]
    assert extras.keys() == EXTRAS.keys()
    for file in sorted(PACKAGE.rglob("*.py")):
        at = file.relative_to(PACKAGE).as_posix()
        here = [name for name, places in EXTRAS.items() if at.startswith(places)]
        allowed = always | {canonical(each) for name in here for each in extras[name]}
        missing = set(distributions(file)) - allowed
        assert not missing, f"{at} imports {sorted(missing)}, which pip install . does not bring"
