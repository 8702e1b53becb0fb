"""Fetching what comes next while a destination's server is at work, and this process would wait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Ahead(Iterator[_T], Generic[_T]):
    """Items whose next one, and no more, can be fetched before it is asked for.

    What fails is raised when the item is asked for, as if it had been fetched only then. One thread
    does both: two would wait for each other longer than they save.
    """

    def __init__(self, items: Iterable[_T]):
        """Fetch nothing yet."""
        self._items = iter(items)
        self._fetched: list[_T] = []
        self._failed: Exception | None = None

    def fetch(self) -> None:
        """Have the next item ready, unless it is, or there is none."""
        if self._fetched or self._failed is not None:
            return
        try:
            self._fetched.append(next(self._items))
        except Exception as error:
            self._failed = error

    def __next__(self) -> _T:
        """The next item.

        Raises:
            StopIteration: there is none.
            Exception: it could not be fetched.
        """
        self.fetch()
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed
        return self._fetched.pop()
