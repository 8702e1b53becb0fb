"""What is told of a replay is so, at any moment, whatever fails.

``SEEDS=17`` runs one seed, ``SEEDS=0:1000`` a range of them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from simulation import scenarios
from simulation.faults import CrashError, InterruptedDestination
from simulation.scenarios import PROMPT, repeatable
from simulation.simulator import Simulation
from simulation.source_control import SourceControl

from qldbkit.replay.checkpoint import reached
from qldbkit.replay.errors import ReplicationHeldError, RetryableError
from qldbkit.replay.lambda_entry import Replayer
from qldbkit.replay.settle import committed_at
from qldbkit.replay.status import ReplayStatus, replay_status

MINUTE = 60.0

each_seed = pytest.mark.parametrize("seed", scenarios.seeds("0:50"))


def status(simulation: Simulation) -> ReplayStatus:
    with simulation.faults.paused():
        return replay_status(
            "Destination",
            simulation.inner,
            simulation.buffer,
            now=simulation.now,
            control=SourceControl(simulation.source, lambda: simulation.now),
            source="Source",
        )


def assert_status(simulation: Simulation) -> None:
    """Position, lag, queue and quarantine are those that the simulation knows of."""
    told = status(simulation)
    # A damaged record may name a strand that there never was, as no hash covers its address.
    (strand,) = (each for each in told.strands if each.strand_id == simulation.source.strand_id)
    checkpoint = simulation.checkpoint()
    committed = [at for at in map(block_time, simulation.source.blocks) if at <= simulation.now]
    assert strand.applied == reached(checkpoint)
    assert strand.blocks_behind == max(0, len(committed) - 1 - strand.applied)
    if strand.blocks_behind:
        behind = simulation.now - committed[strand.applied + 1]
        assert strand.seconds_behind == pytest.approx(behind, abs=0.001)
    with simulation.faults.paused():
        kept = {each.address.sequence_no for each in simulation.kept()}
    assert (strand.waiting, strand.next_waiting) == (len(kept), min(kept, default=None))
    assert told.quarantined == len(list(simulation.buffer.quarantine_index()))
    gaps = () if checkpoint is None else checkpoint.gaps
    assert [(each.first, each.last) for each in strand.gaps] == [
        (each.first, each.last) for each in gaps
    ]


def block_time(block: Any) -> float:
    return committed_at(block.summary)


@each_seed
@pytest.mark.parametrize("trouble", ["lost", "damaged"])
def test_position_lag_queue_and_quarantine_are_told_as_they_are(trouble: str, seed: int) -> None:
    simulation = Simulation(seed, replace(PROMPT, **{trouble: 0.03}))
    with repeatable(seed):
        simulation.run(assert_status)


class Clock:
    """What calls the deployed function each minute, and reads the lines that it prints."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation, self.lines = simulation, list[dict[str, Any]]()
        self.replayer = Replayer(
            InterruptedDestination(simulation.inner, simulation.faults.interrupt),
            simulation.buffer,
            name="Destination",
            policy=simulation.policy,
            clock=lambda: simulation.now,
            emit=lambda line: self.lines.append(json.loads(line)),
        )

    def tick(self) -> dict[str, Any] | None:
        """The figures of a minute's run; None if it came to no end."""
        self.simulation.now += MINUTE
        before = len(self.lines)
        try:
            self.replayer.drain()
        except ReplicationHeldError:
            pass  # it did come to its end, and says what holds it
        except (CrashError, RetryableError):
            # What fails in the buffer is a run that is not told of, or one of which the note fails.
            assert len(self.lines) - before in (0, 1)
            return None
        (told,) = self.lines[before:]
        return {name: each[0] for name, each in told.items() if isinstance(each, list)}


@each_seed
def test_the_clock_beats_in_an_idle_replay_and_only_when_it_ran(seed: int) -> None:
    simulation = Simulation(seed, PROMPT)
    with repeatable(seed):
        simulation.run()
        clock, beats = Clock(simulation), list[float]()
        simulation.faults.chance = 0.05
        for _ in range(60):
            told = clock.tick()
            if told is None:
                continue
            beats.append(simulation.now)
            assert told["Heartbeat"] == 1
            assert (told["BlocksApplied"], told["MillisecondsBehindSource"]) == (0, 0)
            assert (told["StrandsHeld"], told["BlocksWaiting"]) == (0, 0)
            assert status(simulation).clock_at == simulation.now
        assert 0 < len(beats) <= 60
        assert status(simulation).clock_at is not None


def test_a_beat_is_missed_when_a_run_fails() -> None:
    """Without failures the simulation above would show nothing."""
    simulation = Simulation(1, PROMPT)
    simulation.run()
    clock = Clock(simulation)
    simulation.faults.chance = 0.05
    assert any(clock.tick() is None for _ in range(60))


@each_seed
def test_a_replay_that_is_stuck_beats_and_falls_behind(seed: int) -> None:
    simulation = Simulation(seed, replace(PROMPT, lost=0.05, drops=False))
    with repeatable(seed):
        simulation.run()
        clock = Clock(simulation)
        told = [clock.tick() for _ in range(3)]
        assert all(each is not None and each["Heartbeat"] == 1 for each in told)
        lag = [each["MillisecondsBehindSource"] for each in told if each is not None]
        held = [each["StrandsHeld"] for each in told if each is not None]
        if held[0]:
            assert held == [1, 1, 1]
            assert [later - lag[0] for later in lag] == [0, 60_000, 120_000]
        else:
            assert lag == [0, 0, 0]
