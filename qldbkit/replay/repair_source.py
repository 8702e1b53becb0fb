"""What a destination may be repaired from: a side of a comparison that knows every revision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from qldbkit.journal import decoding
from qldbkit.journal.integrity import verify_revision
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import BlockAddress, Revision
from qldbkit.replay import partiql_text as partiql
from qldbkit.replay.changes import content
from qldbkit.replay.compare import Side, SourceLedger

if TYPE_CHECKING:  # `qldbkit.driver` has to be imported before pyqldb is
    from pyqldb.driver.qldb_driver import QldbDriver
    from pyqldb.execution.executor import Executor


@dataclass(frozen=True, slots=True)
class SourceRevision:
    """A revision of a document in the source.

    Attributes:
        address: the block that wrote it.
        version: from 0.
        data: None if it is a deletion.
    """

    address: BlockAddress
    version: int
    data: IonSpan | None


class RepairSource(Side, Protocol):
    """The source's side, with the history of its documents."""

    def name(self) -> str:
        """What it is called in the record of a repair."""

    def reach(self) -> int | None:
        """The sequence number of the last block that it knows; None if it knows every one."""

    def revisions(self, table: str, document_id: str) -> Sequence[SourceRevision]:
        """All revisions of a document, by ascending version; none if it is not known.

        Raises:
            IntegrityError: one of them is not what its hash says.
        """


class SourceLedgerHistory(SourceLedger):
    """A ledger that a destination may be repaired from."""

    def __init__(self, driver: QldbDriver, ledger: str, only: frozenset[str] | None = None):
        """Repair from a ledger.

        Args:
            driver: on the ledger.
            ledger: its name.
            only: the tables that are looked at; all when None.
        """
        super().__init__(driver, only)
        self._name = ledger
        self._active: frozenset[str] | None = None

    def name(self) -> str:
        """The ledger's name."""
        return f"ledger {self._name}"

    def reach(self) -> int | None:
        """It knows its whole journal at any time."""
        return None

    def revisions(self, table: str, document_id: str) -> Sequence[SourceRevision]:
        """All revisions of a document, each with its hash checked; none if its table was dropped.

        Raises:
            IntegrityError: a revision is not what its hash says.
            ClientError: the ledger refuses, or cannot be reached.
        """

        if self._active is None:
            self._active = self.tables()
        if table not in self._active:
            return ()

        def read(transaction: Executor) -> list[bytes]:
            rows = transaction.execute_statement(partiql.history_of(table), document_id)
            return [IonSpan.of(each).binary() for each in rows]

        found: list[bytes] = self._driver.execute_lambda(read)
        read_again = (decoding.revision(IonSpan.parse(each)) for each in found)
        return sorted(map(_of, read_again), key=lambda each: each.version)


def _of(revision: Revision) -> SourceRevision:
    verify_revision(revision)
    assert revision.metadata is not None  # `history` gives no other
    assert revision.address is not None
    data = None if revision.deleted else content(revision)
    return SourceRevision(revision.address, revision.metadata.version, data)
