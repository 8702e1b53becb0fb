"""The one place where a ledger's journal grows.

Transactions that commit at the same time are written together: whoever gets the lock writes for
everyone who waits, so that they share the wait for the disk. Each is still a block of its own,
checked against all before it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from qldbkit.journal.building import BlockDraft, RevisionDraft, StatementDraft
from qldbkit.journal.integrity import IntegrityError, verify_link
from qldbkit.journal.model import BlockAddress, RedactedRevision
from qldbkit.ledger.active import ActiveTransactions
from qldbkit.ledger.catalog import Catalog
from qldbkit.ledger.clock import Clock, to_timestamp
from qldbkit.ledger.conflicts import Part, ReadSet, RecentChanges
from qldbkit.ledger.errors import OccConflictError
from qldbkit.ledger.folding import fold
from qldbkit.ledger.limits import Limits
from qldbkit.ledger.storable import StorableBlock, formed
from qldbkit.ledger.storage import Storage, StorageError, StorageWriter, Tip

BATCH: Final = 64
"""Transactions written in one go at most."""
NO_BLOCK: Final = -1
OCC_MESSAGE: Final = (
    "Optimistic concurrency control (OCC) failure encountered while committing the transaction"
)


@dataclass(frozen=True, slots=True)
class LedgerState:
    """What a ledger is at one instant: the snapshot that a transaction begins with."""

    tip: Tip | None
    catalog: Catalog

    @property
    def snapshot(self) -> int:
        """The latest sequence number; `NO_BLOCK` before the first block."""
        return NO_BLOCK if self.tip is None else self.tip.sequence_no


@dataclass(frozen=True, slots=True)
class Transacted:
    """A transaction to be written as a block."""

    transaction_id: str
    statements: tuple[StatementDraft, ...] = ()
    revisions: tuple[RevisionDraft, ...] = ()
    redactions: tuple[RedactedRevision, ...] = ()


@dataclass(slots=True)
class _Request:
    transacted: Transacted
    reads: ReadSet
    snapshot: int
    outcome: BaseException | None = None
    done: bool = False


@dataclass(slots=True)
class _Batch:
    """Blocks written in one storage transaction, before they are visible."""

    state: LedgerState
    writer: StorageWriter
    recent: RecentChanges

    def add(self, block: StorableBlock) -> None:
        touched: set[Part] = set()
        self.take_over(block, touched)
        # If the batch fails in the end, these marks can only make others conflict needlessly.
        self.recent.record(block.address.sequence_no, touched)

    def take_over(self, block: StorableBlock, touched: set[Part] | None = None) -> None:
        changes, catalog = fold(block, self.state.catalog, self.writer, touched)
        self.writer.append(changes)
        self.state = LedgerState(changes.tip, catalog)


class Committer:
    """Appends blocks, and knows the latest state and what changed lately.

    Safe to use from several threads.
    """

    def __init__(self, storage: Storage, strand_id: str, clock: Clock, limits: Limits):
        self._storage = storage
        self._strand_id = strand_id
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[_Request] = deque()
        self._grown = threading.Condition()
        self._closed = False
        self._state = LedgerState(storage.tip(), storage.catalog())
        self._recent = RecentChanges(self._state.snapshot, limits.remembered_changes)
        self.active = ActiveTransactions(clock, 2 * limits.transaction_seconds)

    @property
    def state(self) -> LedgerState:
        """The latest state."""
        return self._state

    def begin(self, transaction_id: str) -> LedgerState:
        """Register a transaction; its snapshot is what the ledger is now."""
        return self.active.register(transaction_id, lambda: self._state)

    def commit(self, transacted: Transacted, reads: ReadSet, snapshot: int) -> None:
        """Write a transaction as a block; it is durable when this returns.

        Raises:
            OccConflictError: something in ``reads`` changed after ``snapshot``.
            StorageError: it could not be written.
        """
        request = _Request(transacted, reads, snapshot)
        self._waiting.append(request)
        while not request.done:
            with self._lock:
                if not request.done:
                    self._write_waiting()
        if request.outcome is not None:
            raise request.outcome

    def append(self, blocks: Sequence[StorableBlock], *, allow_gaps: bool = False) -> None:
        """Write blocks of another journal as they are, all of them or none.

        Args:
            blocks: in order, behind the latest one; the hashes within them were checked.
            allow_gaps: whether sequence numbers may be left out; digests and proofs need them all.

        Raises:
            IntegrityError: a block does not continue the journal.
            StorageError: they could not be written.
        """

        def write(batch: _Batch) -> None:
            for block in blocks:
                self._check_continues(block, batch.state.tip, allow_gaps)
                batch.take_over(block)
            self._recent.overlook(batch.state.snapshot)

        with self._lock:
            self._write(write, bulk=True)

    @contextmanager
    def exclusive(self) -> Iterator[StorageWriter]:
        """Change what is derived from the journal, while no block is written.

        The catalog that is stored at the end is the ledger's from then on.
        """
        with self._lock:
            try:
                with self._storage.writing() as writer:
                    yield writer
            finally:
                self._reload()

    def wait_beyond(self, sequence_no: int, timeout: float) -> bool:
        """Wait until there is a block behind ``sequence_no``, at most ``timeout`` seconds."""
        with self._grown:
            self._grown.wait_for(
                lambda: self._closed or self._state.snapshot > sequence_no, timeout
            )
            return self._state.snapshot > sequence_no

    def close(self) -> None:
        """Let nobody wait for a block any more."""
        with self._grown:
            self._closed = True
            self._grown.notify_all()

    def _write_waiting(self) -> None:
        requests = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        try:
            self._write_requests(requests)
        except StorageError as error:
            for request in requests:
                request.outcome = request.outcome or error
        except Exception:
            # One of them cannot be written; it must not take the others with it.
            for request in requests:
                self._write_alone(request)
        finally:
            for request in requests:
                request.done = True

    def _write_alone(self, request: _Request) -> None:
        try:
            self._write_requests([request])
        except Exception as error:
            request.outcome = error

    def _write_requests(self, requests: Sequence[_Request]) -> None:
        def write(batch: _Batch) -> None:
            for request in requests:
                self._write_one(request, batch)

        self._write(write)

    def _write_one(self, request: _Request, batch: _Batch) -> None:
        if self._recent.conflict(request.reads, request.snapshot, batch.state.snapshot):
            request.outcome = OccConflictError(OCC_MESSAGE)
        else:
            batch.add(self._block(request.transacted, batch.state.tip))

    def _block(self, transacted: Transacted, tip: Tip | None) -> StorableBlock:
        made = max(0 if tip is None else tip.block_time, self._clock.milliseconds())
        written = max(made, self._clock.milliseconds())
        sequence_no = 0 if tip is None else tip.sequence_no + 1
        draft = BlockDraft(
            address=BlockAddress(self._strand_id, sequence_no),
            previous_block_hash=b"" if tip is None else tip.block_hash,
            transaction_id=transacted.transaction_id,
            block_timestamp=to_timestamp(written),
            transaction_time=to_timestamp(made),
            statements=transacted.statements,
            revisions=transacted.revisions,
            redactions=transacted.redactions,
        )
        return formed(draft, written, made)

    def _write(self, write: Callable[[_Batch], None], *, bulk: bool = False) -> None:
        batch, written = None, False
        try:
            with self._storage.writing(bulk=bulk) as writer:
                batch = _Batch(self._state, writer, self._recent)
                write(batch)
                # Not the batch's own end: a transaction that begins now still gets the old state.
                oldest = self.active.oldest(self._state.snapshot)
                writer.forget_entries(oldest)
                written = True
        except StorageError:
            # A write that failed in the end may have reached the disk: only the storage knows.
            self._reload()
            if batch is None or not written or self._state.tip != batch.state.tip:
                raise
            return
        self._recent.forget(oldest)
        self._publish(batch.state)

    def _check_continues(self, block: StorableBlock, tip: Tip | None, allow_gaps: bool) -> None:
        address = block.address
        expected = 0 if tip is None else tip.sequence_no + 1
        if address.strand_id != self._strand_id:
            raise IntegrityError("the block belongs to another journal", position=str(address))
        if address.sequence_no == expected and (
            tip is None or block.previous_block_hash == tip.block_hash
        ):
            return
        if address.sequence_no == expected and tip is not None:
            before = BlockAddress(self._strand_id, tip.sequence_no)
            verify_link(before, tip.block_hash, block)
        elif address.sequence_no < expected or (address.sequence_no > expected and not allow_gaps):
            raise IntegrityError(
                f"the journal goes on with sequence number {expected}", position=str(address)
            )

    def _reload(self) -> None:
        self._publish(LedgerState(self._storage.tip(), self._storage.catalog()))

    def _publish(self, state: LedgerState) -> None:
        with self._grown:
            self._state = state
            self._grown.notify_all()
