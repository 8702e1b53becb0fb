"""What replay needs of a destination; anything that can keep this contract can be one.

To add a destination, write one module with a class that has `Destination`'s methods. What is
applied, and whether it may be, is decided by `qldbkit.replay.changes`; a destination only reads
its bookkeeping, writes what it is told, and commits both at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from qldbkit.journal.ion import IonSpan
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.plan import CreateIndex, CreateTable, DropIndex, DropTable
from qldbkit.replay.tables import TableBook


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """A source document that the destination holds, or held.

    A document gets one revision in the destination for each that it gets in the source, so the
    map's row never changes: the source's version follows from the destination's.

    Attributes:
        source_id: the document's id in the source.
        destination_id: its id in the destination; empty if it was first seen when it was deleted.
        table: the table that it is in.
        base_version: the source's version with which it came.
        destination_version: the destination's version, from 0; None once it is deleted.
    """

    source_id: str
    destination_id: str
    table: str
    base_version: int
    destination_version: int | None

    @property
    def version(self) -> int | None:
        """The source's version that the destination holds; None once it is deleted."""
        if self.destination_version is None:
            return None
        return self.base_version + self.destination_version


@dataclass(frozen=True, slots=True)
class InsertDocument:
    """Insert a document, and enter it in the map."""

    table: str
    source_id: str
    base_version: int
    data: IonSpan


@dataclass(frozen=True, slots=True)
class EnterDeletion:
    """Enter a document in the map that was deleted before it was ever here.

    An earlier revision of it that comes late must not bring it to life.
    """

    table: str
    source_id: str
    base_version: int


@dataclass(frozen=True, slots=True)
class ReplaceDocument:
    """Replace a document whole."""

    entry: DocumentEntry
    data: IonSpan


@dataclass(frozen=True, slots=True)
class DeleteDocument:
    """Delete a document; its entry in the map stays."""

    entry: DocumentEntry


@dataclass(frozen=True, slots=True)
class RedactDocument:
    """Remove the data of a document's earlier revision; the version is the destination's."""

    entry: DocumentEntry
    destination_version: int


@dataclass(frozen=True, slots=True)
class UndropTableById:
    """Make the inactive table with that id of the destination active again."""

    destination_id: str


DocumentChange = InsertDocument | EnterDeletion | ReplaceDocument | DeleteDocument | RedactDocument
CatalogChange = CreateTable | DropTable | UndropTableById | CreateIndex | DropIndex
Change = DocumentChange | CatalogChange


@dataclass(frozen=True, slots=True)
class State:
    """What a destination's transaction has read.

    Attributes:
        checkpoint: None for a strand that the destination does not know.
        tables: the source's tables, as the replay knows them.
        documents: by source id, those of the asked ones that the destination holds or held.
    """

    checkpoint: Checkpoint | None
    tables: TableBook
    documents: Mapping[str, DocumentEntry]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a destination's transaction is to write.

    Attributes:
        changes: in order; documents between two changes of tables are each touched once.
        checkpoint: to be written in any case.
        tables: None if they have not changed.
    """

    changes: tuple[Change, ...]
    checkpoint: Checkpoint
    tables: TableBook | None


Decide = Callable[[State], Changes]


class Destination(Protocol):
    """A place that a journal is replayed into."""

    def checkpoint(self, strand_id: str) -> Checkpoint | None:
        """How far the strand has been applied; None if nothing of it has.

        Reads what is committed; whoever acts on it is fenced by `transact`.
        """

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        """Read the bookkeeping, let ``decide`` say what to write, write it and commit, or none.

        Args:
            strand_id: whose bookkeeping to read.
            documents: source ids whose entries to read.
            decide: has no effects of its own, and may be called again when the transaction has to
                be, each time with what was then read. What it raises ends the transaction with
                nothing written, and is raised from here.

        Returns:
            The checkpoint that was written. It, the map and the documents are visible at once.

        Two transactions that write one strand's checkpoint conflict: one of them is done again.
        When the commit's outcome is unknown, an error is raised, and what `checkpoint` then says
        is what happened.

        Changes mean:

        - `CreateTable`, `CreateIndex`: nothing if it is there. `DropTable`: nothing if not.
        - `DropIndex` names the source's index, which the destination cannot know: it drops the
          table's index if there is only one, and otherwise keeps an index that only costs room.
        - `RedactDocument`: of a revision that is not there, nothing.
        """
