"""A view in OpenSearch, whatever the stream and the requests do.

The server is a stand-in in memory; ``tests/integration`` does the same with OpenSearch.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from servers.opensearch_faults import FAULTS, FaultyTransport, ViewProcesses
from servers.opensearch_in_memory import InMemoryOpenSearch, matches
from simulation.scenarios import PROMPT, SCENARIOS, assert_prefix, assert_whole, repeatable, seeds
from simulation.simulator import Conditions, Digests, Simulation
from simulation.subject import Interrupt, Subject

from qldbkit.replay.views.opensearch.documents import digest
from qldbkit.replay.views.opensearch.names import table_of_index

HARSH = replace(PROMPT, failing=0.06)
"""Far more failures than in any other run, each of one of the kinds of `FaultyTransport`."""


class Server:
    """A stand-in for one run, with the faults that happened."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.indices = InMemoryOpenSearch()
        self.happened: Counter[str] = Counter()

    @property
    def subject(self) -> Subject:
        def make(interrupt: Interrupt) -> ViewProcesses:
            random = Random(self.seed)
            transport = FaultyTransport(self.indices, random, interrupt, self.happened)
            return ViewProcesses(transport, "simulated", random)

        return Subject(make)

    def documents(self) -> Digests:
        """What readers find by the tables' aliases: no record and no process is asked."""
        found = {}
        for name, index in self.indices.indices.items():
            for alias, options in index.aliases.items():
                for id_, kept in index.documents.items():
                    if kept.source is not None and matches(kept.source, options["filter"]):
                        found[table_of_index(alias), id_] = digest(kept.source)
            assert all(alias in name for alias in index.aliases)
        return found


@pytest.mark.parametrize("seed", seeds("0:15"), scope="module")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whatever_the_stream_and_the_requests_do(scenario: str, seed: int) -> None:
    server = Server(seed)
    simulation = SCENARIOS[scenario](seed, server.subject)
    with repeatable(seed):
        assert server.documents() == simulation.found()


@pytest.mark.parametrize("seed", seeds("0:40"), scope="module")
def test_one_failure_after_the_other(seed: int) -> None:
    server = Server(seed)
    simulation = Simulation(seed, HARSH, server.subject)
    with repeatable(seed):
        simulation.run(assert_prefix)
        assert_whole(simulation)
        assert server.documents() == simulation.found()


def test_a_failure_at_every_request() -> None:
    conditions = Conditions(blocks=14, shards=2, delay=20.0, doubled=0.3)
    sound = Simulation(5, conditions, Server(5).subject)
    sound.run(assert_prefix)
    assert sound.faults.points > 100
    for point in range(sound.faults.points):
        server = Server(point)
        simulation = Simulation(5, conditions, server.subject, crash_at=point)
        try:
            simulation.run(assert_prefix)
            assert_whole(simulation)
            assert server.documents() == simulation.found()
        except BaseException as error:
            error.add_note(f"the failure was at point {point}")
            raise


def test_the_faults_do_happen() -> None:
    """A simulation in which nothing goes wrong would show nothing."""
    happened: Counter[str] = Counter()
    for seed in range(6):
        server = Server(seed)
        Simulation(seed, HARSH, server.subject).run()
        happened += server.happened
    assert happened.keys() == set(FAULTS)
