"""A block that is written piece by piece is the one that its bytes are read as."""

from __future__ import annotations

from typing import Any

import pytest
from amazon.ion import simpleion
from hypothesis import given, settings
from hypothesis import strategies as st

from qldbkit.journal import decoding
from qldbkit.journal.building import (
    BlockDraft,
    RevisionDraft,
    StatementDraft,
    form_block,
    header_hash,
)
from qldbkit.journal.integrity import verify_block
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import BlockAddress, RedactedRevision, TableInfo
from qldbkit.ledger.clock import to_timestamp

STRAND = "JUJgrQeIeI64ZgvXIuqlZ1"
PERSON = TableInfo("Person", "17CRCBBPOEe4aSgHpQ8fSm")
HASH = bytes(range(32))
numbers = st.integers(0, 2**40)
ids = st.text("0123456789ABCDEFabcdef", min_size=22, max_size=22)
documents = st.dictionaries(
    st.text(max_size=20),
    st.one_of(st.none(), st.integers(), st.text(max_size=40), st.lists(st.booleans())),
    max_size=4,
)
times = st.integers(0, 4 * 10**12).map(to_timestamp)
statements = st.builds(StatementDraft, st.text(min_size=1), times, st.just(HASH))
revisions = st.builds(
    RevisionDraft,
    ids,
    numbers,
    st.just(PERSON),
    st.none() | documents,
    st.lists(numbers, max_size=3).map(tuple),
)
addresses = st.builds(BlockAddress, st.just(STRAND), numbers)
drafts = st.builds(
    BlockDraft,
    addresses,
    st.sampled_from([b"", HASH]),
    ids,
    times,
    times,
    st.lists(statements, min_size=1, max_size=3),
    st.lists(revisions, max_size=6, unique_by=lambda each: each.document_id),
    st.lists(st.builds(RedactedRevision, addresses, ids, ids, numbers), max_size=2),
)


@given(drafts)
@settings(max_examples=40, deadline=None)
def test_a_block_is_what_its_bytes_are_read_as(draft: BlockDraft) -> None:
    block = form_block(draft)
    read = decoding.block_summary(IonSpan.parse(block.summary.ion.binary()))
    assert read == block.summary
    for each in block.revisions:
        assert decoding.revision(IonSpan.parse(each.ion.binary())) == each


@given(drafts)
@settings(max_examples=20, deadline=None)
def test_a_block_has_the_hashes_of_its_contents(draft: BlockDraft) -> None:
    block = form_block(draft)
    verify_block(block)
    named = (draft.address, draft.transaction_id, draft.block_timestamp)
    assert header_hash(*named) in block.summary.entries_hash_list


@given(drafts)
@settings(max_examples=20, deadline=None)
def test_amazon_ion_reads_what_was_written(draft: BlockDraft) -> None:
    block = form_block(draft)
    summary = simpleion.loads(block.summary.ion.binary())
    assert summary["blockAddress"]["sequenceNo"] == draft.address.sequence_no
    assert [each["statement"] for each in summary["transactionInfo"]["statements"]] == [
        each.text for each in draft.statements
    ]
    for written, revision in zip(draft.revisions, block.revisions, strict=True):
        read: Any = simpleion.loads(revision.ion.binary())
        assert written.data is None or IonSpan.of(read["data"]) == IonSpan.of(written.data)
        assert ("data" in read) == (written.data is not None)
        assert read["metadata"]["version"] == written.version
        assert read["metadata"]["txTime"] == draft.transaction_time


@pytest.mark.parametrize("text", ["{name: 'Ann'}", "note::{a: [sym, {b: 1d-400}], a: 2}", "{}"])
def test_a_document_is_taken_over_as_it_was_written(text: str) -> None:
    data = IonSpan.from_text(text)
    draft = BlockDraft(
        BlockAddress(STRAND, 1),
        HASH,
        STRAND,
        to_timestamp(1),
        to_timestamp(1),
        revisions=[RevisionDraft(STRAND, 0, PERSON, data, (0,))],
    )
    (revision,) = form_block(draft).revisions
    kept = revision.ion.fields()["data"]
    assert kept == data
    assert kept.data[kept.start : kept.end] == data.data[data.start : data.end]
