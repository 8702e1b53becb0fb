"""Documents that a transaction has read, so that its next statement need not read them again.

Most transactions find documents by one statement and change them by another. What a snapshot holds
does not change, so what was read of it once is good until the transaction ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from qldbkit.ledger.storage import Storage, StoredRevision

KNOWN_BYTES: Final = 1024 * 1024
"""Bytes of documents that a transaction remembers."""


class SeenDocuments:
    """The documents of one snapshot, by their ids. One thread uses it at a time.

    Args:
        storage: the ledger's.
        snapshot: the sequence number that reads see.
    """

    def __init__(self, storage: Storage, snapshot: int):
        self._storage = storage
        self._snapshot = snapshot
        self._known: dict[str, StoredRevision] = {}
        self._room = KNOWN_BYTES

    def documents(self, table_id: str, document_ids: Sequence[str]) -> Iterator[StoredRevision]:
        """A table's documents of those ids."""
        known = self._known
        unknown = [each for each in document_ids if each not in known]
        for id_ in document_ids if len(unknown) < len(document_ids) else ():
            found = known.get(id_)
            if found is not None and found.table_id == table_id:
                yield found
        if unknown:
            yield from self._storage.documents(table_id, unknown, self._snapshot)

    def add(self, found: StoredRevision) -> None:
        """Remember a document, while there is room."""
        size = len(found.metadata) + len(found.data or b"")
        if size <= self._room and found.document_id not in self._known:
            self._known[found.document_id] = found
            self._room -= size
