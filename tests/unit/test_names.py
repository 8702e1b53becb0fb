"""Names are checked before they reach PartiQL or AWS."""

import pytest

from qldbkit.names import NameRefusedError, check_ledger_name, check_table_name


@pytest.mark.parametrize("name", ["QldbBlog", "a", "a-b", "l1", "A" * 32])
def test_names_that_a_ledger_may_have(name: str) -> None:
    assert check_ledger_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", "a--b", "123", "a b", "a_b", "ü", "A" * 33, "a\n"]
)
def test_names_that_a_ledger_may_not_have(name: str) -> None:
    with pytest.raises(NameRefusedError, match="use 1 to 32"):
        check_ledger_name(name)


@pytest.mark.parametrize("name", ["Vehicle", "_x", "a1_", "T" * 128])
def test_names_that_a_table_may_have(name: str) -> None:
    assert check_table_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "1a", "a-b", "_ql_committed_x", "a b", 'a"b', "T" * 129, "a\n", "T; DROP"]
)
def test_names_that_a_table_may_not_have(name: str) -> None:
    with pytest.raises(NameRefusedError, match="use 1 to 128"):
        check_table_name(name)
