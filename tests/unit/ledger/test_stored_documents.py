"""Documents are stored as the bytes they came as, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from qldbkit.journal.ion import IonSpan
from qldbkit.ledger.errors import BadRequestError
from qldbkit.replay import parameters

DOCUMENTS = [
    "{name: 'Ann', n: 1.500, t: 2020-01-01T00:00:00.12345678901234Z}",
    'note::{name: symbol, name: "twice", list: [1, {deep: {deeper: null.int}}]}',
    "{}",
]


def stored(ledger: Any, table: str) -> list[IonSpan]:
    """What the journal has of a table's documents."""
    return [
        each.data
        for block in ledger.blocks()
        for each in block.revisions
        if block.table_of(each).table_name == table and each.data is not None
    ]


@pytest.mark.parametrize("text", DOCUMENTS)
def test_a_document_is_stored_and_given_out_as_it_was_written(
    people: Any, run: Any, text: str
) -> None:
    span = IonSpan.from_text(text)
    transaction = people.begin()
    transaction.execute("INSERT INTO Person ?", [span])
    pending = transaction.execute("SELECT * FROM Person", []).first.values
    transaction.commit(transaction.digest())
    committed = people.begin().execute("SELECT * FROM Person", []).first.values
    assert [IonSpan.parse(each) for each in (*pending, *committed)] == [span, span]
    assert stored(people, "Person") == [span]


def test_documents_of_one_parameter_are_stored_apart(people: Any) -> None:
    spans = [IonSpan.from_text(each) for each in ("{mine: 'secret of mine'}", "{yours: 'theirs'}")]
    transaction = people.begin()
    transaction.execute("INSERT INTO Person ?", [parameters.documents(spans)])
    transaction.commit(transaction.digest())
    first, second = people.begin().execute("SELECT * FROM Person", []).first.values
    assert b"yours" not in first
    assert b"theirs" not in first
    assert b"mine" not in second
    assert b"secret" not in second


def test_a_document_that_is_changed_keeps_the_rest_of_it(people: Any, run: Any) -> None:
    transaction = people.begin()
    transaction.execute(
        "INSERT INTO Person ?", [IonSpan.from_text("{a: {b: 1, c: (s x)}, d: 2e0}")]
    )
    transaction.execute("UPDATE Person AS p SET p.a.b = ?", [IonSpan.from_text("{new: 'struct'}")])
    transaction.commit(transaction.digest())
    assert stored(people, "Person") == [
        IonSpan.from_text("{a: {b: {new: 'struct'}, c: (s x)}, d: 2e0}")
    ]


def test_documents_are_replaced_by_those_of_a_list(people: Any, run: Any) -> None:
    transaction = people.begin()
    made = [
        run(transaction, "INSERT INTO Person ?", {"n": each})[0]["documentId"] for each in range(3)
    ]
    transaction.commit(transaction.digest())
    new = [IonSpan.from_text(f"{{n: {each}, all: 'new'}}") for each in range(3)]
    transaction = people.begin()
    given = parameters.replacements(list(zip(map(str, made), new, strict=True)))
    statement = "FROM ? AS new, Person AS p BY id WHERE id = new.id SET p = new.data"
    done = transaction.execute(statement, [given]).first.values
    transaction.commit(transaction.digest())
    assert len(done) == 3
    assert stored(people, "Person")[3:] == new


@pytest.mark.parametrize(
    "value",
    [
        b"\xd4\x84\x82\xc3\x28",  # a text that is not UTF-8
        b"\xd9\x84\x67\x80\x0f\xe4\x8d\x81\x80\x80",  # the 13th month
        b"\xb4\xd3\x84\x71\x63",  # in a list, a symbol that is in no table
    ],
)
def test_what_could_not_be_read_again_is_refused_and_leaves_no_trace(
    people: Any, run: Any, value: bytes
) -> None:
    transaction = people.begin()
    with pytest.raises(BadRequestError):
        transaction.execute("INSERT INTO Person ?", [b"\xe0\x01\x00\xea" + value])
    assert run(transaction, "SELECT * FROM Person") == []
