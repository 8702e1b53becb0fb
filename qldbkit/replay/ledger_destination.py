"""A ledger as a destination, through QLDB's session API."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

from qldbkit.replay import partiql_text as partiql
from qldbkit.replay.bookkeeping import Row, checkpoint_of
from qldbkit.replay.bookkeeping_tables import CHECKPOINT_TABLE
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.destination import Decide, DocumentEntry, State
from qldbkit.replay.errors import ReplayError
from qldbkit.replay.ledger_client import Transaction, TransactionRunner
from qldbkit.replay.ledger_reading import (
    OneByOneError,
    Strand,
    Wanted,
    active_tables,
    beyond_qldb,
    entries_of,
    lacks_bookkeeping,
    make_bookkeeping,
    read_strand,
)
from qldbkit.replay.ledger_writing import LedgerWriting, StaleError
from qldbkit.replay.tables import TableBook

ENTRIES_KNOWN: Final = 50_000
"""Rows of the map that a destination remembers."""

_T = TypeVar("_T")


class _SeenEnoughError(Exception):
    """Ends a transaction that only reads."""


class LedgerDestination:
    """Keeps `qldbkit.replay.destination.Destination`'s contract with a ledger's transactions.

    The ledger's optimistic concurrency control is what fences two appliers: both read and write
    the strand's checkpoint, so the one that commits second has to begin again.

    What a transaction wrote is remembered when it has committed, and not read again by the next
    one: that replaces the checkpoint only where the row is the one that was written. When it is
    not, somebody else has written since, and everything is read anew.
    """

    def __init__(self, driver: TransactionRunner):
        """Use a driver whose retry limit bounds how often a conflicting transaction is repeated."""
        self._driver = driver
        self._ready = False
        self._strands: dict[str, Strand] = {}
        self._rows: OrderedDict[str, Row] = OrderedDict()
        self._many: bool | None = None
        """Whether the destination takes more than QLDB's dialect; None if that is not known."""

    def checkpoint(self, strand_id: str) -> Checkpoint | None:
        """How far the strand has been applied; makes the bookkeeping tables if there are none.

        Raises:
            ClientError: the ledger refuses, or cannot be reached.
        """
        self._make_ready()

        def read(transaction: Transaction) -> Checkpoint | None:
            return read_strand(transaction, strand_id).checkpoint

        return self._look(read)

    def checkpoints(self) -> list[Checkpoint]:
        """The checkpoint of every strand; none if nothing was ever replayed. Writes nothing.

        Raises:
            ClientError: the ledger refuses, or cannot be reached.
        """

        def read(transaction: Transaction) -> list[Checkpoint]:
            if CHECKPOINT_TABLE not in active_tables(transaction):
                return []
            return [
                checkpoint_of(each) for each in transaction.execute_statement(partiql.POSITIONS)
            ]

        return self._look(read)

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        """Read, decide, write and commit in one transaction of the ledger.

        Raises:
            ClientError: the ledger refuses, conflicts more often than the driver tries again, or
                cannot be reached: then the commit may have happened or not.
            DestinationChangedError: a document that the map names is not in its table.
            Exception: whatever ``decide`` raises.
        """
        self._make_ready()

        known = self._strands.pop(strand_id, None)
        if known is not None:
            try:
                return self._transact(strand_id, known, documents, decide)
            except (ReplayError, StaleError):
                self._rows.clear()  # may be due to what is remembered: decided again by what is so
        return self._transact(strand_id, None, documents, decide)

    def _transact(
        self, strand_id: str, known: Strand | None, documents: Sequence[str], decide: Decide
    ) -> Checkpoint:
        def apply(transaction: Transaction) -> tuple[Strand, LedgerWriting]:
            strand = known or read_strand(transaction, strand_id)
            entries = self._entries(transaction, documents, strand.tables)
            changes = decide(State(strand.checkpoint, strand.tables, entries))
            writing = LedgerWriting(transaction, self._many)
            return writing.write(strand_id, changes, strand), writing

        try:
            strand, written = self._driver.execute_lambda(apply)
        except OneByOneError:
            self._many = False
            strand, written = self._driver.execute_lambda(apply)
        self._strands[strand_id] = strand
        self._many = written.many
        self._remember(written)
        checkpoint: Checkpoint = strand.checkpoint
        return checkpoint

    def _entries(
        self, transaction: Transaction, documents: Sequence[str], tables: TableBook
    ) -> dict[str, DocumentEntry]:
        rows = [self._rows[each] for each in documents if each in self._rows]
        unknown = [each for each in documents if each not in self._rows]
        if unknown:
            rows.extend(transaction.execute_statement(partiql.DOCUMENT_ROWS, unknown))
        return entries_of(rows, tables, partial(self._versions, transaction))

    def _versions(self, transaction: Transaction, wanted: Wanted) -> Iterator[Row]:
        """The versions of documents, by the tables that they are in."""
        if self._many is not False and len(wanted) > 1:
            statement = partiql.versions_of_several(wanted)
            yield from beyond_qldb(transaction, statement, *wanted.values())
            return
        for table, ids in wanted.items():
            yield from transaction.execute_statement(partiql.versions(table), ids)

    def _remember(self, written: LedgerWriting) -> None:
        for each in written.rows:
            self._rows[each["sourceId"]] = each
        for source_id in written.rebased:
            self._rows.pop(source_id, None)
        while len(self._rows) > ENTRIES_KNOWN:
            self._rows.popitem(last=False)

    def _make_ready(self) -> None:
        if not self._ready:
            if self._look(lacks_bookkeeping):
                self._driver.execute_lambda(make_bookkeeping)
            self._ready = True

    def _look(self, read: Callable[[Transaction], _T]) -> _T:
        """What a transaction reads that is then aborted: one that commits leaves a block."""
        found: list[_T] = []

        def work(transaction: Transaction) -> None:
            found.append(read(transaction))
            raise _SeenEnoughError

        with suppress(_SeenEnoughError):
            self._driver.execute_lambda(work)
        return found[-1]
