"""The tables of a ledger's SQLite file, and the checks when one is opened."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from qldbkit.ledger.storage import Identity, StorageError

APPLICATION_ID: Final = 0x714C4442
"""Marks a file as a ledger: "qLDB"."""
SCHEMA_VERSION: Final = 1
BUSY_MILLISECONDS: Final = 10_000
CACHE_KIBIBYTES: Final = 16 * 1024

SCHEMA: Final = """
CREATE TABLE identity (
    ledger_id TEXT NOT NULL, ledger_name TEXT NOT NULL, strand_id TEXT NOT NULL
) STRICT;

CREATE TABLE block (
    sequence_no INTEGER PRIMARY KEY,
    block_hash BLOB NOT NULL,
    block_time INTEGER NOT NULL,
    transaction_time INTEGER NOT NULL,
    summary BLOB NOT NULL
) STRICT;
CREATE INDEX block_by_block_time ON block (block_time);
CREATE INDEX block_by_transaction_time ON block (transaction_time);

CREATE TABLE node (
    level INTEGER NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE revision (
    revision_id INTEGER PRIMARY KEY,
    table_id TEXT NOT NULL,
    document_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX revision_by_document ON revision (document_id, ended);
CREATE INDEX revision_by_table ON revision (table_id, deleted, ended);

CREATE TABLE content (
    revision_id INTEGER PRIMARY KEY, metadata BLOB NOT NULL, data BLOB, data_hash BLOB
) STRICT;

CREATE TABLE entry (
    index_id TEXT NOT NULL,
    key BLOB NOT NULL,
    document_id TEXT NOT NULL,
    begun INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    PRIMARY KEY (index_id, key, document_id, begun)
) STRICT, WITHOUT ROWID;
CREATE INDEX ended_entry ON entry (ended) WHERE ended < 9223372036854775807;

CREATE TABLE catalog_table (
    position INTEGER PRIMARY KEY,
    table_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    active INTEGER NOT NULL,
    confirmed INTEGER NOT NULL
) STRICT;
CREATE TABLE catalog_index (
    position INTEGER PRIMARY KEY,
    index_id TEXT NOT NULL UNIQUE,
    table_id TEXT NOT NULL,
    field TEXT NOT NULL,
    status TEXT NOT NULL
) STRICT;
"""


class ForeignFileError(StorageError):
    """The file is not a ledger that this version can open."""


def create_file(path: Path, identity: Identity) -> None:
    """Make a ledger's file, readable and writable by its owner only.

    Raises:
        StorageError: the file exists or cannot be written.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise StorageError(f"the ledger's file cannot be made: {error}") from error
    connection = connect(path)
    try:
        connection.executescript(
            f"BEGIN; {SCHEMA} PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {SCHEMA_VERSION};"
        )
        connection.execute(
            "INSERT INTO identity VALUES (?, ?, ?)",
            (identity.ledger_id, identity.ledger_name, identity.strand_id),
        )
        connection.execute("COMMIT")
    finally:
        connection.close()


def check_file(path: Path) -> None:
    """Refuse a file that is not a ledger, or was written by a newer version.

    Raises:
        ForeignFileError: so it is.
    """
    if not path.is_file():
        raise ForeignFileError(f"there is no ledger in {path}")
    connection = connect(path)
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise ForeignFileError(f"{path} is not a ledger: {error}") from error
    finally:
        connection.close()
    if application != APPLICATION_ID:
        raise ForeignFileError(f"{path} is not a ledger")
    if version > SCHEMA_VERSION:
        raise ForeignFileError(
            f"{path} was written by a newer version (schema {version}, known: {SCHEMA_VERSION})",
            hint="open it with that version",
        )


def connect(path: Path) -> sqlite3.Connection:
    """A connection that is durable at every commit and erases what it overwrites."""
    connection = sqlite3.connect(
        path, timeout=BUSY_MILLISECONDS / 1000, isolation_level=None, check_same_thread=False
    )
    try:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "secure_delete = ON",
            "trusted_schema = OFF",
            f"cache_size = -{CACHE_KIBIBYTES}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ForeignFileError(f"{path} is not a ledger: {error}") from error
    return connection
