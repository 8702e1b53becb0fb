"""Failures of a destination that pass are waited out; the others are not."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from simulation.delivery import kinesis_event
from simulation.source import records_of

from qldbkit.replay.applier import Applier
from qldbkit.replay.errors import DestinationChangedError
from qldbkit.replay.memory_destination import MemoryDestination
from qldbkit.replay.retrying import Backoff, RetryingDestination

THROTTLED: Any = {"Error": {"Code": "RateExceededException"}}


class Failing(MemoryDestination):
    """Fails so many transactions, before or after it has committed them."""

    def __init__(self, error: Exception, times: int, *, after_commit: bool = False) -> None:
        super().__init__()
        self.error, self.times, self.after_commit = error, times, after_commit
        self.calls = 0

    def transact(self, *arguments: Any) -> Any:
        self.calls += 1
        if self.times:
            self.times -= 1
            if self.after_commit:
                super().transact(*arguments)
            raise self.error
        return super().transact(*arguments)


def run(world: Any, destination: Failing, pauses: list[float], attempts: int = 5) -> Any:
    world.source.create_table("Person")
    world.source.insert("Person", {"v": 1})
    retrying = RetryingDestination(
        destination, Backoff(attempts=attempts), pause=pauses.append, chance=lambda: 0.5
    )
    applier = Applier(retrying, world.buffer, lambda: world.now, world.policy)
    return applier.handle(
        kinesis_event([each for block in world.source.blocks for each in records_of(block)])
    )


def test_what_passes_is_tried_again_with_pauses_that_grow(world: Any) -> None:
    destination, pauses = Failing(ClientError(THROTTLED, "SendCommand"), 3), list[float]()
    outcome = run(world, destination, pauses)
    assert outcome.blocks == 2
    assert destination.documents() == world.source.current()
    assert pauses == [0.05, 0.1, 0.2]


def test_what_does_not_pass_is_raised_after_the_last_attempt(world: Any) -> None:
    destination, pauses = Failing(ClientError(THROTTLED, "SendCommand"), 99), list[float]()
    with pytest.raises(ClientError):
        run(world, destination, pauses)
    assert destination.calls == 5
    assert len(pauses) == 4


def test_what_will_not_pass_is_not_tried_again(world: Any) -> None:
    destination, pauses = Failing(DestinationChangedError("other writer"), 1), list[float]()
    outcome = run(world, destination, pauses)
    assert pauses == []
    assert "other writer" in outcome.problems()[0]


def test_a_commit_that_happened_although_it_failed_is_not_done_twice(world: Any) -> None:
    destination = Failing(ClientError(THROTTLED, "SendCommand"), 1, after_commit=True)
    outcome = run(world, destination, [])
    assert outcome.fenced == 1
    assert destination.documents() == world.source.current()


def test_pauses_are_capped_and_bounded_and_differ_by_chance() -> None:
    backoff = Backoff(attempts=10, first=0.1, cap=5.0)
    assert list(backoff.pauses(lambda: 1.0))[-1] == 5.0
    assert backoff.longest < 10 * 5.0
    assert list(backoff.pauses(lambda: 0.25)) == [each / 4 for each in backoff.pauses(lambda: 1.0)]
    assert Backoff().longest < 30.0  # well within a function's time
