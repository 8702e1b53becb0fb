"""Transactions: what they see, what they leave, and what the journal says of them."""

from itertools import pairwise

import pytest
from amazon.ion import simpleion

from qldbkit.journal.hashes import statement_digest
from qldbkit.journal.integrity import verify_block, verify_link
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.proofs import proves
from qldbkit.ledger.errors import BadRequestError, InvalidSessionError
from qldbkit.ledger.identifiers import is_identifier


def test_a_transaction_reads_what_it_wrote_and_others_do_not(people, run, commit):
    writer, reader = people.begin(), people.begin()
    run(writer, "INSERT INTO Person ?", {"name": "Ann"})
    assert run(writer, "SELECT * FROM Person AS p WHERE p.name = 'Ann'") == [{"name": "Ann"}]
    assert run(writer, "SELECT * FROM Person") == [{"name": "Ann"}]
    assert run(reader, "SELECT * FROM Person") == []
    commit(writer)
    assert run(reader, "SELECT * FROM Person") == []
    assert run(people.begin(), "SELECT * FROM Person") == [{"name": "Ann"}]


def test_an_index_lookup_sees_the_transactions_own_changes(people, run, do):
    do(people, "INSERT INTO Person << {'name': 'Ann'}, {'name': 'Bob'} >>")
    transaction = people.begin()
    run(transaction, "UPDATE Person SET name = 'Cid' WHERE name = 'Ann'")
    run(transaction, "DELETE FROM Person WHERE name = 'Bob'")
    run(transaction, "INSERT INTO Person ?", {"name": "Dan"})
    names = ("Ann", "Bob", "Cid", "Dan")
    found = [
        name for name in names if run(transaction, "SELECT * FROM Person WHERE name = ?", name)
    ]
    assert found == ["Cid", "Dan"]


def test_an_aborted_transaction_leaves_nothing(people, run):
    tip = people.tip()
    transaction = people.begin()
    run(transaction, "INSERT INTO Person ?", {"name": "Ann"})
    transaction.abort()
    assert people.tip() == tip
    assert run(people.begin(), "SELECT * FROM Person") == []
    with pytest.raises(BadRequestError, match="is closed"):
        run(transaction, "SELECT * FROM Person")


def test_a_failed_statement_leaves_no_effect_and_the_transaction_open(people, run, commit):
    transaction = people.begin()
    run(transaction, "INSERT INTO Person ?", {"name": "Ann"})
    with pytest.raises(BadRequestError):
        run(transaction, "INSERT INTO Person ?", [{"name": "Bob"}, "not a struct"])
    commit(transaction)
    assert run(people.begin(), "SELECT * FROM Person") == [{"name": "Ann"}]
    statements = people.block(people.tip().sequence_no).summary.transaction_info.statements
    assert [each.statement for each in statements] == ["INSERT INTO Person ?"]


def test_one_revision_per_document_with_the_final_data(people, run, commit):
    transaction = people.begin()
    insert = "INSERT INTO Person ?"
    update = "UPDATE Person AS p SET p.age = ?, p.born = ? WHERE p.name = ?"
    (row,) = run(transaction, insert, {"name": "Ann"})
    run(transaction, update, 30, 1990, "Ann")
    commit(transaction)
    block = people.block(people.tip().sequence_no)
    (revision,) = block.revisions
    assert revision.metadata.version == 0
    assert revision.data.value() == {"name": "Ann", "age": 30, "born": 1990}
    document = block.summary.transaction_info.documents[row["documentId"]]
    assert document.statements == (0, 1, 1)
    assert block.table_of(revision).table_name == "Person"
    digests = [each.statement_digest for each in block.summary.transaction_info.statements]
    assert digests == [
        statement_digest(insert, [{"name": "Ann"}]),
        statement_digest(update, [30, 1990, "Ann"]),
    ]


def test_fields_stand_in_the_order_of_qldbs_records(people, do, shared_data):
    do(people, "INSERT INTO Person ?", {"name": "Ann"})
    sample = IonSpan.parse((shared_data / "samples" / "block-summary.10n").read_bytes())
    block = people.block(people.tip().sequence_no)

    def names(span):
        return list(span.fields())

    real, ours = sample.fields()["payload"], block.summary.ion
    assert names(ours) == names(real)
    real, ours = (each.fields()["transactionInfo"] for each in (real, ours))
    assert names(ours) == names(real)
    real, ours = (each.fields()["statements"].elements()[0] for each in (real, ours))
    assert names(ours) == names(real)
    sample = IonSpan.parse((shared_data / "samples" / "revision-details.10n").read_bytes())
    assert names(block.revisions[0].ion) == names(sample.fields()["payload"].fields()["revision"])


def test_versions_count_and_a_deletion_is_a_revision_without_data(people, do):
    (row,) = do(people, "INSERT INTO Person ?", {"name": "Ann"})
    do(people, "UPDATE Person SET age = 1 WHERE name = 'Ann'")
    do(people, "DELETE FROM Person WHERE name = 'Ann'")
    revisions = [
        revision
        for block in people.blocks()
        for revision in block.revisions
        if revision.metadata.id == row["documentId"]
    ]
    assert [each.metadata.version for each in revisions] == [0, 1, 2]
    assert [each.deleted for each in revisions] == [False, False, True]
    assert do(people, "SELECT * FROM Person") == []
    assert "data" not in revisions[2].ion.fields()


def test_inserted_and_deleted_in_one_transaction_is_unknown_to_the_journal(people, run, commit):
    transaction = people.begin()
    run(transaction, "INSERT INTO Person ?", {"name": "Ann"})
    run(transaction, "DELETE FROM Person WHERE name = 'Ann'")
    commit(transaction)
    block = people.block(people.tip().sequence_no)
    assert block.revisions == ()
    assert dict(block.summary.transaction_info.documents) == {}
    assert run(people.begin(), "SELECT * FROM history(Person) AS h") == []


def test_reads_are_journalled_and_an_empty_transaction_is_not(people, do, commit):
    tip = people.tip().sequence_no
    do(people, "SELECT * FROM Person")
    assert people.tip().sequence_no == tip + 1
    summary = people.summary(tip + 1)
    assert [each.statement for each in summary.transaction_info.statements] == [
        "SELECT * FROM Person"
    ]
    assert summary.revision_summaries == ()
    commit(people.begin())
    assert people.tip().sequence_no == tip + 1


def test_every_block_verifies_links_and_is_proved_by_every_later_digest(people, do, clock):
    for number in range(12):
        clock.advance(0.007)
        do(people, "INSERT INTO Person ?", [{"name": f"p{number}"}, {"name": "other"}])
    blocks = list(people.blocks())
    assert [each.address.sequence_no for each in blocks] == list(range(len(blocks)))
    for block in blocks:
        verify_block(block)
    for before, after in pairwise(blocks):
        verify_link(before.address, before.summary.block_hash, after.summary)
        assert before.summary.block_timestamp <= after.summary.block_timestamp
    for tip in range(len(blocks)):
        digest = people.digest(tip)
        for block in blocks[: tip + 1]:
            proof = people.proof(block.address.sequence_no, tip)
            assert proves(block.summary.block_hash, proof, digest)


def test_block_times_do_not_go_back_when_the_clock_does(people, do, clock):
    do(people, "INSERT INTO Person ?", {"name": "Ann"})
    before = people.summary(people.tip().sequence_no).block_timestamp
    clock.advance(-3600)
    do(people, "INSERT INTO Person ?", {"name": "Bob"})
    assert people.summary(people.tip().sequence_no).block_timestamp >= before


def test_a_commit_with_another_digest_is_refused_and_ends_the_transaction(people, run):
    transaction = people.begin()
    run(transaction, "INSERT INTO Person ?", {"name": "Ann"})
    with pytest.raises(BadRequestError, match="Digests don't match"):
        transaction.commit(b"\0" * 32)
    with pytest.raises(BadRequestError, match="closed"):
        transaction.commit(transaction.digest())
    assert run(people.begin(), "SELECT * FROM Person") == []


def test_a_transaction_expires(people, run, clock):
    transaction = people.begin()
    clock.advance(29.9)
    run(transaction, "SELECT * FROM Person")
    clock.advance(0.1)
    with pytest.raises(InvalidSessionError, match=f"Transaction {transaction.id} has expired"):
        run(transaction, "SELECT * FROM Person")
    with pytest.raises(InvalidSessionError, match="has expired"):
        transaction.commit(transaction.digest())


def test_identifiers_have_qldbs_form(people, do):
    (row,) = do(people, "INSERT INTO Person ?", {"name": "Ann"})
    (table, _) = do(people, "SELECT tableId FROM information_schema.user_tables")
    for text in (row["documentId"], table["tableId"], people.strand_id, people.begin().id):
        assert is_identifier(text)


def test_values_keep_their_types_and_annotations(people, do):
    text = (
        "{name: 'a symbol', n: 1.50, f: 1e0, t: 2020-01-31T10:00+01:00, b: {{aGk=}}, c: {{\"c\"}},"
        " none: null.int, nested: [a::1, (s x 1)], big: 123456789012345678901234567890}"
    )
    value = simpleion.loads(text, single_value=True)
    do(people, "INSERT INTO Person ?", value)
    (revision,) = people.block(people.tip().sequence_no).revisions
    assert revision.data == IonSpan.of(value)


def test_the_committed_view_shows_blocks_and_what_is_uncommitted_without_one(people, run, commit):
    transaction = people.begin()
    run(transaction, "INSERT INTO Person ?", {"name": "Ann"})
    (pending,) = run(transaction, "SELECT * FROM _ql_committed_Person")
    assert pending["metadata"]["version"] == 0
    assert "hash" not in pending
    commit(transaction)
    (row,) = run(people.begin(), "SELECT * FROM _ql_committed_Person")
    (revision,) = people.block(people.tip().sequence_no).revisions
    assert IonSpan.of(row) == revision.ion


def test_waiting_for_blocks(people, do):
    tip = people.tip().sequence_no
    assert not people.wait_beyond(tip, 0)
    do(people, "INSERT INTO Person ?", {"name": "Ann"})
    assert people.wait_beyond(tip, 0)


def test_a_reopened_ledger_is_the_same_and_goes_on(people, do, tmp_path, clock):
    do(people, "INSERT INTO Person ?", {"name": "Ann"})
    before = [each.summary.block_hash for each in people.blocks()]
    name, strand, identity = people.name, people.strand_id, people.ledger_id
    people.close()
    again = type(people).open(tmp_path / "ledger.sqlite", clock=clock)
    try:
        assert (again.name, again.strand_id, again.ledger_id) == (name, strand, identity)
        assert [each.summary.block_hash for each in again.blocks()] == before
        do(again, "UPDATE Person SET age = 1 WHERE name = 'Ann'")
        assert do(again, "SELECT * FROM Person") == [{"name": "Ann", "age": 1}]
        for block in again.blocks():
            verify_block(block)
    finally:
        again.close()
