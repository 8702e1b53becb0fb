"""A ledger on a clock that the tests move, and short ways to run statements on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from amazon.ion import simpleion

from qldbkit.journal.ion import IonSpan
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.transaction import Transaction

Run = Callable[..., list[Any]]


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, milliseconds: int = 1_600_000_000_000):
        self.now = milliseconds

    def milliseconds(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / 1000

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1000)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def run() -> Run:
    """Run a statement in a transaction; give every value of its result."""

    def run_(transaction: Transaction, statement: str, *parameters: Any) -> list[Any]:
        cursor = transaction.execute(statement, [IonSpan.of(each) for each in parameters])
        pages = [cursor.first]
        while not pages[-1].last:
            pages.append(cursor.next_page())
        return [simpleion.loads(each, single_value=True) for page in pages for each in page.values]

    return run_


@pytest.fixture
def commit() -> Callable[[Transaction], bytes]:
    """Commit a transaction with the digest that a driver would send."""
    return lambda transaction: transaction.commit(transaction.digest())


@pytest.fixture
def do(run: Run, commit: Callable[[Transaction], bytes]) -> Run:
    """Run one statement in a transaction of its own and commit it."""

    def do_(ledger: Ledger, statement: str, *parameters: Any) -> list[Any]:
        transaction = ledger.begin()
        found = run(transaction, statement, *parameters)
        commit(transaction)
        return found

    return do_


@pytest.fixture
def ledger(tmp_path: Path, clock: ManualClock) -> Iterator[Ledger]:
    opened = Ledger.create(tmp_path / "ledger.sqlite", "Test", clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def people(ledger: Ledger, do: Run) -> Ledger:
    """A ledger with a table Person, indexed by name, and a table Pet without index."""
    do(ledger, "CREATE TABLE Person")
    do(ledger, "CREATE INDEX ON Person (name)")
    do(ledger, "CREATE TABLE Pet")
    return ledger
