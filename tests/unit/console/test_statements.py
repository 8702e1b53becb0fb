"""A console that only reads runs nothing that writes; one that may write says what it wrote."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from qldbkit.console.errors import BusyError, ConsoleError, WritingRefusedError
from qldbkit.console.settings import ConsoleLimits, ConsoleSettings
from qldbkit.console.statements import StatementPages
from qldbkit.errors import QldbkitError
from qldbkit.ledger.errors import BadRequestError

LIMITS = ConsoleLimits(query_rows=10, query_reach=25, page_characters=1_000, queries=1)


@pytest.fixture
def cars(served: Any) -> Any:
    served.run("CREATE TABLE Car", *[("INSERT INTO Car ?", {"n": each}) for each in range(30)])
    return served


@pytest.fixture
def reading(cars: Any) -> StatementPages:
    return StatementPages(cars.service, ConsoleSettings("token", limits=LIMITS))


@pytest.fixture
def writing(cars: Any) -> StatementPages:
    return StatementPages(cars.service, ConsoleSettings("token", writable=True, limits=LIMITS))


def texts(answer: Any) -> list[str]:
    return [row["members"][0][1] for row in answer["rows"]]


WRITES = [
    "INSERT INTO Car {'n': 99}",
    "INSERT INTO Car VALUE {'n': 99}",
    "UPDATE Car SET n = 0",
    "FROM Car AS c SET c.n = 0",
    "FROM Car AS c REMOVE c.n",
    "DELETE FROM Car",
    "CREATE TABLE Other",
    "CREATE INDEX ON Car (n)",
    "DROP TABLE Car",
    'UNDROP TABLE "0123456789012345678901"',
    'DROP INDEX "0123456789012345678901" ON Car WITH (purge = true)',
    "EXEC REDACT_REVISION `{strandId: \"s\", sequenceNo: 1}`, 't', 'd'",
    "-- SELECT 1\nDELETE FROM Car",
    "/* SELECT */ DELETE FROM Car",
    "  delete from Car;",
]


@pytest.mark.parametrize("statement", WRITES)
def test_what_writes_is_refused_before_it_runs(
    cars: Any, reading: StatementPages, ask: Any, statement: str, monkeypatch: Any
) -> None:
    before = cars.ledger.digest(cars.ledger.tip().sequence_no)
    monkeypatch.setattr(cars.ledger, "begin", lambda: pytest.fail("a transaction was begun"))
    with pytest.raises(WritingRefusedError, match="only reads") as refused:
        reading.run(ask(body={"statement": statement}))
    assert "--console-write" in str(refused.value.hint)
    assert cars.ledger.digest(cars.ledger.tip().sequence_no) == before


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM Car; DELETE FROM Car", "SELECT", "DELETE", "", " ", None, 7, "SELECT '"],
)
def test_what_is_no_one_statement_is_refused(
    cars: Any, reading: StatementPages, ask: Any, statement: Any
) -> None:
    tip = cars.ledger.tip()
    with pytest.raises(QldbkitError):
        reading.run(ask(body={"statement": statement}))
    assert cars.ledger.tip() == tip


def test_a_query_leaves_no_block(cars: Any, reading: StatementPages, ask: Any) -> None:
    tip = cars.ledger.tip()
    found = reading.run(ask(body={"statement": "SELECT * FROM Car WHERE n = 3;"}))
    assert texts(found) == ["3"]
    assert (found["next"], found["committed"]) == (None, None)
    assert cars.ledger.tip() == tip


def test_rows_come_in_pages_up_to_a_bound(reading: StatementPages, ask: Any) -> None:
    shown: list[int] = []
    first: int | None = 0
    sizes = []
    while first is not None:
        found = reading.run(ask(body={"statement": "SELECT * FROM Car ORDER BY n", "first": first}))
        shown += map(int, texts(found))
        sizes.append(len(found["rows"]))
        first = None if found["reached"] else found["next"]
    assert sizes == [10, 10, 10]
    assert shown == list(range(30))
    with pytest.raises(ConsoleError, match="behind the first 25"):
        reading.run(ask(body={"statement": "SELECT * FROM Car", "first": 25}))


def test_large_rows_end_a_page_early(cars: Any, reading: StatementPages, ask: Any) -> None:
    cars.run("CREATE TABLE Big", *[("INSERT INTO Big ?", {"t": "x" * 800}) for _ in range(5)])
    found = reading.run(ask(body={"statement": "SELECT * FROM Big"}))
    assert (len(found["rows"]), found["next"]) == (2, 2)


@pytest.mark.parametrize("first", [-1, "1", 1.5, True, None])
def test_a_row_that_cannot_be_is_refused(reading: StatementPages, ask: Any, first: Any) -> None:
    with pytest.raises(ConsoleError, match="number"):
        reading.run(ask(body={"statement": "SELECT * FROM Car", "first": first}))


def test_what_is_written_is_committed_and_its_block_is_named(
    cars: Any, writing: StatementPages, ask: Any
) -> None:
    found = writing.run(ask(body={"statement": "INSERT INTO Car {'n': 99}"}))
    assert found["committed"] == cars.ledger.tip().sequence_no
    assert texts(writing.run(ask(body={"statement": "SELECT n FROM Car WHERE n = 99"}))) == ["99"]


def test_what_the_ledger_refuses_leaves_nothing(
    cars: Any, writing: StatementPages, ask: Any
) -> None:
    tip = cars.ledger.tip()
    with pytest.raises(BadRequestError, match="already exists"):
        writing.run(ask(body={"statement": "CREATE TABLE Car"}))
    assert cars.ledger.tip() == tip


def test_only_so_many_run_at_once(
    cars: Any, reading: StatementPages, ask: Any, monkeypatch: Any
) -> None:
    begun, let_go, begin = threading.Event(), threading.Event(), cars.ledger.begin

    def slow() -> Any:
        begun.set()
        assert let_go.wait(10)
        return begin()

    monkeypatch.setattr(cars.ledger, "begin", slow)
    asked = ask(body={"statement": "SELECT * FROM Car"})
    running = threading.Thread(target=reading.run, args=(asked,))
    running.start()
    try:
        assert begun.wait(10)
        with pytest.raises(BusyError, match="run already"):
            reading.run(asked)
    finally:
        let_go.set()
        running.join(10)
    assert len(reading.run(asked)["rows"]) == 10
