"""What operators do about quarantined records, and what becomes of the order."""

from __future__ import annotations

import base64
import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from simulation.delivery import kinesis_event, raw_event
from simulation.source import Write, random_history, records_of

from qldbkit.journal.kinesis import aggregate
from qldbkit.replay.errors import NotQuarantinedError, OrderRefusedError
from qldbkit.replay.orders import Orders
from qldbkit.replay.quarantine import Quarantine

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def quarantine(world: Any) -> Quarantine:
    orders = Orders(world.buffer, who="arn:an-operator", now=lambda: NOON)
    return Quarantine(world.buffer, world.new_applier(), orders)


@pytest.fixture
def orders(world: Any) -> Orders:
    """The record of what was ordered, as another operator sees it."""
    return Orders(world.buffer, who="another")


def one_position(quarantine: Quarantine) -> str:
    (entry,) = quarantine.entries()
    return entry.position


def damaged(data: bytes) -> bytes:
    return data.replace(b"two", b"tWo")


def held_world(world: Any) -> tuple[str, bytes]:
    """Version 1 of a document is poison, version 2 waits for it; returns the sound record."""
    source = world.source
    source.create_table("Person")
    first = source.insert("Person", {"v": "one"})
    document_id = first.revisions[0].metadata.id
    second = source.write("Person", [Write(document_id, {"v": "two"})])
    third = source.write("Person", [Write(document_id, {"v": "three"})])
    (_, summary), (key, sound) = records_of(second)
    world.deliver(*source.blocks[:2])
    world.deliver_records([(key, summary), (key, damaged(sound)), *records_of(third)])
    return key, sound


def test_a_redriven_record_is_put_into_its_place_and_what_waited_follows(
    world: Any, quarantine: Quarantine
) -> None:
    _, sound = held_world(world)
    (before,) = world.destination.documents().values()
    assert before.value() == {"v": "one"}
    position = one_position(quarantine)

    order = quarantine.redrive(position, "a sound copy from the export", sound)

    world.assert_equal()
    (after,) = world.destination.documents().values()
    assert after.value() == {"v": "three"}
    assert list(quarantine.entries()) == []
    assert order.result == "replayed: 2 blocks were applied"
    assert world.later().problems() == []


def test_what_is_still_damaged_stays_and_is_counted(world: Any, quarantine: Quarantine) -> None:
    held_world(world)
    position = one_position(quarantine)

    order = quarantine.redrive(position)

    (entry,) = quarantine.entries()
    assert (entry.position, entry.attempts) == (position, 2)
    assert order.result.startswith("still in quarantine: ")
    assert world.reached() == 1


def test_a_damaged_pack_that_is_redriven_brings_all_its_records(
    world: Any, quarantine: Quarantine
) -> None:
    source = world.source
    source.create_table("Person")
    blocks = [source.blocks[0], source.insert("Person", {"v": 1})]
    (pack,) = aggregate([each for block in blocks for each in records_of(block)])
    broken = bytearray(pack.data)
    broken[-1] ^= 1
    world.applier.handle(raw_event([("key", bytes(broken))]))
    position = one_position(quarantine)
    assert quarantine.payload(position) == bytes(broken)

    quarantine.redrive(position, payload=pack.data)

    world.assert_equal()
    assert list(quarantine.entries()) == []


def test_of_a_pack_that_opens_only_what_is_damaged_in_it_stays(
    world: Any, quarantine: Quarantine
) -> None:
    source = world.source
    source.create_table("Person")
    records = [*records_of(source.blocks[0]), ("key", b"\xe0\x01\x00\xea damaged")]
    event = kinesis_event(records)
    data = base64.b64decode(event["Records"][0]["kinesis"]["data"])
    broken = bytearray(data)
    broken[-1] ^= 1
    world.applier.handle(raw_event([("key", bytes(broken))]))
    position = one_position(quarantine)

    order = quarantine.redrive(position, payload=data)

    assert one_position(quarantine) == f"{position}, part {len(records) - 1}"
    assert "each at its own position" in order.result
    assert world.reached() == 0


def test_a_late_block_that_was_set_aside_can_be_tried_again(
    world: Any, quarantine: Quarantine
) -> None:
    source = world.source
    source.create_table("Person")
    source.create_table("Extra")
    world.deliver(*source.blocks)
    drop = source.drop_table("Extra")
    behind = source.insert("Person", {"v": 1})
    world.deliver(behind)
    world.later()
    world.deliver(drop)
    position = one_position(quarantine)

    assert "still in quarantine" in quarantine.redrive(position).result
    assert one_position(quarantine) == position


def test_discarding_lets_replay_go_on_and_needs_a_reason(
    world: Any, quarantine: Quarantine
) -> None:
    source = world.source
    source.create_table("Person")
    world.deliver(source.blocks[0])
    source.insert("Person", {"v": "lost"})
    behind = source.insert("Person", {"v": "kept"})
    world.applier.handle(raw_event([("key", b"\xe0\x01\x00\xea damaged")]))
    world.deliver(behind)
    assert world.later().problems()
    position = one_position(quarantine)
    for reason in ("", "  "):
        with pytest.raises(OrderRefusedError, match="reason"):
            quarantine.discard(position, reason)

    quarantine.discard(position, "never part of this ledger")

    assert world.later().problems() == []
    (document,) = world.destination.documents().values()
    assert document.value() == {"v": "kept"}


def test_every_order_is_recorded_with_who_when_what_and_why(
    world: Any, quarantine: Quarantine, orders: Orders
) -> None:
    held_world(world)
    position = one_position(quarantine)
    quarantine.redrive(position)
    quarantine.discard(position, "restored by hand")

    given = sorted(orders.given(), key=lambda each: each.action)
    assert [(each.action, each.who, each.position, each.reason) for each in given] == [
        ("discard", "arn:an-operator", position, "restored by hand"),
        ("redrive", "arn:an-operator", position, ""),
    ]
    assert {each.at for each in given} == {"2026-01-01T12:00:00.000000+00:00"}
    assert given[0].result == "discarded"


def test_an_order_is_recorded_before_it_is_carried_out_and_also_when_it_fails(
    world: Any, quarantine: Quarantine, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, sound = held_world(world)
    position = one_position(quarantine)
    seen: list[str] = []

    def fails(*_: Any) -> None:
        seen.extend(json.loads(each)["result"] for each in world.buffer.notes("order").values())
        raise OSError("the destination is away, with a secret")

    monkeypatch.setattr(world.destination, "transact", fails)
    with pytest.raises(OSError, match="away"):
        quarantine.redrive(position, payload=sound)

    assert seen == ["under way"]
    (order,) = orders.given()
    assert order.result == "failed: OSError"
    assert one_position(quarantine) == position


def test_what_is_not_in_quarantine_cannot_be_ordered_about(
    quarantine: Quarantine, orders: Orders
) -> None:
    with pytest.raises(NotQuarantinedError, match="nowhere"):
        quarantine.redrive("nowhere")
    with pytest.raises(NotQuarantinedError, match="nowhere"):
        quarantine.discard("nowhere", "why not")
    assert list(orders.given()) == []


@pytest.mark.parametrize("seed", range(15))
def test_whatever_was_damaged_comes_into_its_place_in_whatever_order_it_is_redriven(
    world: Any, quarantine: Quarantine, seed: int
) -> None:
    chance = random.Random(seed)
    world.source = random_history(chance, 30, drops=False)
    sound: dict[str, bytes] = {}
    for block in world.source.blocks:
        for key, data in records_of(block):
            is_damaged = chance.random() < 0.15
            event = raw_event([(key, data[:-1] if is_damaged else data)])
            if is_damaged:
                (record,) = event["Records"]
                shard, _, number = record["eventID"].partition(":")
                sound[f"{shard} record {number}"] = data
            world.applier.handle(event)
    world.later()
    assert {each.position for each in quarantine.entries()} == sound.keys()

    for position in chance.sample(sorted(sound), len(sound)):
        quarantine.redrive(position, payload=sound[position])
    world.later()

    world.assert_equal()
    assert list(quarantine.entries()) == []
    assert world.later().problems() == []
