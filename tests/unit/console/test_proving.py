"""A path is a proof: every step of it is what it says it is, and it ends at the digest."""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qldbkit.console.proving import ProofPages, block_steps, covered, journal_steps
from qldbkit.journal.hashes import dot, fold, merkle_root
from qldbkit.journal.model import BlockAddress
from qldbkit.journal.proofs import block_proof, revision_proof
from qldbkit.ledger.ledger import NoSuchBlockError


@given(st.integers(1, 70).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
def test_each_step_of_the_journals_tree_names_the_blocks_under_it(chosen: tuple[int, int]) -> None:
    size, leaf = chosen
    leaves = [sha256(bytes([each])).digest() for each in range(size)]

    def node(level: int, index: int) -> bytes:
        return merkle_root(leaves[index << level : (index + 1) << level])

    proof = block_proof(leaf, size, node)
    assert [merkle_root(leaves[first : last + 1]) for first, last in covered(leaf, size)] == proof


@pytest.fixture
def orders(served: Any) -> Any:
    served.run("CREATE TABLE Car")
    for count in (1, 2, 3, 7):
        served.run(*[("INSERT INTO Car ?", {"n": each}) for each in range(count)])
    served.run("DELETE FROM Car WHERE n = 6")
    return served


def walked(answer: Any) -> bytes:
    """What a path leads to, step by step, as a reader hashes it."""
    now = b64decode(answer["start"])
    for each in answer["steps"]:
        now = dot(now, b64decode(each["hash"]))
        assert now == b64decode(each["result"])
    return now


def test_every_block_leads_to_every_digest_that_covers_it(orders: Any, ask: Any) -> None:
    pages, latest = ProofPages(orders.service), orders.ledger.state.snapshot
    for block in range(latest + 1):
        for tip in range(block, latest + 1):
            found = pages.proof(ask({"block": str(block)}, tip=tip))
            entries = [b64decode(each) for each in found["entries"]]
            assert merkle_root(entries) == b64decode(found["start"])
            assert walked(found) == orders.ledger.digest(tip) == b64decode(found["digest"])


def test_every_revision_leads_to_the_digest_over_its_own_hash(orders: Any, ask: Any) -> None:
    pages, ledger = ProofPages(orders.service), orders.ledger
    digest = ledger.digest(ledger.state.snapshot)
    for block in range(2, ledger.state.snapshot + 1):
        for document in ledger.summary(block).document_ids:
            found = pages.proof(ask({"block": str(block)}, document=document))
            revision, _ = ledger.revision(document, BlockAddress(ledger.strand_id, block))
            passed = [found["start"], *(each["result"] for each in found["steps"])]
            assert revision.hash in map(b64decode, passed)
            assert walked(found) == digest


def test_the_steps_are_those_of_getrevision(orders: Any) -> None:
    ledger = orders.ledger
    tip = ledger.state.snapshot
    for block in range(2, tip + 1):
        summary = ledger.summary(block)
        for each in summary.revision_summaries:
            steps = [*block_steps(summary, each.hash), *journal_steps(ledger, block, tip)]
            expected = revision_proof(summary, each.hash, ledger.proof(block, tip))
            assert [step.hash for step in steps] == expected
            assert fold([each.hash, *expected]) == ledger.digest(tip)


def test_the_covered_blocks_grow_without_a_hole(orders: Any) -> None:
    tip = orders.ledger.state.snapshot
    ranges = [(each.first, each.last) for each in journal_steps(orders.ledger, 3, tip)]
    seen = {3}
    for first, last in ranges:
        assert seen.isdisjoint(range(first, last + 1))
        seen |= set(range(first, last + 1))
        assert all(later - earlier == 1 for earlier, later in pairwise(sorted(seen)))
    assert seen == set(range(tip + 1))


def test_a_digest_that_does_not_cover_the_block_proves_nothing(orders: Any, ask: Any) -> None:
    pages = ProofPages(orders.service)
    for asked in (
        ask({"block": "4"}, tip=3),
        ask({"block": "4"}, tip=99),
        ask({"block": "99"}),
        ask({"block": "1"}, document="nowhere"),
    ):
        with pytest.raises(NoSuchBlockError):
            pages.proof(asked)
