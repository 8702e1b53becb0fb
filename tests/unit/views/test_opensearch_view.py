"""What a view in OpenSearch does with each change, over a stand-in of OpenSearch in memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from servers.opensearch_world import BOOKKEEPING, PERSON, World, changing
from simulation.source import STRAND_ID, Write

from qldbkit.journal.ion import IonSpan
from qldbkit.replay.compare import UNMAPPED, compare
from qldbkit.replay.destination import (
    Changes,
    DeleteDocument,
    DocumentEntry,
    InsertDocument,
    RecordRepair,
    RepairDocument,
    ReviveDocument,
    State,
)
from qldbkit.replay.errors import DestinationChangedError
from qldbkit.replay.repair import repair
from qldbkit.replay.views.view import Indexer


@pytest.fixture
def world() -> World:
    made = World()
    made.source.create_table("Person")
    return made


def test_a_document_has_the_parts_of_the_committed_view(world: World) -> None:
    id_ = world.inserted({"Name": "Ada"})
    world.source.write("Person", [Write(id_, {"Name": "Ada", "Born": 1815})])
    world.deliver(*world.source.blocks)
    found = world.read(id_)
    assert found["data"] == {"Name": "Ada", "Born": 1815}
    assert found["blockAddress"] == {"strandId": STRAND_ID, "sequenceNo": 2}
    assert found["metadata"]["id"] == id_
    assert found["metadata"]["version"] == 1
    assert found["metadata"]["txTime"].startswith("2026-01-01T00:00:20")
    assert found["qldbkit"]["table"] == "Person"
    assert world.view.tables() == {"Person"}
    world.assert_equal()


def test_a_unit_is_two_requests_whatever_it_holds(world: World) -> None:
    for number in range(200):
        world.inserted({"n": number})
    world.deliver(world.source.blocks[0])
    world.wire.requests.clear()
    world.deliver(*world.source.blocks[1:])
    asked = [each for each in world.wire.requests if "_doc" not in each[1] or each[0] == "PUT"]
    assert asked == [("PUT", f"/{BOOKKEEPING}/_doc/view"), ("POST", "/_bulk")]
    world.assert_equal()


def test_a_deleted_document_leaves_a_tombstone_that_readers_do_not_see(world: World) -> None:
    id_ = world.inserted({"Name": "Ada"})
    world.source.write("Person", [Write(id_, None)])
    world.deliver(*world.source.blocks)
    found = world.read(id_)
    assert found["qldbkit"]["deleted"] is True
    assert found["metadata"]["version"] == 1
    assert "Ada" not in json.dumps(found)
    assert "ion" not in found["qldbkit"]
    world.assert_equal()
    world.deliver(world.source.blocks[1])  # once more
    assert world.read(id_) == found


def test_what_is_redacted_is_nowhere(world: World) -> None:
    id_ = world.inserted({"Name": "Ada"})
    world.source.write("Person", [Write(id_, {"Name": "A."})])
    world.source.redact(id_, 0)
    world.deliver(*world.source.blocks)
    world.assert_equal()
    for index in world.wire.server.indices.values():
        for kept in index.documents.values():
            assert "Ada" not in json.dumps(kept.source, default=str)
    assert world.view._read().record.writes == ()


def test_a_table_made_again_is_another_and_the_first_can_come_back(world: World) -> None:
    world.inserted({"n": 1})
    first = world.source.tables["Person"].table_id
    world.source.drop_table("Person")
    world.source.create_table("Person")
    second = world.inserted({"n": 2})
    world.deliver(*world.source.blocks)
    world.assert_equal()
    assert world.aliases() == {PERSON: [], "v.-person.2": ["v.-person"]}
    assert world.read(second, "v.-person.2")["data"] == {"n": 2}
    world.source.drop_table("Person")
    world.source.undrop_table(first)
    third = world.inserted({"n": 3})
    world.deliver(*world.source.blocks[5:])
    world.assert_equal()
    assert world.aliases() == {PERSON: ["v.-person"], "v.-person.2": []}
    assert world.read(third)["data"] == {"n": 3}
    assert world.view.tables() == {"Person"}


def test_a_document_of_a_dropped_table_is_not_there_until_it_is_undropped(world: World) -> None:
    id_ = world.inserted({"n": 1})
    table = world.source.tables["Person"].table_id
    world.source.drop_table("Person")
    world.deliver(*world.source.blocks)
    seen: list[State] = []

    def look(state: State) -> Changes:
        seen.append(state)
        return changing()(state)

    world.view.transact(STRAND_ID, [id_], look)
    assert seen[0].documents[id_].version is None
    assert list(world.view.digests()) == []
    world.source.undrop_table(table)
    world.deliver(world.source.blocks[-1])
    world.view.transact(STRAND_ID, [id_], look)
    assert seen[1].documents[id_] == DocumentEntry(id_, id_, "Person", 0, 0)


def test_a_document_that_cannot_be_indexed_is_kept_and_named(world: World) -> None:
    first = world.inserted({"Address": {"City": "Bonn"}})
    second = world.inserted({"Address": "Bonn"})
    world.deliver(*world.source.blocks)
    world.assert_equal()
    found = world.read(second)
    assert "data" not in found
    assert found["qldbkit"]["unindexed"] == "mapper_parsing_exception"
    (named,) = world.view.unindexed()
    assert (named.table, named.id, named.version, named.sequence_no) == ("Person", second, 0, 2)
    assert isinstance(world.view, Indexer)
    assert world.view.unindexed_documents() == 1
    assert "data" in world.read(first)
    assert world.view.index_again() == 1
    assert world.read(second) == found
    world.source.write("Person", [Write(second, {"Address": {"City": "Bonn"}})])
    world.deliver(world.source.blocks[-1])
    assert list(world.view.unindexed()) == []
    assert world.view.unindexed_documents() == 0
    world.assert_equal()


def test_a_document_is_indexed_again_when_it_can_be(world: World) -> None:
    world.inserted({"Address": {"City": "Bonn"}})
    id_ = world.inserted({"Address": "Bonn"})
    world.deliver(*world.source.blocks)
    before = world.read(id_)
    world.wire.server.indices[PERSON].kinds.clear()  # as where the index is made anew
    assert world.view.index_again() == 0
    found = world.read(id_)
    assert found["data"] == {"Address": "Bonn"}
    assert found["metadata"] == before["metadata"]
    world.assert_equal()


def test_of_a_documents_revisions_in_one_unit_the_last_is_written(world: World) -> None:
    id_ = world.inserted({"n": 0})
    for number in range(1, 10):
        world.source.write("Person", [Write(id_, {"n": number})])
    world.source.write("Person", [Write(id_, None)])
    other = world.inserted({"n": 10})
    world.source.write("Person", [Write(other, {"n": 11})])
    world.deliver(world.source.blocks[0])
    world.deliver(*world.source.blocks[1:])
    record = world.view._read().record
    assert [each.id for each in record.writes] == [id_, other]
    assert world.read(id_)["metadata"]["version"] == 10
    world.assert_equal()


def test_the_entry_of_a_document_is_the_sources(world: World) -> None:
    alive, dead = world.inserted({"n": 1}), world.inserted({"n": 2})
    world.source.write("Person", [Write(alive, {"n": 3}), Write(dead, None)])
    world.deliver(*world.source.blocks)
    for view in (world.view, world.started()):  # from memory, and as it is read
        seen: list[State] = []

        def look(state: State, seen: list[State] = seen) -> Changes:
            seen.append(state)
            return changing()(state)

        view.transact(STRAND_ID, [alive, dead, "unknown"], look)
        assert seen[0].documents == {
            alive: DocumentEntry(alive, alive, "Person", 0, 1),
            dead: DocumentEntry(dead, dead, "Person", 0, None),
        }
        assert [each.name for each in seen[0].tables] == ["Person"]


def test_a_repair_brings_back_what_was_changed_removed_and_added(
    world: World, tmp_path: Path
) -> None:
    ids = [world.inserted({"n": each}) for each in range(4)]
    world.source.write("Person", [Write(ids[3], None)])
    world.deliver(*world.source.blocks)
    documents = world.wire.server.indices[PERSON].documents
    changed, removed, stranger = documents[ids[0]], documents[ids[1]], "somebody's"
    assert changed.source is not None
    changed.source["data"] = {"n": 77}
    changed.version += 1000
    removed.source, removed.version = None, 1000
    world.wire.perform_request("PUT", f"/{PERSON}/_doc/{stranger}", {}, {"data": {"x": 1}})
    with world.archive(tmp_path) as side:
        found = compare(side, world.view)
        assert {each.document_id for each in found.differences} == {
            *ids[:2],
            f"{UNMAPPED}{stranger}",
        }
        report = repair(side, world.view, STRAND_ID, found, who="an operator")
    assert len(report.repaired) == 3
    world.assert_equal()
    repairs = [key for key in world.wire.server.indices[BOOKKEEPING].documents if key != "view"]
    (row,) = (world.read(each, BOOKKEEPING)["repair"] for each in repairs)
    assert row["who"] == "an operator"
    assert len(row["documents"]) == 3
    world.source.write("Person", [Write(each, {"again": True}) for each in ids[:3]])
    world.deliver(world.source.blocks[-1], view=world.started())
    world.assert_equal()


def test_a_document_that_should_not_have_been_deleted_is_revived(world: World) -> None:
    id_ = world.inserted({"n": 1})
    world.deliver(*world.source.blocks)
    entry = DocumentEntry(id_, id_, "Person", 0, 0)
    world.view.transact(STRAND_ID, [id_], changing(DeleteDocument(entry)))
    assert list(world.view.digests()) == []
    dead = DocumentEntry(id_, id_, "Person", 0, None)
    data = IonSpan.of({"n": 1})
    world.view.transact(STRAND_ID, [id_], changing(ReviveDocument(dead, 0, data)))
    world.assert_equal()
    world.source.write("Person", [Write(id_, {"n": 2})])
    world.deliver(world.source.blocks[-1])
    world.assert_equal()


def test_a_repaired_document_has_the_version_that_the_repair_says(world: World) -> None:
    id_ = world.inserted({"n": 1})
    world.deliver(*world.source.blocks)
    entry = DocumentEntry(id_, id_, "Person", 0, 0)
    record = RecordRepair("2026-01-01T00:00:00Z", "me", "archive", ("Person: … at version 0",))
    change = RepairDocument(entry, 0, IonSpan.of({"n": 5}))
    world.view.transact(STRAND_ID, [id_], changing(change, record))
    found = world.read(id_)
    assert (found["data"], found["metadata"]) == ({"n": 5}, {"id": id_, "version": 0})


def test_an_insert_into_no_table_says_so(world: World) -> None:
    change = InsertDocument("Nowhere", "D1", 0, IonSpan.of({"n": 1}))
    with pytest.raises(DestinationChangedError, match="Nowhere"):
        world.view.transact(STRAND_ID, [], changing(change))
    assert world.view.checkpoints() == []
