"""What fails: the process at any point of its input and output, or the service behind that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.destination import Changes, Decide, Destination, State
from qldbkit.replay.errors import RetryableError
from qldbkit.replay.fragments import Fragment, Gap, QuarantinedRecord

THROTTLED = 0.5
"""Chance of a failure's being one that passes, rather than the end of the process."""


class CrashError(Exception):
    """The process died, or a service did not answer."""


@dataclass
class Faults:
    """Decides at which points of the input and output something fails.

    Attributes:
        chance: of a failure at each point.
        at: the only point to fail at, counted from 0; None to go by chance.
        points: how many points there were.
        interleave: called in the middle of a transaction, before it commits.
    """

    random: Random
    chance: float = 0.0
    at: int | None = None
    points: int = 0
    interleave: Callable[[], None] = lambda: None

    def point(self, name: str) -> None:
        """A point at which the process may end, or a service have too much to do for a moment."""
        self._point(name, THROTTLED)

    def interrupt(self, name: str) -> None:
        """A point of a subject's own, which says by itself what fails there."""
        self._point(name, 0.0)

    def _point(self, name: str, passing: float) -> None:
        self.points += 1
        fails = (
            self.points - 1 == self.at
            if self.at is not None
            else (self.chance > 0 and self.random.random() < self.chance)
        )
        if fails:
            if self.at is None and self.random.random() < passing:
                raise RetryableError(f"there is too much to do: {name}")
            raise CrashError(name)
        if name == "commit":
            self.interleave()

    def stop(self) -> None:
        """From now on nothing fails."""
        self.chance, self.interleave = 0.0, lambda: None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing fails meanwhile, and no point is counted: somebody only looks."""
        before = self.chance, self.at, self.points, self.interleave
        self.at = None
        self.stop()
        try:
            yield
        finally:
            self.chance, self.at, self.points, self.interleave = before


class InterruptedDestination:
    """Any destination, with points before it reads, before it commits, and after it did.

    Attributes:
        inner: the destination itself.
        point: called with the point's name; what it raises is what the destination fails with.
        transactions: how many were tried, whatever became of them.
    """

    def __init__(self, inner: Destination, point: Callable[[str], None]) -> None:
        self.inner, self.point = inner, point
        self.transactions = 0

    def checkpoint(self, strand_id: str) -> Checkpoint | None:
        self.point("read checkpoint")
        return self.inner.checkpoint(strand_id)

    def checkpoints(self) -> list[Checkpoint]:
        self.point("read checkpoints")
        return self.inner.checkpoints()

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        def then_commit(state: State) -> Changes:
            changes = decide(state)
            self.point("commit")
            return changes

        self.point("begin")
        self.transactions += 1
        written = self.inner.transact(strand_id, documents, then_commit)
        self.point("committed")
        return written


class FaultyBuffer(MemoryBuffer):
    """A settling buffer that may fail before, in the middle of, and after each operation."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults

    def put(self, fragments: Sequence[Fragment]) -> None:
        for each in fragments:
            self.faults.point("put")
            super().put([each])
        self.faults.point("put done")

    def fragments(self, strand_id: str, first: int, last: int | None = None) -> Iterator[Fragment]:
        for each in super().fragments(strand_id, first, last):
            self.faults.point("read fragment")
            yield each

    def remove(self, strand_id: str, sequence_numbers: Collection[int]) -> None:
        for each in sorted(sequence_numbers):
            self.faults.point("remove")
            super().remove(strand_id, [each])

    def record_gaps(self, gaps: Sequence[Gap]) -> None:
        for each in gaps:
            self.faults.point("record gap")
            super().record_gaps([each])

    def fill_gap(self, gap: Gap, sequence_no: int) -> None:
        self.faults.point("fill gap")
        super().fill_gap(gap, sequence_no)
        self.faults.point("fill gap done")

    def quarantine(self, records: Sequence[QuarantinedRecord]) -> None:
        for each in records:
            self.faults.point("quarantine")
            super().quarantine([each])

    def note(self, topic: str, name: str, text: str) -> None:
        self.faults.point("note")
        super().note(topic, name, text)
