"""What replay needs of a destination; anything that can keep this contract can be one.

To add a destination, write one module with a class that has `Destination`'s methods. What is
applied, and whether it may be, is decided by `qldbkit.replay.changes`; a destination only reads
its bookkeeping, writes what it is told, and commits both at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import BlockSummary, Revision
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.plan import CreateIndex, CreateTable, DropIndex, DropTable
from qldbkit.replay.tables import TableBook


@dataclass(frozen=True, slots=True)
class EarlierVersions:
    """Versions that a document had in the destination before it was repaired.

    Attributes:
        destination_id: the id that it then had.
        base_version: what has to be added to a version of then for the source's.
        end: the first of the destination's versions that is not among them; None if none is, since
            the document was deleted.
    """

    destination_id: str
    base_version: int
    end: int | None


class DocumentEntry(NamedTuple):
    """A source document that the destination holds, or held.

    A document gets one revision in the destination for each that it gets in the source, so the
    map's row never changes: the source's version follows from the destination's. Only a repair,
    which writes a revision that the source does not have, changes it.

    Attributes:
        source_id: the document's id in the source.
        destination_id: its id in the destination; empty if it was first seen when it was deleted.
        table: the table that it is in.
        base_version: what has to be added to the destination's version for the source's; the
            source's version with which the document came, unless it was repaired.
        destination_version: the destination's version, from 0; None once it is deleted.
        earlier: its versions before each of its repairs.
    """

    source_id: str
    destination_id: str
    table: str
    base_version: int
    destination_version: int | None
    earlier: tuple[EarlierVersions, ...] = ()

    @property
    def version(self) -> int | None:
        """The source's version that the destination holds; None once it is deleted."""
        if self.destination_version is None:
            return None
        return self.base_version + self.destination_version

    def at(self, version: int | None) -> DocumentEntry:
        """The entry once the destination holds that version of the source; None: it is deleted."""
        shown = None if version is None else version - self.base_version
        return DocumentEntry(*self[:4], shown, self.earlier)

    def place_of(self, version: int) -> tuple[str, int] | None:
        """The destination's id and version of a version of the source; None if it never came."""
        end: int | None = None
        spans = [*self.earlier, EarlierVersions(self.destination_id, self.base_version, end)]
        begins = [0, *(self._next_begin(each) for each in self.earlier)]
        for span, begin in reversed(list(zip(spans, begins, strict=True))):
            at = version - span.base_version
            if span.destination_id and at >= begin and (span.end is None or at < span.end):
                return span.destination_id, at
        return None

    @staticmethod
    def _next_begin(span: EarlierVersions) -> int:
        """Where the versions behind a repair begin: in the same document, or in a new one."""
        return 0 if span.end is None else span.end


class InsertDocument(NamedTuple):
    """Insert a document, and enter it in the map.

    ``revision`` is here, and in the changes below, the source's: a view keeps what a ledger makes
    anew, such as the time and the hash. A repair has documents, and may have no revisions.
    """

    table: str
    source_id: str
    base_version: int
    data: IonSpan
    revision: Revision | None = None


@dataclass(frozen=True, slots=True)
class EnterDeletion:
    """Enter a document in the map that was deleted before it was ever here.

    An earlier revision of it that comes late must not bring it to life.
    """

    table: str
    source_id: str
    base_version: int
    revision: Revision


class ReplaceDocument(NamedTuple):
    """Replace a document whole."""

    entry: DocumentEntry
    data: IonSpan
    revision: Revision


class DeleteDocument(NamedTuple):
    """Delete a document; its entry in the map stays."""

    entry: DocumentEntry
    revision: Revision | None = None


@dataclass(frozen=True, slots=True)
class RedactDocument:
    """Remove the data of a document's earlier revision; the version is the destination's."""

    entry: DocumentEntry
    destination_version: int


@dataclass(frozen=True, slots=True)
class RepairDocument:
    """Replace a document that is not what it should be, and say so in the map.

    The new revision is the source's ``version``.
    """

    entry: DocumentEntry
    version: int
    data: IonSpan

    @property
    def repaired(self) -> DocumentEntry:
        """The document's new entry."""
        entry, before = self.entry, self.entry.destination_version
        assert before is not None  # a deleted document is revived
        now = before + 1
        past = EarlierVersions(entry.destination_id, entry.base_version, now)
        return entry._replace(
            base_version=self.version - now,
            destination_version=now,
            earlier=(*entry.earlier, past),
        )


@dataclass(frozen=True, slots=True)
class ReviveDocument:
    """Insert a document again that should not have been deleted, and say so in the map."""

    entry: DocumentEntry
    version: int
    data: IonSpan

    def repaired(self, destination_id: str) -> DocumentEntry:
        """The document's new entry, with the id that it was inserted under."""
        entry = self.entry
        past = EarlierVersions(entry.destination_id, entry.base_version, None)
        return entry._replace(
            destination_id=destination_id,
            base_version=self.version,
            destination_version=0,
            earlier=(*entry.earlier, past) if entry.destination_id else entry.earlier,
        )


@dataclass(frozen=True, slots=True)
class RecordRepair:
    """Write down, beside what was repaired, what was done; the checkpoint is the position.

    Attributes:
        at: when, in UTC, as ISO 8601 writes it.
        who: who ordered it.
        source: what it was repaired from.
        documents: names and source versions, as ``table: id at version``.
    """

    at: str
    who: str
    source: str
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UndropTableById:
    """Make the inactive table with that id of the destination active again."""

    destination_id: str


DocumentChange = InsertDocument | EnterDeletion | ReplaceDocument | DeleteDocument | RedactDocument
CatalogChange = CreateTable | DropTable | UndropTableById | CreateIndex | DropIndex
RepairChange = RepairDocument | ReviveDocument | RecordRepair
Change = DocumentChange | CatalogChange | RepairChange


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
        changes: in order; documents between two changes of tables are each touched once, unless
            the destination's `UnitLimits.repeats` says that they need not be.
        checkpoint: to be written in any case.
        tables: None if they have not changed.
        finished: the blocks that the destination holds wholly once this is written, in order.
    """

    changes: tuple[Change, ...]
    checkpoint: Checkpoint
    tables: TableBook | None
    finished: tuple[BlockSummary, ...] = ()


Decide = Callable[[State], Changes]
Work = Callable[[], None]
"""Something to do that has nothing to do with a transaction, and may be done again."""


class Destination(Protocol):
    """A place that a journal is replayed into."""

    def checkpoint(self, strand_id: str) -> Checkpoint | None:
        """How far the strand has been applied; None if nothing of it has.

        Reads what is committed; whoever acts on it is fenced by `transact`.
        """

    def checkpoints(self) -> list[Checkpoint]:
        """The checkpoint of every strand that was ever replayed into it. Writes nothing."""

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
        - `DeleteDocument` of an entry without a source id: of a document that is not in the map.
        """


@runtime_checkable
class Overlapping(Protocol):
    """A destination whose server writes for a while, in which this process may do something else.

    Optional: what is restored into any other one is verified between its transactions.
    """

    def overlapped(self, work: Work) -> AbstractContextManager[None]:
        """As long as it is entered, have work done in each transaction while the server writes it.

        The transaction is committed when both are done, so the work has to be short. What it raises
        ends the transaction with nothing written.
        """


def overlapped(destination: Destination, work: Work) -> AbstractContextManager[None]:
    """Have work done while the destination's server writes, if it is an `Overlapping` one."""
    return destination.overlapped(work) if isinstance(destination, Overlapping) else nullcontext()
