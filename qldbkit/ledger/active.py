"""Which transactions run, and from which snapshots they read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol, TypeVar

from qldbkit.ledger.clock import Clock


class _Snapshot(Protocol):
    @property
    def snapshot(self) -> int: ...


State = TypeVar("State", bound=_Snapshot)


class ActiveTransactions:
    """The snapshots in use: what changed behind the oldest must still be known.

    Args:
        clock: for the age of transactions.
        seconds: after so long a transaction is taken for gone; it must have expired well before.
    """

    def __init__(self, clock: Clock, seconds: float):
        self._clock = clock
        self._seconds = seconds
        self._lock = threading.Lock()
        self._snapshots: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def register(self, transaction_id: str, current: Callable[[], State]) -> State:
        """Register a transaction with the state that ``current`` gives, in one step."""
        with self._lock:
            state = current()
            gone = self._clock.monotonic() + self._seconds
            self._snapshots[transaction_id] = (state.snapshot, gone)
            return state

    def release(self, transaction_id: str) -> None:
        """The transaction has ended."""
        with self._lock:
            self._snapshots.pop(transaction_id, None)

    def oldest(self, tip: int) -> int:
        """The oldest snapshot in use; ``tip`` when there is none."""
        with self._lock:
            now = self._clock.monotonic()
            while self._snapshots:
                transaction_id, (snapshot, gone) = next(iter(self._snapshots.items()))
                if gone > now:
                    return min(tip, snapshot)
                del self._snapshots[transaction_id]
            return tip
