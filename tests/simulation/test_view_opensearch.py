"""A view in OpenSearch, whatever the stream and the requests do.

The server is a stand-in in memory; ``tests/integration`` does the same with OpenSearch.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from servers.opensearch_faults import FaultyTransport, ViewProcesses
from servers.opensearch_in_memory import InMemoryOpenSearch
from simulation.scenarios import SCENARIOS, assert_prefix, assert_whole, seeds
from simulation.simulator import Conditions, Simulation
from simulation.subject import Interrupt, Subject

HAPPENED: Counter[str] = Counter()


def subject(seed: int) -> Subject:
    def make(interrupt: Interrupt) -> ViewProcesses:
        random = Random(seed)
        transport = FaultyTransport(InMemoryOpenSearch(), random, interrupt)
        transport.happened = HAPPENED
        return ViewProcesses(transport, "simulated", random)

    return Subject(make)


@pytest.mark.parametrize("seed", seeds("0:20"), scope="module")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whatever_the_stream_and_the_requests_do(scenario: str, seed: int) -> None:
    SCENARIOS[scenario](seed, subject(seed))


def test_a_failure_at_every_request() -> None:
    conditions = Conditions(blocks=14, shards=2, delay=20.0, doubled=0.3)
    sound = Simulation(5, conditions, subject(5))
    sound.run(assert_prefix)
    assert sound.faults.points > 100
    for point in range(sound.faults.points):
        simulation = Simulation(5, conditions, subject(point), crash_at=point)
        try:
            simulation.run(assert_prefix)
            assert_whole(simulation)
        except BaseException as error:
            error.add_note(f"the failure was at point {point}")
            raise


def test_the_faults_do_happen() -> None:
    """A simulation in which nothing goes wrong would show nothing."""
    HAPPENED.clear()
    for seed in range(6):
        SCENARIOS["prompt"](seed, subject(seed))
    wanted = {"crash before", "no answer", "done later", "partial", "throttled", "lost answer"}
    assert wanted <= HAPPENED.keys()
