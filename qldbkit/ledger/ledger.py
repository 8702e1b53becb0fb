"""An embedded ledger: its transactions and its journal, in one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Self

from qldbkit.errors import QldbkitError
from qldbkit.journal import decoding
from qldbkit.journal.integrity import verify_block
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block, BlockAddress, BlockSummary, Revision
from qldbkit.journal.proofs import block_proof, digest
from qldbkit.ledger.clock import Clock, SystemClock
from qldbkit.ledger.committing import Committer, LedgerState, Transacted
from qldbkit.ledger.conflicts import ReadSet
from qldbkit.ledger.file_lock import FileLock
from qldbkit.ledger.identifiers import new_identifier
from qldbkit.ledger.limits import Limits
from qldbkit.ledger.maintenance import Maintenance
from qldbkit.ledger.sqlite import SqliteStorage
from qldbkit.ledger.storable import StorableBlock, storable
from qldbkit.ledger.storage import CURRENT, Identity, StoredRevision
from qldbkit.ledger.stored_blocks import stored_block
from qldbkit.ledger.transaction import Prepare, Transaction
from qldbkit.names import check_ledger_name
from qldbkit.partiql.dialect import Dialect
from qldbkit.partiql.prepared import prepare

QLDB_LIMITS: Final = Limits()
BLOCKS_AT_ONCE: Final = 100
"""Blocks read in one query while the journal is walked."""


class NoSuchBlockError(QldbkitError, LookupError):
    """The journal has no block of that sequence number, or the block no such revision."""


class Ledger:
    """A ledger. Safe to use from several threads; one process at a time opens a file.

    Made by `create` or `open`.
    """

    def __init__(
        self,
        storage: SqliteStorage,
        lock: FileLock,
        clock: Clock,
        limits: Limits,
        prepare: Prepare,
    ):
        self._storage = storage
        self._lock = lock
        self._clock = clock
        self._limits = limits
        self._prepare = prepare
        self._identity = storage.identity()
        self._committer = Committer(storage, self.strand_id, clock, limits)
        self._maintenance = Maintenance(storage, self._committer, limits.index_batch)
        if self._committer.state.catalog.unfinished():
            self._maintenance.wake()

    @classmethod
    def create(
        cls,
        path: Path,
        name: str,
        *,
        ledger_id: str | None = None,
        strand_id: str | None = None,
        genesis: bool = True,
        clock: Clock | None = None,
        limits: Limits = QLDB_LIMITS,
        dialect: Dialect = Dialect.FULL,
    ) -> Self:
        """Make a ledger and open it.

        Args:
            path: its file, which must not exist.
            name: the ledger's name.
            ledger_id: 22 characters; made when not given.
            strand_id: of its journal, when it takes over another's; made when not given.
            genesis: whether the journal begins with the block that QLDB writes when it makes a
                ledger; not for a ledger into which blocks are restored.
            clock: where the time comes from; the machine's when not given.
            limits: what is too much.
            dialect: which PartiQL its statements may use.

        Raises:
            NameRefusedError: ``name`` cannot name a ledger.
            StorageError: the file exists or cannot be written.
        """
        check_ledger_name(name)
        identity = Identity(ledger_id or new_identifier(), name, strand_id or new_identifier())
        lock = FileLock(path)
        try:
            storage = SqliteStorage.create(path, identity, limits.reader_connections)
        except BaseException:
            lock.release()
            raise
        ledger = cls(storage, lock, clock or SystemClock(), limits, _preparing(dialect))
        if genesis:
            ledger._write_genesis()
        return ledger

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        clock: Clock | None = None,
        limits: Limits = QLDB_LIMITS,
        dialect: Dialect = Dialect.FULL,
    ) -> Self:
        """Open a ledger; arguments as for `create`.

        Raises:
            StorageError: the file is missing, damaged, open in another process, or was written by
                a newer version.
        """
        lock = FileLock(path)
        try:
            storage = SqliteStorage(path, limits.reader_connections)
            return cls(storage, lock, clock or SystemClock(), limits, _preparing(dialect))
        except BaseException:
            lock.release()
            raise

    @property
    def name(self) -> str:
        """The ledger's name."""
        return self._identity.ledger_name

    @property
    def ledger_id(self) -> str:
        """The ledger's id: 22 characters."""
        return self._identity.ledger_id

    @property
    def strand_id(self) -> str:
        """The id of the journal's only strand: 22 characters."""
        return self._identity.strand_id

    @property
    def state(self) -> LedgerState:
        """The latest block and the tables."""
        return self._committer.state

    def begin(self) -> Transaction:
        """Begin a transaction on what the ledger is now."""
        return Transaction(
            new_identifier(),
            self._storage,
            self._committer,
            self.strand_id,
            self._clock,
            self._limits,
            self._prepare,
            self._committed,
        )

    def has_table(self, table_id: str) -> bool:
        """Whether the ledger has a table of that id, dropped ones included."""
        return table_id in self._committer.state.catalog.tables

    def tip(self) -> BlockAddress | None:
        """The address of the latest block; None before the first."""
        tip = self._committer.state.tip
        return None if tip is None else BlockAddress(self.strand_id, tip.sequence_no)

    def summary(self, sequence_no: int) -> BlockSummary:
        """A block without its revisions' data.

        Raises:
            NoSuchBlockError: there is none of that number.
        """
        data = self._storage.summary(sequence_no) if sequence_no >= 0 else None
        if data is None:
            raise NoSuchBlockError(
                f"ledger {self.name} has no such block",
                position=str(BlockAddress(self.strand_id, sequence_no)),
            )
        return decoding.block_summary(IonSpan.parse(data))

    def summaries(self, first: int, count: int) -> list[BlockSummary]:
        """Up to ``count`` blocks from number ``first`` on, without their revisions' data."""
        found = self._storage.summaries(max(0, first), count)
        return [decoding.block_summary(IonSpan.parse(data)) for _, data in found]

    def block(self, sequence_no: int) -> Block:
        """A block with its revisions, redacted ones without their data.

        Raises:
            NoSuchBlockError: there is none of that number.
        """
        summary = self.summary(sequence_no)
        return stored_block(summary, self._storage.revisions_of(sequence_no))

    def blocks(self, first: int = 0, last: int | None = None) -> Iterator[Block]:
        """The blocks from number ``first`` to ``last``, both inclusive, as far as they are there.

        Without ``last``, up to the one that is the latest when it is reached.
        """
        while last is None or first <= last:
            found = self._storage.summaries(first, BLOCKS_AT_ONCE)
            if not found:
                return
            for number, data in found:
                if last is not None and number > last:
                    return
                summary = decoding.block_summary(IonSpan.parse(data))
                yield stored_block(summary, self._storage.revisions_of(number))
            first = found[-1][0] + 1

    def first_block_from(self, milliseconds: int) -> int:
        """The number of the first block at or after a time (milliseconds since 1970).

        It is behind the tip when there is no such block yet.
        """
        return self._storage.sequence_by_block_time(milliseconds)

    def revision(self, document_id: str, address: BlockAddress) -> tuple[Revision, Block]:
        """The revision of a document that the block at ``address`` committed, and the block.

        Raises:
            NoSuchBlockError: there is no such block, or it has no such revision.
        """
        if address.strand_id == self.strand_id:
            block = self.block(address.sequence_no)
            for revision in block.revisions:
                if revision.metadata is not None and revision.metadata.id == document_id:
                    return revision, block
        raise NoSuchBlockError(
            f"ledger {self.name} has no revision of document {document_id} there",
            position=str(address),
        )

    def newest(self, table_id: str, count: int, before: int | None = None) -> list[StoredRevision]:
        """Up to ``count`` of a table's current documents, the one that was written last first.

        Args:
            table_id: the table's, also of one that was dropped.
            count: how many at most.
            before: a revision's id, to go on behind it.
        """
        return self._storage.newest(table_id, CURRENT if before is None else before, count)

    def versions(
        self, document_id: str, count: int, until: int | None = None
    ) -> list[StoredRevision]:
        """Up to ``count`` of a document's revisions, the newest first.

        Args:
            document_id: the document's, also of one that was deleted.
            count: how many at most.
            until: only those that this block, or one before it, ended.
        """
        return self._storage.versions(document_id, CURRENT if until is None else until, count)

    def digest(self, tip: int) -> bytes:
        """The digest of the journal up to block ``tip``: 32 bytes.

        Raises:
            NoSuchBlockError: there is no such block, or one before it is missing.
        """
        self._check_number(tip)
        return digest(tip + 1, self._node)

    def proof(self, sequence_no: int, tip: int) -> list[bytes]:
        """The hashes that lead from a block's hash to the digest at ``tip``.

        Raises:
            NoSuchBlockError: there is no such block, it is behind ``tip``, or one is missing.
        """
        self._check_number(tip)
        if not 0 <= sequence_no <= tip:
            raise NoSuchBlockError(
                f"the digest at sequence number {tip} does not cover block {sequence_no}"
            )
        return block_proof(sequence_no, tip + 1, self._node)

    def append(self, blocks: Sequence[Block], *, allow_gaps: bool = False) -> None:
        """Take over blocks of the journal that this ledger continues, as they are, all or none.

        Args:
            blocks: in order, behind the latest block, of this ledger's strand.
            allow_gaps: whether sequence numbers may be left out. There is then no digest and no
                proof of what lies behind the hole.

        Raises:
            IntegrityError: a block is damaged or does not continue the journal.
            StorageError: they could not be written.
        """
        for each in blocks:
            verify_block(each)
        self.load(list(map(storable, blocks)), allow_gaps=allow_gaps)

    def load(self, blocks: Sequence[StorableBlock], *, allow_gaps: bool = False) -> None:
        """The same with blocks in which the caller has checked every hash.

        How they are linked is checked in any case.

        Raises:
            IntegrityError: a block does not continue the journal.
            StorageError: they could not be written.
        """
        self._committer.append(blocks, allow_gaps=allow_gaps)
        self._committed(any(each.redactions for each in blocks))

    def wait_beyond(self, sequence_no: int, timeout: float) -> bool:
        """Wait until there is a block behind ``sequence_no``, at most ``timeout`` seconds.

        Returns:
            whether there is one.
        """
        return self._committer.wait_beyond(sequence_no, timeout)

    def finish_maintenance(self, timeout: float) -> bool:
        """Wait until indexes are built and redactions erased, at most ``timeout`` seconds.

        Returns:
            whether it is so.
        """
        return self._maintenance.finish(timeout)

    def close(self) -> None:
        """Release the file. Transactions that run can no longer commit."""
        self._maintenance.stop()
        self._storage.close()
        self._lock.release()
        self._committer.close()

    def _committed(self, redacted: bool) -> None:
        if redacted or self._committer.state.catalog.unfinished():
            self._maintenance.wake(erase=redacted)

    def _node(self, level: int, index: int) -> bytes:
        found = self._storage.node(level, index)
        if found is None:
            raise NoSuchBlockError(
                f"the journal of ledger {self.name} is not whole: it has no digests or proofs"
            )
        return found

    def _check_number(self, sequence_no: int) -> None:
        if not 0 <= sequence_no <= self._committer.state.snapshot:
            raise NoSuchBlockError(f"ledger {self.name} has no block {sequence_no}")

    def _write_genesis(self) -> None:
        reads = ReadSet(self._limits.transaction_reads)
        self._committer.commit(Transacted(new_identifier()), reads, self._committer.state.snapshot)


def _preparing(dialect: Dialect) -> Prepare:
    return lambda text: prepare(text, dialect)
