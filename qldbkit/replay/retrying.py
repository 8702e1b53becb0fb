"""A destination whose passing failures are waited out, for a bounded time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.destination import Decide, Destination, Work, overlapped
from qldbkit.replay.error_classes import ErrorClass, class_of
from qldbkit.replay.errors import CheckpointMovedError

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential pauses with a cap, each made shorter by chance ("full jitter").

    Attributes:
        attempts: how often something is tried, at least 1.
        first: seconds that the first pause lasts at most; each following one twice as long.
        cap: seconds that any pause lasts at most.
    """

    attempts: int = 6
    first: float = 0.1
    cap: float = 5.0

    def pauses(self, chance: Callable[[], float]) -> Iterator[float]:
        """The pauses between the attempts, in seconds.

        Args:
            chance: a number from 0 up to 1, drawn for each pause.
        """
        for attempt in range(self.attempts - 1):
            yield min(self.cap, self.first * 2**attempt) * chance()

    @property
    def longest(self) -> float:
        """Seconds that all pauses last together at most."""
        return sum(self.pauses(lambda: 1.0))


class RetryingDestination:
    """Keeps `qldbkit.replay.destination.Destination`'s contract over a destination that may fail.

    A transaction whose outcome is unknown may be tried again, because it says from which checkpoint
    it goes on: if it did happen, the second one finds that the checkpoint has moved.
    """

    def __init__(
        self,
        destination: Destination,
        backoff: Backoff | None = None,
        *,
        pause: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ):
        """Try what another destination does.

        Args:
            destination: what may fail.
            backoff: how often, and how long to wait between.
            pause: waits for so many seconds.
            chance: a number from 0 up to 1.
        """
        self._destination, self._backoff = destination, backoff or Backoff()
        self._pause, self._chance = pause, chance

    def checkpoint(self, strand_id: str) -> Checkpoint | None:
        """How far the strand has been applied.

        Raises:
            Exception: what the destination raises, at once or at last.
        """
        return self._try(lambda: self._destination.checkpoint(strand_id))

    def checkpoints(self) -> list[Checkpoint]:
        """The checkpoint of every strand.

        Raises:
            Exception: what the destination raises, at once or at last.
        """
        return self._try(self._destination.checkpoints)

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        """Apply one transaction.

        Raises:
            Exception: what the destination raises, at once or at last.
        """
        return self._try(lambda: self._destination.transact(strand_id, documents, decide))

    def overlapped(self, work: Work) -> AbstractContextManager[None]:
        """Have work done while the destination's server writes, in each attempt."""
        return overlapped(self._destination, work)

    def _try(self, act: Callable[[], _T]) -> _T:
        for pause in self._backoff.pauses(self._chance):
            try:
                return act()
            except CheckpointMovedError:
                raise  # only who reads the checkpoint again can go on
            except Exception as error:
                if class_of(error) is not ErrorClass.RETRYABLE:
                    raise
            self._pause(pause)
        return act()
