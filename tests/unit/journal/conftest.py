"""Fixtures of the tests of journals."""

import os
from pathlib import Path
from typing import Any

import pytest
from native_kernel import loaded

from qldbkit.journal.compiling import CompilingError, compile_kernel


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernel, built anew; skips where there is no compiler."""
    try:
        flags = os.environ.get("QLDBKIT_KERNEL_FLAGS", "-Werror").split()
        return compile_kernel(tmp_path_factory.mktemp("kernel"), flags)
    except CompilingError as error:
        if "cannot be run" in error.message:
            pytest.skip(f"the kernel needs a C compiler: {error.message}")
        raise


@pytest.fixture(scope="module")
def native(library: Path) -> Any:
    """The kernel's functions."""
    return loaded(library)
