"""QLDB's limits: at the limit it works, above it is refused and nothing is left."""

import pytest
from amazon.ion import simpleion

from qldbkit.ledger.errors import BadRequestError, LimitExceededError
from qldbkit.ledger.limits import Limits


def test_the_defaults_are_qldbs():
    limits = Limits()
    assert (limits.sessions, limits.session_idle_seconds, limits.transaction_seconds) == (
        1500,
        60,
        30,
    )
    assert (limits.transaction_documents, limits.transaction_redactions) == (40, 1)
    assert (limits.transaction_bytes, limits.document_bytes) == (4 * 2**20, 128 * 2**10)
    assert (limits.statement_characters, limits.parameter_bytes, limits.parameter_characters) == (
        100_000,
        128 * 2**10,
        2**20,
    )
    assert (limits.active_tables, limits.total_tables, limits.indexes_per_table) == (20, 40, 5)


def test_documents_of_a_transaction(people, run, commit, do):
    transaction = people.begin()
    run(transaction, "INSERT INTO Person ?", [{"n": n} for n in range(39)])
    run(transaction, "INSERT INTO Person ?", {"n": 39})
    with pytest.raises(LimitExceededError, match="40 documents"):
        run(transaction, "INSERT INTO Person ?", {"n": 40})
    run(transaction, "UPDATE Person SET n = 0")
    commit(transaction)
    assert do(people, "SELECT COUNT(*) FROM Person") == [{"_1": 40}]


def of_size(size):
    """A document of exactly ``size`` bytes in binary Ion."""
    fill = size
    while True:
        document = {"f": "x" * fill}
        fill -= len(simpleion.dumps(document, binary=True)) - size
        if len(simpleion.dumps(document, binary=True)) == size:
            return document


def test_size_of_a_document(people, run):
    transaction = people.begin()
    limit = Limits().document_bytes
    run(transaction, "INSERT INTO Person ?", of_size(limit))
    run(transaction, "INSERT INTO Person ?", {"name": "Ann", "f": "x" * (limit - 100)})
    with pytest.raises(LimitExceededError, match=f"{limit} bytes"):
        run(transaction, "UPDATE Person SET g = ? WHERE name = 'Ann'", "y" * 100)
    assert len(run(transaction, "SELECT * FROM Person")) == 2


def test_size_of_a_parameter(people, run):
    limit = Limits().parameter_bytes
    with pytest.raises(BadRequestError, match=f"{limit} bytes"):
        run(people.begin(), "INSERT INTO Person ?", of_size(limit + 1))


def test_size_of_a_transaction(people, run):
    transaction = people.begin()
    for number in range(33):
        document = {"n": number, **of_size(120 * 1024)}
        run(transaction, "INSERT INTO Person ?", document)
    with pytest.raises(LimitExceededError, match="4194304 bytes"):
        for _ in range(7):
            run(transaction, "INSERT INTO Person ?", of_size(120 * 1024))


def test_statements_count_towards_the_size_of_a_transaction(people, run):
    transaction = people.begin()
    long = f"SELECT * FROM Person -- {'x' * 99_000}"
    with pytest.raises(LimitExceededError, match="4194304 bytes"):
        for _ in range(50):
            run(transaction, long)


def test_length_of_a_statement(people, run):
    statement = "SELECT * FROM Person -- "
    limit = Limits().statement_characters
    run(people.begin(), statement.ljust(limit, "x"))
    for wrong in (statement.ljust(limit + 1, "x"), ""):
        with pytest.raises(BadRequestError, match=f"1 to {limit} characters"):
            run(people.begin(), wrong)
