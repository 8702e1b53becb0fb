"""What a view in OpenSearch does with each change, over a stand-in of OpenSearch in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import exceptions
from servers.opensearch_in_memory import InMemoryOpenSearch
from simulation.delivery import kinesis_event
from simulation.source import STRAND_ID, Source, Write, records_of

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block
from qldbkit.journal.sources.opening import open_source
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.compare import UNMAPPED, compare
from qldbkit.replay.destination import (
    Changes,
    Decide,
    DeleteDocument,
    DocumentEntry,
    InsertDocument,
    RecordRepair,
    RepairDocument,
    ReviveDocument,
    State,
)
from qldbkit.replay.errors import DestinationChangedError, RetryableError
from qldbkit.replay.journal_side import JournalSide
from qldbkit.replay.plan import CreateTable
from qldbkit.replay.repair import repair
from qldbkit.replay.retrying import Backoff
from qldbkit.replay.views.opensearch.cluster import Cluster
from qldbkit.replay.views.opensearch.destination import CONFLICTS, OpenSearchView
from qldbkit.replay.views.opensearch.errors import (
    OpenSearchRefusedError,
    OpenSearchUnavailableError,
    OpenSearchViewError,
)
from qldbkit.replay.views.opensearch.writing import BULK_ITEMS, Writer

ATTEMPTS = 3
PERSON = "v.-person.1"
BOOKKEEPING = "v-bookkeeping"
Answer = Callable[[], Any]


@dataclass
class Wire:
    """Between a view and the stand-in: what goes over it, and what a test does to it."""

    server: InMemoryOpenSearch = field(default_factory=InMemoryOpenSearch)
    requests: list[tuple[str, str]] = field(default_factory=list)
    touch: Callable[[str, str, Answer], Any] = lambda _method, _url, answer: answer()

    def perform_request(
        self, method: str, url: str, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> Any:
        self.requests.append((method, url))
        return self.touch(
            method, url, lambda: self.server.perform_request(method, url, params, body)
        )


class World:
    """A source, and a view of it."""

    def __init__(self) -> None:
        self.wire, self.source, self.buffer = Wire(), Source(), MemoryBuffer()
        self.pauses: list[float] = []
        self.view = self.started()

    def started(self) -> OpenSearchView:
        """A process that knows nothing yet."""
        cluster = Cluster(self.wire)
        writer = Writer(cluster, Backoff(ATTEMPTS), pause=self.pauses.append, chance=lambda: 1.0)
        return OpenSearchView(cluster, "v", writer=writer)

    def deliver(self, *blocks: Block, view: OpenSearchView | None = None) -> None:
        records = [record for each in blocks for record in records_of(each)]
        policy = ReplayPolicy(settle_window=0.0, limits=self.view.limits)
        applier = Applier(view or self.view, self.buffer, lambda: 1e6, policy)
        applier.handle(kinesis_event(records))
        assert applier.drain().problems() == []

    def inserted(self, data: Any, table: str = "Person") -> str:
        block = self.source.insert(table, data)
        metadata = block.revisions[0].metadata
        assert metadata is not None
        return metadata.id

    def assert_equal(self) -> None:
        found = {(each.table, each.document_id): each.digest for each in self.view.digests()}
        assert found == {key: data.hash() for key, data in self.source.current().items()}

    def read(self, id_: str, index: str = PERSON) -> dict[str, Any]:
        found = self.wire.perform_request("GET", f"/{index}/_doc/{id_}")["_source"]
        assert isinstance(found, dict)
        return found

    def aliases(self) -> dict[str, list[str]]:
        found = self.wire.perform_request("GET", "/v.*/_alias")
        return {name: list(each["aliases"]) for name, each in found.items()}

    def archive(self, folder: Path) -> JournalSide:
        records = [data for block in self.source.blocks for _, data in records_of(block)]
        (folder / "archive").write_bytes(b"".join(records))
        return JournalSide(open_source(str(folder)))


@pytest.fixture
def world() -> World:
    made = World()
    made.source.create_table("Person")
    return made


def changing(*changes: Any, then: Checkpoint | None = None) -> Decide:
    """Decides the same whatever is there."""

    def decide(state: State) -> Changes:
        checkpoint = then or state.checkpoint or Checkpoint(STRAND_ID, 0, bytes(32))
        return Changes(changes, checkpoint, None)

    return decide


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
    assert "data" in world.read(first)
    assert world.view.index_again() == 1
    assert world.read(second) == found
    world.source.write("Person", [Write(second, {"Address": {"City": "Bonn"}})])
    world.deliver(world.source.blocks[-1])
    assert list(world.view.unindexed()) == []
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


def test_a_second_writer_is_fenced_before_it_has_written_anything(world: World) -> None:
    world.deliver(*world.source.blocks)
    other, calls = world.started(), []

    def slow(state: State) -> Changes:
        calls.append(state.checkpoint)
        if len(calls) == 1:
            other.transact(STRAND_ID, [], changing(then=Checkpoint(STRAND_ID, 5, bytes(32))))
            world.wire.requests.clear()
        return changing(InsertDocument("Person", "D1", 0, IonSpan.of({"n": 1})))(state)

    world.view.transact(STRAND_ID, [], slow)
    assert [None if each is None else each.sequence_no for each in calls] == [0, 5]
    writes = [url for method, url in world.wire.requests if method == "PUT" or "bulk" in url]
    assert writes == [f"/{BOOKKEEPING}/_doc/view", f"/{BOOKKEEPING}/_doc/view", "/_bulk"]


def test_others_that_are_always_faster_end_it(world: World) -> None:
    other, tried = world.started(), []

    def slower(state: State) -> Changes:
        tried.append(other.transact(STRAND_ID, [], changing()))
        return changing()(state)

    with pytest.raises(RetryableError):
        world.view.transact(STRAND_ID, [], slower)
    assert len(tried) == 1 + CONFLICTS


def test_what_decide_raises_of_what_is_no_longer_so_is_not_raised(world: World) -> None:
    world.deliver(*world.source.blocks)
    other = world.started()

    def decide(state: State) -> Changes:
        assert state.checkpoint is not None
        if state.checkpoint.sequence_no == 0:
            raise DestinationChangedError("so it seems")
        return changing()(state)

    other.transact(STRAND_ID, [], changing(then=Checkpoint(STRAND_ID, 7, bytes(32))))
    assert world.view.transact(STRAND_ID, [], decide).sequence_no == 7
    with pytest.raises(DestinationChangedError):
        world.view.transact(STRAND_ID, [], _raising)


def _raising(_: State) -> Changes:
    raise DestinationChangedError("so it is")


def failing(world: World, *urls: str) -> Callable[[str, str, Answer], Any]:
    """Requests that are not answered; the server does not get them."""

    def touch(method: str, url: str, answer: Answer) -> Any:
        if (method != "GET" and url in urls) or "*" in urls:
            raise exceptions.ConnectionTimeout("TIMEOUT", "read timed out", None)
        return answer()

    world.wire.touch = touch
    return touch


def untouched(_method: str, _url: str, answer: Answer) -> Any:
    return answer()


@pytest.mark.parametrize("restarted", [False, True])
def test_what_is_committed_is_carried_out_by_whoever_comes_next(
    world: World, restarted: bool
) -> None:
    id_ = world.inserted({"n": 1})
    world.deliver(world.source.blocks[0])
    failing(world, "/_bulk")
    with pytest.raises(OpenSearchUnavailableError):
        world.deliver(world.source.blocks[1])
    if restarted:
        world.view = world.started()
    assert PERSON in world.wire.server.indices
    assert id_ not in world.wire.server.indices[PERSON].documents
    assert list(world.view.digests()) == []  # a comparison sees what readers see
    failing(world)
    (checkpoint,) = world.view.checkpoints()
    assert checkpoint.sequence_no == 1
    assert id_ not in world.wire.server.indices[PERSON].documents
    entry = DocumentEntry(id_, id_, "Person", 0, 0)
    change = RepairDocument(entry, 0, IonSpan.of({"n": 2}))
    world.view.transact(STRAND_ID, [id_], _first_seeing(entry, change))
    assert world.read(id_)["data"] == {"n": 2}


def _first_seeing(entry: DocumentEntry, change: Any) -> Decide:
    def decide(state: State) -> Changes:
        assert state.documents == {entry.source_id: entry}
        return changing(change)(state)

    return decide


def test_a_checkpoint_that_is_told_is_carried_out(world: World) -> None:
    id_ = world.inserted({"n": 1})
    world.deliver(world.source.blocks[0])
    failing(world, "/_bulk")
    with pytest.raises(OpenSearchUnavailableError):
        world.deliver(world.source.blocks[1])
    failing(world)
    checkpoint = world.started().checkpoint(STRAND_ID)
    assert checkpoint is not None
    assert checkpoint.sequence_no == 1
    assert world.read(id_)["data"] == {"n": 1}


def test_a_late_request_of_an_earlier_commit_changes_nothing(world: World) -> None:
    id_ = world.inserted({"n": 1})
    world.source.write("Person", [Write(id_, {"n": 2})])
    late: list[Answer] = []

    def touch(_method: str, url: str, answer: Answer) -> Any:
        if url == "/_bulk":
            late.append(answer)
        return answer()

    world.wire.touch = touch
    world.deliver(*world.source.blocks[:2])
    world.deliver(world.source.blocks[2])
    world.wire.touch = untouched
    assert len(late) == 2
    late[0]()
    world.assert_equal()


def test_aliases_follow_the_tables_also_when_they_change_meanwhile(world: World) -> None:
    """A process that makes a table's alias late takes it away again."""
    world.deliver(*world.source.blocks)
    other = world.started()
    world.source.drop_table("Person")
    raced = []

    def touch(method: str, url: str, answer: Answer) -> Any:
        if (method, url) == ("PUT", "/v.-vehicle.1"):
            world.wire.touch = untouched
            raced.append(other.checkpoint(STRAND_ID))
            world.deliver(world.source.blocks[1], view=other)
        return answer()

    world.wire.touch = touch
    assert world.aliases() == {PERSON: ["v.-person"]}
    world.wire.server.indices[PERSON].aliases.clear()
    world.view.transact(STRAND_ID, [], changing(CreateTable("Vehicle")))
    assert raced
    assert world.aliases() == {PERSON: [], "v.-vehicle.1": ["v.-vehicle"]}


def test_an_index_that_was_removed_is_made_again_and_can_be_repaired(
    world: World, tmp_path: Path
) -> None:
    for number in range(3):
        world.inserted({"n": number})
    world.deliver(*world.source.blocks[:3])
    world.deliver(world.source.blocks[3])
    del world.wire.server.indices[PERSON]
    view = world.started()
    with world.archive(tmp_path) as side:
        assert compare(side, view).different_documents == 3
        view.prepare()
        assert world.aliases() == {PERSON: ["v.-person"]}
        assert compare(side, view).different_documents == 2  # the last commit is still known
        repair(side, view, STRAND_ID, compare(side, view), who="an operator")
    world.assert_equal()


def test_indices_of_somebody_elses_are_refused(world: World) -> None:
    world.wire.perform_request("PUT", "/v.-person")
    with pytest.raises(OpenSearchViewError, match="another name"):
        world.view.prepare()
    world.wire.server.indices.clear()
    world.view.prepare()
    world.deliver(*world.source.blocks)
    del world.wire.server.indices[BOOKKEEPING]
    with pytest.raises(OpenSearchViewError):
        world.started().prepare()


def test_a_later_format_is_refused(world: World) -> None:
    world.deliver(*world.source.blocks)
    kept = world.wire.server.indices[BOOKKEEPING].documents["view"]
    assert kept.source is not None
    kept.source["format"] = 2
    with pytest.raises(OpenSearchViewError, match="later version"):
        world.started().checkpoint(STRAND_ID)


class TestOneByOne:
    """A bulk request's items fail each by itself."""

    @staticmethod
    def answering(world: World, answers: Sequence[Mapping[str, Any] | None]) -> None:
        """Bulk requests whose items are answered with errors; None passes the item on."""
        given = iter(answers)

        def touch(_method: str, url: str, answer: Answer) -> Any:
            if url != "/_bulk":
                return answer()
            real = iter(answer()["items"])
            return {"items": [{"index": next(given, None) or _only(next(real))} for _ in [0]]}

        world.wire.touch = touch

    def test_one_that_is_throttled_is_sent_again_after_a_pause(self, world: World) -> None:
        world.deliver(world.source.blocks[0])
        id_ = world.inserted({"n": 1})
        busy = {"status": 429, "error": {"type": "rejected_execution_exception"}}
        self.answering(world, [busy, busy, None])
        world.deliver(world.source.blocks[1])
        assert world.pauses == [0.1, 0.2]
        assert world.read(id_)["data"] == {"n": 1}

    def test_one_that_stays_throttled_is_tried_again_by_whoever_delivers(
        self, world: World
    ) -> None:
        world.deliver(world.source.blocks[0])
        world.inserted({"n": 1})
        busy = {"status": 503, "error": {"type": "unavailable_shards_exception"}}
        self.answering(world, [busy] * ATTEMPTS)
        with pytest.raises(RetryableError, match="1 of the documents"):
            world.deliver(world.source.blocks[1])
        world.wire.touch = untouched
        world.deliver(world.source.blocks[1])
        world.assert_equal()

    def test_one_that_may_not_be_written_is_named_without_its_contents(self, world: World) -> None:
        world.deliver(world.source.blocks[0])
        id_ = world.inserted({"secret": "swordfish"})
        denied = {"status": 403, "error": {"type": "security_exception", "reason": "swordfish"}}
        self.answering(world, [denied])
        with pytest.raises(OpenSearchRefusedError) as refused:
            world.deliver(world.source.blocks[1])
        assert id_ in str(refused.value)
        assert "security_exception" in str(refused.value)
        assert "swordfish" not in str(refused.value)

    def test_many_are_sent_in_several_requests(self, world: World) -> None:
        world.deliver(world.source.blocks[0])
        world.source.insert("Person", *({"n": each} for each in range(BULK_ITEMS + 1)))
        cluster, before = Cluster(world.wire), world.view.limits
        assert before.documents <= BULK_ITEMS
        world.wire.requests.clear()
        world.deliver(world.source.blocks[1])  # a block in two parts
        assert world.wire.requests.count(("POST", "/_bulk")) == 2
        world.assert_equal()
        assert cluster.get(PERSON, "nobody") is None


def _only(item: Mapping[str, Any]) -> Any:
    (found,) = item.values()
    return found


@pytest.mark.parametrize(
    ("raised", "expected", "hint"),
    [
        (exceptions.ConnectionError("N/A", "refused", None), OpenSearchUnavailableError, None),
        (exceptions.ConnectionTimeout("TIMEOUT", "", None), OpenSearchUnavailableError, None),
        (exceptions.TransportError(429, "busy", {}), OpenSearchUnavailableError, None),
        (exceptions.TransportError(503, "gone", {}), OpenSearchUnavailableError, None),
        (exceptions.SSLError("N/A", "", None), OpenSearchRefusedError, "ca="),
        (exceptions.AuthorizationException(403, "", {}), OpenSearchRefusedError, "role"),
        (exceptions.RequestError(400, "secret text", {}), OpenSearchRefusedError, None),
        (exceptions.SerializationError("<html>", None), OpenSearchRefusedError, "host"),
    ],
)
def test_what_the_client_raises(
    world: World, raised: Exception, expected: type[Exception], hint: str | None
) -> None:
    def touch(_method: str, _url: str, _answer: Answer) -> Any:
        raise raised

    world.wire.touch = touch
    with pytest.raises(expected) as found:
        world.view.checkpoint(STRAND_ID)
    assert hint is None or hint in str(found.value)
    assert "secret" not in str(found.value)
    assert "html" not in str(found.value)
