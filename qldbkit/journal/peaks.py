"""A journal's digest, computed block by block."""

from __future__ import annotations

from qldbkit.journal.hashes import EMPTY, dot


class Peaks:
    """The tree over block hashes, of which only the roots of complete subtrees are kept.

    Their number grows with the logarithm of the journal's length.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def add(self, block_hash: bytes) -> None:
        """Add the hash of the next block."""
        node, index = block_hash, self.size
        while index % 2:
            node, index = dot(self._peaks.pop(), node), index // 2
        self._peaks.append(node)
        self.size += 1

    def digest(self) -> bytes:
        """The digest of the blocks so far; empty for none."""
        root = EMPTY
        for peak in reversed(self._peaks):
            root = dot(peak, root)
        return root
