"""Pauses, outages that were longer than the stream keeps its records, and orders to go on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from simulation.delivery import kinesis_event
from simulation.source import START, Write, records_of

from qldbkit.replay.errors import OrderRefusedError
from qldbkit.replay.interruptions import Interruptions
from qldbkit.replay.settle import HoldReason
from qldbkit.replay.skipping import go_on_over, held_at

RETENTION = 3600.0


@pytest.fixture
def started(world: Any) -> Any:
    """A replay whose clock runs, of a source with two documents."""
    world.now = START.timestamp() + 600.0
    world.policy = replace(world.policy, retention=RETENTION)
    world.applier = world.new_applier()
    source = world.source
    source.create_table("Person")
    source.insert("Person", {"n": 1})
    source.insert("Person", {"n": 2})
    world.deliver(*source.blocks)
    world.applier.drain()
    return world


def away(world: Any, seconds: float) -> Any:
    """Time passes in which nothing runs; then another process does."""
    world.now += seconds
    world.applier = world.new_applier()
    return world.source


def only_hold(outcome: Any) -> Any:
    (hold,) = outcome.holds.values()
    return hold


def test_a_gap_where_records_expired_unread_is_reported_and_never_passed(started: Any) -> None:
    source = started.source
    lost = source.insert("Person", {"n": 3})
    away(started, RETENTION + 10)
    started.applier.drain()
    started.deliver(source.insert("Person", {"n": 4}))

    for _ in range(3):
        outcome = started.later()
    hold = only_hold(outcome)
    assert (hold.address.sequence_no, hold.reason) == (4, HoldReason.EXPIRED)
    assert "may have expired in the stream" in outcome.problems()[0]
    assert started.reached() == 2

    started.deliver(lost)
    assert started.later().problems() == []
    started.assert_equal()


def test_it_is_reported_also_if_the_clock_did_not_notice_the_outage(started: Any) -> None:
    source = away(started, RETENTION + 10)
    source.read()
    started.policy = replace(started.policy, settle_window=0.0)
    started.applier = started.new_applier()
    outcome = started.deliver(source.insert("Person", {"n": 4}))
    assert only_hold(outcome).reason is HoldReason.EXPIRED


def test_records_that_are_read_when_they_were_about_to_expire_are_noticed(started: Any) -> None:
    """The clock ran all the time; somebody had disabled the reading."""
    source = started.source
    source.insert("Person", {"n": 3})
    for _ in range(80):
        started.later(60.0)
    event = kinesis_event(records_of(source.insert("Person", {"n": 4})))
    for each in event["Records"]:
        each["kinesis"]["approximateArrivalTimestamp"] = started.now - RETENTION + 60.0
    started.applier.handle(event)
    assert only_hold(started.later()).reason is HoldReason.EXPIRED


def test_a_gap_of_blocks_that_came_after_the_outage_is_passed(started: Any) -> None:
    source = away(started, RETENTION + 10)
    started.applier.drain()
    after = [source.insert("Person", {"n": each}) for each in range(420)]
    source.read()
    last = source.insert("Person", {"n": "last"})
    started.deliver(*after)
    started.deliver(last)
    assert started.later().problems() == []
    assert started.reached() == last.address.sequence_no


def test_a_short_outage_is_none(started: Any) -> None:
    source = away(started, RETENTION - 10)
    source.read()
    started.applier.drain()
    started.deliver(source.insert("Person", {"n": 3}))
    assert started.later().problems() == []
    started.assert_equal()


def test_the_settle_window_begins_anew_when_a_pause_ends(started: Any) -> None:
    source, interruptions = started.source, Interruptions(started.buffer, RETENTION)
    missing, following = source.insert("Person", {"n": 3}), source.insert("Person", {"n": 4})
    started.deliver(following)
    interruptions.pause(started.now)
    assert started.later(1000.0).gaps == 0
    interruptions.resume(started.now)
    assert started.later(100.0).gaps == 0
    started.deliver(missing)
    started.assert_equal()
    assert interruptions.paused() is None


def test_an_order_goes_on_over_what_expired(started: Any) -> None:
    source = started.source
    lost = source.write("Person", [Write(next(iter(source.documents)), {"n": 10})])
    away(started, RETENTION + 10)
    started.applier.drain()
    started.deliver(source.insert("Person", {"n": 4}))
    hold = held_at(started.later(), 4, None)

    said = go_on_over(hold, started.applier, started.destination, started.buffer)

    assert said.startswith("replay goes on; it was blocks before it have not come")
    assert started.reached() == 4
    started.deliver(lost)
    started.later()
    started.assert_equal()


def test_an_order_lets_a_document_go_on_over_its_hole_once(started: Any) -> None:
    source = started.source
    first, second = source.documents
    source.write("Person", [Write(first, {"n": 10})])
    started.deliver(source.write("Person", [Write(first, {"n": 11}), Write(second, {"n": 20})]))
    hold = held_at(started.later(), 4, None)
    assert hold.reason is HoldReason.HOLE

    go_on_over(hold, started.applier, started.destination, started.buffer)

    started.assert_equal()
    started.deliver(source.write("Person", [Write(first, {"n": 12})]))
    started.assert_equal()
    source.write("Person", [Write(first, {"n": 13})])
    started.deliver(source.write("Person", [Write(first, {"n": 14})]))
    assert only_hold(started.later()).reason is HoldReason.HOLE


def test_an_order_leaves_out_a_block_that_is_not_whole_and_compare_shows_it(started: Any) -> None:
    source = started.source
    first, second = source.documents
    summary, _, other = records_of(
        source.write("Person", [Write(first, {"n": 10}), Write(second, {"n": 20})])
    )
    started.deliver_records([summary, other])
    hold = held_at(started.later(), 3, None)
    assert hold.reason is HoldReason.INCOMPLETE

    said = go_on_over(hold, started.applier, started.destination, started.buffer)

    assert first in said and second in said
    started.deliver(source.write("Person", [Write(second, {"n": 21})]))
    assert started.later().problems() == []
    found, current = started.destination.documents(), source.current()
    assert {id_ for (_, id_), data in found.items() if current["Person", id_] != data} == {first}


def test_what_may_still_come_is_not_gone_on_over(started: Any) -> None:
    source = started.source
    source.read()
    started.deliver(source.insert("Person", {"n": 3}))
    hold = held_at(started.later(60.0), 4, None)
    with pytest.raises(OrderRefusedError, match="may still come"):
        go_on_over(hold, started.applier, started.destination, started.buffer)
    with pytest.raises(OrderRefusedError, match="does not wait for block 7"):
        held_at(started.later(1.0), 7, None)
