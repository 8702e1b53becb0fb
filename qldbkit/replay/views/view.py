"""What every view is: a destination that can be restored into, compared, and prepared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from qldbkit.journal.sources.stored import JournalSource
from qldbkit.replay.compare import DocumentDigest
from qldbkit.replay.destination import Destination
from qldbkit.replay.repair_source import SourceRevision
from qldbkit.replay.units import UnitLimits


class View(Destination, Protocol):
    """A database that documents are replayed into, under the ids that they have in the source.

    Unlike a ledger, it makes no ids and versions of its own: a `DocumentEntry` of a view has the
    source's id on both sides, and a base version of 0.
    """

    @property
    def limits(self) -> UnitLimits:
        """What one of its transactions takes; a new document has no row in a map besides."""

    def prepare(self) -> None:
        """Make what the database needs before anything is written, and migrate what is older.

        Does nothing where all is there, and may be called by several at once.

        Raises:
            QldbkitError: what is there was not made by this project, or by a later version of it.
        """

    def tables(self) -> frozenset[str]:
        """The names of the active tables."""

    def digests(self) -> Iterator[DocumentDigest]:
        """Every current document once, in any order, lazily, by the Ion hash of what is kept.

        The hash is computed from the document as it can be read back, never from a stored hash.
        """

    def close(self) -> None:
        """Give back connections; the view is not used any more."""


@runtime_checkable
class HistoryKeeper(Protocol):
    """A view that keeps every revision, so that another destination may be repaired from it."""

    def revisions(self, table: str, document_id: str) -> Sequence[SourceRevision]:
        """All revisions of a document, by ascending version; none if it is not known.

        Raises:
            IntegrityError: one of them is not what its hash says.
        """


@runtime_checkable
class Indexer(Protocol):
    """A view that indexes what documents hold, and keeps those whole that it cannot index."""

    def unindexed_documents(self) -> int:
        """How many current documents are not indexed, as far as searches see them by now."""


@runtime_checkable
class JournalKeeper(Protocol):
    """A view that keeps the journal as it was written, so that it can be proven and restored."""

    def journal(self, *, readable: bool = False) -> JournalSource:
        """The journal.

        Args:
            readable: whether to check what the view's own users read against it, too.
        """
