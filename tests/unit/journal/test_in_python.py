"""Everything that is tested of journals also holds where there is no kernel in C."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qldbkit.journal import kernel

HERE = Path(__file__)


@pytest.mark.skipif(not kernel.COMPILED, reason="there is no kernel, so all tests are without it")
def test_the_tests_of_journals_pass_without_the_kernel() -> None:
    left_out = [f"--ignore={HERE.with_name(each)}" for each in (HERE.name, "test_kernel.py")]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *left_out, HERE.parent],
        env={**os.environ, kernel.PURE_SETTING: "1"},
        cwd=HERE.parents[3],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr
