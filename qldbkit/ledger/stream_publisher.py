"""A journal stream at work: a thread that reads a ledger's journal and writes it to Kinesis.

A position is saved when Kinesis has acknowledged everything before it, so every record is
delivered at least once, also when the process dies at any instant.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from qldbkit.journal.model import Block
from qldbkit.journal.records import (
    COMPLETED,
    CREATED,
    encode_block_summary,
    encode_control,
    encode_revision_details,
)
from qldbkit.ledger import stream_store
from qldbkit.ledger.clock import Clock, to_milliseconds
from qldbkit.ledger.control_store import time_of
from qldbkit.ledger.failures import origin_of
from qldbkit.ledger.kinesis_writer import (
    KinesisRefusedError,
    KinesisUnavailableError,
    KinesisWriter,
    OutgoingRecord,
)
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.service_limits import ServiceLimits
from qldbkit.ledger.stream_store import JournalStream, StreamStore

Record = tuple[str, bytes]
"""A partition key, and the record's binary Ion."""

_log = logging.getLogger(__name__)


class _StoppedError(Exception):
    """The stream's thread has been asked to end."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What comes next in a stream.

    Attributes:
        records: to be written.
        next_sequence_no: the first block that is not among them.
        complete: whether the stream's end time is reached.
    """

    records: list[Record]
    next_sequence_no: int
    complete: bool


class StreamPublisher:
    """Publishes one stream until it ends or is stopped.

    Args:
        stream: as it was remembered.
        stream_arn: the journal stream's own ARN, which its records name.
        ledger: whose journal it publishes.
        writer: writes to its Kinesis stream.
        store: where its position and status are kept.
        clock: the time of day.
        limits: bounds of batches and waits.
    """

    def __init__(
        self,
        stream: JournalStream,
        stream_arn: str,
        ledger: Ledger,
        writer: KinesisWriter,
        store: StreamStore,
        clock: Clock,
        limits: ServiceLimits,
    ):
        self._stream = stream
        self._stream_arn = stream_arn
        self._ledger = ledger
        self._writer = writer
        self._store = store
        self._clock = clock
        self._limits = limits
        self._position: int | None = None
        self._saved: int | None = None
        self._save_due = 0.0
        self._impaired_since: datetime | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"stream-{stream.stream_id}", daemon=True
        )

    def start(self) -> None:
        """Begin to publish, in a thread of its own."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Let the thread end after what it is doing."""
        self._stopping.set()

    def join(self) -> None:
        """Wait, within bounds, until the thread has ended."""
        self._thread.join(self._limits.stop_seconds)
        if self._thread.is_alive():
            _log.warning("stream %s still waits for Kinesis", self._stream.stream_id)

    def _run(self) -> None:
        try:
            self._publish()
            self._save()
        except _StoppedError:
            self._save()
        except Exception as error:  # whatever it is, the stream's owner must see that it ended
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        _log.error("stream %s failed\n%s", self._stream.stream_id, origin_of(error))
        if self._stopping.is_set():
            return  # the ledger was closed under it; it goes on when the server is back
        cause = error.cause if isinstance(error, KinesisRefusedError) else None
        self._store.end(
            self._stream.stream_id, stream_store.FAILED, time_of(self._clock), error_cause=cause
        )

    def _publish(self) -> None:
        if not self._stream.announced:
            created = encode_control(self._stream_arn, CREATED)
            self._write([(self._stream.stream_id, created)])
        self._position = self._first_position()
        self._save()
        while not self._stopping.is_set():
            batch = self._next_batch(self._position)
            self._write(batch.records)
            self._position = batch.next_sequence_no
            if batch.complete:
                self._complete()
                return
            if not batch.records:
                self._save()
                self._ledger.wait_beyond(self._position - 1, self._limits.stream_poll_seconds)
            elif self._clock.monotonic() >= self._save_due:
                self._save()

    def _first_position(self) -> int:
        position = self._stream.next_sequence_no
        if position is not None:
            return position
        return self._ledger.first_block_from(to_milliseconds(self._stream.start))

    def _save(self) -> None:
        """Remember the position. While block follows block that is not done for each of them:
        the disk's time is the commits', and after a crash a few more records come twice."""
        if self._position is not None and self._position != self._saved:
            self._store.save_position(self._stream.stream_id, self._position)
            self._saved = self._position
        self._save_due = self._clock.monotonic() + self._limits.stream_save_seconds

    def _next_batch(self, position: int) -> _Batch:
        """The next blocks' records; the journal is read no further than the batch's bounds."""
        records: list[Record] = []
        size, sought = 0, time_of(self._clock)
        for block in self._blocks_from(position):
            if self._stream.end is not None and _time_of(block) >= self._stream.end:
                return _Batch(records, position, complete=True)
            added = stream_records(self._stream_arn, block)
            records += added
            size += sum(len(data) for _, data in added)
            position = block.address.sequence_no + 1
            if size >= self._limits.stream_batch_bytes:
                return _Batch(records, position, complete=False)
        return _Batch(records, position, complete=self._is_over(position, sought))

    def _blocks_from(self, position: int) -> Iterator[Block]:
        tip = self._ledger.tip()
        last = -1 if tip is None else tip.sequence_no
        return islice(self._ledger.blocks(position, last), self._limits.stream_batch_blocks)

    def _is_over(self, position: int, sought: datetime) -> bool:
        """Whether no block before the end time can come any more."""
        if self._stream.end is None:
            return False
        tip = self._ledger.tip()
        read_all = tip is None or tip.sequence_no < position
        grace = timedelta(seconds=self._limits.end_grace_seconds)
        return read_all and sought >= self._stream.end + grace

    def _complete(self) -> None:
        stream_id = self._stream.stream_id
        self._write([(stream_id, encode_control(self._stream_arn, COMPLETED))])
        self._store.end(stream_id, stream_store.COMPLETED, time_of(self._clock))

    def _write(self, records: Sequence[Record]) -> None:
        """Write until Kinesis has acknowledged everything.

        Raises:
            _StoppedError: the thread has been asked to end.
            KinesisRefusedError: the stream has been impaired for too long.
        """
        if not records:
            return
        waiting: list[OutgoingRecord] | None = None
        attempt = 0
        while waiting is None or waiting:
            if self._stopping.is_set():
                raise _StoppedError
            try:
                waiting = self._writer.put(
                    self._writer.pack(records) if waiting is None else waiting
                )
                attempt = 0
            except KinesisRefusedError as error:
                self._note_impaired(error)
                attempt = self._pause(attempt)
            except KinesisUnavailableError as error:
                _log.info("stream %s waits: %s", self._stream.stream_id, error)
                attempt = self._pause(attempt)
        self._note_active()

    def _pause(self, attempt: int) -> int:
        longest = min(
            self._limits.retry_most_seconds, self._limits.retry_first_seconds * 2.0**attempt
        )
        # Jitter keeps several streams from coming back at the same instant.
        self._stopping.wait(random.uniform(longest / 2, longest))  # noqa: S311
        return attempt + 1

    def _note_impaired(self, error: KinesisRefusedError) -> None:
        now = time_of(self._clock)
        if self._impaired_since is None:
            self._impaired_since = now
            _log.warning("stream %s is impaired: %s", self._stream.stream_id, error)
            self._store.set_running(self._stream.stream_id, stream_store.IMPAIRED, error.cause)
        elif now - self._impaired_since > self._limits.impaired_limit:
            raise error

    def _note_active(self) -> None:
        if self._impaired_since is not None or self._stream.status == stream_store.IMPAIRED:
            self._impaired_since = None
            self._store.set_running(self._stream.stream_id, stream_store.ACTIVE, None)


def stream_records(stream_arn: str, block: Block) -> list[Record]:
    """A block's records: its summary, and the details of each revision of a document.

    Every block is streamed, also one that only read. QLDB promised it only for those that
    committed revisions; but a journal without holes can be replayed without waiting for what may
    be missing, and an archive of it holds what its digest is computed from.

    The partition keys are QLDB's: the block's hash and the revisions' hashes, in hexadecimal.
    """
    summary = block.summary
    records = [(summary.block_hash.hex(), encode_block_summary(stream_arn, summary))]
    for revision in block.revisions:
        table = block.table_of(revision)
        if table is not None:
            details = encode_revision_details(stream_arn, table, revision)
            records.append((revision.hash.hex(), details))
    return records


def _time_of(block: Block) -> datetime:
    moment: datetime = block.summary.block_timestamp
    return moment
