"""The settling buffer in an SQLite file, for a replay that runs on one machine without AWS."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from qldbkit.journal.model import BlockAddress
from qldbkit.replay.buffer import not_quarantined
from qldbkit.replay.fragments import (
    Fragment,
    Gap,
    QuarantinedRecord,
    QuarantineEntry,
    framed,
    unframed,
)

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS fragment (
    strand_id TEXT, sequence_no INTEGER, digest TEXT, received_at REAL NOT NULL,
    payload BLOB NOT NULL, PRIMARY KEY (strand_id, sequence_no, digest)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS strand (strand_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS gap (
    strand_id TEXT, first INTEGER, last INTEGER NOT NULL, passed_at REAL NOT NULL,
    PRIMARY KEY (strand_id, first, last)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (
    position TEXT PRIMARY KEY, reason TEXT NOT NULL, payload BLOB NOT NULL,
    quarantined_at REAL NOT NULL, attempts INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS note (
    topic TEXT, name TEXT, text TEXT NOT NULL, PRIMARY KEY (topic, name)
) STRICT, WITHOUT ROWID;
"""
PAGE_ROWS: Final = 100
"""Rows that are read at a time; a reader never holds up a writer for longer than that."""
BUSY_TIMEOUT: Final = 10.0
"""Seconds to wait for another process that writes."""
LAST_SEQUENCE_NO: Final = 2**63 - 1


class SqliteBuffer:
    """Keeps `qldbkit.replay.buffer.SettlingBuffer`'s contract in one file.

    What is written is durable when a method returns. Any number of processes may use the file.
    """

    def __init__(self, path: Path, *, gap_retention: float):
        """Open the file; make it, readable by its owner alone, if there is none.

        Args:
            path: the file.
            gap_retention: seconds that a passed gap is remembered.

        Raises:
            sqlite3.Error: it is not such a file.
        """
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._gap_retention = gap_retention
        self._connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def put(self, fragments: Sequence[Fragment]) -> None:
        """Keep fragments; one that is put again keeps the time of its first delivery."""
        rows = [
            (
                each.address.strand_id,
                each.address.sequence_no,
                each.digest,
                each.received_at,
                framed(each.records),
            )
            for each in fragments
        ]
        strands = {(each.address.strand_id,) for each in fragments}
        with self._connection:
            self._connection.executemany(
                "INSERT OR IGNORE INTO fragment VALUES (?, ?, ?, ?, ?)", rows
            )
            self._connection.executemany("INSERT OR IGNORE INTO strand VALUES (?)", strands)

    def fragments(self, strand_id: str, first: int, last: int | None = None) -> Iterator[Fragment]:
        """The strand's fragments, by ascending sequence number, read page by page."""
        end = LAST_SEQUENCE_NO if last is None else last
        after = (first, "")
        while True:
            page = self._connection.execute(
                "SELECT sequence_no, digest, received_at, payload FROM fragment"
                " WHERE strand_id = ? AND (sequence_no, digest) > (?, ?) AND sequence_no <= ?"
                " ORDER BY sequence_no, digest LIMIT ?",
                (strand_id, *after, end, PAGE_ROWS),
            ).fetchall()
            for sequence_no, _, received_at, payload in page:
                address = BlockAddress(strand_id, sequence_no)
                yield Fragment(address, received_at, unframed(payload))
            if len(page) < PAGE_ROWS:
                return
            after = page[-1][:2]

    def remove(self, strand_id: str, sequence_numbers: Collection[int]) -> None:
        """Forget all fragments of those blocks."""
        with self._connection:
            self._connection.executemany(
                "DELETE FROM fragment WHERE strand_id = ? AND sequence_no = ?",
                [(strand_id, each) for each in sequence_numbers],
            )

    def strands(self) -> Sequence[str]:
        """The strands that fragments were ever kept for."""
        rows = self._connection.execute("SELECT strand_id FROM strand ORDER BY strand_id")
        return [each for (each,) in rows]

    def waiting(self, strand_id: str, first: int, most: int) -> int:
        """How many blocks from ``first`` on something is kept of."""
        (count,) = self._connection.execute(
            "SELECT COUNT(*) FROM (SELECT DISTINCT sequence_no FROM fragment"
            " WHERE strand_id = ? AND sequence_no >= ? LIMIT ?)",
            (strand_id, first, most),
        ).fetchone()
        return int(count)

    def record_gaps(self, gaps: Sequence[Gap]) -> None:
        """Remember passed gaps, and forget those that are too old to be of use."""
        with self._connection:
            self._connection.executemany(
                "INSERT OR IGNORE INTO gap VALUES (?, ?, ?, ?)",
                [(each.strand_id, each.first, each.last, each.passed_at) for each in gaps],
            )
            self._connection.executemany(
                "DELETE FROM gap WHERE passed_at < ?",
                [(each.passed_at - self._gap_retention,) for each in gaps[:1]],
            )

    def gaps(self, strand_id: str, first: int, last: int) -> Sequence[Gap]:
        """The gaps that hold a sequence number of the range."""
        rows = self._connection.execute(
            "SELECT first, last, passed_at FROM gap"
            " WHERE strand_id = ? AND first <= ? AND last >= ?",
            (strand_id, last, first),
        )
        return [Gap(strand_id, *each) for each in rows]

    def fill_gap(self, gap: Gap, sequence_no: int) -> None:
        """Take a block out of a gap."""
        rows = [
            (each.strand_id, each.first, each.last, each.passed_at)
            for each in gap.without(sequence_no)
        ]
        with self._connection:
            self._connection.execute(
                "DELETE FROM gap WHERE strand_id = ? AND first = ? AND last = ?",
                (gap.strand_id, gap.first, gap.last),
            )
            self._connection.executemany("INSERT OR IGNORE INTO gap VALUES (?, ?, ?, ?)", rows)

    def quarantine(self, records: Sequence[QuarantinedRecord]) -> None:
        """Set records aside."""
        rows = [
            (each.position, each.reason, each.payload, each.quarantined_at, each.attempts)
            for each in records
        ]
        with self._connection:
            self._connection.executemany(
                "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?) ON CONFLICT (position) DO UPDATE SET"
                " reason = excluded.reason, payload = excluded.payload,"
                " quarantined_at = excluded.quarantined_at, attempts = attempts + 1",
                rows,
            )

    def quarantine_index(self) -> Iterator[QuarantineEntry]:
        """What is set aside, one by one."""
        query = (
            "SELECT position, reason, quarantined_at, attempts, length(payload) FROM quarantine"
            " ORDER BY position"
        )
        with closing(self._connection.execute(query)) as rows:
            for each in rows:
                yield QuarantineEntry(*each)

    def quarantined_payload(self, position: str) -> bytes:
        """The bytes of a record that is set aside."""
        row = self._connection.execute(
            "SELECT payload FROM quarantine WHERE position = ?", (position,)
        ).fetchone()
        if row is None:
            raise not_quarantined(position)
        return bytes(row[0])

    def discard(self, position: str) -> None:
        """Drop a quarantined record."""
        with self._connection:
            self._connection.execute("DELETE FROM quarantine WHERE position = ?", (position,))

    def note(self, topic: str, name: str, text: str) -> None:
        """Write something down."""
        with self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO note VALUES (?, ?, ?)", (topic, name, text)
            )

    def notes(self, topic: str) -> Mapping[str, str]:
        """What was written down."""
        rows = self._connection.execute(
            "SELECT name, text FROM note WHERE topic = ? ORDER BY name", (topic,)
        )
        return dict(rows)
