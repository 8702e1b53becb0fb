"""A ledger on a clock that the tests move, and statements that drive a transaction by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qldbkit.ledger.ledger import Ledger


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


@dataclass
class ByHand:
    """A prepared statement that is a Python function of the transaction's view."""

    work: Callable[[Any], Any]
    touches: int = 1

    def execute(self, database: Any, parameters: Any) -> Iterator[Any]:
        return iter(self.work(database) or [])


def values(cursor: Any) -> list[Any]:
    """Every value of a result, decoded."""
    from amazon.ion import simpleion

    pages = [cursor.first]
    while not pages[-1].last:
        pages.append(cursor.next_page())
    return [simpleion.loads(each, single_value=True) for page in pages for each in page.values]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def run() -> Callable[..., list[Any]]:
    """Run a function of a transaction's view as one of its statements; give its values."""

    def run_(
        transaction: Any, work: Callable[[Any], Any], text: str = "by hand", touches: int = 1
    ) -> list[Any]:
        return values(transaction.run(text, [], ByHand(work, touches)))

    return run_


@pytest.fixture
def do(run: Any) -> Callable[..., list[Any]]:
    """Run one function in a transaction of its own and commit it."""

    def do_(ledger: Ledger, work: Callable[[Any], Any], text: str = "by hand") -> list[Any]:
        transaction = ledger.begin()
        found = run(transaction, work, text)
        transaction.commit(transaction.digest())
        return found

    return do_


@pytest.fixture
def ledger(tmp_path: Path, clock: ManualClock) -> Iterator[Ledger]:
    opened = Ledger.create(tmp_path / "ledger.sqlite", "Test", clock=clock)
    yield opened
    opened.close()
