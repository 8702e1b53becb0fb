"""What the server remembers of its ledgers beside the ledgers themselves: `control.sqlite`.

Ledgers, tags, journal streams and exports are rows of one small SQLite file. Every change is
durable before it is answered. Times are whole milliseconds since 1970, in UTC.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from qldbkit.errors import QldbkitError
from qldbkit.ledger.clock import Clock

SCHEMA_VERSION: Final = 1
LOCK_TIMEOUT_SECONDS: Final = 10.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_SCHEMA: Final = """
CREATE TABLE ledger (
    name TEXT PRIMARY KEY,
    file TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    created INTEGER NOT NULL,
    permissions_mode TEXT NOT NULL,
    deletion_protection INTEGER NOT NULL,
    kms_key_arn TEXT
) STRICT;
CREATE TABLE tag (
    resource_arn TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT,
    PRIMARY KEY (resource_arn, key)
) STRICT;
CREATE TABLE stream (
    stream_id TEXT PRIMARY KEY,
    ledger TEXT NOT NULL,
    name TEXT NOT NULL,
    role_arn TEXT NOT NULL,
    kinesis_arn TEXT NOT NULL,
    aggregated INTEGER NOT NULL,
    created INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER,
    status TEXT NOT NULL,
    error_cause TEXT,
    ended INTEGER,
    next_sequence_no INTEGER,
    announced INTEGER NOT NULL
) STRICT;
CREATE INDEX stream_of_ledger ON stream (ledger, stream_id);
CREATE TABLE export (
    export_id TEXT PRIMARY KEY,
    ledger TEXT NOT NULL,
    role_arn TEXT NOT NULL,
    created INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    bucket TEXT NOT NULL,
    prefix TEXT NOT NULL,
    encryption TEXT NOT NULL,
    kms_key_arn TEXT,
    output_format TEXT,
    status TEXT NOT NULL,
    ended INTEGER
) STRICT;
CREATE INDEX export_of_ledger ON export (ledger, export_id);
"""


class ControlStoreError(QldbkitError):
    """The server's own state cannot be opened."""


def from_milliseconds(milliseconds: int) -> datetime:
    """The aware UTC time of so many milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def time_of(clock: Clock) -> datetime:
    """The aware UTC time that a clock shows."""
    return from_milliseconds(clock.milliseconds())


class ControlStore:
    """One SQLite file, shared by the server's threads."""

    def __init__(self, path: Path):
        """Open the file, or make it.

        Raises:
            ControlStoreError: a newer version of this program wrote it, or it is no database.
        """
        self._lock = threading.RLock()
        path.touch(mode=0o600)
        self._connection = sqlite3.connect(
            path, timeout=LOCK_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._prepare(path)
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise ControlStoreError(
                f"{path} is not a database of this program",
                hint="choose another folder, or move that file away",
            ) from error
        except ControlStoreError:
            self._connection.close()
            raise

    def _prepare(self, path: Path) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise ControlStoreError(
                f"{path} was written by a newer version of qldbkit (schema {version},"
                f" this one knows {SCHEMA_VERSION})",
                hint="use that version, or another folder",
            )
        if version == 0:
            script = f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            self._connection.executescript(script)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: statements run within are durable together when it ends."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def write(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run one statement; the number of rows that it changed."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Every row that a query gives."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def close(self) -> None:
        """Close the file; nothing more can be asked."""
        with self._lock:
            self._connection.close()
