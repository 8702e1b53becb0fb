"""A view in DynamoDB, whatever the stream and the requests do."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

import pytest
from servers.dynamodb_faults import FAULTS, FaultyClient, ViewProcesses
from simulation.scenarios import PROMPT, SCENARIOS, assert_prefix, assert_whole, repeatable, seeds
from simulation.simulator import Conditions, Simulation
from simulation.subject import Interrupt, Subject

HARSH = replace(PROMPT, failing=0.06)
"""Far more failures than in any other run, each of one of the kinds of `FaultyClient`."""

_numbers = count(1)


class Tables:
    """Makes a new view for each run, and counts the faults that happened."""

    def __init__(self, dynamodb: Any, seed: int = 0) -> None:
        self.client = dynamodb.client(parameter_validation=False)
        self.seed = seed
        self.happened: Counter[str] = Counter()

    @property
    def subject(self) -> Subject:
        def make(interrupt: Interrupt) -> ViewProcesses:
            random = Random(self.seed)
            client = FaultyClient(self.client, random, interrupt, self.happened)
            return ViewProcesses(client, f"simulated-{next(_numbers)}", random)

        return Subject(make)


@pytest.mark.parametrize("seed", seeds("0:2"), scope="module")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whatever_the_stream_and_the_requests_do(dynamodb: Any, scenario: str, seed: int) -> None:
    SCENARIOS[scenario](seed, Tables(dynamodb, seed).subject)


def test_every_fault_between_the_view_and_its_table(dynamodb: Any) -> None:
    happened: Counter[str] = Counter()
    for seed in seeds("0:12"):
        tables = Tables(dynamodb, seed)
        tables.happened = happened
        with repeatable(seed):
            simulation = Simulation(seed, HARSH, tables.subject)
            simulation.run(assert_prefix)
            assert_whole(simulation)
            assert simulation.last_drain().problems() == []
    assert set(happened) == set(FAULTS)


def test_a_crash_at_every_request(dynamodb: Any) -> None:
    conditions = Conditions(blocks=8, shards=2, delay=20.0, doubled=0.3)
    tables = Tables(dynamodb, 5)
    sound = Simulation(5, conditions, tables.subject)
    sound.run(assert_prefix)
    assert sound.faults.points > 50
    for point in range(sound.faults.points):
        simulation = Simulation(5, conditions, tables.subject, crash_at=point)
        try:
            simulation.run(assert_prefix)
            assert_whole(simulation)
        except BaseException as error:
            error.add_note(f"the crash was at point {point}")
            raise
