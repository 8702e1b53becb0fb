"""Redaction: the data is gone everywhere, and everything still verifies."""

import shutil

import pytest

from qldbkit.journal.integrity import verify_block
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import BlockAddress
from qldbkit.journal.proofs import proves, revision_proof
from qldbkit.ledger.errors import BadRequestError, LimitExceededError, OccConflictError
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.maintenance import Maintenance

PIECE = "the secret that must go "
SECRET = PIECE * 2000  # more than a page of the file
REDACT = "EXEC REDACT_REVISION ?, ?, ?"


@pytest.fixture
def subject(people, do):
    """A document whose first revision holds the secret; where that is."""
    (row,) = do(people, "INSERT INTO Person ?", {"name": SECRET, "note": SECRET})
    sequence_no = people.tip().sequence_no
    do(people, "UPDATE Person SET name = 'harmless', note = 'none' WHERE name = ?", SECRET)
    (table, _) = do(people, "SELECT tableId FROM information_schema.user_tables")
    return row["documentId"], table["tableId"], sequence_no


def redact(do, people, subject):
    document_id, table_id, sequence_no = subject
    address = {"strandId": people.strand_id, "sequenceNo": sequence_no}
    return do(people, REDACT, address, table_id, document_id)


def test_the_data_is_replaced_by_its_hash_and_proofs_stay_valid(people, do, subject):
    document_id, table_id, sequence_no = subject
    before = people.block(sequence_no).revisions[0]
    tip = people.tip().sequence_no
    digest, proof = people.digest(tip), people.proof(sequence_no, tip)
    (row,) = redact(do, people, subject)
    assert row == {
        "blockAddress": {"strandId": people.strand_id, "sequenceNo": sequence_no},
        "tableId": table_id,
        "documentId": document_id,
        "version": 0,
    }
    block = people.block(sequence_no)
    (after,) = block.revisions
    assert (after.data, after.data_hash) == (None, before.data.hash())
    assert after.hash == before.hash
    for each in people.blocks():
        verify_block(each)
    assert proves(after.hash, revision_proof(block.summary, after.hash, proof), digest)


def test_the_order_stands_in_a_block_of_its_own(people, do, subject):
    document_id, table_id, sequence_no = subject
    redact(do, people, subject)
    summary = people.summary(people.tip().sequence_no)
    (ordered,) = summary.redaction_info.revisions
    assert ordered.address == BlockAddress(people.strand_id, sequence_no)
    assert (ordered.table_id, ordered.document_id, ordered.version) == (table_id, document_id, 0)
    assert summary.transaction_info.statements[0].statement == REDACT
    assert summary.revision_summaries == ()


def test_history_shows_the_hash_and_the_current_document_stays(people, do, subject):
    redact(do, people, subject)
    first, second = do(people, "SELECT * FROM history(Person) AS h")
    assert "data" not in first
    assert len(first["dataHash"]) == 32
    assert second["data"] == {"name": "harmless", "note": "none"}
    assert do(people, "SELECT * FROM Person WHERE name = ?", SECRET) == []


def test_no_file_of_the_ledger_holds_the_data_any_more(people, do, subject, tmp_path):
    def files_with_secret():
        return [each.name for each in tmp_path.iterdir() if PIECE.encode() in each.read_bytes()]

    assert files_with_secret()
    redact(do, people, subject)
    assert people.finish_maintenance(10)
    assert files_with_secret() == []


def test_it_may_be_ordered_twice(people, do, subject):
    assert redact(do, people, subject) == redact(do, people, subject)


def test_the_latest_revision_a_deletion_and_strangers_are_refused(people, do, subject):
    document_id, table_id, sequence_no = subject
    for wrong, match in (
        ((document_id, table_id, sequence_no + 1), "latest"),
        ((document_id, "x" * 22, sequence_no), "no revision"),
        (("x" * 22, table_id, sequence_no), "no revision"),
        ((document_id, table_id, 999), "no revision"),
    ):
        with pytest.raises(BadRequestError, match=match):
            redact(do, people, wrong)
    do(people, "DELETE FROM Person WHERE name = 'harmless'")
    with pytest.raises(BadRequestError, match="deletion"):
        redact(do, people, (document_id, table_id, people.tip().sequence_no))
    redact(do, people, (document_id, table_id, sequence_no + 1))


def test_one_redaction_per_transaction(people, run, subject):
    document_id, table_id, sequence_no = subject
    address = {"strandId": people.strand_id, "sequenceNo": sequence_no}
    transaction = people.begin()
    run(transaction, REDACT, address, table_id, document_id)
    with pytest.raises(LimitExceededError, match="1 revision"):
        run(transaction, REDACT, address, table_id, document_id)


def test_a_transaction_that_still_needed_the_data_conflicts(people, do, run):
    (row,) = do(people, "INSERT INTO Person ?", {"name": SECRET})
    sequence_no = people.tip().sequence_no
    (table, _) = do(people, "SELECT tableId FROM information_schema.user_tables")
    reader = people.begin()
    do(people, "UPDATE Person SET name = 'harmless' WHERE name = ?", SECRET)
    redact(do, people, (row["documentId"], table["tableId"], sequence_no))
    with pytest.raises(OccConflictError):
        run(reader, "SELECT * FROM Person")


def test_statement_text_is_not_touched(people, do, subject):
    redact(do, people, subject)
    statements = [
        IonSpan.of(each.statement).text()
        for block in people.blocks()
        if block.summary.transaction_info
        for each in block.summary.transaction_info.statements
    ]
    assert "INSERT INTO Person ?" in statements


def test_what_a_crash_left_of_redacted_data_goes_at_the_next_opening(
    people, do, subject, tmp_path, monkeypatch
):
    monkeypatch.setattr(Maintenance, "_erase_traces", lambda self: None)
    redact(do, people, subject)
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in ("ledger.sqlite", "ledger.sqlite-wal"):
        shutil.copy(tmp_path / name, crashed / name)
    assert PIECE.encode() in (crashed / "ledger.sqlite-wal").read_bytes()
    ledger = Ledger.open(crashed / "ledger.sqlite")
    files = [each for each in crashed.iterdir() if PIECE.encode() in each.read_bytes()]
    ledger.close()
    assert files == []
