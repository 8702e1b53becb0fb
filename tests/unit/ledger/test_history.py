"""history(): the revisions that were active in a range of time, both ends inclusive."""

import pytest
from amazon.ion import simpleion

from qldbkit.ledger.clock import to_timestamp
from qldbkit.ledger.errors import BadRequestError

START = 1_600_000_000_000


@pytest.fixture
def aged(people, do, clock):
    """Ann: version 0 at second 10, version 1 at second 20, deleted at second 30."""
    for second, statement in (
        (10, "INSERT INTO Person {'name': 'Ann', 'n': 0}"),
        (20, "UPDATE Person SET n = 1 WHERE name = 'Ann'"),
        (30, "DELETE FROM Person WHERE name = 'Ann'"),
    ):
        clock.now = START + second * 1000
        do(people, statement)
    clock.now = START + 40_000
    return people


def text_of(second):
    return simpleion.dumps(
        to_timestamp(START + round(second * 1000)), binary=False, omit_version_marker=True
    )


@pytest.mark.parametrize(
    ("start", "end", "versions"),
    [
        (None, None, [0, 1, 2]),
        (0, None, [0, 1, 2]),
        (10, None, [0, 1, 2]),
        (15, None, [0, 1, 2]),
        (20, None, [1, 2]),
        (25, None, [1, 2]),
        (30, None, [2]),
        (35, None, [2]),
        (0, 9.999, []),
        (0, 10, [0]),
        (0, 19.999, [0]),
        (0, 20, [0, 1]),
        (12, 18, [0]),
        (20, 20, [1]),
        (22, 28, [1]),
        (10, 30, [0, 1, 2]),
    ],
)
def test_ranges(aged, do, start, end, versions):
    bounds = "".join(f", `{text_of(each)}`" for each in (start, end) if each is not None)
    rows = do(aged, f"SELECT h.metadata.version FROM history(Person{bounds}) AS h")
    assert [row["version"] for row in rows] == versions


def test_a_snapshot_does_not_see_later_revisions(aged, do, run):
    transaction = aged.begin()
    do(aged, "INSERT INTO Person {'name': 'Bob'}")
    assert len(run(transaction, "SELECT * FROM history(Person) AS h")) == 3


def test_one_document(aged, do):
    (row,) = do(aged, "INSERT INTO Person {'name': 'Bob'}")
    rows = do(aged, "SELECT * FROM history(Person) AS h WHERE h.metadata.id = ?", row["documentId"])
    assert [each["data"] for each in rows] == [{"name": "Bob"}]


def test_the_past_does_not_conflict(aged, do, run, commit):
    transaction = aged.begin()
    run(transaction, f"SELECT * FROM history(Person, `{text_of(0)}`, `{text_of(25)}`) AS h")
    do(aged, "INSERT INTO Person {'name': 'Bob'}")
    commit(transaction)


def test_an_unknown_table_is_refused(aged, do):
    with pytest.raises(BadRequestError) as caught:
        do(aged, "SELECT * FROM history(Nobody) AS h")
    assert caught.value.fields == {"Code": "432"}
