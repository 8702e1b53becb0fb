"""Stream records, put in order on disk: journals may be larger than memory.

The records go one behind the other into a temporary file, and what puts them in order into a
database beside it.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from qldbkit.journal.findings import Place
from qldbkit.journal.model import BlockAddress
from qldbkit.journal.sources.splitting import Piece
from qldbkit.journal.sources.stored import Part, PartKind, StoredBlock

CACHE_KIBIBYTES: Final = 32 * 1024
"""What the database keeps in memory."""
BUFFER_BYTES: Final = 1024 * 1024
"""Bytes of records that are written or read at once."""
_KINDS: Final = {each.value: each for each in PartKind}
_SCHEMA: Final = """
CREATE TABLE record (
    strand INTEGER NOT NULL,
    sequence_no INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    begin INTEGER NOT NULL,
    size INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    object INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    part INTEGER,
    document TEXT,
    version INTEGER,
    PRIMARY KEY (strand, sequence_no, kind, begin)
) STRICT, WITHOUT ROWID;
"""
_ORDERED: Final = """
SELECT strand, sequence_no, kind, begin, size, stream, object, offset, part FROM record
ORDER BY strand, sequence_no, kind, begin
"""
_SKIPPED: Final = """
SELECT document, min(sequence_no) FROM (
    SELECT document, sequence_no, version,
        lag(version) OVER (PARTITION BY document ORDER BY version) AS before
    FROM record WHERE strand = ? AND document IS NOT NULL
) WHERE version > before + 1 GROUP BY document ORDER BY min(sequence_no) LIMIT ?
"""


class Located(NamedTuple):
    """What puts a record in the order of its journal; a tuple, as the kernel gives it.

    Attributes:
        kind: a summary or a revision.
        stream_arn: the journal stream that carried it.
        strand_id: its block's strand.
        sequence_no: its block's number.
        document_id: its document, if it is a revision.
        version: its version, if it is a revision.
    """

    kind: int
    stream_arn: str
    strand_id: str
    sequence_no: int
    document_id: str | None
    version: int | None


Record = tuple[Located, str, Piece]
"""Where a record belongs, the object that it was read from, and the record there."""


class Spill:
    """Records in a temporary file, by strand and sequence number. A context manager.

    Args:
        folder: where the temporary file is made; the system's place for those when None.
    """

    def __init__(self, folder: Path | None = None):
        self._folder = tempfile.TemporaryDirectory(prefix="qldbkit-", suffix=".spill", dir=folder)
        path = Path(self._folder.name)
        self._records = (path / "records").open("w+b", buffering=BUFFER_BYTES)
        self._size = 0
        self._connection = sqlite3.connect(path / "order", isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
        self._connection.executescript(_SCHEMA)
        self._names: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
        self._records.close()
        self._folder.cleanup()

    def fill(self, records: Iterable[Record]) -> None:
        """Take all records, in any order."""
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(self._row, records)
        )
        self._connection.execute("COMMIT")

    def count(self) -> int:
        """How many blocks there are records of."""
        row = self._connection.execute(
            "SELECT count(*) FROM (SELECT DISTINCT strand, sequence_no FROM record)"
        ).fetchone()
        return int(row[0])

    def blocks(self) -> Iterator[StoredBlock]:
        """Everything in order, a block at a time; what is there twice, byte for byte, once."""
        texts = list(self._names)
        rows = self._connection.execute(_ORDERED)
        for (strand, sequence_no), group in groupby(rows, itemgetter(0, 1)):
            parts: dict[tuple[int, bytes], Part] = {}
            for _, _, kind, begin, size, stream, name, offset, part in group:
                self._records.seek(begin)
                data = self._records.read(size)
                place = Place(texts[name], offset, part)
                parts.setdefault((stream, data), Part(_KINDS[kind], data, place, texts[stream]))
            yield StoredBlock(BlockAddress(texts[strand], sequence_no), tuple(parts.values()))

    def skipped_versions(self, strand_id: str, limit: int) -> list[tuple[str, int]]:
        """Up to ``limit`` documents of a strand that lack a version before one that is there.

        With the sequence number of the first block behind the hole, in the order of those.
        """
        rows = self._connection.execute(_SKIPPED, (self._number(strand_id), limit))
        return [(document, sequence_no) for document, sequence_no in rows]

    def _row(self, record: Record) -> tuple[Any, ...]:
        located, name, (data, offset, part) = record
        kind, stream_arn, strand_id, sequence_no, document_id, version = located
        number, begin = self._number, self._size
        self._records.write(data)
        self._size += len(data)
        return (
            number(strand_id),
            sequence_no,
            kind,
            begin,
            len(data),
            number(stream_arn),
            number(name),
            offset,
            part,
            document_id,
            version,
        )

    def _number(self, text: str) -> int:
        return self._names.setdefault(text, len(self._names))
