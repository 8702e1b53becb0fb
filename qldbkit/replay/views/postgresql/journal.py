"""The journal in a view as a source of blocks: to be verified, restored, and compared.

Everything is read in one snapshot, so that a replay may go on meanwhile. Blocks and revisions come
by two cursors in the order of their addresses, whatever tables the revisions are in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from psycopg import Cursor, sql

from qldbkit.journal.findings import Finding, FindingKind, Place
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import BlockAddress
from qldbkit.journal.sources.stored import (
    BlockRange,
    Part,
    PartKind,
    SourceDescription,
    StoredBlock,
)
from qldbkit.replay.bookkeeping import checkpoint_of
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.fragments import Gap
from qldbkit.replay.views.postgresql import checks, statements
from qldbkit.replay.views.postgresql.address import PostgresqlAddress
from qldbkit.replay.views.postgresql.catalog import Catalog
from qldbkit.replay.views.postgresql.connecting import Connection, Session
from qldbkit.replay.views.postgresql.copying import Row
from qldbkit.replay.views.postgresql.rows import BLOCK, HISTORY

ROWS_AT_ONCE: Final = 500
"""Rows that are fetched, and held in memory."""
_BLOCKS: Final = "SELECT {} FROM journal_block ORDER BY strand_id, sequence_no"
_GAPS: Final = (
    "SELECT strand_id, first_sequence_no, last_sequence_no, extract(epoch FROM passed_at)"
    " FROM journal_gap ORDER BY strand_id, first_sequence_no"
)
_STRAND, _NUMBER = 5, 6
"""Where a history's row has its block's address."""
assert [HISTORY[each].name for each in (_STRAND, _NUMBER)] == ["strand_id", "sequence_no"]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A revision as it is in its table's history: values of `HISTORY`, and the relation."""

    row: Row
    relation: str

    @property
    def address(self) -> BlockAddress:
        """The block's, by its columns."""
        return BlockAddress(self.row[_STRAND], self.row[_NUMBER])


class PostgresqlJournal:
    """The blocks of ``journal_block`` with the revisions of all histories."""

    def __init__(self, session: Session, address: PostgresqlAddress, *, readable: bool):
        """A journal.

        Args:
            session: to read with.
            address: the view's.
            readable: whether to check what SQL users read as well: columns, jsonb, and whether
                current documents are the latest revisions.
        """
        self._session, self._address, self._readable = session, address, readable
        self._expected: int | None = None

    def describe(self) -> SourceDescription:
        """A view; a stream need not have brought every block, and passed gaps are on record."""
        return SourceDescription("PostgreSQL view", str(self._address), None, contiguous=False)

    def expected_blocks(self) -> int | None:
        """As many as there are rows, once they are being read."""
        return self._expected

    def stored_blocks(self) -> Iterator[StoredBlock | Finding]:
        """Every block in order, what is missing between them, and what contradicts them.

        Raises:
            PostgresqlUnavailableError, ViewSchemaError: the view cannot be read.
        """
        try:
            with self._session.snapshot() as connection:
                row = connection.execute("SELECT count(*) FROM journal_block").fetchone()
                self._expected = None if row is None else int(row[0])
                yield from self._found(connection)
        finally:
            self._session.close()

    def _found(self, connection: Connection) -> Iterator[StoredBlock | Finding]:
        catalog = Catalog.read(connection, self._address.schema)
        if self._readable:
            for table in catalog:
                yield from checks.current_findings(connection, self._address.schema, table)
        bounds = _Bounds.read(connection)
        with self._rows(connection, catalog) as (blocks, revisions):
            merging = _Merging(self._address.schema, bounds, readable=self._readable)
            yield from merging.merged(blocks, revisions)

    @contextmanager
    def _rows(
        self, connection: Connection, catalog: Catalog
    ) -> Iterator[tuple[Iterator[Row], Iterator[_Kept]]]:
        with (
            closing(connection.cursor(name="blocks", withhold=False)) as blocks,
            closing(connection.cursor(name="revisions", withhold=False)) as revisions,
        ):
            for each in (blocks, revisions):
                each.itersize = ROWS_AT_ONCE
            blocks.execute(sql.SQL(_BLOCKS).format(_columns(BLOCK)))
            yield iter(blocks), self._revisions(revisions, catalog)

    def _revisions(self, cursor: Cursor[Any], catalog: Catalog) -> Iterator[_Kept]:
        """The rows of all histories, by their block's address."""
        relations = [each.history for each in catalog]
        if not relations:
            return
        selects = [
            sql.SQL("SELECT {}, {} AS relation FROM {}").format(
                _columns(HISTORY), sql.Literal(each), sql.Identifier(self._address.schema, each)
            )
            for each in relations
        ]
        cursor.execute(
            sql.SQL("{} ORDER BY strand_id, sequence_no, id").format(
                sql.SQL(" UNION ALL ").join(selects)
            )
        )
        for row in cursor:
            yield _Kept(row[:-1], row[-1])


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Which blocks there should be.

    Attributes:
        checkpoints: by strand.
        gaps: the passed ones, by strand.
    """

    checkpoints: dict[str, Checkpoint]
    gaps: dict[str, list[Gap]]

    @classmethod
    def read(cls, connection: Connection) -> _Bounds:
        """What the view has on record."""
        rows = connection.execute(statements.CHECKPOINTS).fetchall()
        found = [checkpoint_of(IonSpan.parse(each).value()) for (each,) in rows]
        gaps: dict[str, list[Gap]] = {}
        for strand_id, first, last, passed_at in connection.execute(_GAPS):
            gaps.setdefault(strand_id, []).append(Gap(strand_id, first, last, float(passed_at)))
        return cls({each.strand_id: each for each in found}, gaps)

    def absent(self, strand_id: str, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The ranges within ``first`` and ``last`` that no passed gap accounts for."""
        for gap in self.gaps.get(strand_id, ()):
            if gap.last < first or gap.first > last:
                continue
            if gap.first > first:
                yield first, gap.first - 1
            first = gap.last + 1
        if first <= last:
            yield first, last

    def is_part(self, address: BlockAddress) -> bool:
        """Whether the block is applied in part, and its row comes with the rest of it."""
        checkpoint = self.checkpoints.get(address.strand_id)
        part = None if checkpoint is None else checkpoint.part
        return part is not None and part.sequence_no == address.sequence_no


class _Merging:
    """Puts blocks and revisions together, and tells what of them is not there."""

    def __init__(self, schema: str, bounds: _Bounds, *, readable: bool):
        self._schema, self._bounds, self._readable = schema, bounds, readable
        self._last: Row | None = None

    def merged(
        self, blocks: Iterator[Row], revisions: Iterator[_Kept]
    ) -> Iterator[StoredBlock | Finding]:
        """All blocks, each with its revisions, and what is wrong on the way."""
        waiting = next(revisions, None)
        for row in chain(blocks, [None]):
            address = None if row is None else BlockAddress(row[0], row[1])
            yield from self._between(row)
            while waiting is not None and (address is None or waiting.address < address):
                yield from self._orphaned(waiting)
                waiting = next(revisions, None)
            if row is None or address is None:
                return
            own = []
            while waiting is not None and waiting.address == address:
                own.append(waiting)
                waiting = next(revisions, None)
            yield from self._block(address, row, own)
            self._last = row

    def _block(
        self, address: BlockAddress, row: Row, revisions: Sequence[_Kept]
    ) -> Iterator[StoredBlock | Finding]:
        if self._readable:
            place = self._place("journal_block", f"block {address.sequence_no}")
            yield from checks.block_findings(row, place)
            for each in revisions:
                yield from checks.revision_findings(each.row, self._place_of(each))
        parts = [Part(PartKind.SUMMARY, bytes(row[-1]), self._place("journal_block"))]
        parts += [
            Part(PartKind.REVISION, bytes(each.row[-1]), self._place_of(each)) for each in revisions
        ]
        number = address.sequence_no
        yield StoredBlock(address, tuple(parts), BlockRange(address.strand_id, number, number))

    def _between(self, row: Row | None) -> Iterator[Finding]:
        """What is missing between the last block and this one; None stands for the end."""
        last = self._last
        if last is not None and (row is None or row[0] != last[0]):
            yield from self._end(last)
        if row is not None:
            first = last[1] + 1 if last is not None and last[0] == row[0] else 0
            yield from self._missing(row[0], first, row[1] - 1)
        elif last is None:
            for each in self._bounds.checkpoints.values():
                yield from self._missing(each.strand_id, 0, each.sequence_no)

    def _end(self, last: Row) -> Iterator[Finding]:
        """Whether a strand ends where the view's checkpoint says."""
        strand_id, number, block_hash = last[0], last[1], last[BLOCK_HASH]
        address = BlockAddress(strand_id, number)
        checkpoint = self._bounds.checkpoints.get(strand_id)
        if checkpoint is None:
            reason = "the view has no checkpoint of this strand, which would say where it ends"
            yield Finding(FindingKind.UNVERIFIABLE, reason, address)
            return
        yield from self._missing(strand_id, number + 1, checkpoint.sequence_no)
        if checkpoint.sequence_no == number and checkpoint.block_hash != block_hash:
            reason = "the checkpoint names another block of this number"
            yield Finding(FindingKind.DAMAGED, reason, address, self._place("journal_checkpoint"))

    def _missing(self, strand_id: str, first: int, last: int) -> Iterator[Finding]:
        for begin, end in self._bounds.absent(strand_id, first, last):
            which = f"block {begin} is" if begin == end else f"blocks {begin} to {end} are"
            reason = f"{which} not there, and no gap is on record"
            place = self._place("journal_block")
            yield Finding(FindingKind.MISSING, reason, BlockAddress(strand_id, begin), place)

    def _orphaned(self, kept: _Kept) -> Iterator[Finding]:
        if not self._bounds.is_part(kept.address):
            reason = "the block of a revision is not there"
            yield Finding(FindingKind.MISSING, reason, kept.address, self._place_of(kept))

    def _place_of(self, kept: _Kept) -> Place:
        return self._place(kept.relation, f"document {kept.row[0]}, version {kept.row[1]}")

    def _place(self, relation: str, which: str = "") -> Place:
        return Place(f"{self._schema}.{relation}" + (f", {which}" if which else ""))


BLOCK_HASH: Final = [each.name for each in BLOCK].index("block_hash")


def _columns(columns: Sequence[Any]) -> sql.Composed:
    """Columns as they are read: jsonb as text."""
    return sql.SQL(", ").join(
        sql.SQL("{}::text").format(sql.Identifier(each.name))
        if each.kind.value == "jsonb"
        else sql.Identifier(each.name)
        for each in columns
    )
