"""What replay keeps in a destination ledger comes back as it was."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from amazon.ion import simpleion
from hypothesis import given, settings
from hypothesis import strategies as st

from qldbkit.journal.model import TableInfo
from qldbkit.names import TABLE_NAME
from qldbkit.replay.bookkeeping import checkpoint_of, checkpoint_row, tables_of, tables_row
from qldbkit.replay.bookkeeping_tables import BOOKKEEPING_TABLES
from qldbkit.replay.checkpoint import GAPS_KEPT, Checkpoint, Part, outgrown, without
from qldbkit.replay.errors import CatalogOrderError, RevisionMissingError
from qldbkit.replay.fragments import Gap, framed, unframed
from qldbkit.replay.partiql_text import quoted
from qldbkit.replay.tables import SourceTable, TableBook

STRAND = "Strand0000000000000000"
numbers = st.integers(0, 2**53)
gaps = st.builds(
    lambda first, size, at: Gap(STRAND, first, first + size, at),
    numbers,
    numbers,
    st.floats(0, 4e9),
)
parts = st.none() | st.builds(Part, numbers, st.binary(min_size=32, max_size=32), numbers)
checkpoints = st.builds(
    Checkpoint,
    st.just(STRAND),
    st.integers(-1, 2**53),
    st.binary(max_size=32),
    parts,
    st.booleans(),
    st.lists(gaps, max_size=3).map(tuple),
    numbers,
)
tables = st.builds(
    SourceTable,
    st.text(),
    st.none() | st.text(),
    st.none() | st.text(),
    st.booleans(),
    st.booleans(),
)


def through_ion(row: object) -> object:
    return simpleion.loads(simpleion.dumps(row, binary=True), single_value=True)


@given(checkpoints)
@settings(max_examples=50)
def test_a_checkpoint_comes_back(checkpoint: Checkpoint) -> None:
    back = checkpoint_of(through_ion(checkpoint_row(checkpoint, "a transaction")))
    assert astuple(back) == astuple(checkpoint)


@given(st.lists(tables, max_size=4).map(lambda each: TableBook(tuple(each))))
@settings(max_examples=50)
def test_the_book_of_tables_comes_back(book: TableBook) -> None:
    assert tables_of(through_ion(tables_row(STRAND, book))) == book


@given(st.lists(st.binary(max_size=50)))
def test_framed_records_come_back(records: list[bytes]) -> None:
    assert unframed(framed(records)) == tuple(records)


def test_framed_records_that_are_cut_are_noticed() -> None:
    with pytest.raises(ValueError, match="middle"):
        unframed(framed([b"record"])[:-1])


def test_the_bookkeeping_tables_have_names_that_a_ledger_allows() -> None:
    assert all(TABLE_NAME.fullmatch(each) for each in BOOKKEEPING_TABLES)


def test_a_quoted_name_cannot_end_its_quotes() -> None:
    assert quoted('x" WHERE 1=1 --') == '"x"" WHERE 1=1 --"'


def test_gaps_leave_a_full_checkpoint_oldest_first() -> None:
    held = tuple(Gap(STRAND, each * 2, each * 2, 1.0) for each in range(GAPS_KEPT))
    full = Checkpoint(STRAND, 1000, b"", gaps=held)
    assert outgrown(None, 1) == outgrown(full, 0) == ()
    assert outgrown(full, 1) == held[: GAPS_KEPT // 2]


@given(st.lists(st.integers(0, 30), unique=True))
def test_filling_a_gap_leaves_exactly_what_has_not_come(came: list[int]) -> None:
    left: tuple[Gap, ...] = (Gap(STRAND, 3, 20, 1.0), Gap(STRAND, 25, 25, 1.0))
    for each in came:
        left = without(left, each)
    missing = {each for each in range(31) if any(each in gap for gap in left)}
    assert missing == ({*range(3, 21), 25} - set(came))


def test_a_table_that_was_made_again_under_its_name_is_another_table() -> None:
    book, _ = TableBook().created("T").seen(TableInfo("T", "first"))
    with pytest.raises(RevisionMissingError, match="made it again"):
        book.seen(TableInfo("T", "second"))
    book, new = book.dropped("T").created("T").seen(TableInfo("T", "second"))
    assert not new
    assert book.observed("first") and book.observed("second")
    with pytest.raises(RevisionMissingError, match="undropped"):
        book.seen(TableInfo("T", "first"))


def test_a_table_older_than_the_stream_is_made_and_not_observed() -> None:
    book, new = TableBook().seen(TableInfo("T", "id"))
    assert new and not book.observed("id")


def test_undropping_finds_the_table_by_its_id_or_as_the_only_one_without() -> None:
    named, _ = TableBook().created("T").seen(TableInfo("T", "id"))
    book = named.dropped("T").dropped_as("T", "there").created("U").dropped("U")
    book = book.dropped_as("U", "empty")
    assert book.undropped("id")[1].destination_id == "there"
    assert book.undropped("unknown")[1].destination_id == "empty"
    with pytest.raises(CatalogOrderError):
        book.created("V").dropped("V").dropped_as("V", "also empty").undropped("unknown")
