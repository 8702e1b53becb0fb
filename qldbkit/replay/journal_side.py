"""A journal as a side of a comparison: what its documents are when all its blocks are applied.

An archive, an export or a ledger's file is folded into a temporary database on disk, block by
block, each verified before, so that memory does not grow with the journal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Final, Self

from qldbkit.journal.findings import Finding, FindingKind
from qldbkit.journal.hashes import ion_hash
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block, BlockAddress
from qldbkit.journal.parallel import outcome_of
from qldbkit.journal.sources.stored import JournalSource
from qldbkit.replay.changes import content
from qldbkit.replay.checkpoint import NOTHING_APPLIED
from qldbkit.replay.compare import DocumentDigest
from qldbkit.replay.errors import ReplayError
from qldbkit.replay.plan import (
    CreateTable,
    DropTable,
    Step,
    UndropTable,
    WriteRevision,
    plan_block,
)
from qldbkit.replay.repair_source import SourceRevision
from qldbkit.replay.tables import TableBook

CACHE_KIBIBYTES: Final = 32 * 1024
"""What the temporary database keeps in memory."""
FOLDED: Final = "folded"
"""Stands for a dropped table's id in a destination, which a fold has not."""
_SCHEMA: Final = """
CREATE TABLE revision (
    table_id TEXT NOT NULL,
    document_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    sequence_no INTEGER NOT NULL,
    digest BLOB,
    data BLOB,
    PRIMARY KEY (document_id, version)
) STRICT, WITHOUT ROWID;
"""
_CURRENT: Final = """
SELECT table_id, document_id, digest FROM (
    SELECT table_id, document_id, digest,
        row_number() OVER (PARTITION BY document_id ORDER BY version DESC) AS place
    FROM revision
) WHERE place = 1 AND digest IS NOT NULL
"""
_BREAKS: Final = (FindingKind.DAMAGED, FindingKind.MISSING)


class UnsoundJournalError(ReplayError):
    """The journal is damaged or not whole, so that it does not say what the documents are."""


class JournalSide:
    """The documents of a journal. A context manager; it is read when it is first asked.

    Args:
        source: the journal.
        until: the last sequence number to apply; None for all.
    """

    def __init__(self, source: JournalSource, until: int | None = None):
        self._source = source
        self._until = until
        self._database = sqlite3.connect("")  # a temporary file that SQLite removes
        self._database.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
        self._database.executescript(_SCHEMA)
        self._book = TableBook()
        self._last: BlockAddress | None = None
        self._folded = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    def name(self) -> str:
        """What and where it is."""
        described = self._source.describe()
        return f"{described.form} {described.location}"

    def tables(self) -> frozenset[str]:
        """The names of the active tables.

        Raises:
            UnsoundJournalError: a block is damaged or not whole, or there are several journals.
        """
        self._fold()
        return frozenset(each.name for each in self._book if each.active)

    def digests(self) -> Iterator[DocumentDigest]:
        """Every current document of the active tables."""
        self._fold()
        names = {each.source_id: each.name for each in self._book if each.active}
        for table_id, document_id, digest in self._database.execute(_CURRENT):
            if table_id in names:
                yield DocumentDigest(names[table_id], document_id, digest)

    def reach(self) -> int | None:
        """The last block that was applied; -1 if there is none."""
        self._fold()
        return NOTHING_APPLIED if self._last is None else self._last.sequence_no

    def revisions(self, table: str, document_id: str) -> Sequence[SourceRevision]:
        """All revisions of a document, by ascending version, also of a table that was dropped."""
        self._fold()
        strand_id = "" if self._last is None else self._last.strand_id
        rows = self._database.execute(
            "SELECT table_id, sequence_no, version, data FROM revision WHERE document_id = ?"
            " ORDER BY version",
            (document_id,),
        )
        ids = {each.source_id for each in self._book if each.name == table}
        return [
            SourceRevision(
                BlockAddress(strand_id, sequence_no),
                version,
                None if data is None else IonSpan.parse(data),
            )
            for table_id, sequence_no, version, data in rows
            if table_id in ids
        ]

    def _fold(self) -> None:
        if self._folded:
            return
        for found in self._source.stored_blocks():
            outcome = outcome_of(found)
            broken = [each for each in outcome.findings if each.kind in _BREAKS]
            if isinstance(found, Finding):
                if broken:
                    raise _unsound(found)
                continue
            if outcome.block is None or not outcome.whole:
                raise _unsound(broken[0] if broken else outcome.findings[0])
            self._apply(outcome.block)
        self._folded = True

    def _apply(self, block: Block) -> None:
        last, address = self._last, block.address
        if last is not None and address <= last and address.strand_id == last.strand_id:
            return
        if last is not None and address.strand_id != last.strand_id:
            raise UnsoundJournalError(
                f"the source has a second journal, {address.strand_id} beside {last.strand_id}"
            )
        if self._until is not None and address.sequence_no > self._until:
            return
        for each in plan_block(block).steps:
            self._step(each, address)
        self._last = address

    def _step(self, step: Step, address: BlockAddress) -> None:
        match step:
            case CreateTable(name=name):
                self._book = self._book.created(name)
            case DropTable(name=name):
                self._book = self._book.dropped(name).dropped_as(name, FOLDED)
            case UndropTable(source_id=id_):
                self._book, _ = self._book.undropped(id_)
            case WriteRevision(table=table):
                self._book, _ = self._book.seen(table)
                self._write(step, address)

    def _write(self, step: WriteRevision, address: BlockAddress) -> None:
        data = None if step.revision.deleted else content(step.revision)
        self._database.execute(
            "INSERT OR REPLACE INTO revision VALUES (?, ?, ?, ?, ?, ?)",
            (
                step.table.table_id,
                step.document_id,
                step.version,
                address.sequence_no,
                None if data is None else ion_hash(data),
                None if data is None else data.binary(),
            ),
        )


def _unsound(finding: Finding) -> UnsoundJournalError:
    return UnsoundJournalError(
        f"the journal is {finding.kind.value}: {finding.reason}",
        position=finding.position or None,
        hint="qldbkit verify names every break",
    )
