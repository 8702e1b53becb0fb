"""Digests and proofs: the Merkle tree over a journal's block hashes.

Leaf *i* is the hash of the block with sequence number *i*; pairs are combined by `dot`, an odd
last node is promoted. So every node over a whole power of two of leaves never changes again: a
ledger keeps those (`completed_nodes`), and finds any digest or proof, also one of the past, with
a number of them that grows with the logarithm of the journal's length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from qldbkit.journal.hashes import dot, fold, merkle_root, next_level
from qldbkit.journal.model import BlockSummary

Node = Callable[[int, int], bytes]
"""The hash of the complete node at (level, index): over leaves index * 2^level and on."""


def completed_nodes(leaf: int) -> Iterator[tuple[int, int]]:
    """The nodes (level, index) that are complete once leaf number ``leaf`` is there."""
    level, index = 0, leaf
    yield level, index
    while index % 2:
        level, index = level + 1, index // 2
        yield level, index


def digest(size: int, node: Node) -> bytes:
    """The root of the tree over the first ``size`` leaves; empty for none."""
    return _range_root(0, size, node)


def block_proof(leaf: int, size: int, node: Node) -> list[bytes]:
    """The siblings from leaf number ``leaf`` up to the root of the tree over ``size`` leaves."""
    if not 0 <= leaf < size:
        raise ValueError(f"leaf {leaf} is not in a tree of {size}")
    start, end, siblings = 0, size, []
    while end - start > 1:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if leaf < middle:
            siblings.append(_range_root(middle, end, node))
            end = middle
        else:
            siblings.append(_range_root(start, middle, node))
            start = middle
    return siblings[::-1]


def revision_proof(
    summary: BlockSummary, revision_hash: bytes, proof_of_block: Sequence[bytes]
) -> list[bytes]:
    """The proof of one of a block's revisions.

    Its siblings in the tree of the block's revisions, then those in the tree of its entries, the
    previous block's hash, and the block's own proof.

    Raises:
        ValueError: the block did not commit a revision with that hash.
    """
    revisions = [each.hash for each in summary.revision_summaries]
    if revision_hash not in revisions:
        raise ValueError("the block has no such revision")
    entries = list(summary.entries_hash_list)
    entry = merkle_root(revisions)
    path = [
        *siblings(revisions, revisions.index(revision_hash)),
        *siblings(entries, entries.index(entry)),
        summary.previous_block_hash,
        *proof_of_block,
    ]
    return [each for each in path if each]


def siblings(leaves: Sequence[bytes], position: int) -> list[bytes]:
    """The siblings of the leaf at ``position``, from the leaves up; a promoted node has none."""
    found, level = [], list(leaves)
    while len(level) > 1:
        sibling = position ^ 1
        if sibling < len(level):
            found.append(level[sibling])
        level, position = next_level(level), position // 2
    return found


def proves(leaf_hash: bytes, proof: Sequence[bytes], expected_digest: bytes) -> bool:
    """Whether a proof leads from a block's or revision's hash to a digest."""
    return fold((leaf_hash, *proof)) == expected_digest


def _range_root(start: int, end: int, node: Node) -> bytes:
    """The root over leaves ``start`` to ``end``, where the range begins on its own boundary."""
    peaks = []
    while start < end:
        level = (end - start).bit_length() - 1
        peaks.append(node(level, start >> level))
        start += 1 << level
    root = b""
    for peak in reversed(peaks):
        root = dot(peak, root)
    return root
