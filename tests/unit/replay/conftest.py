"""A source, a destination and an applier between them, all in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from simulation.delivery import kinesis_event
from simulation.source import Source, records_of

from qldbkit.journal.model import Block
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.destination import Destination
from qldbkit.replay.memory_destination import MemoryDestination
from qldbkit.replay.outcome import Outcome

WINDOW = 120.0


class RecordingBuffer(MemoryBuffer):
    """Counts every call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name != "calls":
            self.calls.append(name)
        return super().__getattribute__(name)


@dataclass
class World:
    source: Source = field(default_factory=Source)
    destination: MemoryDestination = field(default_factory=MemoryDestination)
    buffer: RecordingBuffer = field(default_factory=RecordingBuffer)
    now: float = 1_000_000.0
    policy: ReplayPolicy = field(default_factory=lambda: ReplayPolicy(settle_window=WINDOW))

    def __post_init__(self) -> None:
        self.applier = self.new_applier()

    def new_applier(self, destination: Destination | None = None) -> Applier:
        """Another applier; of another destination, if one is given."""
        return Applier(destination or self.destination, self.buffer, lambda: self.now, self.policy)

    def deliver(self, *blocks: Block) -> Outcome:
        """One batch with all records of the blocks."""
        return self.deliver_records([record for each in blocks for record in records_of(each)])

    def deliver_records(self, records: Sequence[tuple[str, bytes]]) -> Outcome:
        return self.applier.handle(kinesis_event(records))

    def later(self, seconds: float = WINDOW) -> Outcome:
        """Time passes, and the clock drains the buffer."""
        self.now += seconds
        return self.applier.drain()

    def assert_equal(self) -> None:
        assert self.destination.documents() == self.source.current()

    def reached(self) -> int:
        checkpoint = self.destination.ledger.checkpoints.get(self.source.strand_id)
        return -1 if checkpoint is None else checkpoint.sequence_no


@pytest.fixture
def world() -> World:
    return World()
