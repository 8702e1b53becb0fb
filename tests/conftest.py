"""Fixtures that every kind of test may use."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with AWS's samples and the public conformance data; skips where it is missing."""
    folder = Path(os.environ.get("QLDBKIT_SHARED", PROJECT.parent / "shared"))
    if not (folder / "samples").is_dir():
        pytest.skip(f"no sample data in {folder}: set QLDBKIT_SHARED to the folder that holds it")
    return folder
