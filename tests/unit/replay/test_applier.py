"""What a batch comes to: applied, kept, or set aside."""

from __future__ import annotations

import base64
import random
from dataclasses import replace
from typing import Any

import pytest
from amazon.ion import simpleion
from simulation.delivery import kinesis_event, raw_event
from simulation.faults import InterruptedDestination
from simulation.source import Source, Write, records_of

from qldbkit.journal.kinesis import AggregationError
from qldbkit.journal.records import encode_control
from qldbkit.replay.applier import ReplayPolicy
from qldbkit.replay.buffer import quarantined
from qldbkit.replay.plan import plan_block
from qldbkit.replay.settle import HoldReason
from qldbkit.replay.units import UnitLimits


@pytest.fixture
def started(world: Any) -> Any:
    """A world in which table Person is replayed, and the buffer known to be empty."""
    world.deliver(world.source.create_table("Person"))
    world.buffer.calls.clear()
    return world


def test_a_complete_batch_in_order_never_touches_the_buffer(started: Any) -> None:
    source = started.source
    inserted = source.insert("Person", {"name": "one"}, {"name": "two"})
    id_ = inserted.revisions[0].metadata.id
    changed = source.write("Person", [Write(id_, {"name": "changed"})])

    outcome = started.deliver(inserted, changed)

    started.assert_equal()
    assert (outcome.blocks, outcome.revisions) == (2, 3)
    assert started.buffer.calls == []


def test_a_batch_delivered_again_changes_nothing(started: Any) -> None:
    inserted = started.source.insert("Person", {"name": "one"})
    event = kinesis_event(records_of(inserted))
    started.applier.handle(event)
    before = started.destination.ledger

    outcome = started.applier.handle(event)
    started.new_applier().handle(event)

    assert started.destination.ledger is before
    assert (outcome.blocks, outcome.repeated) == (0, 2)


def test_an_insert_delivered_again_after_the_delete_does_not_bring_the_document_back(
    started: Any,
) -> None:
    inserted = started.source.insert("Person", {"name": "one"})
    id_ = inserted.revisions[0].metadata.id
    deleted = started.source.write("Person", [Write(id_, None)])
    started.deliver(inserted, deleted)

    started.deliver(inserted)
    started.later()

    assert started.destination.documents() == {}


def test_a_block_that_straddles_two_batches_is_kept_and_completed(started: Any) -> None:
    block = started.source.insert("Person", {"name": "one"}, {"name": "two"})
    records = records_of(block)

    first = started.deliver_records(records[:2])
    assert started.destination.documents() == {}
    assert first.buffered == 1
    assert first.holds[started.source.strand_id].reason is HoldReason.INCOMPLETE

    started.applier = started.new_applier()  # as another process
    started.deliver_records(records[2:])

    started.assert_equal()
    assert list(started.buffer.fragments(started.source.strand_id, 0)) == []


def test_a_block_beyond_the_next_waits_and_is_applied_as_soon_as_the_next_has_come(
    started: Any,
) -> None:
    blocks = [started.source.insert("Person", {"n": each}) for each in range(3)]

    started.deliver(blocks[2])
    started.deliver(blocks[1])
    assert started.reached() == 0
    started.deliver(blocks[0])

    assert started.reached() == 3
    started.assert_equal()


def test_a_gap_of_blocks_that_only_read_is_passed_after_the_settle_window(started: Any) -> None:
    started.source.read()
    block = started.source.insert("Person", {"name": "one"})

    waiting = started.deliver(block)
    assert waiting.holds[started.source.strand_id].reason is HoldReason.GAP
    assert started.later(119.0).gaps == 0
    assert started.destination.documents() == {}

    outcome = started.later(1.0)

    started.assert_equal()
    assert outcome.gaps == 1
    assert outcome.problems() == []


def test_a_lost_revision_stops_the_strand_and_is_reported(started: Any) -> None:
    source = started.source
    id_ = source.insert("Person", {"v": 0}).revisions[0].metadata.id
    lost = source.write("Person", [Write(id_, {"v": 1})])
    after = source.write("Person", [Write(id_, {"v": 2})])
    behind = source.insert("Person", {"other": True})
    started.deliver(source.blocks[1], after, behind)

    outcome = started.later()

    assert started.reached() == 1
    assert any("the one before it is missing" in each for each in outcome.problems())

    started.deliver(lost)
    assert started.later(0.0).problems() == []
    started.assert_equal()


def test_a_document_of_a_new_table_cannot_begin_in_the_middle(started: Any) -> None:
    source = started.source
    lost = source.insert("Person", {"v": 0})
    after = source.write("Person", [Write(lost.revisions[0].metadata.id, {"v": 1})])
    started.deliver(after)

    assert started.later().overdue
    assert started.destination.documents() == {}

    started.deliver(lost)
    started.later(0.0)
    started.assert_equal()


def test_a_stream_that_begins_in_the_middle_inserts_what_it_first_sees(world: Any) -> None:
    source = world.source
    source.create_table("Person")
    id_ = source.insert("Person", {"v": 0}).revisions[0].metadata.id
    first = source.write("Person", [Write(id_, {"v": 1})])
    second = source.write("Person", [Write(id_, {"v": 2})])

    world.deliver(first, second)
    world.later()

    world.assert_equal()
    assert world.reached() == 3


def test_a_late_block_of_a_passed_gap_is_applied_and_takes_nothing_back(started: Any) -> None:
    source = started.source
    late = source.insert("Person", {"late": True})
    block = source.insert("Person", {"late": False})
    started.deliver(block)
    started.later()
    assert started.reached() == 2

    outcome = started.deliver(late)

    assert outcome.late == 1
    started.assert_equal()
    before = started.destination.documents()
    started.deliver(late)
    assert started.destination.documents() == before


def test_a_late_block_in_two_batches_is_kept_until_it_is_complete(started: Any) -> None:
    source = started.source
    late = source.insert("Person", {"late": 1}, {"late": 2})
    started.deliver(source.insert("Person", {"late": False}))
    started.later()

    records = records_of(late)
    started.deliver_records(records[:1])
    started.applier = started.new_applier()
    started.deliver_records(records[1:])

    started.assert_equal()
    assert list(started.buffer.fragments(source.strand_id, 0)) == []


def test_a_late_drop_is_set_aside_rather_than_applied(started: Any) -> None:
    source = started.source
    source.create_table("Extra")
    source.insert("Extra", {"v": 0})
    started.deliver(*source.blocks[1:])
    drop = source.drop_table("Extra")
    started.deliver(source.insert("Person", {"v": 1}))
    started.later()

    outcome = started.deliver(drop)

    assert outcome.quarantined == 1
    (record,) = quarantined(started.buffer)
    assert "too late" in record.reason
    assert len(started.destination.documents()) == 2


def test_a_damaged_record_is_set_aside_whole_and_holds_what_is_behind(started: Any) -> None:
    block = started.source.insert("Person", {"name": "one"})
    (key, summary), (_, revision) = records_of(block)
    damaged = revision.replace(b"one", b"two")
    behind = started.source.insert("Person", {"name": "three"})

    outcome = started.deliver_records([(key, summary), (key, damaged), *records_of(behind)])

    (record,) = quarantined(started.buffer)
    assert record.payload == damaged
    assert "is not that of its contents" in record.reason
    assert "part 1" in record.position
    assert outcome.quarantined == 1
    assert started.destination.documents() == {}
    assert len(started.later().problems()) == 2

    started.deliver(block)  # the sound record comes after all
    started.assert_equal()


def test_no_gap_is_passed_while_a_record_that_may_fill_it_is_in_quarantine(started: Any) -> None:
    lost = records_of(started.source.insert("Person", {"name": "one"}))
    behind = started.source.insert("Person", {"name": "two"})
    started.applier.handle(raw_event([("key", b"\xe0\x01\x00\xea damaged")]))
    started.deliver(behind)

    outcome = started.later(1000.0)

    assert started.destination.documents() == {}
    assert started.source.strand_id in outcome.overdue

    (record,) = quarantined(started.buffer)
    started.buffer.discard(record.position)
    started.deliver_records(lost)
    started.assert_equal()


def test_a_kinesis_record_with_a_wrong_checksum_is_set_aside_and_the_others_applied(
    started: Any,
) -> None:
    source = started.source
    first, second = (source.insert("Person", {"n": each}) for each in range(2))
    event = {"Records": [*kinesis_event(records_of(first))["Records"]]}
    broken = kinesis_event(records_of(second))["Records"][0]
    data = bytearray(base64.b64decode(broken["kinesis"]["data"]))
    data[len(data) // 2] ^= 1
    broken["kinesis"]["data"] = base64.b64encode(bytes(data)).decode()
    event["Records"].append(broken)

    outcome = started.applier.handle(event)

    assert (outcome.blocks, outcome.quarantined) == (1, 1)
    (record,) = quarantined(started.buffer)
    assert record.payload == bytes(data)


def test_something_that_is_no_event_is_refused(world: Any) -> None:
    with pytest.raises(AggregationError):
        world.applier.handle({"records": []})
    with pytest.raises(AggregationError):
        world.applier.handle({"Records": [{"kinesis": {}}]})


def test_a_record_that_only_hashing_finds_damaged_is_set_aside(started: Any) -> None:
    """Decoding does not look into documents; a symbol there that is in no table is found later."""
    block = started.source.insert("Person", {"someField": "value"})
    summary, (key, revision) = records_of(block)
    at = revision.rindex(b"value") - 2  # the field's symbol id, before the string's descriptor
    damaged = revision[:at] + b"\xfe" + revision[at + 1 :]

    outcome = started.deliver_records([summary, (key, damaged)])

    assert outcome.quarantined == 1
    started.deliver(block)
    started.assert_equal()


def changed(record: tuple[str, bytes], **fields: Any) -> tuple[str, bytes]:
    """A record with fields of its payload changed that no hash of QLDB covers."""
    key, data = record
    value = simpleion.loads(data, single_value=True)
    value["payload"].update(fields)
    return key, simpleion.dumps(value, binary=True)


@pytest.mark.parametrize("sound_first", [True, False])
@pytest.mark.parametrize("field", ["transactionId", "revisionSummaries", "blockTimestamp"])
def test_a_summary_damaged_where_no_hash_covers_it_gives_way_to_the_sound_one(
    started: Any, field: str, sound_first: bool
) -> None:
    block = started.source.insert("Person", {"name": "one"})
    summary, revision = records_of(block)
    other = started.source.insert("Person", {"name": "two"})
    hashes = [{"hash": each.hash, "documentId": "A" * 22} for each in block.revisions]
    values = {
        "transactionId": "A" * 22,
        "revisionSummaries": hashes,
        "blockTimestamp": other.summary.block_timestamp,
    }
    damaged = changed(summary, **{field: values[field]})

    first, second = (summary, damaged) if sound_first else (damaged, summary)
    started.deliver_records([first])
    started.deliver_records([second, revision])
    started.deliver(other)

    started.assert_equal()


def test_a_block_at_a_wrong_address_is_not_taken_for_the_one_that_is_missing(
    started: Any,
) -> None:
    source = started.source
    source.insert("Person", {"name": "one"})
    source.read()
    drop = source.drop_table("Person")
    started.deliver(source.blocks[1])
    address = {"strandId": source.strand_id, "sequenceNo": 2}
    started.deliver_records([changed(records_of(drop)[0], blockAddress=address)])

    problems = started.later().problems()

    assert any("does not bind its address" in each for each in problems)
    assert len(started.destination.documents()) == 1


def test_control_records_are_read_and_change_nothing(started: Any) -> None:
    control = encode_control("arn:aws:qldb:us-east-1:000000000000:stream/S/I", "CREATED")
    outcome = started.applier.handle(raw_event([("key", control)]))
    assert (outcome.records, outcome.blocks, outcome.quarantined) == (1, 0, 0)


def test_small_disjoint_blocks_share_a_transaction_and_others_do_not(started: Any) -> None:
    source = started.source
    blocks = [source.insert("Person", {"n": each}) for each in range(10)]
    assert started.deliver(*blocks).transactions == 1

    id_ = blocks[0].revisions[0].metadata.id
    same = [source.write("Person", [Write(id_, {"n": each})]) for each in range(3)]
    assert started.deliver(*same).transactions == 3
    started.assert_equal()
    assert started.destination.revision_counts()[id_] == 4


def test_a_block_too_large_for_a_transaction_is_applied_in_parts_and_resumed(started: Any) -> None:
    block = started.source.insert("Person", *({"n": each} for each in range(40)))
    commits = 0

    def fail_second(point: str) -> None:
        nonlocal commits
        commits += point == "commit"
        if commits == 2:
            raise ConnectionError

    started.applier = started.new_applier(InterruptedDestination(started.destination, fail_second))
    with pytest.raises(ConnectionError):
        started.deliver(block)
    checkpoint = started.destination.ledger.checkpoints[started.source.strand_id]
    assert checkpoint.part is not None and checkpoint.part.steps == 19

    started.policy = replace(started.policy, limits=UnitLimits(documents=12))
    started.applier = started.new_applier()
    started.deliver(block)

    started.assert_equal()
    assert set(started.destination.revision_counts().values()) == {1}


def test_no_transaction_writes_more_documents_than_it_may(world: Any) -> None:
    """Also where documents of an older table are new although their version is above 0."""
    source = world.source
    source.create_table("Person")
    many = source.insert("Person", *({"n": each} for each in range(40)))
    ids = [each.metadata.id for each in many.revisions]
    change = source.write("Person", [Write(each, {"n": -1}) for each in ids])

    world.deliver(change)
    outcome = world.later()

    assert outcome.transactions == 3
    world.assert_equal()


def test_tables_are_dropped_made_again_and_undropped_in_order(world: Any) -> None:
    source = world.source
    source.create_table("Person")
    source.create_index("Person", "GovId")
    source.insert("Person", {"first": True})
    old = source.tables["Person"]
    source.drop_table("Person")
    source.create_table("Person")
    source.insert("Person", {"second": True})
    source.drop_table("Person")
    source.undrop_table(old.table_id)
    source.insert("Person", {"third": True})

    world.deliver(*source.blocks)

    world.assert_equal()
    assert world.destination.indexes() == {"Person": frozenset({"GovId"})}
    world.deliver(*source.blocks)
    world.assert_equal()


def test_a_redaction_removes_the_data_and_a_redacted_revision_is_no_deletion(started: Any) -> None:
    source = started.source
    id_ = source.insert("Person", {"secret": 1}).revisions[0].metadata.id
    source.write("Person", [Write(id_, {"secret": None})])
    source.redact(id_, 0)
    started.deliver(*source.blocks[1:])

    started.assert_equal()
    (table,) = started.destination.ledger.tables.values()
    ((first, second),) = table.revisions.values()
    assert first is None and second is not None


def test_a_ledger_that_was_a_destination_does_not_replicate_its_bookkeeping(world: Any) -> None:
    source = world.source
    source.create_table("_qldbkit_document")
    source.create_index("_qldbkit_document", "sourceId")
    block = source.insert("_qldbkit_document", {"sourceId": "x"})

    assert plan_block(block).steps == ()
    world.deliver(*source.blocks)

    assert world.destination.indexes() == {}
    assert world.reached() == 2


def test_a_block_that_does_not_continue_the_chain_is_held(started: Any) -> None:
    other = Source()
    other.create_table("Person")
    other.insert("Person", {"n": 1})
    foreign = other.insert("Person", {"n": 2})
    started.deliver(started.source.insert("Person", {"n": 9}))

    outcome = started.deliver(foreign)

    hold = outcome.holds[started.source.strand_id]
    assert hold.reason is HoldReason.DAMAGED
    assert "previousBlockHash" in hold.message
    assert started.reached() == 1


def test_a_document_that_someone_else_changed_in_the_destination_stops_the_replay(
    started: Any,
) -> None:
    source = started.source
    inserted = source.insert("Person", {"n": 0})
    started.deliver(inserted)
    ledger = started.destination.ledger
    ((table_id, table),) = ledger.tables.items()
    ((id_, revisions),) = table.revisions.items()
    changed = replace(table, revisions={id_: (*revisions, revisions[0])})
    started.destination.ledger = replace(ledger, tables={table_id: changed})

    update = source.write("Person", [Write(inserted.revisions[0].metadata.id, {"n": 1})])
    outcome = started.deliver(update)

    assert any("another writer" in each for each in outcome.problems())


def test_shuffled_and_repeated_records_come_out_in_order(started: Any) -> None:
    source, rng = started.source, random.Random(4)
    ids = [source.insert("Person", {"n": 0}).revisions[0].metadata.id for _ in range(3)]
    for each in range(20):
        source.write("Person", [Write(rng.choice(ids), {"n": each})])
    records = [record for block in source.blocks for record in records_of(block)] * 2
    rng.shuffle(records)

    for at in range(0, len(records), 5):
        started.deliver_records(records[at : at + 5])

    started.assert_equal()
    assert started.reached() == len(source.blocks) - 1


def test_the_policy_bounds_how_many_blocks_share_a_transaction(started: Any) -> None:
    started.policy = ReplayPolicy(limits=UnitLimits(blocks=3))
    started.applier = started.new_applier()
    blocks = [started.source.insert("Person", {"n": each}) for each in range(7)]
    assert started.deliver(*blocks).transactions == 3
