"""Optimistic concurrency: which reads conflict with which writes of others."""

import pytest

from qldbkit.ledger.conflicts import ReadSet, RecentChanges, document_part
from qldbkit.ledger.errors import OccConflictError
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.limits import Limits

READS = {
    "document by index": "SELECT * FROM Person WHERE name = 'Ann'",
    "absent key": "SELECT * FROM Person WHERE name = 'Zoe'",
    "scan": "SELECT * FROM Person WHERE age = 1",
    "document by id": "SELECT * FROM Person BY id WHERE id = '{ann}'",
    "other table": "SELECT * FROM Pet",
    "history": "SELECT * FROM history(Person) AS h",
    "tables": "SELECT * FROM information_schema.user_tables",
}
WRITES = {
    "update of the document": "UPDATE Person SET age = 2 WHERE name = 'Ann'",
    "its key changed": "UPDATE Person SET name = 'Amy' WHERE name = 'Ann'",
    "deletion": "DELETE FROM Person WHERE name = 'Ann'",
    "insert of the key": "INSERT INTO Person {{'name': 'Zoe'}}",
    "another document": "UPDATE Person SET age = 2 WHERE name = 'Bob'",
    "other table": "INSERT INTO Pet {{'name': 'Rex'}}",
    "a table dropped": "DROP TABLE Person",
    "a table made": "CREATE TABLE New",
    "an index made": "CREATE INDEX ON Person (age)",
    "a read": "SELECT * FROM Person",
}
ON_ANN = {"update of the document", "its key changed", "deletion", "a table dropped"}
ON_PEOPLE = {*ON_ANN, "insert of the key", "another document"}
CONFLICTS = {
    "document by index": {*ON_ANN, "an index made"},
    "absent key": {"insert of the key", "a table dropped", "an index made"},
    "scan": ON_PEOPLE,
    "document by id": ON_ANN,
    "other table": {"other table"},
    "history": ON_PEOPLE,
    "tables": {"a table dropped", "a table made", "an index made"},
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("read", READS)
def test_matrix(people, run, do, commit, read, write):
    (ann, _) = do(people, "INSERT INTO Person << {'name': 'Ann'}, {'name': 'Bob'} >>")
    do(people, "INSERT INTO Pet {'name': 'Tom'}")
    transaction = people.begin()
    run(transaction, READS[read].format(ann=ann["documentId"]))
    do(people, WRITES[write].format())
    if write in CONFLICTS[read]:
        with pytest.raises(OccConflictError, match="Optimistic concurrency control"):
            commit(transaction)
    else:
        commit(transaction)


def test_two_updates_of_one_document_conflict_and_of_two_do_not(people, run, do, commit):
    do(people, "INSERT INTO Person << {'name': 'Ann'}, {'name': 'Bob'} >>")
    first, second, third = people.begin(), people.begin(), people.begin()
    for transaction, name in ((first, "Ann"), (second, "Ann"), (third, "Bob")):
        run(transaction, "UPDATE Person SET age = 1 WHERE name = ?", name)
    commit(first)
    commit(third)
    with pytest.raises(OccConflictError):
        commit(second)


def test_blind_inserts_do_not_conflict(people, run, commit):
    transactions = [people.begin() for _ in range(3)]
    for transaction in transactions:
        run(transaction, "INSERT INTO Person {'name': 'Ann'}")
    for transaction in transactions:
        commit(transaction)
    assert len(run(people.begin(), "SELECT * FROM Person")) == 3


def test_two_tables_of_one_name_conflict(people, run, commit):
    first, second = people.begin(), people.begin()
    for transaction in (first, second):
        run(transaction, "CREATE TABLE New")
    commit(first)
    with pytest.raises(OccConflictError):
        commit(second)


def test_a_conflict_is_found_among_transactions_written_together(people, do):
    import threading

    do(people, "INSERT INTO Person {'name': 'Ann', 'n': 0}")
    outcomes = []

    def increment():
        while True:
            transaction = people.begin()
            cursor = transaction.execute("UPDATE Person SET n = n + 1 WHERE name = 'Ann'")
            assert len(cursor.first.values) == 1
            try:
                transaction.commit(transaction.digest())
            except OccConflictError:
                outcomes.append(False)
            else:
                outcomes.append(True)
                return

    threads = [threading.Thread(target=increment) for _ in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert do(people, "SELECT n FROM Person") == [{"n": 12}]
    assert outcomes.count(True) == 12


def test_more_reads_than_are_remembered_conflict_with_everything(tmp_path, run, do, commit):
    ledger = Ledger.create(tmp_path / "l.sqlite", "Test", limits=Limits(transaction_reads=3))
    do(ledger, "CREATE TABLE Person")
    do(ledger, "CREATE INDEX ON Person (name)")
    do(ledger, "CREATE TABLE Pet")
    transaction = ledger.begin()
    for name in "abcd":
        run(transaction, "SELECT * FROM Person WHERE name = ?", name)
    do(ledger, "INSERT INTO Pet {'name': 'Rex'}")
    with pytest.raises(OccConflictError):
        commit(transaction)
    ledger.close()


def test_changes_that_had_to_be_forgotten_conflict():
    recent = RecentChanges(0, capacity=2)
    reads = ReadSet(10)
    reads.add(document_part("unrelated"))
    recent.record(1, [document_part("a")])
    recent.record(2, [document_part("b"), document_part("c")])
    assert recent.conflict(reads, 0, 2)
    assert not recent.conflict(reads, 1, 2)


def test_what_every_snapshot_has_seen_is_forgotten_without_conflict():
    recent = RecentChanges(0, capacity=10)
    reads = ReadSet(10)
    reads.add(document_part("a"))
    recent.record(1, [document_part("a")])
    recent.forget(1)
    recent.record(2, [document_part("b")])
    assert not recent.conflict(reads, 1, 2)
    recent.record(3, [document_part("a")])
    assert recent.conflict(reads, 1, 3)
