"""What the status says, from a destination, a buffer and a source in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from simulation.delivery import raw_event
from simulation.source import Write, records_of
from simulation.source_control import SourceControl

from qldbkit.replay.errors import ReplicationHeldError
from qldbkit.replay.lambda_entry import Replayer
from qldbkit.replay.settle import committed_at
from qldbkit.replay.status import ReplayStatus, replay_status


class Unreachable:
    def get_digest(self, **_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="http://gone")


def status(world: Any, control: Any = None) -> ReplayStatus:
    return replay_status(
        "Destination",
        world.destination,
        world.buffer,
        now=world.now,
        control=control or SourceControl(world.source),
        source="Source",
    )


def test_nothing_is_behind_when_all_is_applied(world: Any) -> None:
    world.source.create_table("Person")
    world.deliver(world.source.blocks[0])
    found = status(world)
    (strand,) = found.strands
    assert (strand.applied, strand.blocks_behind, strand.seconds_behind) == (0, 0, 0.0)
    assert (strand.waiting, strand.next_waiting, strand.gaps) == (0, None, ())
    assert found.healthy


def test_the_lag_is_counted_in_blocks_and_seconds_of_the_source(world: Any) -> None:
    source = world.source
    source.create_table("Person")
    world.deliver(source.blocks[0])
    first_missing = source.insert("Person", {"v": 1})
    source.insert("Person", {"v": 2})
    world.deliver(source.insert("Person", {"v": 3}))
    world.now = committed_at(first_missing.summary) + 42.0

    (strand,) = status(world).strands

    assert (strand.applied, strand.blocks_behind) == (0, 3)
    assert strand.seconds_behind == 42.0
    assert (strand.waiting, strand.next_waiting) == (1, 3)


def test_before_anything_is_replayed_the_whole_source_is_behind(world: Any) -> None:
    world.source.create_table("Person")
    (strand,) = status(world).strands
    assert (strand.applied, strand.blocks_behind) == (-1, 1)


def test_without_the_source_the_lag_is_that_of_what_waits(world: Any) -> None:
    source = world.source
    source.create_table("Person")
    world.deliver(source.blocks[0])
    source.insert("Person", {"v": 1})
    world.deliver(source.insert("Person", {"v": 2}))
    world.now += 7.0

    found = status(world, Unreachable())

    (strand,) = found.strands
    assert strand.blocks_behind is None
    assert strand.seconds_behind == 7.0
    assert "gone" in (found.source_unknown or "")


@pytest.fixture
def replayer(world: Any) -> Replayer:
    return Replayer(
        world.destination,
        world.buffer,
        name="Destination",
        policy=world.policy,
        clock=lambda: world.now,
        emit=lambda _: None,
    )


def test_gaps_quarantine_and_problems_are_shown(world: Any, replayer: Replayer) -> None:
    source = world.source
    source.create_table("Person")
    world.deliver(source.blocks[0])
    source.insert("Person", {"v": 1})
    document = source.insert("Person", {"v": 2})
    world.deliver(document)
    world.later()
    id_ = document.revisions[0].metadata.id
    source.write("Person", [Write(id_, {"v": 3})])
    world.deliver(source.write("Person", [Write(id_, {"v": 4})]))
    replayer.handle(raw_event([("key", b"\xe0\x01\x00\xea damaged")]))
    world.now += 500.0
    with pytest.raises(ReplicationHeldError) as held:
        replayer.drain()

    found = status(world)

    (strand,) = found.strands
    assert [(each.first, each.last) for each in strand.gaps] == [(1, 1)]
    assert found.quarantined == 1
    assert len(found.held_by) == 1
    assert found.held_by[0] in str(held.value)
    assert found.clock_at == world.now
    assert not found.healthy
    assert json.loads(json.dumps(found.as_dict()))["healthy"] is False


def test_the_last_error_is_shown_with_its_class(
    world: Any, replayer: Replayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.source.create_table("Person")
    monkeypatch.setattr(world.destination, "transact", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        replayer.handle(raw_event(records_of(world.source.blocks[0])))
    assert status(world).failure == {
        "at": world.now,
        "errorClass": "fatal",
        "reason": "ZeroDivisionError",
    }
