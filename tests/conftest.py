"""Fixtures that every kind of test may use."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qldbkit.journal import parallel

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with AWS's samples and the public conformance data; skips where it is missing."""
    folder = Path(os.environ.get("QLDBKIT_SHARED", PROJECT.parent / "shared"))
    if not (folder / "samples").is_dir():
        pytest.skip(f"no sample data in {folder}: set QLDBKIT_SHARED to the folder that holds it")
    return folder


@pytest.fixture(autouse=True)
def others_do_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short journals, too, are proven by the processes that are started for them."""
    monkeypatch.setattr(parallel, "are_starting", lambda _: False)


@pytest.fixture(scope="session")
def dynamodb() -> Iterator[Any]:
    """DynamoDB Local with its tables in memory; skips where it cannot be had."""
    from servers.dynamodb_local import DynamoDbLocal

    with DynamoDbLocal() as server:
        yield server
