"""From a block to steps, and from steps to destination transactions."""

from __future__ import annotations

from typing import Any

import pytest
from simulation.source import Source, Write

from qldbkit.journal.building import RevisionDraft
from qldbkit.journal.model import Block, TableInfo
from qldbkit.replay.checkpoint import Checkpoint, Part
from qldbkit.replay.errors import BlockDamagedError, PlanError
from qldbkit.replay.fragments import Gap
from qldbkit.replay.plan import (
    CreateIndex,
    CreateTable,
    DropIndex,
    DropTable,
    RedactRevision,
    UndropTable,
    WriteRevision,
    plan_block,
)
from qldbkit.replay.units import PlannedBlock, UnitLimits, chunks, next_unit


def planned(*blocks: Block) -> list[PlannedBlock]:
    return [PlannedBlock(plan_block(each)) for each in blocks]


@pytest.fixture
def source() -> Source:
    source = Source()
    source.create_table("Person")
    return source


@pytest.mark.parametrize(
    ("statement", "step"),
    [
        ("CREATE TABLE Person", CreateTable("Person")),
        ("create table Person", CreateTable("Person")),
        ('-- a note\n CREATE TABLE "user"', CreateTable("user")),
        ("DROP TABLE Person", DropTable("Person")),
        ('UNDROP TABLE "5PLf9SXwndd63lPaSIa0O6"', UndropTable("5PLf9SXwndd63lPaSIa0O6")),
        ("CREATE INDEX ON Person (GovId)", CreateIndex("Person", "GovId")),
        (
            'DROP INDEX "4tPW3fUhaVhDinRgKRLhGU" ON Person WITH (purge = true)',
            DropIndex("Person", "4tPW3fUhaVhDinRgKRLhGU"),
        ),
    ],
)
def test_changes_of_tables_are_done_again_from_their_statement(
    statement: str, step: object
) -> None:
    assert plan_block(Source().append([statement])).steps == (step,)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM Person WHERE Name = 'CREATE TABLE Other'",
        "INSERT INTO Person VALUE {'Name': 'DROP TABLE Person'}",
        "UPDATE Person SET Name = ? WHERE Id = ?",
        "DELETE FROM Person",
        "SELECT something the parser cannot read FROM",
    ],
)
def test_no_other_statement_is_taken_for_a_change_of_tables(statement: str) -> None:
    assert plan_block(Source().append([statement])).steps == ()


def test_a_change_of_tables_that_cannot_be_understood_is_an_error() -> None:
    block = Source().append(["CREATE TABLE Person WITH strange things"])
    with pytest.raises(PlanError) as raised:
        plan_block(block)
    assert "sequence number 0" in str(raised.value)


def test_documents_come_between_the_changes_of_tables_that_surround_them(source: Source) -> None:
    """A table is dropped and made again in one transaction, with a document before and after."""
    old, new = source.tables["Person"], TableInfo("Person", "AnotherTable0000000000")
    block = source.append(
        [
            "INSERT INTO Person ?",
            "DROP TABLE Person",
            "CREATE TABLE Person",
            "INSERT INTO Person ?",
        ],
        [
            RevisionDraft(source.new_id(), 0, new, {"n": 2}, (3,)),
            RevisionDraft(source.new_id(), 0, old, {"n": 1}, (0,)),
        ],
    )
    steps = plan_block(block).steps
    names = [each.table.table_id if isinstance(each, WriteRevision) else each for each in steps]
    assert names == [old.table_id, DropTable("Person"), CreateTable("Person"), new.table_id]


def test_a_redaction_is_a_step(source: Source) -> None:
    id_ = source.insert("Person", {"n": 0}).revisions[0].metadata.id
    source.write("Person", [Write(id_, {"n": 1})])
    (step,) = plan_block(source.redact(id_, 0)).steps
    assert step == RedactRevision(source.tables["Person"].table_id, id_, 0)


def test_a_document_of_no_table_is_an_error(source: Source) -> None:
    whole = source.insert("Person", {"n": 0})
    other = source.append(["INSERT INTO Person ?"])
    with pytest.raises(PlanError):
        plan_block(Block(other.summary, whole.revisions))


def test_blocks_share_a_transaction_up_to_each_limit(source: Source) -> None:
    blocks = planned(*(source.insert("Person", {"n": 1}) for _ in range(30)))

    def together(**limits: Any) -> int:
        return len(next_unit(blocks, None, UnitLimits(**limits)).finished)

    assert together() == 19  # an insert is two documents, and two are bookkeeping
    assert together(documents=12) == 5
    assert together(blocks=3) == 3
    size = blocks[0].plan.steps[0].size  # type: ignore[union-attr]
    assert together(bytes=size * 4) == 4
    assert together(documents=1) == 1  # what must be done is done, whatever it costs


def test_updates_cost_half_of_inserts_unless_caution_is_asked_for(source: Source) -> None:
    ids = [source.insert("Person", {"n": 0}).revisions[0].metadata.id for _ in range(60)]
    blocks = planned(*(source.write("Person", [Write(each, {"n": 1})]) for each in ids))
    assert len(next_unit(blocks, None, UnitLimits()).finished) == 38
    assert len(next_unit(blocks, None, UnitLimits(cautious=True)).finished) == 19


def test_a_change_of_tables_has_a_transaction_of_its_own(source: Source) -> None:
    insert, create, after = (
        source.insert("Person", {"n": 0}),
        source.create_table("Other"),
        source.insert("Person", {"n": 1}),
    )
    assert len(next_unit(planned(insert, create, after), None, UnitLimits()).finished) == 1
    assert len(next_unit(planned(create, after), None, UnitLimits()).finished) == 1


def test_a_large_block_is_split_and_goes_on_where_the_checkpoint_says(source: Source) -> None:
    block = source.insert("Person", *({"n": each} for each in range(25)))
    gap = Gap(source.strand_id, 0, 0, 1.0)
    blocks = [PlannedBlock(plan_block(block), gap), *planned(source.insert("Person", {"n": 0}))]

    first = next_unit(blocks, None, UnitLimits(documents=30))
    assert (len(first.steps), first.finished, first.gaps) == (14, (), (gap,))
    part = Part(block.address.sequence_no, block.summary.block_hash, 14)
    assert first.after == Checkpoint(source.strand_id, -1, b"", part)
    assert first.after.reached == 0

    second = next_unit(blocks, first.after, UnitLimits(documents=30))
    assert len(second.steps) == 12  # the rest of the block, and the next block with it
    assert len(second.finished) == 2
    assert second.gaps == ()
    assert second.after.part is None and second.after.sequence_no == 2


def test_a_part_of_another_block_is_never_continued(source: Source) -> None:
    blocks = planned(source.insert("Person", {"n": 0}))
    before = Checkpoint(source.strand_id, 0, b"hash", Part(1, b"another hash", 3))
    with pytest.raises(BlockDamagedError):
        next_unit(blocks, before, UnitLimits())


def test_each_redaction_has_a_transaction_of_its_own(source: Source) -> None:
    steps = [RedactRevision("table", f"document-{each}", 0) for each in range(3)]
    assert [len(each) for each in chunks(steps, UnitLimits())] == [1, 1, 1]
