"""What a block did, as steps that can be done again in a destination.

A statement says what was done, but the journal has a question mark for each of its parameters, so
in general only the revisions say what was written. By kind:

- SELECT: nothing to do.
- Changes of tables and indexes: done again from the statement; QLDB journals them in no other way.
- INSERT, UPDATE, DELETE, FROM: through the block's revisions, whole documents.
- EXEC REDACT_REVISION: through the block's ``redactionInfo``.

A source may itself have been a destination once: its bookkeeping tables are left out.

A revision is placed where the last statement that wrote its document stands, so that a table is
there before its documents are and is dropped after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Final, NamedTuple

from qldbkit.journal.model import Block, Revision, TableInfo
from qldbkit.partiql.errors import PartiqlSyntaxError
from qldbkit.partiql.parser import parse
from qldbkit.partiql.statements import CreateIndex as CreateIndexStatement
from qldbkit.partiql.statements import CreateTable as CreateTableStatement
from qldbkit.partiql.statements import DropIndex as DropIndexStatement
from qldbkit.partiql.statements import DropTable as DropTableStatement
from qldbkit.partiql.statements import UndropTable as UndropTableStatement
from qldbkit.replay.bookkeeping_tables import BOOKKEEPING_TABLES
from qldbkit.replay.errors import PlanError

CATALOG_KEYWORDS = ("CREATE", "DROP", "UNDROP")
REMEMBERED_STATEMENTS = 500
"""Texts of statements of which it is kept what they do to tables."""
REMEMBERED_TABLES = 500
"""Tables that are not made anew for each of their documents."""


@dataclass(frozen=True, slots=True)
class CreateTable:
    """Make a table, unless an active one has the name."""

    name: str


@dataclass(frozen=True, slots=True)
class DropTable:
    """Make the active table of that name inactive, if there is one."""

    name: str


@dataclass(frozen=True, slots=True)
class UndropTable:
    """Make an inactive table active again; the id is the source's.

    If ``only_known``, nothing is done where no table is known by that id: it may be one that is not
    replayed.
    """

    source_id: str
    only_known: bool = False


@dataclass(frozen=True, slots=True)
class CreateIndex:
    """Make an index on a top-level field, unless there is one."""

    table: str
    field: str


@dataclass(frozen=True, slots=True)
class DropIndex:
    """Drop an index; the id is the source's."""

    table: str
    source_index_id: str


CatalogStep = CreateTable | DropTable | UndropTable | CreateIndex | DropIndex


class WriteRevision(NamedTuple):
    """Bring a document to a revision: insert it, replace it whole, or delete it.

    A tuple, since there are as many as revisions.
    """

    table: TableInfo
    document_id: str
    version: int
    revision: Revision

    @property
    def size(self) -> int:
        """The document's bytes."""
        data = self.revision.data
        return 0 if data is None else data.end - data.start


@dataclass(frozen=True, slots=True)
class RedactRevision:
    """Remove the data of a document's earlier revision; ids and version are the source's."""

    table_id: str
    document_id: str
    version: int


Step = CatalogStep | WriteRevision | RedactRevision


class BlockPlan(NamedTuple):
    """A block and its steps, in order; the same block always gives the same steps.

    Attributes:
        block: what is planned.
        steps: what it does.
        writes: how many of the steps write a revision.
        new: how many of these write the first one of a document.
        size: bytes of the documents that they write.
    """

    block: Block
    steps: tuple[Step, ...]
    writes: int
    new: int
    size: int

    @classmethod
    def of(cls, block: Block, steps: Iterable[Step]) -> BlockPlan:
        """The plan with those steps."""
        steps = tuple(steps)
        writes = new = size = 0
        for each in steps:
            if isinstance(each, WriteRevision):
                writes += 1
                new += each.version == 0
                size += each.size
        return cls(block, steps, writes, new, size)

    @property
    def alone(self) -> bool:
        """Whether the block needs a destination transaction of its own."""
        return self.writes < len(self.steps)


def plan_block(block: Block) -> BlockPlan:
    """The steps that do in a destination what ``block`` did in the source.

    Raises:
        PlanError: the block names no table for one of its documents, or holds a change of tables
            that cannot be understood.
    """
    return BlockPlan.of(block, _steps(block))


def _steps(block: Block) -> list[Step]:
    placed: list[_Placed] = [*_catalog_changes(block), *_writes(block)]
    if len(placed) > 1:
        placed.sort(key=_PLACE)
    steps = [step for _, _, step in placed]
    redactions = block.summary.redaction_info
    if redactions is not None:
        for each in redactions.revisions:
            steps.append(RedactRevision(each.table_id, each.document_id, each.version))
    return steps


_Placed = tuple[int, int, Step]
"""A step, with the index of its statement and, of one statement's, its turn."""
_PLACE: Final = itemgetter(0, 1)


def _catalog_changes(block: Block) -> Iterator[_Placed]:
    """Changes of tables and indexes; each goes before what its own statement wrote."""
    info = block.summary.transaction_info
    for index, statement in enumerate(info.statements if info is not None else ()):
        change = catalog_step(statement.statement, block)
        if change is not None and not _is_bookkeeping(change):
            yield index, 0, change


def _is_bookkeeping(change: CatalogStep) -> bool:
    """Whether a change is of what replay keeps in a ledger that was a destination before."""
    match change:
        case CreateTable(name=name) | DropTable(name=name):
            return name in BOOKKEEPING_TABLES
        case CreateIndex(table=name) | DropIndex(table=name):
            return name in BOOKKEEPING_TABLES
    return False


def _writes(block: Block) -> Iterator[_Placed]:
    """Each revision, at the last statement that wrote its document."""
    info = block.summary.transaction_info
    for each in block.revisions:
        metadata = each.metadata
        if metadata is None:
            continue
        document = None if info is None else info.documents.get(metadata.id)
        if document is None:
            raise PlanError(
                f"a block names no table for document {metadata.id}", position=str(block.address)
            )
        if document.table_name not in BOOKKEEPING_TABLES:
            table = _table(document.table_name, document.table_id)
            written_by = max(document.statements, default=-1)
            yield written_by, 1, WriteRevision(table, metadata.id, metadata.version, each)


@lru_cache(maxsize=REMEMBERED_TABLES)
def _table(name: str, id_: str) -> TableInfo:
    return TableInfo(name, id_)


def catalog_step(statement: str, block: Block) -> CatalogStep | None:
    """The change of tables or indexes that a statement is; None for any other statement.

    A statement that the parser refuses although QLDB ran it is of no matter as long as it is no
    change of tables: what it wrote is in the revisions.

    Raises:
        PlanError: it is a change of tables, and cannot be understood.
    """
    try:
        return _catalog_step(statement)
    except PartiqlSyntaxError as error:
        if statement.lstrip().upper().startswith(CATALOG_KEYWORDS):
            raise PlanError(
                f"a change of tables cannot be understood: {error}", position=str(block.address)
            ) from error
        return None


@lru_cache(maxsize=REMEMBERED_STATEMENTS)
def _catalog_step(statement: str) -> CatalogStep | None:
    """What `catalog_step` gives; an application has few texts, and sends them again and again.

    Raises:
        PartiqlSyntaxError: the statement cannot be understood.
    """
    match parse(statement):
        case CreateTableStatement(name=name):
            return CreateTable(name)
        case DropTableStatement(name=name):
            return DropTable(name)
        case UndropTableStatement(table_id=table_id):
            return UndropTable(table_id)
        case CreateIndexStatement(table=table, field=field):
            return CreateIndex(table, field)
        case DropIndexStatement(table=table, index_id=index_id):
            return DropIndex(table, index_id)
    return None
