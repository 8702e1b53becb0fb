"""Taking over a journal: the same blocks fold to the same ledger, which goes on with the chain."""

from dataclasses import replace

import pytest

from qldbkit.journal import decoding
from qldbkit.journal.blocks import exported_struct
from qldbkit.journal.building import BlockDraft, RevisionDraft, StatementDraft, form_block
from qldbkit.journal.hashes import statement_digest
from qldbkit.journal.integrity import IntegrityError, verify_block, verify_link
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block, BlockAddress, RedactedRevision, TableInfo
from qldbkit.ledger.clock import to_timestamp
from qldbkit.ledger.ledger import Ledger, NoSuchBlockError
from qldbkit.ledger.storable import storable
from qldbkit.ledger.storage import StorageError

STATE = (
    "SELECT * FROM Person",
    "SELECT * FROM Person WHERE name = 'p2'",
    "SELECT * FROM _ql_committed_Person",
    "SELECT * FROM history(Person) AS h",
    "SELECT * FROM information_schema.user_tables",
)


@pytest.fixture
def source(people, do):
    do(people, "INSERT INTO Person ?", [{"name": f"p{n}", "n": n} for n in range(5)])
    do(people, "UPDATE Person SET n = 9 WHERE name = 'p2'")
    do(people, "DELETE FROM Person WHERE name = 'p3'")
    do(people, "DROP TABLE Pet")
    (table, _) = do(people, "SELECT tableId, name FROM information_schema.user_tables")
    do(people, "CREATE INDEX ON Person (n)")
    people.finish_maintenance(10)
    (row,) = do(
        people,
        "SELECT metadata.id, blockAddress FROM history(Person) AS h"
        " WHERE h.data.name = 'p2' AND h.metadata.version = 0",
    )
    do(people, "EXEC REDACT_REVISION ?, ?, ?", row["blockAddress"], table["tableId"], row["id"])
    return people


def empty(tmp_path, source, name="restored"):
    return Ledger.create(
        tmp_path / f"{name}.sqlite", "Restored", strand_id=source.strand_id, genesis=False
    )


def exported(block):
    """The block as an export carries it."""
    return decoding.block(IonSpan.of(exported_struct(block)))


@pytest.mark.parametrize("form", [lambda block: block, exported], ids=["stored", "exported"])
def test_the_restored_ledger_is_the_same(tmp_path, source, do, form):
    restored = empty(tmp_path, source)
    assert restored.tip() is None
    blocks = [form(each) for each in source.blocks()]
    restored.append(blocks[:3])
    restored.append(blocks[3:])
    assert restored.finish_maintenance(10)
    assert restored.tip() == source.tip()
    for statement in STATE:
        found = [
            [IonSpan.of(row) for row in do(ledger, statement)] for ledger in (source, restored)
        ]
        assert found[0] == found[1], statement
    tip = len(blocks) - 1
    assert restored.digest(tip) == source.digest(tip)
    restored.close()


def test_it_goes_on_with_the_same_chain(tmp_path, source, do):
    restored = empty(tmp_path, source)
    restored.append(list(source.blocks()))
    last = restored.block(restored.tip().sequence_no)
    do(restored, "UPDATE Person SET n = 10 WHERE name = 'p2'")
    block = restored.block(restored.tip().sequence_no)
    verify_block(block)
    verify_link(last.address, last.summary.block_hash, block.summary)
    assert block.revisions[0].metadata.version == 2
    restored.close()


def test_the_exported_data_of_a_block_is_not_kept_twice(tmp_path, source):
    restored = empty(tmp_path, source)
    restored.append([exported(each) for each in source.blocks()])
    for block in restored.blocks():
        assert "revisions" not in block.summary.ion.fields()
    restored.close()


def test_all_blocks_or_none(tmp_path, source):
    restored = empty(tmp_path, source)
    blocks = list(source.blocks())
    with pytest.raises(IntegrityError, match="goes on with sequence number 2"):
        restored.append([blocks[0], blocks[1], blocks[4]])
    assert restored.tip() is None
    with pytest.raises(IntegrityError, match="sequence number 0"):
        restored.append(blocks[1:])
    restored.append(blocks)
    with pytest.raises(IntegrityError, match="goes on"):
        restored.append(blocks[-1:])
    restored.close()


def test_another_journal_and_a_forged_block_are_refused(tmp_path, source):
    other = Ledger.create(tmp_path / "other.sqlite", "Other", genesis=False)
    blocks = list(source.blocks())
    with pytest.raises(IntegrityError, match="another journal"):
        other.append(blocks)
    other.close()
    restored = empty(tmp_path, source)
    (block,) = [each for each in blocks if len(each.revisions) == 5]
    with pytest.raises(IntegrityError, match="missing"):
        restored.append(
            [*blocks[: block.address.sequence_no], Block(block.summary, block.revisions[:3])]
        )
    draft = BlockDraft(
        BlockAddress(source.strand_id, 1), b"\7" * 32, "x" * 22, to_timestamp(0), to_timestamp(0)
    )
    with pytest.raises(IntegrityError, match="previousBlockHash"):
        restored.append([blocks[0], form_block(draft)])
    restored.close()


def test_a_journal_with_holes_has_documents_but_no_digest(tmp_path, source, do):
    restored = empty(tmp_path, source)
    streamed = [each for each in source.blocks() if each.revisions]
    restored.append(streamed, allow_gaps=True)
    assert do(restored, "SELECT * FROM Person WHERE n = 9") == [{"name": "p2", "n": 9}]
    with pytest.raises(NoSuchBlockError, match="not whole"):
        restored.digest(streamed[-1].address.sequence_no)
    restored.close()


class Foreign:
    """A journal written elsewhere, whose table and index ids do not follow from its blocks."""

    strand_id = "F" * 22

    def __init__(self):
        self.blocks = []

    def add(self, *statements, revisions=(), redactions=()):
        number = len(self.blocks)
        previous = self.blocks[-1].summary.block_hash if self.blocks else b""
        now = to_timestamp(1_600_000_000_000 + number)
        drafts = [StatementDraft(each, now, statement_digest(each, [])) for each in statements]
        draft = BlockDraft(
            BlockAddress(self.strand_id, number),
            previous,
            f"{number:022}",
            now,
            now,
            drafts,
            revisions,
            redactions,
        )
        self.blocks.append(form_block(draft))


PERSON, PET = "P" * 22, "Q" * 22


def person(number, version=0, table=PERSON, name="Person", **data):
    return RevisionDraft(f"{number:022}", version, TableInfo(name, table), data or None, (0,))


def test_table_ids_of_a_foreign_journal_are_learnt_from_documents(tmp_path, do):
    foreign = Foreign()
    foreign.add()
    foreign.add("CREATE TABLE Person", "CREATE INDEX ON Person (name)", "CREATE TABLE Pet")
    foreign.add("INSERT INTO Person ?", revisions=[person(1, name="Person")])
    foreign.add("INSERT", revisions=[person(2, table=PERSON, x=1), person(3, nick="Ann")])
    foreign.add("DROP TABLE Pet")
    foreign.add(f'UNDROP TABLE "{PET}"')
    foreign.add('-- gone\n drop index "unknown-here" on Person WITH (purge = true)')
    ledger = empty(tmp_path, foreign)
    ledger.append(foreign.blocks)
    assert ledger.finish_maintenance(10)
    (table, pet) = do(ledger, "SELECT * FROM information_schema.user_tables")
    assert (table["name"], table["tableId"], table["indexes"]) == ("Person", PERSON, [])
    assert (pet["name"], pet["tableId"], pet["status"]) == ("Pet", PET, "ACTIVE")
    assert do(ledger, "SELECT * FROM Person WHERE nick = 'Ann'") == [{"nick": "Ann"}]
    ledger.close()


def test_a_journal_without_its_beginning_makes_the_tables_it_needs(tmp_path, do):
    foreign = Foreign()
    foreign.add()
    foreign.add("CREATE TABLE Person")
    foreign.add("UPDATE Person", revisions=[person(1, version=4, nick="Ann")])
    foreign.add("CREATE TABLE Person, which is no statement")
    foreign.add("DROP TABLE Nobody", "CREATE INDEX ON Nobody (x)")
    ledger = empty(tmp_path, foreign)
    ledger.append(foreign.blocks[2:], allow_gaps=True)
    assert do(ledger, "SELECT * FROM Person") == [{"nick": "Ann"}]
    do(ledger, "UPDATE Person SET nick = 'Bob'")
    (row,) = do(ledger, "SELECT metadata.version FROM _ql_committed_Person")
    assert row == {"version": 5}
    ledger.close()


def test_a_redaction_of_a_foreign_journal_is_followed(tmp_path, do):
    foreign = Foreign()
    foreign.add("CREATE TABLE Person")
    foreign.add("INSERT", revisions=[person(1, nick="secret")])
    foreign.add("UPDATE", revisions=[person(1, version=1, nick="open")])
    ordered = RedactedRevision(BlockAddress(Foreign.strand_id, 1), PERSON, f"{1:022}", 0)
    foreign.add("EXEC REDACT_REVISION ?, ?, ?", redactions=[ordered])
    ledger = empty(tmp_path, foreign)
    ledger.append(foreign.blocks)
    (revision,) = ledger.block(1).revisions
    assert revision.redacted
    assert revision.hash == foreign.blocks[1].revisions[0].hash
    ledger.close()


def test_a_sequence_number_that_cannot_be_stored_is_refused(source):
    block = source.block(3)

    def at(number):
        address = BlockAddress(block.address.strand_id, number)
        return replace(block, summary=replace(block.summary, address=address))

    assert storable(at(2**47 - 1)).address.sequence_no == 2**47 - 1
    for number in (2**47, 2**63, 2**80):
        with pytest.raises(StorageError, match="cannot be stored"):
            storable(at(number))
