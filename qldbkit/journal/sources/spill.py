"""Stream records, put in order on disk: journals may be larger than memory."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from qldbkit.journal.findings import Place
from qldbkit.journal.model import BlockAddress
from qldbkit.journal.sources.stored import Part, PartKind, StoredBlock

CACHE_KIBIBYTES: Final = 32 * 1024
"""What the database keeps in memory."""
_SCHEMA: Final = """
CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    strand INTEGER NOT NULL,
    sequence_no INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    object INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    part INTEGER,
    document TEXT,
    version INTEGER,
    data BLOB NOT NULL
) STRICT;
"""
_INDEX: Final = "CREATE INDEX by_address ON record (strand, sequence_no, kind, id)"
_ORDERED: Final = """
SELECT strand, sequence_no, kind, stream, object, offset, part, data FROM record
ORDER BY strand, sequence_no, kind, id
"""
_SKIPPED: Final = """
SELECT document, min(sequence_no) FROM (
    SELECT document, sequence_no, version,
        lag(version) OVER (PARTITION BY document ORDER BY version) AS before
    FROM record WHERE strand = ? AND document IS NOT NULL
) WHERE version > before + 1 GROUP BY document ORDER BY min(sequence_no) LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Located:
    """A record's place in the order of its journal.

    Attributes:
        address: its block.
        kind: a summary or a revision.
        stream_arn: the journal stream that carried it.
        place: where it was read.
        document: its document's id and version, if it is a revision.
        data: the record.
    """

    address: BlockAddress
    kind: PartKind
    stream_arn: str
    place: Place
    document: tuple[str, int] | None
    data: bytes


class Spill:
    """Records in a temporary file, by strand and sequence number. A context manager.

    Args:
        folder: where the temporary file is made; the system's place for those when None.
    """

    def __init__(self, folder: Path | None = None):
        self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed by __exit__
            prefix="qldbkit-", suffix=".spill", dir=folder
        )
        self._connection = sqlite3.connect(self._file.name, isolation_level=None)
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
        self._file.close()

    def fill(self, records: Iterable[Located]) -> None:
        """Take all records, in any order."""
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "INSERT INTO record (strand, sequence_no, kind, stream, object, offset, part,"
            " document, version, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            map(self._row, records),
        )
        self._connection.execute(_INDEX)
        self._connection.execute("COMMIT")

    def count(self) -> int:
        """How many blocks there are records of."""
        row = self._connection.execute(
            "SELECT count(*) FROM (SELECT DISTINCT strand, sequence_no FROM record)"
        ).fetchone()
        return int(row[0])

    def blocks(self) -> Iterator[StoredBlock]:
        """Everything in order, a block at a time; what is there twice, byte for byte, once."""
        texts = {number: text for text, number in self._names.items()}
        rows = self._connection.execute(_ORDERED)
        for (strand, sequence_no), group in groupby(rows, itemgetter(0, 1)):
            parts: dict[tuple[int, bytes], Part] = {}
            for _, _, kind, stream, name, offset, part, data in group:
                place = Place(texts[name], offset, part)
                parts.setdefault((stream, data), Part(PartKind(kind), data, place, texts[stream]))
            yield StoredBlock(BlockAddress(texts[strand], sequence_no), tuple(parts.values()))

    def skipped_versions(self, strand_id: str, limit: int) -> list[tuple[str, int]]:
        """Up to ``limit`` documents of a strand that lack a version before one that is there.

        With the sequence number of the first block behind the hole, in the order of those.
        """
        rows = self._connection.execute(_SKIPPED, (self._number(strand_id), limit))
        return [(document, sequence_no) for document, sequence_no in rows]

    def _row(self, record: Located) -> tuple[Any, ...]:
        number, place = self._number, record.place
        return (
            number(record.address.strand_id),
            record.address.sequence_no,
            record.kind,
            number(record.stream_arn),
            number(place.object_name),
            place.offset,
            place.part,
            *(record.document or (None, None)),
            record.data,
        )

    def _number(self, text: str) -> int:
        return self._names.setdefault(text, len(self._names))
