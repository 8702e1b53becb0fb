"""An embedded ledger's file as a source of blocks, beside exports and archives."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from qldbkit.journal import decoding
from qldbkit.journal.findings import Finding
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import BlockAddress
from qldbkit.journal.sources.stored import Part, PartKind, SourceDescription, StoredBlock
from qldbkit.ledger.http import CONTROL_FILE
from qldbkit.ledger.sqlite import SqliteStorage
from qldbkit.ledger.storage import StorageError
from qldbkit.ledger.stored_blocks import stored_block

SQLITE_HEAD: Final = b"SQLite format 3\0"
BLOCKS_AT_ONCE: Final = 100


class LedgerFileSource:
    """The journal in a ledger's file; a server may have it open at the same time."""

    def __init__(self, path: Path):
        self._path = path

    def describe(self) -> SourceDescription:
        """A ledger; all its blocks must be there."""
        return SourceDescription("ledger", str(self._path), None, contiguous=True)

    def stored_blocks(self) -> Iterator[StoredBlock | Finding]:
        """The blocks up to the one that is the latest when it is reached.

        Raises:
            StorageError: the file is not a ledger, or of a newer version.
        """
        with closing(SqliteStorage(self._path)) as storage:
            strand_id, following = storage.identity().strand_id, 0
            while found := storage.summaries(following, BLOCKS_AT_ONCE):
                for sequence_no, data in found:
                    address = BlockAddress(strand_id, sequence_no)
                    yield StoredBlock(address, _parts(storage, sequence_no, data))
                following = found[-1][0] + 1

    def expected_blocks(self) -> int | None:
        """Up to the latest block."""
        with closing(SqliteStorage(self._path)) as storage:
            tip = storage.tip()
        return None if tip is None else tip.sequence_no + 1


def _parts(storage: SqliteStorage, sequence_no: int, data: bytes) -> tuple[Part, ...]:
    summary = decoding.block_summary(IonSpan.parse(data))
    block = stored_block(summary, storage.revisions_of(sequence_no))
    revisions = (Part(PartKind.REVISION, each.ion.binary()) for each in block.revisions)
    return Part(PartKind.SUMMARY, data), *revisions


def is_ledger_file(path: Path) -> bool:
    """Whether a file is a SQLite database, as ledgers are."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(SQLITE_HEAD)) == SQLITE_HEAD


def ledger_file(folder: Path, name: str) -> Path | None:
    """The file of a ledger that a server of ``folder`` has; None when it has none of that name.

    Raises:
        StorageError: what the folder says of its ledgers cannot be read.
    """
    control = folder / CONTROL_FILE
    if not control.is_file():
        return None
    uri = f"{control.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            row = connection.execute(
                "SELECT file FROM ledger WHERE name = ? AND state = 'ACTIVE'", (name,)
            ).fetchone()
    except sqlite3.DatabaseError as error:
        raise StorageError(f"{control} does not say which ledgers there are: {error}") from error
    return None if row is None else folder / row[0]
