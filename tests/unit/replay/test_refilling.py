"""What a stream has lost is brought from an archive of it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from amazon.ion import simpleion
from generate_journal import blocks, write_export
from simulation.source import Source, Write, random_history, records_of

from qldbkit.journal.sources.opening import open_source
from qldbkit.journal.sources.stored import JournalSource
from qldbkit.replay.errors import BlockDamagedError
from qldbkit.replay.gathering import GatheredBlock
from qldbkit.replay.refilling import Refilled, refill


def archived(source: Source, folder: Path, left_out: int | None = None) -> JournalSource:
    """All records of the source, in disorder, as Firehose would have put them there."""
    records = [
        data
        for block in source.blocks
        if block.address.sequence_no != left_out
        for _, data in records_of(block)
    ]
    random.Random(1).shuffle(records)
    folder.mkdir(exist_ok=True)
    (folder / "delivery-1").write_bytes(b"".join(records))
    return open_source(str(folder))


def run(world: Any, source: JournalSource, processes: int = 0) -> Refilled:
    checkpoints = {each.strand_id: each for each in world.destination.checkpoints()}
    return refill(source, world.new_applier(), checkpoints, processes=processes)


def test_a_lost_block_is_brought_and_what_waited_for_it_follows(world: Any, tmp_path: Path) -> None:
    source = world.source
    source.create_table("Person")
    inserted = source.insert("Person", {"v": 1})
    id_ = inserted.revisions[0].metadata.id
    source.write("Person", [Write(id_, {"v": 2})])
    behind = source.write("Person", [Write(id_, {"v": 3})])
    world.deliver(*source.blocks[:2], behind)
    assert "the one before it is missing" in world.later().problems()[0]

    found = run(world, archived(source, tmp_path))

    world.assert_equal()
    assert (found.offered, found.applied, found.waiting) == (2, 2, 0)
    assert world.later().problems() == []


def test_a_gap_that_was_passed_is_filled(world: Any, tmp_path: Path) -> None:
    source = world.source
    source.create_table("Person")
    world.deliver(source.blocks[0])
    source.insert("Person", {"v": "lost"})
    world.deliver(source.insert("Person", {"v": "kept"}))
    world.later()
    assert world.reached() == 2

    found = run(world, archived(source, tmp_path))

    world.assert_equal()
    assert (found.offered, found.applied) == (1, 1)


def test_what_is_applied_already_is_not_offered_again(world: Any, tmp_path: Path) -> None:
    source = world.source
    source.create_table("Person")
    source.insert("Person", {"v": 1})
    world.deliver(*source.blocks)
    transactions = world.destination.ledger.version

    assert run(world, archived(source, tmp_path)) == Refilled()

    assert world.destination.ledger.version == transactions


def test_what_the_archive_has_lost_too_is_still_waited_for(world: Any, tmp_path: Path) -> None:
    source = world.source
    source.create_table("Person")
    inserted = source.insert("Person", {"v": 1})
    id_ = inserted.revisions[0].metadata.id
    source.write("Person", [Write(id_, {"v": 2})])
    world.deliver(*source.blocks[:2])
    world.deliver(source.write("Person", [Write(id_, {"v": 3})]))
    world.later()

    found = run(world, archived(source, tmp_path, left_out=2))

    assert (found.applied, found.waiting) == (0, 1)
    assert world.later().problems()


@pytest.mark.parametrize("processes", [0, 1])
def test_an_archive_that_is_damaged_brings_what_is_sound(
    world: Any, tmp_path: Path, processes: int
) -> None:
    source = world.source
    source.create_table("Person")
    source.insert("Person", {"v": "one"})
    archived(source, tmp_path)
    file = tmp_path / "delivery-1"
    file.write_bytes(file.read_bytes().replace(b"one", b"oNe"))

    found = run(world, open_source(str(tmp_path)), processes)

    assert world.destination.documents() == {}
    assert world.reached() == 0
    assert found.quarantined + found.unreadable >= 1


@pytest.mark.parametrize(
    ("seed", "processes"), [*((seed, 0) for seed in range(12)), *((seed, 1) for seed in range(3))]
)
def test_any_history_of_which_anything_was_delivered_is_completed(
    world: Any, tmp_path: Path, seed: int, processes: int
) -> None:
    chance = random.Random(seed)
    world.source = random_history(chance, 30, drops=False)
    records = [each for block in world.source.blocks for each in records_of(block)]
    world.deliver_records([each for each in records if chance.random() < 0.7])

    run(world, archived(world.source, tmp_path), processes)
    world.later()

    world.assert_equal()


def test_a_kept_block_whose_time_cannot_be_read_is_set_aside_as_one_of_the_stream_is(
    world: Any, tmp_path: Path
) -> None:
    source = world.source
    source.create_table("Person")
    damaged = source.insert("Person", {"v": 1})
    (_, summary), (_, revision) = records_of(damaged)
    record = simpleion.loads(summary)
    record["payload"]["blockTimestamp"] = "yesterday"
    kept = archived(source, tmp_path, left_out=1)
    with (tmp_path / "delivery-1").open("ab") as file:
        file.write(simpleion.dumps(record) + revision)

    found = run(world, kept)

    assert (found.applied, found.waiting, found.quarantined) == (1, 1, 1)
    assert world.reached() == 0


def test_a_kept_block_has_to_bind_its_address_as_those_before_it_do() -> None:
    block = next(blocks(1))
    loose = GatheredBlock.of(block, 0.0, bound=False)
    assert loose.blocks(bound=False) == ([block], False)
    with pytest.raises(BlockDamagedError, match="does not bind its address"):
        loose.blocks(bound=True)
    assert GatheredBlock.of(block, 0.0, bound=True).blocks(bound=True) == ([block], True)


def test_a_kept_block_that_cannot_be_planned_stops_the_replay_before_it(
    world: Any, tmp_path: Path
) -> None:
    source = world.source
    source.create_table("Person")
    kept = source.insert("Person", {"v": 1})
    source.write("Person", [Write(source.new_id(), {"v": 2})], ["CREATE what nobody can"])
    source.insert("Person", {"v": 3})

    found = run(world, archived(source, tmp_path))

    assert (found.applied, found.waiting) == (2, 1)
    assert world.reached() == kept.address.sequence_no
    assert "cannot be understood" in world.later().problems()[0]


def test_a_part_that_is_damaged_so_far_that_it_is_no_record_stops_nothing_before_it(
    world: Any, tmp_path: Path
) -> None:
    source = world.source
    source.create_table("Person")
    kept = source.insert("Person", {"v": 1})
    source.insert("Person", {"v": "one"})
    write_export(tmp_path, source.blocks, "ION_BINARY")
    (file,) = tmp_path.rglob("*.ion")
    assert file.read_bytes().count(b"\x83one") == 1
    file.write_bytes(file.read_bytes().replace(b"\x83one", b"\xf3one"))

    found = run(world, open_source(str(tmp_path)))

    assert (found.applied, found.unreadable) == (2, 2)
    assert world.reached() == kept.address.sequence_no
