"""Work that follows from the journal but need not wait in anybody's commit.

Building an index over documents that are already there, removing a dropped index, and erasing what
a redaction removed. It is found again after a crash: the catalog says which indexes are unfinished.
"""

from __future__ import annotations

import logging
import threading
from typing import Final

from qldbkit.ledger.catalog import Index, IndexStatus, TableState
from qldbkit.ledger.committing import Committer
from qldbkit.ledger.folding import field_key
from qldbkit.ledger.storage import IndexEntry, Storage, StorageError

LOGGER: Final = logging.getLogger(__name__)


class Maintenance:
    """A thread that is there while there is something to do.

    Args:
        storage: the ledger's.
        committer: the ledger's.
        batch: documents or index entries handled while commits wait.
    """

    def __init__(self, storage: Storage, committer: Committer, batch: int):
        self._storage = storage
        self._committer = committer
        self._batch = batch
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._erase = False
        self._again = False
        self._stopping = threading.Event()

    def wake(self, *, erase: bool = False) -> None:
        """Begin work if there is any.

        Args:
            erase: whether data was removed that must not stay readable in the files.
        """
        with self._lock:
            self._erase |= erase
            self._again = True
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="ledger-maintenance", daemon=True
                )
                self._thread.start()

    def stop(self) -> None:
        """End after the batch that is under way, and wait for that."""
        self._stopping.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def finish(self, timeout: float) -> bool:
        """Wait until nothing is left to do, at most ``timeout`` seconds; whether it is so."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def _run(self) -> None:
        while self._claim():
            try:
                self._work()
            except StorageError:
                # The work is found again at the next commit that wakes this, or the next start.
                LOGGER.exception("maintenance of a ledger stopped; it is tried again later")

    def _claim(self) -> bool:
        with self._lock:
            if not self._again or self._stopping.is_set():
                self._thread = None
                return False
            self._again = False
            return True

    def _work(self) -> None:
        with self._lock:
            erase, self._erase = self._erase, False
        if erase:
            self._erase_traces()
        for table, index in self._committer.state.catalog.unfinished():
            if index.status is IndexStatus.BUILDING:
                self._build(table, index)
            else:
                self._remove(index)

    def _erase_traces(self) -> None:
        try:
            self._storage.erase_traces()
        except StorageError:
            with self._lock:
                self._erase = True
            raise

    def _build(self, table: TableState, index: Index) -> None:
        position = -1
        while not self._stopping.is_set():
            with self._committer.exclusive() as writer:
                if not self._is_building(index):
                    return
                rows = writer.current_after(table.table_id, position, self._batch)
                for row in rows:
                    key = field_key(row.data, index.field)
                    if key is not None:
                        entry = IndexEntry(index.index_id, key, row.document_id)
                        writer.add_entry(entry, row.sequence_no)
                if len(rows) < self._batch:
                    catalog = self._committer.state.catalog
                    writer.save_catalog(
                        catalog.with_index_status(index.index_id, IndexStatus.ONLINE)
                    )
                    return
            position = rows[-1].revision_id

    def _is_building(self, index: Index) -> bool:
        """Whether the index was not dropped meanwhile."""
        unfinished = (each for _, each in self._committer.state.catalog.unfinished())
        return index in unfinished

    def _remove(self, index: Index) -> None:
        while not self._stopping.is_set():
            with self._committer.exclusive() as writer:
                if writer.remove_entries(index.index_id, self._batch) < self._batch:
                    catalog = self._committer.state.catalog
                    writer.save_catalog(catalog.with_index_status(index.index_id, None))
                    return
