"""QLDB's hashes and proofs: on real service output, and as properties."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from amazon.ion import simpleion
from hypothesis import given
from hypothesis import strategies as st

from qldbkit.journal.blocks import decode_block, exported_struct
from qldbkit.journal.decoding import revision
from qldbkit.journal.hashes import (
    commit_digest,
    dot,
    fold,
    ion_hash,
    merkle_root,
    statement_digest,
)
from qldbkit.journal.integrity import IntegrityError, verify_block, verify_link
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.proofs import block_proof, completed_nodes, digest, proves, revision_proof

HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=40)


class Golden:
    """A real block, a real revision of it, both proofs and a real digest."""

    def __init__(self, file: Path):
        answers = json.loads(file.read_text())
        self.block = decode_block(self.ion(answers["GetBlock"]["Block"]).binary())
        self.block_proof = [
            each.blob() for each in self.ion(answers["GetBlock"]["Proof"]).elements()
        ]
        self.revision = revision(self.ion(answers["GetRevision"]["Revision"]))
        proof = self.ion(answers["GetRevision"]["Proof"])
        self.revision_proof = [each.blob() for each in proof.elements()]
        self.digest = base64.b64decode(answers["GetDigest"]["Digest"])

    @staticmethod
    def ion(holder: dict[str, str]) -> IonSpan:
        return IonSpan.from_text(holder["IonText"])


@pytest.fixture(scope="module")
def golden(shared_data: Path) -> Golden:
    return Golden(shared_data / "samples/block-revision-digest-proofs.json")


def test_the_real_block_verifies(golden: Golden) -> None:
    verify_block(golden.block)


def test_the_real_proofs_lead_to_the_real_digest(golden: Golden) -> None:
    assert proves(golden.block.summary.block_hash, golden.block_proof, golden.digest)
    assert proves(golden.revision.hash, golden.revision_proof, golden.digest)


def test_the_real_revision_proof_is_built_from_the_block_proof(golden: Golden) -> None:
    built = revision_proof(golden.block.summary, golden.revision.hash, golden.block_proof)
    assert built == golden.revision_proof


@pytest.mark.parametrize("name", ["block_proof", "revision_proof"])
def test_a_changed_proof_does_not(golden: Golden, name: str) -> None:
    proof = list(getattr(golden, name))
    proof[0] = bytes(32)
    start = golden.block.summary.block_hash if name == "block_proof" else golden.revision.hash
    assert not proves(start, proof, golden.digest)


def test_an_exported_block_survives_being_written_again(golden: Golden) -> None:
    again = decode_block(simpleion.dumps(exported_struct(golden.block), binary=True))
    verify_block(again)
    assert again.summary.ion == golden.block.summary.ion


def changed(fields: dict[str, Any], path: tuple[Any, ...], value: Any) -> bytes:
    inner: Any = fields
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return bytes(simpleion.dumps(fields, binary=True))


CHANGES: dict[str, tuple[tuple[Any, ...], Any]] = {
    "data": (("revisions", 0, "data", "City"), "Tacoma"),
    "version": (("revisions", 0, "metadata", "version"), 4),
    "revision hash": (("revisions", 0, "hash"), bytes(32)),
    "statement": (("transactionInfo", "statements", 0, "statement"), "SELECT 1 FROM t"),
    "entries": (("entriesHashList", 0), bytes(32)),
    "entries hash": (("entriesHash",), bytes(32)),
    "block hash": (("blockHash",), bytes(32)),
    "previous": (("previousBlockHash",), bytes(32)),
    "no revision": (("revisions",), []),
    "address of the revision": (("revisions", 0, "blockAddress", "sequenceNo"), 99),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_to_the_real_block_is_found(golden: Golden, change: str) -> None:
    path, value = CHANGES[change]
    damaged = decode_block(changed(exported_struct(golden.block), path, value))
    if change == "no revision":
        # An exported block without its revisions says itself that it has none; its hashes do not.
        assert merkle_root([golden.revision.hash]) in damaged.summary.entries_hash_list
        return
    with pytest.raises(IntegrityError, match="sequence number 100"):
        verify_block(damaged)


def test_a_broken_link_names_both_blocks(golden: Golden) -> None:
    summary = golden.block.summary
    verify_link(summary.address, summary.previous_block_hash, summary)
    with pytest.raises(IntegrityError, match="previousBlockHash is not the hash of the block"):
        verify_link(summary.address, bytes(32), summary)


def test_real_statement_digests_cover_no_parameters_for_literals(golden: Golden) -> None:
    info = golden.block.summary.transaction_info
    assert info is not None
    statement = info.statements[0]
    assert statement_digest(statement.statement, []) == statement.statement_digest


def test_real_statement_digests_cover_parameters(shared_data: Path) -> None:
    record = simpleion.loads((shared_data / "samples/block-summary.ion").read_text())
    first = record["payload"]["transactionInfo"]["statements"][0]
    digest_ = statement_digest(first["statement"], ["testuser@gmail.com"])
    assert digest_ == bytes(first["statementDigest"])


def test_the_commit_digest_is_the_drivers_left_fold() -> None:
    one, two = statement_digest("SELECT 1", []), statement_digest("SELECT 2", [3])
    assert commit_digest("tx", [one, two]) == dot(dot(IonSpan.of("tx").hash(), one), two)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_dot_does_not_depend_on_the_order(one: bytes, two: bytes) -> None:
    assert dot(one, two) == dot(two, one)
    assert dot(one, b"") == dot(b"", one) == one


def test_dot_compares_signed_bytes_from_the_end() -> None:
    from hashlib import sha256

    low, high = bytes(31) + b"\x80", bytes(31) + b"\x7f"
    assert dot(high, low) == sha256(low + high).digest()


@given(HASHES)
def test_kept_nodes_give_every_digest_and_proof(hashes: list[bytes]) -> None:
    nodes: dict[tuple[int, int], bytes] = {}
    for leaf, leaf_hash in enumerate(hashes):
        for level, index in completed_nodes(leaf):
            nodes[level, index] = (
                leaf_hash
                if level == 0
                else dot(nodes[level - 1, 2 * index], nodes[level - 1, 2 * index + 1])
            )
    for size in range(len(hashes) + 1):
        root = digest(size, lambda level, index: nodes[level, index])
        assert root == merkle_root(hashes[:size])
        for leaf in range(size):
            proof = block_proof(leaf, size, lambda level, index: nodes[level, index])
            assert fold((hashes[leaf], *proof)) == root


@given(st.text())
def test_a_text_has_the_hash_of_its_ion(text: str) -> None:
    assert ion_hash(text) == IonSpan.of(text).hash()
