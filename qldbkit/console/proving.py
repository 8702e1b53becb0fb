"""A proof as a path that a person can follow, and a page can hash again step by step.

The page begins at the bytes of a revision: it gets the metadata and the document as binary Ion.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from qldbkit.console.asked import Answer, Asked
from qldbkit.console.rendering import base64_of
from qldbkit.journal.hashes import dot, merkle_root
from qldbkit.journal.model import BlockAddress, BlockSummary, Revision
from qldbkit.journal.proofs import siblings
from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.ledger import Ledger

DATA_STEP: Final = "data"
REVISION_STEP: Final = "revisions"
ENTRY_STEP: Final = "entries"
PREVIOUS_STEP: Final = "previous"
JOURNAL_STEP: Final = "journal"


@dataclass(frozen=True, slots=True)
class Step:
    """A hash that the hash before it is combined with.

    Attributes:
        kind: what it is of: ``data``, ``revisions`` or ``entries`` of the same block, ``previous``
            block, or ``journal``: blocks of the journal's tree.
        hash: 32 bytes.
        first: the first block that it covers; None for one inside the block.
        last: the last block that it covers; None for one inside the block.
    """

    kind: str
    hash: bytes
    first: int | None = None
    last: int | None = None


class ProofPages:
    """Answers how a block or a revision leads to a digest.

    Args:
        service: the ledgers.
    """

    def __init__(self, service: LedgerService):
        self._service = service

    def proof(self, asked: Asked) -> Answer:
        """The path from a block's entries, or from a document's revision in it, to a digest."""
        ledger = self._service.ledger(asked.ledger)
        number, document = int(asked.names["block"]), asked.parameters.get("document")
        asked_tip = asked.number("tip")
        tip = ledger.state.snapshot if asked_tip is None else asked_tip
        summary = ledger.summary(number)
        journal = list(journal_steps(ledger, number, tip))
        if document:
            address = BlockAddress(ledger.strand_id, number)
            revision, block = ledger.revision(document, address)
            return {
                **_of_revision(revision, block.summary, journal),
                **_common(ledger, number, tip),
                "document": document,
            }
        entries = summary.entries_hash_list
        steps = [Step(PREVIOUS_STEP, summary.previous_block_hash), *journal]
        return {
            **_path(merkle_root(entries), steps),
            **_common(ledger, number, tip),
            "document": None,
            "entries": [base64_of(each) for each in entries],
        }


def journal_steps(ledger: Ledger, number: int, tip: int) -> Iterator[Step]:
    """The steps from a block's hash to the digest at ``tip``, with the blocks that each covers.

    Raises:
        NoSuchBlockError: there is no such block, it is behind ``tip``, or one is missing.
    """
    hashes = ledger.proof(number, tip)
    for each, (first, last) in zip(hashes, covered(number, tip + 1), strict=True):
        yield Step(JOURNAL_STEP, each, first, last)


def covered(leaf: int, size: int) -> Sequence[tuple[int, int]]:
    """The leaves, first and last, under each sibling from leaf number ``leaf`` up to the root.

    The tree over ``size`` leaves is that of `qldbkit.journal.proofs.block_proof`.
    """
    start, end, found = 0, size, []
    while end - start > 1:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if leaf < middle:
            found.append((middle, end - 1))
            end = middle
        else:
            found.append((start, middle - 1))
            start = middle
    return found[::-1]


def block_steps(summary: BlockSummary, revision_hash: bytes) -> Iterator[Step]:
    """The steps from a revision's hash to the hash of its block."""
    revisions = [each.hash for each in summary.revision_summaries]
    entries = list(summary.entries_hash_list)
    for each in siblings(revisions, revisions.index(revision_hash)):
        yield Step(REVISION_STEP, each)
    for each in siblings(entries, entries.index(merkle_root(revisions))):
        yield Step(ENTRY_STEP, each)
    yield Step(PREVIOUS_STEP, summary.previous_block_hash)


def _of_revision(revision: Revision, summary: BlockSummary, journal: Iterable[Step]) -> Answer:
    assert revision.metadata is not None  # it was found by its document
    data = revision.data_hash if revision.data is None else revision.data.hash()
    steps = [Step(DATA_STEP, data or b""), *block_steps(summary, revision.hash), *journal]
    return {
        **_path(revision.metadata.ion.hash(), steps),
        "version": revision.metadata.version,
        "metadata": base64_of(revision.metadata.ion.binary()),
        "data": None if revision.data is None else base64_of(revision.data.binary()),
        "entries": None,
    }


def _path(start: bytes, steps: Iterable[Step]) -> Answer:
    """The steps that there are: an empty hash, such as that before the first block, is none."""
    walked = [each for each in steps if each.hash]
    results = accumulate((each.hash for each in walked), dot, initial=start)
    next(results)
    return {
        "start": base64_of(start),
        "steps": [
            {
                "kind": each.kind,
                "hash": base64_of(each.hash),
                "first": each.first,
                "last": each.last,
                "result": base64_of(result),
            }
            for each, result in zip(walked, results, strict=True)
        ],
    }


def _common(ledger: Ledger, number: int, tip: int) -> Answer:
    return {
        "block": number,
        "tip": tip,
        "digest": base64_of(ledger.digest(tip)),
        "strandId": ledger.strand_id,
    }
