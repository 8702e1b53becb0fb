"""What a ledger needs from the storage that holds it.

A ledger knows its storage only through `Storage` and `StorageWriter`; `qldbkit.ledger.sqlite` is
the implementation. Everything is kept by sequence number: a revision and an index entry carry the
number of the block that made them and of the one that ended them, so that a read names a snapshot
and sees the same thing whatever is written meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from qldbkit.errors import QldbkitError
from qldbkit.ledger.catalog import Catalog

CURRENT: Final = (1 << 63) - 1
"""The end of what no block has ended yet."""
ORDINAL_BITS: Final = 16
MAX_REVISIONS_PER_BLOCK: Final = 1 << ORDINAL_BITS
MAX_SEQUENCE_NO: Final = (1 << 63 - ORDINAL_BITS) - 1
"""The largest that leaves room for a revision's place in what SQLite holds as an integer."""


class StorageError(QldbkitError):
    """The ledger's storage cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which ledger a storage holds."""

    ledger_id: str
    ledger_name: str
    strand_id: str


@dataclass(frozen=True, slots=True)
class Tip:
    """The latest block.

    Attributes:
        sequence_no: its number.
        block_hash: 32 bytes.
        block_time: its timestamp, milliseconds since 1970.
    """

    sequence_no: int
    block_hash: bytes
    block_time: int


class StoredRevision(NamedTuple):
    """A revision of a document.

    A tuple, as storage takes and gives it: there are more of these than of anything else.

    Attributes:
        revision_id: its block's sequence number and its place in the block, in one number.
        table_id: its document's table.
        document_id: its document.
        version: from 0.
        ended: the sequence number of the block with the next revision, or `CURRENT`.
        hash: 32 bytes.
        metadata: binary Ion.
        data: binary Ion; None when the document was deleted or the revision redacted.
        data_hash: of the data that a redaction removed; None otherwise.
    """

    revision_id: int
    table_id: str
    document_id: str
    version: int
    ended: int
    hash: bytes
    metadata: bytes
    data: bytes | None
    data_hash: bytes | None

    @property
    def sequence_no(self) -> int:
        """The block that made it."""
        return self.revision_id >> ORDINAL_BITS

    @property
    def ordinal(self) -> int:
        """Its place among the block's revision summaries."""
        return self.revision_id & (MAX_REVISIONS_PER_BLOCK - 1)

    @property
    def deleted(self) -> bool:
        """Whether it is the deletion of its document."""
        return self.data is None and self.data_hash is None


def revision_number(sequence_no: int, ordinal: int) -> int:
    """A revision's id: its block's number, then its place in the block."""
    if ordinal >= MAX_REVISIONS_PER_BLOCK:
        raise StorageError(
            f"a block of more than {MAX_REVISIONS_PER_BLOCK} revisions cannot be stored",
            position=f"sequence number {sequence_no}",
        )
    return sequence_no << ORDINAL_BITS | ordinal


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A document's value of an indexed field, by its index key."""

    index_id: str
    key: bytes
    document_id: str


@dataclass(frozen=True, slots=True)
class Redaction:
    """A revision whose data is to be replaced by its hash."""

    revision_id: int
    document_id: str
    data_hash: bytes


@dataclass(frozen=True, slots=True)
class BlockChanges:
    """Everything that one block does to a storage.

    Attributes:
        tip: the block itself.
        transaction_time: milliseconds since 1970; the revisions' txTime where there are any.
        summary: binary Ion of the block with ``revisionSummaries``.
        revisions: those it made, each of which ends its document's revision before.
        added_entries: index entries that begin with it.
        ended_entries: index entries that end with it.
        redactions: revisions that lose their data.
        nodes: the nodes (level, index, hash) of the journal's tree that are complete with it.
        catalog: the tables from here on; None when they are as they were.
    """

    tip: Tip
    transaction_time: int
    summary: bytes
    revisions: tuple[StoredRevision, ...]
    added_entries: tuple[IndexEntry, ...]
    ended_entries: tuple[IndexEntry, ...]
    redactions: tuple[Redaction, ...]
    nodes: tuple[tuple[int, int, bytes], ...]
    catalog: Catalog | None


class StorageReader(Protocol):
    """Reads, each of one consistent state."""

    def current(self, document_id: str) -> StoredRevision | None:
        """The latest revision of a document, be it its deletion."""

    def revision_at(self, sequence_no: int, document_id: str) -> StoredRevision | None:
        """The revision of a document that a block made."""

    def node(self, level: int, index: int) -> bytes | None:
        """A complete node of the journal's tree; None when it is not known."""


class StorageWriter(StorageReader, Protocol):
    """One durable change: all of it is there after the context ends without error, or none."""

    def append(self, changes: BlockChanges) -> None:
        """Write a block with everything that it does."""

    def save_catalog(self, catalog: Catalog) -> None:
        """Write the tables and indexes as they are now."""

    def current_after(self, table_id: str, revision_id: int, count: int) -> list[StoredRevision]:
        """Up to ``count`` of a table's current documents, by revision id, behind that one."""

    def add_entry(self, entry: IndexEntry, begun: int) -> None:
        """Add an index entry that begins with block ``begun``, if it is not there."""

    def remove_entries(self, index_id: str, count: int) -> int:
        """Remove up to ``count`` entries of an index; how many it were."""

    def forget_entries(self, before: int) -> None:
        """Remove the index entries that no snapshot from ``before`` on can see."""


class Storage(StorageReader, Protocol):
    """A ledger's durable state. Safe to use from several threads."""

    def identity(self) -> Identity:
        """Which ledger it holds."""

    def tip(self) -> Tip | None:
        """The latest block; None before the first one."""

    def catalog(self) -> Catalog:
        """The tables and indexes of the latest state."""

    def writing(self, *, bulk: bool = False) -> AbstractContextManager[StorageWriter]:
        """Begin a change, with ``bulk`` one of very many; one at a time, others wait."""

    def summary(self, sequence_no: int) -> bytes | None:
        """A block's binary Ion, with ``revisionSummaries``."""

    def summaries(self, first: int, count: int) -> list[tuple[int, bytes]]:
        """Up to ``count`` blocks from number ``first`` on, with their numbers."""

    def revisions_of(self, sequence_no: int) -> list[StoredRevision]:
        """The revisions that a block made, in its order."""

    def visible(self, table_id: str, snapshot: int) -> Sequence[int]:
        """The ids of the revisions that are a table's documents at a snapshot."""

    def active_between(
        self, table_id: str, first: int, last: int, document_ids: Sequence[str] | None
    ) -> Sequence[int]:
        """The ids of a table's revisions that were the latest at ``first``, or made up to ``last``.

        In the order in which they were made; only those of ``document_ids`` unless None.
        """

    def load(self, revision_ids: Sequence[int]) -> Iterator[StoredRevision]:
        """The revisions of those ids, in their order."""

    def documents(
        self, table_id: str, document_ids: Sequence[str], snapshot: int
    ) -> Iterator[StoredRevision]:
        """A table's documents of those ids at a snapshot; an id without one is left out."""

    def newest(self, table_id: str, before: int, count: int) -> list[StoredRevision]:
        """Up to ``count`` of a table's current documents, newest first.

        Only those whose revision id is below ``before``.
        """

    def versions(self, document_id: str, until: int, count: int) -> list[StoredRevision]:
        """Up to ``count`` of a document's revisions, newest first.

        Only those that block ``until``, or one before it, ended; all for `CURRENT`.
        """

    def indexed(self, index_id: str, keys: Sequence[bytes], snapshot: int) -> list[str]:
        """The ids of the documents that an index has under ``keys`` at a snapshot, each once."""

    def sequence_by_transaction_time(self, moment: int) -> int:
        """The latest block whose transaction time is at or before ``moment``; -1 for none."""

    def sequence_by_block_time(self, moment: int) -> int:
        """The first block whose timestamp is at or after ``moment``; behind the tip for none."""

    def erase_traces(self) -> None:
        """Let nothing that was overwritten stay readable in the files."""

    def close(self) -> None:
        """Release what is open."""
