"""What is cut out of binary Ion stands alone, and takes nothing of its neighbours along."""

from typing import Any

import pytest
from generate_journal import blocks
from hypothesis import given
from hypothesis import strategies as st

from qldbkit.journal import decoding
from qldbkit.journal.blocks import exported_struct, summary_alone
from qldbkit.journal.encoding import alone, standalone, timestamp, written_value
from qldbkit.journal.ion import IonSpan
from qldbkit.ledger.clock import to_timestamp

SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.binary()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=20),
    max_leaves=30,
)


@given(VALUES, VALUES)
def test_a_value_cut_out_is_the_same_value(kept: Any, left: Any) -> None:
    fields = IonSpan.of({"kept": kept, "left": left}).fields()
    assert IonSpan.parse(standalone(fields["kept"])) == fields["kept"]


def test_names_symbols_and_annotations_are_kept_and_those_of_others_are_not() -> None:
    text = "{kept: mine::{name: symbol, list: [other_symbol]}, left: theirs::{secret: hidden}}"
    kept = IonSpan.from_text(text).fields()["kept"]
    data = standalone(kept)
    assert IonSpan.parse(data) == kept
    assert b"other_symbol" in data
    assert not any(each in data for each in (b"theirs", b"secret", b"hidden", b"left", b"kept"))


def test_an_exported_block_with_summaries_is_the_streamed_one() -> None:
    for block in blocks(30):
        exported = IonSpan.of(exported_struct(block))
        summaries = decoding.block(exported).summary.revision_summaries
        expected = {
            name: span
            for name, span in block.summary.ion.fields().items()
            if name != "revisionSummaries" or summaries
        }
        assert IonSpan.parse(summary_alone(exported, summaries)).fields() == expected


@given(VALUES, VALUES)
def test_a_value_alone_reads_as_the_value_does(kept: Any, left: Any) -> None:
    fields = IonSpan.of({"left": left, "kept": kept}).fields()
    found = alone(fields["kept"])
    assert found == fields["kept"]
    assert found.binary() == found.data == standalone(fields["kept"])


@given(st.integers(-(10**13), 10**14))
def test_a_time_of_a_block_is_written_as_amazon_ion_writes_it(milliseconds: int) -> None:
    moment = to_timestamp(milliseconds)
    assert timestamp(moment) == written_value(moment)


@pytest.mark.parametrize(
    "text",
    [
        "2020-01-01T00:00:00.000-00:00",
        "2020-01-01T00:00:00.123+01:00",
        "2020-01-01T00:00:00Z",
        "2020-01-01T00:00:00.1230Z",
        "2020-01-01T",
        "0099-01-01T00:00:00.500Z",
    ],
)
def test_other_times_are_too(text: str) -> None:
    moment = IonSpan.from_text(text).timestamp()
    assert timestamp(moment) == written_value(moment)
