"""What tables are called in PostgreSQL: as in the ledger where that can be, never as another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qldbkit.replay.views.postgresql.naming import SUFFIXES, base_name

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,127}", fullmatch=True)


def test_a_table_keeps_its_name() -> None:
    assert base_name("Person", 1, set()) == "Person"


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("Person", {"Person"}),
        ("Person", {"Person_history"}),
        ("journal_block", set()),
        ("N" * 128, set()),
        ("N" * 60, set()),
    ],
)
def test_a_name_that_cannot_be_is_replaced(name: str, taken: set[str]) -> None:
    assert base_name(name, 7, taken).startswith("table_7_")


def test_a_replacement_may_be_taken_too() -> None:
    assert base_name("Person", 7, {"Person", "table_7_Person"}) == "table_7_1_Person"


@given(st.lists(st.tuples(NAMES, st.booleans()), max_size=12))
def test_no_two_relations_have_one_name_and_all_fit(tables: list[tuple[str, bool]]) -> None:
    taken: set[str] = {"journal_block", "journal_table"}
    for key, (name, dropped) in enumerate(tables):
        base = base_name(name, key, taken, dropped=dropped)
        for each in (base + suffix for suffix in SUFFIXES):
            assert each not in taken
            assert len(each.encode()) <= 63
            taken.add(each)
