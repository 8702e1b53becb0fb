"""Commits of a view in OpenSearch: fenced, carried out once, and one item at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import exceptions
from servers.opensearch_world import ATTEMPTS, BOOKKEEPING, PERSON, Answer, World, changing
from simulation.source import STRAND_ID, Write

from qldbkit.journal.ion import IonSpan
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.compare import compare
from qldbkit.replay.destination import (
    Changes,
    Decide,
    DocumentEntry,
    InsertDocument,
    RepairDocument,
    State,
)
from qldbkit.replay.errors import DestinationChangedError, RetryableError
from qldbkit.replay.plan import CreateTable
from qldbkit.replay.repair import repair
from qldbkit.replay.views.opensearch.cluster import Cluster
from qldbkit.replay.views.opensearch.destination import CONFLICTS
from qldbkit.replay.views.opensearch.errors import (
    OpenSearchRefusedError,
    OpenSearchUnavailableError,
    OpenSearchViewError,
)
from qldbkit.replay.views.opensearch.writing import BULK_ITEMS


@pytest.fixture
def world() -> World:
    made = World()
    made.source.create_table("Person")
    return made


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
