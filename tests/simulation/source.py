"""A source ledger's journal, made up: valid blocks, and what the documents are after each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from amazon.ion.core import Timestamp, TimestampPrecision

from qldbkit.journal.building import BlockDraft, RevisionDraft, StatementDraft, form_block
from qldbkit.journal.hashes import statement_digest
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block, BlockAddress, RedactedRevision, TableInfo
from qldbkit.journal.records import encode_block_summary, encode_revision_details

STREAM_ARN = "arn:aws:qldb:us-east-1:000000000000:stream/Source/AAAAAAAAAAAAAAAAAAAAAA"
STRAND_ID = "Strand0000000000000000"
START = datetime(2026, 1, 1, tzinfo=UTC)
SPACING = 10.0
"""Seconds between two blocks."""

Documents = dict[tuple[str, str], IonSpan]


def timestamp(moment: datetime) -> Timestamp:
    """A time to the millisecond, as QLDB writes it."""
    return Timestamp(
        *moment.timetuple()[:6],
        moment.microsecond,
        tzinfo=UTC,
        precision=TimestampPrecision.SECOND,
        fractional_precision=3,
    )


def name_id(prefix: str, number: int) -> str:
    """An id of 22 characters."""
    return f"{prefix}{number:0{22 - len(prefix)}d}"


@dataclass
class Write:
    """A document to be written: data None deletes it."""

    document_id: str
    data: Any | None


@dataclass
class SourceDocument:
    table: TableInfo
    version: int
    data: IonSpan | None


@dataclass
class Source:
    """Appends blocks, and remembers what the documents are after each."""

    strand_id: str = STRAND_ID
    blocks: list[Block] = field(default_factory=list)
    after: list[Documents] = field(default_factory=list)
    tables: dict[str, TableInfo] = field(default_factory=dict)
    dropped: dict[str, TableInfo] = field(default_factory=dict)
    documents: dict[str, SourceDocument] = field(default_factory=dict)
    drops: bool = True
    new_tables: int = 0
    new_documents: int = 0

    def append(
        self,
        statements: Sequence[str],
        revisions: Sequence[RevisionDraft] = (),
        redactions: Sequence[RedactedRevision] = (),
    ) -> Block:
        number = len(self.blocks)
        time = timestamp(START + timedelta(seconds=number * SPACING))
        block = form_block(
            BlockDraft(
                address=BlockAddress(self.strand_id, number),
                previous_block_hash=self.blocks[-1].summary.block_hash if self.blocks else b"",
                transaction_id=name_id("T", number),
                block_timestamp=time,
                transaction_time=time,
                statements=[
                    StatementDraft(each, time, statement_digest(each, ())) for each in statements
                ],
                revisions=revisions,
                redactions=redactions,
            )
        )
        self.blocks.append(block)
        self.after.append(self.current())
        return block

    def current(self) -> Documents:
        active = {each.table_id for each in self.tables.values()}
        return {
            (each.table.table_name, id_): each.data
            for id_, each in self.documents.items()
            if each.data is not None and each.table.table_id in active
        }

    def read(self) -> Block:
        """A transaction that only reads: it is in the journal, and not in the stream."""
        return self.append(["SELECT * FROM Person WHERE Name = ?"])

    def create_table(self, name: str) -> Block:
        self.tables[name] = TableInfo(name, name_id("Table", self.new_tables))
        self.new_tables += 1
        return self.append([f"CREATE TABLE {name}"])

    def create_index(self, table: str, field_name: str) -> Block:
        return self.append([f"CREATE INDEX ON {table} ({field_name})"])

    def drop_table(self, name: str) -> Block:
        table = self.tables.pop(name)
        self.dropped[table.table_id] = table
        return self.append([f"DROP TABLE {name}"])

    def undrop_table(self, table_id: str) -> Block:
        table = self.dropped.pop(table_id)
        self.tables[table.table_name] = table
        return self.append([f'UNDROP TABLE "{table_id}"'])

    def new_id(self) -> str:
        self.new_documents += 1
        return name_id("D", self.new_documents)

    def write(self, table: str, writes: Sequence[Write], statements: Sequence[str] = ()) -> Block:
        """One transaction that writes documents of one table."""
        revisions = [self._revision(self.tables[table], each, len(statements)) for each in writes]
        return self.append([*statements, f"UPDATE {table} SET x = ?"], revisions)

    def insert(self, table: str, *data: Any) -> Block:
        return self.write(table, [Write(self.new_id(), each) for each in data])

    def redact(self, document_id: str, version: int) -> Block:
        block = next(
            each
            for each in self.blocks
            for revision in each.revisions
            if revision.metadata is not None
            and (revision.metadata.id, revision.metadata.version) == (document_id, version)
        )
        table = self.documents[document_id].table
        redacted = RedactedRevision(block.address, table.table_id, document_id, version)
        return self.append(["EXEC REDACT_REVISION ?, ?, ?"], redactions=[redacted])

    def _revision(self, table: TableInfo, write: Write, statement: int) -> RevisionDraft:
        before = self.documents.get(write.document_id)
        version = 0 if before is None else before.version + 1
        data = None if write.data is None else IonSpan.of(write.data)
        self.documents[write.document_id] = SourceDocument(table, version, data)
        return RevisionDraft(write.document_id, version, table, data, (statement, statement))


def is_streamed(block: Block) -> bool:
    """Whether the block is in the stream: it committed something."""
    info = block.summary.transaction_info
    statements = [each.statement for each in info.statements] if info is not None else []
    return bool(
        block.revisions
        or block.summary.redaction_info
        or any(not each.startswith("SELECT") for each in statements)
    )


def records_of(block: Block) -> list[tuple[str, bytes]]:
    """The block's stream records with their partition keys."""
    if not is_streamed(block):
        return []
    summary = block.summary
    found = [(summary.block_hash.hex(), encode_block_summary(STREAM_ARN, summary))]
    for each in block.revisions:
        table = block.table_of(each)
        assert table is not None
        found.append((each.hash.hex(), encode_revision_details(STREAM_ARN, table, each)))
    return found


def random_history(random: Random, blocks: int, *, drops: bool = True) -> Source:
    """A history with everything that a ledger's users do."""
    source = Source(drops=drops)
    source.read()
    for name in ("Person", "Vehicle"):
        source.create_table(name)
    source.create_index("Person", "GovId")
    while len(source.blocks) < blocks:
        _random_block(random, source)
    return source


def _random_block(random: Random, source: Source) -> None:
    living = [
        id_
        for id_, each in source.documents.items()
        if each.data is not None and each.table in source.tables.values()
    ]
    dice = random.random()
    if dice < 0.05:
        source.read()
    elif dice < 0.14 and len(source.tables) < 5:
        source.create_table(name_id("Extra", source.new_tables))
    elif dice < 0.16 and source.drops and len(source.tables) > 2:
        name = random.choice([each for each in source.tables if each.startswith("Extra")])
        source.drop_table(name)
        if random.random() < 0.5:
            source.create_table(name)
    elif dice < 0.18 and source.dropped:
        _random_undrop(random, source)
    elif dice < 0.21:
        _random_redaction(random, source)
    elif dice < 0.24:
        name = random.choice(list(source.tables))
        source.insert(name, *({"n": each} for each in range(random.randint(8, 22))))
    else:
        _random_writes(random, source, living)


def _random_undrop(random: Random, source: Source) -> None:
    candidates = [
        each
        for each in source.dropped.values()
        if each.table_name not in source.tables
        and any(document.table == each for document in source.documents.values())
    ]
    if candidates:
        source.undrop_table(random.choice(candidates).table_id)


def _random_redaction(random: Random, source: Source) -> None:
    old = [
        id_
        for id_, each in source.documents.items()
        if each.version > 0 and each.table in source.tables.values()
    ]
    if old:
        id_ = random.choice(old)
        source.redact(id_, random.randrange(source.documents[id_].version))


def _random_writes(random: Random, source: Source, living: list[str]) -> None:
    table = random.choice(list(source.tables))
    mine = [each for each in living if source.documents[each].table == source.tables[table]]
    writes = []
    for id_ in random.sample(mine, min(len(mine), random.choice((0, 0, 1, 1, 2)))):
        gone = random.random() < 0.15
        writes.append(Write(id_, None if gone else {"n": random.random(), "name": "changed"}))
    for _ in range(random.choice((0, 1, 1, 2)) or (not writes)):
        writes.append(Write(source.new_id(), {"n": random.randint(0, 9), "name": "new"}))
    source.write(table, writes, ["SELECT * FROM Person"] if random.random() < 0.3 else [])


def all_records(blocks: Sequence[Block]) -> Iterator[tuple[Block, str, bytes]]:
    """Every stream record of the blocks, with its block."""
    for block in blocks:
        for key, data in records_of(block):
            yield block, key, data
