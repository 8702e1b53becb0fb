"""The adapter that runs pyqldb on a current amazon.ion."""

import subprocess
import sys
from typing import Any

import pytest
from amazon.ion import simpleion

from qldbkit.driver import VALUE_CLASSES, qldb_driver
from qldbkit.journal.hashes import dot, ion_hash, statement_digest
from qldbkit.names import NameRefusedError

VALUES = ["1", "true", "1.5", "1e0", "abc", '"abc"', "{{AAA=}}", "[1]", "{a: 1}", "2020T", "null"]


@pytest.mark.parametrize("text", VALUES)
def test_the_drivers_hash_is_the_journals(text: str) -> None:
    from pyqldb.util.qldb_hash import QldbHash

    value: Any = simpleion.loads(text)
    assert isinstance(value, VALUE_CLASSES)
    assert QldbHash.to_qldb_hash(value).get_qldb_hash() == ion_hash(value)


def test_the_drivers_transaction_digest_is_the_journals() -> None:
    from pyqldb.util.qldb_hash import QldbHash

    parameter = simpleion.loads("{a: [1, 2.50, 2020-01-01T]}")
    theirs = QldbHash.to_qldb_hash("INSERT INTO t ?").dot(QldbHash.to_qldb_hash(parameter))
    ours = statement_digest("INSERT INTO t ?", [parameter])
    assert theirs.get_qldb_hash() == ours
    transaction = QldbHash.to_qldb_hash("2EOkysIJqfFACzE3TLlbY8").dot(theirs)
    assert transaction.get_qldb_hash() == dot(ion_hash("2EOkysIJqfFACzE3TLlbY8"), ours)


def test_the_real_ionhash_is_not_needed() -> None:
    code = "import qldbkit.driver, pyqldb.driver.qldb_driver, sys; print(sys.modules['ionhash'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "<module 'ionhash'>"


def test_a_ledger_name_is_checked_before_anything_is_sent() -> None:
    with pytest.raises(NameRefusedError, match="cannot name a ledger"):
        qldb_driver("no spaces", endpoint_url="http://127.0.0.1:9", region="us-east-1")


def test_without_pyqldb_the_way_to_install_it_is_told() -> None:
    code = "import sys; sys.modules['pyqldb'] = None; from qldbkit.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", code, "query", "x", "SELECT 1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr == (
        "qldbkit: QLDB's driver for Python is not installed\n"
        "hint: pip install --no-deps pyqldb==3.2.4 (its own pins are out of date)\n"
    )
