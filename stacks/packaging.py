"""The folders of code that the Lambda functions run, built here without Docker.

A package holds the function's own modules, the layers of `qldbkit` that it uses, and its pinned
requirements as wheels for the Python and processor that it will run on. Its folder is named after
a hash of all that decides its content, so a second synth finds it there.

Where that Python is on this machine, the package holds its bytecode as well. Lambda cannot write
any, and would compile every module again at each cold start, which takes longer than all the rest.
Where the function runs on a processor and a Python like those here, the package holds the kernel in
C as well, as it was built with the project; elsewhere the function walks journals in Python.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from qldbkit.errors import QldbkitError

PROJECT = Path(__file__).resolve().parent.parent
BUILD_FOLDER = PROJECT / "build" / "lambda"
INSTALL_SECONDS = 300
COMPILE_SECONDS = 120
KEPT_BUILDS = 3  # of one function, so that the folder does not grow without end
LARGEST_PACKAGE = 60_000_000  # bytes unzipped; Lambda itself takes 250 MB

# What Lambda calls a processor, and the wheels that run on Amazon Linux 2023 (glibc 2.34) there
_PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
# Left out of every package: not needed to import or run it
_UNUSED: tuple[str, ...] = (
    *("bin", "*.dist-info", "boto3/data/*", "boto3/examples", ".lock"),
    *("**/tests", "**/__pycache__", "**/*.pyi", "**/*.proto"),
    "aws_lambda_powertools/event_handler",
)
_FOUNDATION = ("__init__.py", "errors.py", "names.py", "endpoints.py", "driver.py", "journal")


class PackagingError(QldbkitError):
    """A Lambda function's package cannot be built."""


class CodeSource(Protocol):
    """Where the functions' code comes from: packages, or a stand-in where templates count."""

    def folder(self, name: str) -> Path:
        """Return the folder with the code of the function's package ``name``."""
        ...


@dataclass(frozen=True, slots=True)
class Contents:
    """What one package needs besides its requirements.

    Attributes:
        layers: files and folders of `qldbkit`.
        services: AWS services whose models botocore must have.
    """

    layers: tuple[str, ...]
    services: tuple[str, ...]


_VIEW = (*_FOUNDATION, "partiql", "replay")
_VIEW_SERVICES = ("dynamodb", "s3", "sts")

PACKAGES: Mapping[str, Contents] = {
    "replay": Contents(
        (*_FOUNDATION, "partiql", "replay"), ("qldb", "qldb-session", "dynamodb", "s3", "sts")
    ),
    "view-dynamodb": Contents(_VIEW, _VIEW_SERVICES),
    "view-opensearch": Contents(_VIEW, _VIEW_SERVICES),
    "view-postgresql": Contents(_VIEW, (*_VIEW_SERVICES, "rds", "secretsmanager")),
    "tables": Contents((*_FOUNDATION, "tables.py"), ("qldb", "qldb-session", "sts")),
}


@dataclass(frozen=True, slots=True)
class LambdaPackages:
    """The packages for one Python version and processor."""

    python: str
    architecture: str
    into: Path = BUILD_FOLDER

    def folder(self, name: str) -> Path:
        """Return the folder of the package, built now if it is not there yet.

        Raises:
            PackagingError: uv cannot install its requirements, a module is no Python, or it is
                too large.
        """
        sources = {**dict(_sources(name)), **self._kernel()}
        folder = self.into / f"{name}-{self._digest(name, sources)}"
        if not folder.is_dir():
            self._build(name, sources, folder)
            _forget_old(self.into, name)
        return folder

    def _kernel(self) -> dict[str, Path]:
        """The kernel in C where it was built for the function's Python and processor."""
        here = f"{sys.version_info.major}.{sys.version_info.minor}", _architecture()
        spec = find_spec("qldbkit.journal._kernel")
        if (self.python, self.architecture) != here or spec is None or spec.origin is None:
            return {}
        library = Path(spec.origin)
        return {f"qldbkit/journal/{library.name}": library}

    def _digest(self, name: str, sources: Mapping[str, Path]) -> str:
        interpreter = "bytecode" if _interpreter(self.python) else "sources"
        digest = hashlib.sha256(f"{self.python} {self.architecture} {interpreter}".encode())
        others = {each.name: each for each in (*_requirements(name), Path(__file__))}
        for target, path in {**others, **sources}.items():
            digest.update(target.encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:16]

    def _build(self, name: str, sources: Mapping[str, Path], folder: Path) -> None:
        self.into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.into, prefix=f".{name}-") as temporary:
            draft = Path(temporary) / name
            self._install(name, draft)
            _prune(draft, PACKAGES[name].services)
            for target, source in sources.items():
                (draft / target).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, draft / target)
            _compile(draft, self.python)
            size = _checked_size(name, draft)
            _put_in_place(draft, folder)
        print(f"Lambda package {name}: {size / 1e6:.1f} MB unzipped", file=sys.stderr)

    def _install(self, name: str, target: Path) -> None:
        command = [
            *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-config", "--no-deps"),
            "--system-certs",  # as pip does: a company's own certificates are there
            *("--link-mode", "copy", "--target", str(target)),
            *("--python-version", self.python),
            *("--python-platform", _PLATFORMS[self.architecture]),
            # pyqldb is pure Python, but published as a source archive only
            *("--only-binary", ":all:", "--no-binary", "pyqldb"),
            *(part for each in _requirements(name) for part in ("--requirement", str(each))),
        ]
        done = subprocess.run(  # noqa: S603 - no part of the command comes from outside
            command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
        if done.returncode != 0:
            raise PackagingError(
                f"uv could not install the requirements of {name} for Python {self.python} on"
                f" {self.architecture}: {done.stderr.strip()}",
                hint="run make setup, and look at the package index that pip and uv use",
            )


def _architecture() -> str | None:
    """What Lambda calls this machine's processor; None where it has no functions on its system."""
    if sys.platform != "linux":
        return None
    return {"aarch64": "arm64", "x86_64": "x86_64"}.get(platform.machine())


@cache
def _interpreter(version: str) -> str | None:
    """The Python of that version on this machine, if there is one that runs."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    command = [found, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    said = subprocess.run(  # noqa: S603 - no part of the command comes from outside
        command, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False
    )
    return found if said.stdout.strip() == version else None  # a version manager's stub says no


def _compile(folder: Path, version: str) -> None:
    """Add bytecode that is valid wherever the folder is put, and the same each time."""
    interpreter = _interpreter(version)
    if interpreter is None:
        print(f"No python{version} here: the package starts without bytecode", file=sys.stderr)
        return
    command = [
        *(interpreter, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"),
        *("-s", str(folder), "-p", "/var/task", str(folder)),
    ]
    done = subprocess.run(  # noqa: S603 - no part of the command comes from outside
        command, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False
    )
    if done.returncode != 0:
        raise PackagingError(f"the package cannot be compiled: {done.stdout.strip()}")


def _modules(name: str) -> Path:
    """The folder of the functions' own modules: ``lambdas/view`` of ``view-dynamodb``."""
    return PROJECT / "lambdas" / name.partition("-")[0]


def _requirements(name: str) -> list[Path]:
    """What all packages of those functions need, and what this one alone needs besides."""
    own = _modules(name) / f"requirements-{name.partition('-')[2]}.txt"
    return [_modules(name) / "requirements.txt", *([own] if own.exists() else [])]


def _sources(name: str) -> Iterator[tuple[str, Path]]:
    """The project's own files in a package: where they go, and where they are."""
    for module in sorted(_modules(name).glob("*.py")):
        yield module.name, module
    for layer in PACKAGES[name].layers:
        path = PROJECT / "qldbkit" / layer
        for module in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield module.relative_to(PROJECT).as_posix(), module


def _prune(folder: Path, services: tuple[str, ...]) -> None:
    for pattern in _UNUSED:
        for path in list(folder.glob(pattern)):
            _remove(path)
    for path in (folder / "botocore" / "data").iterdir():
        if path.is_dir() and path.name not in services:
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _checked_size(name: str, folder: Path) -> int:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > LARGEST_PACKAGE:
        raise PackagingError(
            f"the package of {name} has {size} bytes, more than {LARGEST_PACKAGE}",
            hint="leave out what the function does not use, in stacks/packaging.py",
        )
    return size


def _put_in_place(draft: Path, folder: Path) -> None:
    try:
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another synth built the same one meanwhile
            raise


def _forget_old(into: Path, name: str) -> None:
    builds = sorted(into.glob(f"{name}-*"), key=os.path.getmtime, reverse=True)
    for build in builds[KEPT_BUILDS:]:
        shutil.rmtree(build, ignore_errors=True)
