"""QLDB's hashes: how revisions, blocks, statements and transactions are bound together.

The rules were computed on real journal records; AWS's verification samples show the same ones.
A QLDB hash is 32 bytes, or empty where there is nothing to hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from hashlib import sha256
from typing import Any, Final

from qldbkit.journal import kernel
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.ionhash import END, escape

HASH_SIZE: Final = 32
EMPTY: Final = b""
_TO_SIGNED: Final = bytes((each + 128) % 256 for each in range(256))


def ion_hash(value: Any) -> bytes:
    """The Ion hash (SHA-256, 32 bytes) of an amazon.ion value, a plain Python value or a span."""
    return text_hash(value) if type(value) is str else IonSpan.of(value).hash()


def text_hash(text: str) -> bytes:
    """The Ion hash of a string, without writing it as Ion."""
    return sha256(b"\x0b\x80" + escape(text.encode()) + END).digest()


def dot(left: bytes, right: bytes) -> bytes:
    """Combine two hashes: SHA-256 of both, the smaller first; an empty one leaves the other.

    Hashes are compared as signed bytes from the last to the first.
    """
    answer = kernel.dot(left, right)
    if answer is not None:
        return answer
    if not left:
        return right
    if not right:
        return left
    # Adding 128 to every byte turns the signed comparison into the one that bytes have.
    if left.translate(_TO_SIGNED)[::-1] < right.translate(_TO_SIGNED)[::-1]:
        return sha256(left + right).digest()
    return sha256(right + left).digest()


def fold(hashes: Iterable[bytes]) -> bytes:
    """Combine hashes from the left; empty for none."""
    return reduce(dot, hashes, EMPTY)


def next_level(hashes: Sequence[bytes]) -> list[bytes]:
    """The Merkle tree level above ``hashes``: pairs combined, an odd last one promoted."""
    paired = [dot(hashes[at], hashes[at + 1]) for at in range(0, len(hashes) - 1, 2)]
    return [*paired, hashes[-1]] if len(hashes) % 2 else paired


def merkle_root(hashes: Sequence[bytes]) -> bytes:
    """The root of the Merkle tree over ``hashes``; empty for none."""
    answer = kernel.merkle_root(hashes)
    if answer is not None:
        return answer
    level = list(hashes)
    while len(level) > 1:
        level = next_level(level)
    return level[0] if level else EMPTY


def revision_hash(metadata: IonSpan, data: IonSpan | None, data_hash: bytes | None) -> bytes:
    """The hash of a revision.

    Args:
        metadata: the revision's metadata.
        data: the document; None when it was deleted or redacted.
        data_hash: what a redacted revision has in its data's place.
    """
    answer = None if data is None else kernel.revision_hash(metadata, data)
    if answer is not None:
        return answer
    return dot(metadata.hash(), data.hash() if data is not None else data_hash or EMPTY)


def block_hash(entries_hash: bytes, previous_block_hash: bytes) -> bytes:
    """The hash of a block; the first block of a strand has an empty previous hash."""
    return dot(entries_hash, previous_block_hash)


def statement_digest(statement: str, parameters: Sequence[Any]) -> bytes:
    """The digest of a statement and the values of its parameters."""
    return fold((ion_hash(statement), *map(ion_hash, parameters)))


def commit_digest(transaction_id: str | IonSpan, statement_digests: Iterable[bytes]) -> bytes:
    """What the driver and the ledger compare when a transaction commits."""
    return fold((ion_hash(transaction_id), *statement_digests))
