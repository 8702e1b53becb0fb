"""Whatever the stream does, the destination is a prefix of the source's journal, exactly once.

``SEEDS=17`` runs one seed, ``SEEDS=0:1000`` a range of them.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from simulation import scenarios
from simulation.conditions import Conditions
from simulation.scenarios import PROMPT, assert_prefix, assert_whole
from simulation.simulator import Simulation
from simulation.subject import MEMORY

# The scope has pytest run all scenarios of one seed before the next one's: they share its history.
each_seed = pytest.mark.parametrize("seed", scenarios.seeds("0:200"), scope="module")


@each_seed
def test_prompt_but_shuffled_doubled_crashing_and_fenced(seed: int) -> None:
    scenarios.prompt(seed)


@each_seed
def test_some_tables_are_left_out_and_others_renamed(seed: int) -> None:
    scenarios.routed(seed)


@each_seed
def test_later_than_the_settle_window_allows(seed: int) -> None:
    scenarios.late(seed)


@each_seed
def test_records_that_are_lost_stop_the_strand_until_they_come(seed: int) -> None:
    scenarios.lost(seed)


@each_seed
def test_damaged_records_are_set_aside_and_pass_for_nothing(seed: int) -> None:
    scenarios.damaged(seed)


@each_seed
def test_a_stream_that_begins_in_the_middle(seed: int) -> None:
    scenarios.middle(seed)


@each_seed
def test_what_expired_unread_is_waited_for_and_reported(seed: int) -> None:
    scenarios.expired(seed)


@each_seed
def test_an_order_to_go_on_loses_nothing_but_what_was_lost(seed: int) -> None:
    scenarios.skipped(seed)


def test_a_crash_at_every_point_of_input_and_output() -> None:
    conditions = Conditions(blocks=14, shards=2, delay=20.0, doubled=0.3)
    sound = Simulation(5, conditions)
    sound.run(assert_prefix)
    assert sound.faults.points > 50
    for point in range(sound.faults.points):
        simulation = Simulation(5, conditions, MEMORY, crash_at=point)
        try:
            simulation.run(assert_prefix)
            assert_whole(simulation)
        except BaseException as error:
            error.add_note(f"the crash was at point {point}")
            raise
        assert simulation.crashes == 1


def test_the_same_seed_gives_the_same_run() -> None:
    runs = [Simulation(3, PROMPT) for _ in range(2)]
    for each in runs:
        each.run()
    first, second = runs
    assert first.faults.points == second.faults.points
    assert first.destination.transactions == second.destination.transactions
    assert first.found() == second.found()


@pytest.mark.parametrize(
    ("scenario", "fault"),
    [
        ("prompt", lambda each: each.crashes),
        ("prompt", lambda each: each.fenced),
        ("prompt", lambda each: each.gaps),
        ("late", lambda each: each.late),
        ("damaged", lambda each: each.quarantined),
        ("lost", lambda each: each.held),
        ("prompt", lambda each: each.pauses),
        ("prompt", lambda each: each.retries),
        ("expired", lambda each: each.held),
        ("skipped", lambda each: each.skips),
    ],
    ids=(
        *("crashes", "fenced", "gaps", "late", "quarantined", "held"),
        *("pauses", "retries", "expired", "skips"),
    ),
)
def test_the_faults_do_happen(scenario: str, fault: Callable[[Simulation], int]) -> None:
    """A simulation in which nothing goes wrong would show nothing."""
    assert sum(fault(scenarios.SCENARIOS[scenario](seed, MEMORY)) for seed in range(8)) > 0


def test_a_failing_seed_says_how_to_run_it_again() -> None:
    with pytest.raises(AssertionError) as failed, scenarios.repeatable(17):
        raise AssertionError
    assert failed.value.__notes__ == ["to run it again: make simulate SEEDS=17"]
