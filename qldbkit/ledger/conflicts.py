"""Optimistic concurrency: what a transaction read, and what others changed since its snapshot.

QLDB refuses a commit when something that the transaction read has changed. What counts as read is
narrow for an indexed equality and for a document by its id, and the whole table for a scan
(https://docs.aws.amazon.com/qldb/latest/developerguide/concurrency.html).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

Part = tuple[str, ...] | tuple[str, str, bytes]
"""A part of a ledger that can be read and changed, by one of the functions below."""

CATALOG: Final[Part] = ("catalog",)
"""All tables and indexes, as information_schema.user_tables shows them."""


def document_part(document_id: str) -> Part:
    """One document."""
    return "document", document_id


def table_part(table_id: str) -> Part:
    """All documents of a table."""
    return "table", table_id


def key_part(index_id: str, key: bytes) -> Part:
    """The documents that an index has under one key."""
    return "key", index_id, key


def name_part(table_name: str) -> Part:
    """Which table a name means."""
    return "name", table_name


def indexes_part(table_id: str) -> Part:
    """Which indexes a table has."""
    return "indexes", table_id


class ReadSet:
    """What one transaction read.

    Args:
        capacity: how many parts are remembered; with more of them, everything counts as read.
    """

    __slots__ = ("_capacity", "everything", "parts")

    def __init__(self, capacity: int):
        self._capacity = capacity
        self.parts: set[Part] = set()
        self.everything = False

    def add(self, part: Part) -> None:
        """Remember a read."""
        if len(self.parts) < self._capacity:
            self.parts.add(part)
        elif part not in self.parts:
            self.everything = True


class RecentChanges:
    """The latest change of each part, as far back as a running transaction's snapshot.

    Kept in memory: a transaction does not outlive the process that runs it.

    Args:
        tip: the latest sequence number when it is made, from which on it knows every change.
        capacity: how many changes are remembered; transactions with an older snapshot conflict.
    """

    __slots__ = ("_capacity", "_known_from", "_latest", "_order")

    def __init__(self, tip: int, capacity: int):
        self._capacity = capacity
        self._known_from = tip
        self._latest: dict[Part, int] = {}
        self._order: deque[tuple[int, Part]] = deque()

    def record(self, sequence_no: int, parts: Iterable[Part]) -> None:
        """Remember what a block changed."""
        for part in parts:
            self._latest[part] = sequence_no
            self._order.append((sequence_no, part))
        while len(self._order) > self._capacity:
            self._known_from = self._forget_first()

    def overlook(self, tip: int) -> None:
        """Take over changes up to ``tip`` without noting what they changed.

        Transactions with an older snapshot conflict, whatever they read.
        """
        self._known_from = tip
        self._latest.clear()
        self._order.clear()

    def forget(self, snapshot: int) -> None:
        """Forget what every transaction from ``snapshot`` on has seen."""
        while self._order and self._order[0][0] <= snapshot:
            self._forget_first()

    def conflict(self, reads: ReadSet, snapshot: int, tip: int) -> bool:
        """Whether something of ``reads`` changed behind ``snapshot``."""
        if snapshot == tip or not (reads.parts or reads.everything):
            return False
        if reads.everything or snapshot < self._known_from:
            return True
        if len(reads.parts) < len(self._latest):
            return any(self._latest.get(part, -1) > snapshot for part in reads.parts)
        return any(at > snapshot and part in reads.parts for part, at in self._latest.items())

    def _forget_first(self) -> int:
        sequence_no, part = self._order.popleft()
        if self._latest.get(part) == sequence_no:
            del self._latest[part]
        return sequence_no
