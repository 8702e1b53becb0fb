"""What a destination has to come through, whatever the stream does; any `Subject` can be put to it.

Each scenario is a function of a seed and a subject, and fails by an assertion.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from simulation.conditions import Conditions
from simulation.simulator import WINDOW, Simulation
from simulation.source import name_id
from simulation.subject import MEMORY, Subject

from qldbkit.replay.routing import TableRouting

PROMPT: Final = Conditions(
    shards=3,
    reshards=True,
    delay=WINDOW / 4,
    doubled=0.2,
    redelivered=0.2,
    failing=0.01,
    interleaved=0.2,
    paused=0.01,
)
"""Everything that may happen while nothing is later than the settle window allows."""
MIDDLE: Final = 9
"""The sequence number that a stream begins with that does not begin with the history."""


def seeds(default: str) -> range:
    """The seeds of the variable ``SEEDS``: one, such as 17, or a range, such as 0:1000."""
    first, _, last = os.environ.get("SEEDS", default).partition(":")
    return range(int(first), int(last) if last else int(first) + 1)


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """Says how to run a failing seed again."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"to run it again: make simulate SEEDS={seed}")
        raise


def assert_prefix(simulation: Simulation) -> None:
    """The documents are those of the source at the checkpoint, unless a block is there in part."""
    if not (simulation.subject.atomic and simulation.has_changed()):
        return
    checkpoint = simulation.checkpoint()
    if checkpoint is None or checkpoint.part is None:
        assert simulation.found() == simulation.expected()


def assert_whole(simulation: Simulation, *, all_revisions: bool = True) -> None:
    """The documents are the source's, with as many revisions as they have there, never more.

    Where a table's CREATE TABLE comes too late, its documents may be taken for ones that are older
    than the stream, and what comes of them later still is left out: `all_revisions` is then false.
    """
    source = simulation.source
    assert simulation.found() == simulation.replayed(source.current())
    for id_, count in simulation.revision_counts().items():
        assert count <= source.documents[id_].version + 1
        assert count == source.documents[id_].version + 1 or not all_revisions
    assert list(simulation.buffer.fragments(source.strand_id, 0)) == []


def prompt(seed: int, subject: Subject = MEMORY) -> Simulation:
    """Shuffled, doubled, resharded, crashing, fenced, and nothing later than the window allows."""
    simulation = Simulation(seed, PROMPT, subject)
    with repeatable(seed):
        simulation.run(assert_prefix)
        assert_whole(simulation)
        assert simulation.last_drain().problems() == []
    return simulation


def routed(seed: int, subject: Subject = MEMORY) -> Simulation:
    """Some tables are left out, and others are renamed."""
    first, third = name_id("Extra", 2), name_id("Extra", 4)
    # Vehicle is left out, and one of the others is then called so
    routing = TableRouting.of(
        ["Person", first, third], {"Person": "People", first: "Vehicle", third: first}
    )
    simulation = Simulation(seed, replace(PROMPT, tables=routing), subject)
    with repeatable(seed):
        simulation.run(assert_prefix)
        assert_whole(simulation)
        assert simulation.last_drain().problems() == []
        assert {table for table, _ in simulation.found()} <= {"People", "Vehicle", first}
    return simulation


def late(seed: int, subject: Subject = MEMORY) -> Simulation:
    """Records are later than the settle window allows."""
    simulation = Simulation(
        seed, replace(PROMPT, delay=WINDOW * 4, paused=0.0, drops=False), subject
    )
    with repeatable(seed):
        simulation.run()
        assert_whole(simulation, all_revisions=False)
        assert simulation.last_drain().problems() == []
    return simulation


def lost(seed: int, subject: Subject = MEMORY) -> Simulation:
    """Records are lost: the strand stops until they come."""
    simulation = Simulation(seed, replace(PROMPT, lost=0.03, drops=False), subject)
    with repeatable(seed):
        simulation.run()
        reported = simulation.last_drain().problems()
        if simulation.found() != simulation.replayed(simulation.source.current()):
            assert reported or simulation.whole_blocks_are_lost()
        simulation.repair()
        assert_whole(simulation, all_revisions=False)
        assert simulation.last_drain().problems() == []
    return simulation


def damaged(seed: int, subject: Subject = MEMORY) -> Simulation:
    """Records are damaged: they are set aside, and pass for nothing."""
    simulation = Simulation(seed, replace(PROMPT, damaged=0.05), subject)
    with repeatable(seed):
        simulation.run(assert_prefix)
        if list(simulation.buffer.quarantine_index()):
            assert "records are in quarantine" in simulation.last_drain().problems()
        simulation.repair()
        # A record whose address is damaged, which no hash covers, may be of a block that the stream
        # never had: that it is waited for is reported, and nothing is skipped.
        if not any(map(simulation.is_phantom, simulation.last_drain().holds.values())):
            assert_whole(simulation)
    return simulation


def middle(seed: int, subject: Subject = MEMORY) -> Simulation:
    """The stream begins in the middle of the history."""
    simulation = Simulation(seed, replace(PROMPT, first=MIDDLE, drops=False), subject)
    with repeatable(seed):
        simulation.run()
        written = {
            revision.metadata.id
            for block in simulation.source.blocks[MIDDLE:]
            for revision in block.revisions
            if revision.metadata is not None
        }
        current = simulation.replayed(simulation.source.current())
        expected = {key: digest for key, digest in current.items() if key[1] in written}
        assert simulation.found() == expected
        assert simulation.last_drain().problems() == []
    return simulation


def expired(seed: int, subject: Subject = MEMORY) -> Simulation:
    """The replay is away until records expire unread: it waits for them, and says so."""
    simulation = Simulation(seed, replace(PROMPT, retention=300.0), subject)
    with repeatable(seed):
        simulation.run(assert_prefix)
        if simulation.found() != simulation.replayed(simulation.source.current()):
            assert simulation.last_drain().problems() or simulation.ends_with_what_expired()
        simulation.repair()
        simulation.go_on()  # over blocks that only read, which nobody has streamed or can bring
        assert_whole(simulation)
        assert simulation.last_drain().problems() == []
    return simulation


def skipped(seed: int, subject: Subject = MEMORY) -> Simulation:
    """Records are lost for ever, and operators order to go on over what is held for them."""
    simulation = Simulation(seed, replace(PROMPT, lost=0.03, drops=False), subject)
    with repeatable(seed):
        simulation.run()
        simulation.go_on()
        assert simulation.last_drain().problems() == []
        found, source = simulation.found(), simulation.replayed(simulation.source.current())
        sound = simulation.last_written_by_sound_blocks()
        for each in found.keys() | source.keys():
            assert found.get(each) == source.get(each) or each[1] not in sound
        assert all(id_ in simulation.source.documents for _, id_ in found)
    return simulation


SCENARIOS: Final[Mapping[str, Callable[[int, Subject], Simulation]]] = {
    each.__name__: each for each in (prompt, routed, late, lost, damaged, middle, expired, skipped)
}
"""All of them, by name, for a destination that is to be put to each."""
