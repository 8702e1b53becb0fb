"""What is made ahead comes in its order, with its errors, and no further ahead than by one."""

import threading
from collections.abc import Generator

import pytest

from qldbkit.journal.parallel import ahead


class Made:
    """A generator's numbers, and where and how far it ran."""

    def __init__(self, last: int, error: Exception | None = None):
        self.last, self.error = last, error
        self.begun: list[int] = []
        self.threads: set[int] = set()
        self.closed = False

    def numbers(self) -> Generator[int, None, None]:
        try:
            for each in range(1, self.last + 1):
                self._note(each)
                yield each
            if self.error is not None:
                raise self.error
        finally:
            self._note(0)
            self.closed = True

    def _note(self, number: int) -> None:
        self.begun.append(number)
        self.threads.add(threading.get_ident())


def test_all_comes_in_its_order() -> None:
    made = Made(50)
    assert list(ahead(made.numbers())) == list(range(1, 51))
    assert made.closed


def test_one_is_made_while_the_last_is_dealt_with_and_no_more() -> None:
    made = Made(50)
    for number in ahead(made.numbers()):
        assert max(made.begun) <= number + 1
        if number == 20:
            break


def test_an_error_comes_behind_what_was_made_before_it() -> None:
    found = []
    with pytest.raises(ValueError, match="broken"):
        for each in ahead(Made(3, ValueError("broken")).numbers()):
            found.append(each)
    assert found == [1, 2, 3]


def test_it_is_closed_where_it_ran() -> None:
    """A connection that a source has opened may belong to the thread that opened it."""
    made = Made(50)
    running = ahead(made.numbers())
    assert next(running) == 1
    running.close()
    assert made.closed
    assert len(made.threads) == 1
    assert threading.get_ident() not in made.threads
