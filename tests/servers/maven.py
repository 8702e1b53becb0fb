"""Servers that are published for Java only: their jars, fetched once by Maven into ``build``.

A server has a folder here with a ``pom.xml`` that names it, pinned. Where there is no Maven or no
Java, or Maven cannot reach its repository, what needs the server is skipped with the reason.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build" / "servers"
FETCH_SECONDS = 300
KEPT = 2  # versions of one server, so that the folder does not grow without end


def jars_of(server: str) -> Path:
    """The folder with a server's jars and native libraries; skips the test where they are not.

    Test processes that ask at once wait for the one that fetches.
    """
    pom = HERE / server / "pom.xml"
    folder = BUILD / f"{server}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / f"{server}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _fetch(pom, folder)
            _forget_old(server)
    return folder


def java() -> str:
    """The Java that runs the servers; skips the test where it is not."""
    return _command("java", "javac")


def _command(name: str, *also: str) -> str:
    found = shutil.which(name)
    missing = [each for each in (name, *also) if shutil.which(each) is None]
    if found is None or missing:
        pytest.skip(f"the server needs {' and '.join(missing)} on this machine")
    return found


def _fetch(pom: Path, folder: Path) -> None:
    maven = _command("mvn", "java")
    with tempfile.TemporaryDirectory(dir=BUILD, prefix=".fetch-") as temporary:
        draft = Path(temporary) / "jars"
        command = [
            *(maven, "--batch-mode", "--quiet", "--file", str(pom)),
            *("dependency:copy-dependencies", f"-DoutputDirectory={draft}"),
        ]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"Maven did not fetch {pom.parent.name} within {FETCH_SECONDS} seconds")
        if done.returncode != 0:
            said = [each for each in done.stdout.splitlines() if "ERROR" in each]
            pytest.skip(f"Maven could not fetch {pom.parent.name}: {' '.join(said[:1])}")
        draft.rename(folder)


def _forget_old(server: str) -> None:
    kept = sorted(BUILD.glob(f"{server}-*"), key=os.path.getmtime, reverse=True)
    for each in kept[KEPT:]:
        shutil.rmtree(each, ignore_errors=True)
