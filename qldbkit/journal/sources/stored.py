"""A block as it was found in a source: its parts, as they were written, and where.

Parts are bytes, so that they can be put in order on disk and sent to other processes before
anybody decodes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, NamedTuple, Protocol

from qldbkit.journal.findings import Finding, Place
from qldbkit.journal.kernel import constructor
from qldbkit.journal.model import BlockAddress


class PartKind(IntEnum):
    """What a part is, and how it is encoded."""

    BLOCK = 0
    """An exported block with its revisions, binary Ion."""
    BLOCK_TEXT = 1
    """The same in Ion text."""
    BLOCK_JSON = 2
    """The same down-converted to JSON; types, and so most hashes, are lost."""
    SUMMARY_RECORD = 3
    """A stream's BLOCK_SUMMARY record."""
    REVISION_RECORD = 4
    """A stream's REVISION_DETAILS record."""
    SUMMARY = 5
    """A block with ``revisionSummaries``, binary Ion."""
    REVISION = 6
    """A revision, binary Ion."""


class Part(NamedTuple):
    """A piece of a block; a tuple, since there are as many as records.

    Attributes:
        kind: what it is.
        data: its bytes.
        place: where they were read; None for those of a ledger.
        stream_arn: the journal stream that carried it; None for other forms.
    """

    kind: PartKind
    data: bytes
    place: Place | None = None
    stream_arn: str | None = None


@dataclass(frozen=True, slots=True)
class BlockRange:
    """The blocks that an object should have, by its name.

    Attributes:
        strand_id: their strand.
        first: the lowest sequence number.
        last: the highest one.
    """

    strand_id: str
    first: int
    last: int

    def __contains__(self, address: BlockAddress) -> bool:
        """Whether a block is among them."""
        same = address.strand_id == self.strand_id
        return same and self.first <= address.sequence_no <= self.last


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """All the parts of one block, each as often as it was found with different bytes.

    Attributes:
        address: the block's; None where it is known only after decoding.
        parts: a block, or a summary and revisions.
        within: where the block should stand; None where nothing says so.
    """

    address: BlockAddress | None
    parts: tuple[Part, ...]
    within: BlockRange | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the fields' values, in a third of the time that dataclasses take."""
        return StoredBlock, (self.address, self.parts, self.within)


new_stored_block: Final = constructor(StoredBlock)
"""Makes one quickly, of all its values."""


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """What a source is.

    Attributes:
        form: e.g. ``journal export``.
        location: where it is.
        objects: how many objects it consists of; None for a ledger.
        contiguous: whether every block must be there. An archive of a stream need not have the
            blocks without revisions, which QLDB does not promise to stream.
    """

    form: str
    location: str
    objects: int | None
    contiguous: bool


class JournalSource(Protocol):
    """A journal, or a part of one, in one of the forms in which people hold them."""

    def describe(self) -> SourceDescription:
        """What it is."""

    def stored_blocks(self) -> Iterator[StoredBlock | Finding]:
        """Every block, strand by strand in sequence order, and what could not be read as one.

        In bounded memory, from the beginning each time it is called. An export's blocks come in
        the order in which they stand.
        """

    def expected_blocks(self) -> int | None:
        """How many blocks there probably are, for showing progress; None while it is not known."""
