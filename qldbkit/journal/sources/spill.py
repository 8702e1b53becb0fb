"""Stream records, put in order on disk: journals may be larger than memory.

The records go one behind the other into a temporary file, and what puts them in order into a
database beside it.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedRandom, FileIO
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from qldbkit.errors import QldbkitError
from qldbkit.journal.findings import Place
from qldbkit.journal.model import BlockAddress
from qldbkit.journal.sources.splitting import Piece
from qldbkit.journal.sources.stored import Part, PartKind, StoredBlock

CACHE_KIBIBYTES: Final = 32 * 1024
"""What the database keeps in memory while it is written."""
READING_KIBIBYTES: Final = 2 * 1024
"""The same while it is read."""
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


class SpillError(QldbkitError):
    """The temporary files in which records are put in order cannot be written."""


@contextmanager
def _told() -> Iterator[None]:
    """Say of what the disk refuses where it was to go."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise SpillError(
            f"the temporary files in {tempfile.gettempdir()} cannot be written: {error}",
            hint="they take as much space as the archive without compression; TMPDIR names a"
            " folder that has it",
        ) from error


class Spill:
    """Records in temporary files, by strand and sequence number. A context manager.

    Raises:
        SpillError: they cannot be made.
    """

    def __init__(self) -> None:
        self._size = 0
        self._names: dict[str, int] = {}
        with _told(), tempfile.TemporaryDirectory(prefix="qldbkit-") as made:
            self._records = BufferedRandom(FileIO(Path(made, "records"), "w+"), BUFFER_BYTES)
            self._connection = sqlite3.connect(Path(made, "order"), isolation_level=None)
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
            self._connection.executescript(_SCHEMA)
        # Both files are open and have no name any more: a process that is killed leaves nothing.

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
        self._records.raw.close()  # without writing what nobody will read

    def fill(self, records: Iterable[Record]) -> None:
        """Take all records, in any order.

        Raises:
            SpillError: they could not be written.
        """
        with _told():
            self._connection.execute("BEGIN")
            self._connection.executemany(
                "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                map(self._row, records),
            )
            self._connection.execute("COMMIT")
            self._records.flush()
            # To be read from end to end, they need none of what was kept for writing.
            self._connection.execute(f"PRAGMA cache_size = -{READING_KIBIBYTES}")
            self._connection.execute("PRAGMA shrink_memory")

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
