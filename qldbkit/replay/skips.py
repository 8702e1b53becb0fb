"""Blocks that an operator has ordered to go on over, and what is known to be missing for it.

An order names the block that a strand waits for. It lets the gap before that block be passed. And
it lets the documents of the block, each at the version that the destination had then, go on with a
version that does not follow: what is missing of them stays missing, and `qldbkit compare` shows it
until a later revision brings the whole document.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from qldbkit.journal.model import BlockAddress
from qldbkit.replay.buffer import SettlingBuffer
from qldbkit.replay.fragments import Gap

SKIPS: Final = "skip"
"""The topic of the notes about blocks that were gone on over."""


@dataclass(frozen=True, slots=True)
class Forgiven:
    """Documents that may go on with a version that does not follow.

    Attributes:
        versions: for each, the versions of the destination from which they may; None for a document
            that the destination does not have.
    """

    versions: Mapping[str, Collection[int | None]] = field(default_factory=dict)

    def has(self, document_id: str, version: int | None) -> bool:
        """Whether a document may go on from a version."""
        return version in self.versions.get(document_id, ())


NOTHING_FORGIVEN: Final = Forgiven()


class Skips:
    """The blocks of a replay that were ordered to be gone on over."""

    def __init__(self, buffer: SettlingBuffer):
        """Work with a buffer's notes."""
        self._buffer = buffer

    def add(self, address: BlockAddress, documents: Mapping[str, int | None]) -> None:
        """Note a block, and the versions that the destination has of its documents."""
        name = f"{address.strand_id} {address.sequence_no}"
        self._buffer.note(SKIPS, name, json.dumps(dict(documents), separators=(",", ":")))

    def numbers(self, strand_id: str) -> frozenset[int]:
        """The sequence numbers of the strand's blocks."""
        return frozenset(self._of(strand_id))

    def forgiven(self, strand_id: str) -> Forgiven:
        """What the orders let go on."""
        versions: dict[str, set[int | None]] = {}
        for documents in self._of(strand_id).values():
            for id_, version in documents.items():
                versions.setdefault(id_, set()).add(version)
        return Forgiven(versions)

    def _of(self, strand_id: str) -> dict[int, Mapping[str, int | None]]:
        found = {}
        for name, text in self._buffer.notes(SKIPS).items():
            strand, _, number = name.partition(" ")
            if strand == strand_id:
                found[int(number)] = json.loads(text)
        return found


def let_pass(numbers: Collection[int], gap: Gap, behind: int) -> bool:
    """Whether orders about those blocks let a gap be passed.

    Args:
        numbers: sequence numbers of the blocks that were ordered to be gone on over.
        gap: what has not come.
        behind: the sequence number of the block behind it.
    """
    length = gap.last - gap.first + 1
    return behind in numbers or sum(each in gap for each in numbers) == length
