"""A view in DynamoDB: on DynamoDB Local, and on moto, which is less like the service.

What is injected at the client, such as an answer that is lost, says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from threading import Thread
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError
from hypothesis import HealthCheck, given, settings
from ion_strategies import documents
from moto import mock_aws
from servers.dynamodb_local import DynamoDbLocal
from simulation.delivery import kinesis_event
from simulation.source import Source, Write, name_id, records_of

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.compare import UNMAPPED, compare
from qldbkit.replay.destination import Changes, State
from qldbkit.replay.error_classes import ErrorClass, class_of
from qldbkit.replay.errors import RevisionMissingError
from qldbkit.replay.outcome import Outcome
from qldbkit.replay.repair import repair
from qldbkit.replay.repair_source import SourceRevision
from qldbkit.replay.retrying import RetryingDestination
from qldbkit.replay.views.dynamodb import items
from qldbkit.replay.views.dynamodb.destination import DynamoDbView
from qldbkit.replay.views.dynamodb.errors import (
    DocumentTooLargeError,
    TableBusyError,
    TableMissingError,
    TableUnfitError,
    WriteRefusedError,
)
from qldbkit.replay.views.dynamodb.mapping import value_of

_numbers = count(1)


@pytest.fixture(scope="module", params=["dynamodb_local", "moto_fallback"])
def service(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Makes clients of one of the services."""
    if request.param == "dynamodb_local":
        yield request.getfixturevalue("dynamodb").client
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        with mock_aws():
            yield lambda **_: boto3.client("dynamodb", region_name="us-east-1")


class CountingClient:
    """Counts requests, and lets a test come between them."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.sent: list[str] = []
        self.between: dict[str, Callable[[Callable[[], Any], dict[str, Any]], Any]] = {}

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.client, name)
        if name in ("close", "get_paginator", "meta", "exceptions"):
            return method

        def call(**options: Any) -> Any:
            self.sent.append(name)
            between = self.between.get(name, lambda request, _: request())
            return between(lambda: method(**options), options)

        return call


@dataclass
class World:
    """A source, a view that it is replayed into, and an applier between them."""

    service: Callable[..., Any]
    source: Source = field(default_factory=Source)
    buffer: MemoryBuffer = field(default_factory=MemoryBuffer)
    now: float = 1_000_000.0

    def __post_init__(self) -> None:
        self.client = CountingClient(self.service())
        self.table = f"view-{next(_numbers)}"
        self.view = DynamoDbView(self.client, self.table, pause=lambda _: None)
        self.view.prepare()
        self.applier = self.another(self.view)

    def another(self, view: DynamoDbView) -> Applier:
        policy = ReplayPolicy(settle_window=120.0, limits=view.limits)
        return Applier(
            RetryingDestination(view, pause=lambda _: None), self.buffer, lambda: self.now, policy
        )

    def deliver(self, *blocks: Block) -> Outcome:
        records = [record for each in blocks for record in records_of(each)]
        return self.applier.handle(kinesis_event(records))

    def replay(self) -> None:
        """All that is not replayed yet."""
        checkpoint = self.view.checkpoint(self.source.strand_id)
        self.deliver(*self.source.blocks[0 if checkpoint is None else checkpoint.sequence_no + 1 :])

    def found(self) -> dict[tuple[str, str], bytes]:
        return {(each.table, each.document_id): each.digest for each in self.view.digests()}

    def expected(self) -> dict[tuple[str, str], bytes]:
        return {key: data.hash() for key, data in self.source.current().items()}

    def assert_equal(self) -> None:
        assert self.found() == self.expected()
        assert self.view.tables() == self.source.tables.keys()

    def item(self, pk: str) -> Any:
        read = self.client.client.get_item(TableName=self.table, Key={"pk": {"S": pk}})
        return read.get("Item")

    def put(self, item: Any) -> None:
        self.client.client.put_item(TableName=self.table, Item=item)

    def listed(self, table: str) -> set[str]:
        """The ids that the index has under a table's key."""
        answer = self.client.client.query(
            TableName=self.table,
            IndexName="byTable",
            KeyConditionExpression="#table = :table",
            ExpressionAttributeNames={"#table": "table"},
            ExpressionAttributeValues={":table": {"S": table}},
        )
        return {each["pk"]["S"] for each in answer["Items"]}

    def everything(self) -> str:
        """All that the table holds, as one text."""
        pages = self.client.client.get_paginator("scan").paginate(TableName=self.table)
        return str([page["Items"] for page in pages])


@pytest.fixture
def world(service: Callable[..., Any]) -> World:
    return World(service)


def test_a_document_is_an_item_that_reads_as_one_would_write_it(world: World) -> None:
    world.source.create_table("Person")
    world.source.insert("Person", {"name": "Ada", "age": 36, "tags": ["a", None]})
    world.replay()
    ((_, id_),) = world.found()
    item = world.item(id_)
    assert item["data"] == {
        "M": {
            "name": {"S": "Ada"},
            "age": {"N": "36"},
            "tags": {"L": [{"S": "a"}, {"NULL": True}]},
        }
    }
    assert "types" not in item
    revision = world.source.blocks[-1].revisions[0]
    assert (item["version"], item["table"]) == ({"N": "0"}, {"S": "Person"})
    assert item["sequenceNo"] == {"N": "1"}
    assert item["strandId"] == {"S": world.source.strand_id}
    assert item["hash"]["B"] == revision.hash
    assert revision.metadata is not None and revision.metadata.tx_time_ion is not None
    time = value_of(item["txTime"], '"timestamp"')
    assert time.hash() == revision.metadata.tx_time_ion.hash()
    assert world.listed("Person") == {id_}


def test_any_document_comes_back_from_the_table(service: Callable[..., Any]) -> None:
    client, table = service(), f"view-{next(_numbers)}"
    DynamoDbView(client, table).prepare()

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(documents())
    def kept(document: IonSpan) -> None:
        item = items.document_item("D", 0, "Person", document, None)
        client.put_item(TableName=table, Item=item)
        read = client.get_item(TableName=table, Key={"pk": {"S": "D"}})["Item"]
        assert items.data_of(read).hash() == document.hash()

    kept()


def test_a_deleted_document_leaves_a_tombstone_that_nothing_brings_to_life(world: World) -> None:
    world.source.create_table("Person")
    id_ = world.source.new_id()
    first = world.source.write("Person", [Write(id_, {"secret": "of the first"})])
    second = world.source.write("Person", [Write(id_, {"secret": "of the second"})])
    world.source.write("Person", [Write(id_, None)])
    world.replay()
    world.assert_equal()
    tombstone = world.item(id_)
    assert (tombstone["version"], tombstone["deleted"]) == ({"N": "2"}, {"BOOL": True})
    assert world.listed("Person") == set()
    assert "secret" not in world.everything()

    again = world.another(DynamoDbView(world.client, world.table))
    again.handle(kinesis_event([*records_of(first), *records_of(second)]))
    assert world.item(id_) == tombstone


def test_a_revision_older_than_the_tombstone_is_refused_by_the_table_itself(world: World) -> None:
    """Whatever the bookkeeping says: the condition is the table's."""
    world.source.create_table("Person")
    id_ = world.source.new_id()
    world.source.write("Person", [Write(id_, {"n": 1})])
    world.source.write("Person", [Write(id_, None)])
    world.replay()
    old = items.document_item(id_, 0, "Person", IonSpan.of({"n": 1}), None)
    with pytest.raises(ClientError) as refused:
        world.client.put_item(
            TableName=world.table,
            Item=old,
            ConditionExpression="attribute_not_exists(pk) OR version < :version",
            ExpressionAttributeValues={":version": old["version"]},
        )
    assert refused.value.response["Error"]["Code"] == "ConditionalCheckFailedException"


def test_a_document_that_is_first_seen_when_it_is_deleted(world: World) -> None:
    world.source.create_table("Person")
    id_ = world.source.new_id()
    first = world.source.write("Person", [Write(id_, {"n": 1})])
    gone = world.source.write("Person", [Write(id_, None)])
    world.deliver(gone)
    world.now += 120.0
    world.applier.drain()
    assert world.item(id_)["deleted"] == {"BOOL": True}
    assert world.found() == {}
    world.deliver(first)  # too late
    world.now += 120.0
    world.applier.drain()
    assert world.found() == {}


def test_a_document_that_is_first_seen_at_a_later_version(world: World) -> None:
    world.source.create_table("Person")
    id_ = world.source.new_id()
    for n in range(3):
        world.source.write("Person", [Write(id_, {"n": n})])
    world.deliver(world.source.blocks[-1])
    world.now += 120.0
    world.applier.drain()
    assert world.item(id_)["version"] == {"N": "2"}
    world.source.write("Person", [Write(id_, {"n": 3})])
    world.replay()
    world.assert_equal()


def test_what_is_redacted_is_nowhere_in_the_table(world: World) -> None:
    world.source.create_table("Person")
    id_ = world.source.new_id()
    world.source.write("Person", [Write(id_, {"secret": "of the first"})])
    world.source.write("Person", [Write(id_, {"n": 2})])
    world.source.redact(id_, 0)
    world.replay()
    world.assert_equal()
    assert "secret" not in world.everything()


def test_tables_are_dropped_made_again_and_brought_back_by_one_write(world: World) -> None:
    source = world.source
    source.create_table("Person")
    source.insert("Person", *({"n": each} for each in range(60)))
    first = source.tables["Person"].table_id
    world.replay()
    world.client.sent.clear()
    source.drop_table("Person")
    world.replay()
    assert world.client.sent.count("transact_write_items") == 1
    assert world.found() == {}
    assert world.view.tables() == frozenset()

    source.create_table("Person")
    source.insert("Person", {"again": True})
    world.replay()
    world.assert_equal()
    assert len(world.listed("Person#2")) == 1

    source.drop_table("Person")
    source.undrop_table(first)
    source.insert("Person", {"n": 60})
    world.replay()
    world.assert_equal()
    assert len(world.listed("Person")) == 61


def test_a_unit_is_one_request_of_a_hundred_items(world: World) -> None:
    world.source.create_table("Person")
    world.replay()
    world.client.sent.clear()
    world.source.insert("Person", *({"n": each} for each in range(97)))
    world.replay()
    assert [each for each in world.client.sent if each != "get_item"] == ["transact_write_items"]
    world.client.sent.clear()
    for each in range(60):
        world.source.insert("Person", {"n": each})
    world.replay()
    assert world.client.sent.count("transact_write_items") == 1
    world.assert_equal()


def test_a_block_that_is_too_large_for_a_request_is_seen_when_its_end_is_there(
    world: World,
) -> None:
    world.source.create_table("Person")
    world.replay()
    world.client.sent.clear()
    world.source.insert("Person", *({"n": each} for each in range(250)))
    world.replay()
    assert world.client.sent.count("transact_write_items") == 3
    world.assert_equal()


def test_revisions_of_one_document_in_one_unit_are_written_as_the_last_of_them(
    world: World,
) -> None:
    world.source.create_table("Person")
    kept, gone = world.source.new_id(), world.source.new_id()
    for n in range(5):
        world.source.write("Person", [Write(kept, {"n": n}), Write(gone, {"n": n})])
    world.source.write("Person", [Write(gone, None)])
    world.replay()
    assert world.client.sent.count("transact_write_items") == 2  # the tables, then the documents
    assert world.item(kept)["version"] == {"N": "4"}
    assert world.item(gone)["version"] == {"N": "5"}
    world.assert_equal()


def test_what_was_written_is_not_read_again(world: World) -> None:
    world.source.create_table("Person")
    id_ = world.source.new_id()
    world.source.write("Person", [Write(id_, {"n": 0})])
    world.replay()
    world.client.sent.clear()
    for n in range(5):
        world.source.write("Person", [Write(id_, {"n": n})])
        world.deliver(world.source.blocks[-1])
    assert world.client.sent == ["transact_write_items"] * 5


def repetitive(name_length: int, times: int) -> dict[str, Any]:
    """A document that is far smaller in Ion, where a name is written once."""
    return {"rows": [{"n" * name_length: True}] * times}


def forms(world: World) -> list[str]:
    """How each document is kept: M is mapped, B is Ion."""
    return sorted(next(iter(world.item(id_)["data"])) for _, id_ in world.found())


def test_a_document_that_is_too_large_as_attributes_is_kept_as_ion(world: World) -> None:
    world.source.create_table("Person")
    world.source.insert("Person", repetitive(50_000, 9), {"n": 1})
    world.replay()
    world.assert_equal()
    assert forms(world) == ["B", "M"]


def test_documents_that_are_too_large_together_are_kept_as_ion_as_far_as_need_be(
    world: World,
) -> None:
    world.source.create_table("Person")
    world.replay()
    world.client.sent.clear()
    world.source.insert("Person", *(repetitive(30_000, 10) for _ in range(16)))
    world.replay()
    assert world.client.sent.count("transact_write_items") == 1
    world.assert_equal()
    assert forms(world) == ["B"] * 3 + ["M"] * 13


def test_a_document_that_no_item_can_hold_is_held_with_its_reason(world: World) -> None:
    world.source.create_table("Person")
    world.source.insert("Person", {"blob": b"x" * 420_000})
    world.replay()
    (problem,) = world.applier.drain().holds.values()
    assert "takes 420," in problem.message and "replayTables" in problem.message
    assert world.found() == {}
    assert class_of(DocumentTooLargeError("")) is ErrorClass.FATAL


def test_two_appliers_fence_each_other(world: World) -> None:
    world.source.create_table("Person")
    id_ = world.source.new_id()
    world.source.write("Person", [Write(id_, {"n": 0})])
    world.replay()
    other = world.another(DynamoDbView(world.client, world.table))
    for n in range(1, 7):
        block = world.source.write("Person", [Write(id_, {"n": n})])
        event = kinesis_event(records_of(block))
        first, second = (world.applier, other) if n % 2 else (other, world.applier)
        assert first.handle(event).blocks == 1
        overtaken = second.handle(event)
        assert (overtaken.blocks, overtaken.repeated) == (0, 2)
        assert world.item(id_)["version"] == {"N": str(n)}
    world.assert_equal()


def test_a_checkpoint_that_moves_in_the_middle_has_the_transaction_decided_again(
    world: World,
) -> None:
    world.source.create_table("Person")
    world.replay()
    block = world.source.insert("Person", {"n": 1})
    other = world.another(DynamoDbView(world.service(), world.table))
    overtaken = []

    def overtake(request: Callable[[], Any], _: Any) -> Any:
        if not overtaken:
            overtaken.append(other.handle(kinesis_event(records_of(block))).blocks)
        return request()

    world.client.between["transact_write_items"] = overtake
    outcome = world.deliver(block)
    assert overtaken == [1]
    assert (outcome.blocks, outcome.fenced) == (0, 1)
    world.assert_equal()


def test_a_commit_that_was_done_and_reported_as_failed_is_not_done_again(world: World) -> None:
    """Injected: the answer is lost."""
    world.source.create_table("Person")
    id_ = world.source.new_id()
    world.source.write("Person", [Write(id_, {"n": 0})])
    world.replay()
    lost = []

    def lose(request: Callable[[], Any], _: Any) -> Any:
        answer = request()
        if not lost:
            lost.append(True)
            raise ConnectionClosedError(endpoint_url="injected")
        return answer

    world.client.between["transact_write_items"] = lose
    block = world.source.write("Person", [Write(id_, {"n": 1})])
    outcome = world.deliver(block)
    assert (outcome.blocks, outcome.fenced, outcome.repeated) == (0, 1, 2)
    assert world.item(id_)["version"] == {"N": "1"}
    world.assert_equal()


def test_the_same_request_sent_twice_is_taken_for_done(world: World) -> None:
    """Injected: DynamoDB has forgotten the request's token, as it does after ten minutes."""
    world.source.create_table("Person")
    world.replay()

    def twice(request: Callable[[], Any], options: dict[str, Any]) -> Any:
        request()
        without_token = {"TransactItems": options["TransactItems"]}
        return world.client.client.transact_write_items(**without_token)

    world.client.between["transact_write_items"] = twice
    outcome = world.deliver(world.source.insert("Person", {"n": 1}))
    assert (outcome.blocks, outcome.fenced) == (1, 0)
    world.assert_equal()


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError"])
def test_a_request_that_is_throttled_is_made_again(world: World, code: str) -> None:
    """Injected, at each kind of request once."""
    refused: list[str] = []

    def refuse(name: str) -> Callable[..., Any]:
        def between(request: Callable[[], Any], _: Any) -> Any:
            if name not in refused:
                refused.append(name)
                raise ClientError({"Error": {"Code": code}}, name)
            return request()

        return between

    for name in ("transact_write_items", "transact_get_items", "batch_get_item", "get_item"):
        world.client.between[name] = refuse(name)
    world.source.create_table("Person")
    id_ = world.source.new_id()
    world.source.write("Person", [Write(id_, {"n": 0})])
    world.deliver(*world.source.blocks)
    world.applier = world.another(DynamoDbView(world.client, world.table))
    world.deliver(world.source.write("Person", [Write(id_, {"n": 1})]))
    world.assert_equal()
    assert {"transact_write_items", "transact_get_items", "batch_get_item"} <= set(refused)


def test_keys_left_unread_are_asked_for_again_and_not_for_ever(world: World) -> None:
    """Injected: DynamoDB leaves some of the keys unread."""
    world.source.create_table("Person")
    ids = [world.source.new_id() for _ in range(8)]
    world.source.write("Person", [Write(each, {"n": 0}) for each in ids])
    world.replay()

    def leaving(least: int) -> Callable[..., Any]:
        def between(request: Callable[[], Any], _: Any) -> Any:
            answer = request()
            read = answer["Responses"][world.table]
            kept = read[: max(least, len(read) // 2)] if least else []
            left = [{"pk": each["pk"]} for each in read[len(kept) :]]
            unread = {"UnprocessedKeys": {world.table: {"Keys": left}}} if left else {}
            return {"Responses": {world.table: kept}, **unread}

        return between

    view = DynamoDbView(world.client, world.table, pause=lambda _: None)
    world.client.between["batch_get_item"] = leaving(least=0)
    with pytest.raises(TableBusyError, match="8 items unread again and again"):
        view.transact(world.source.strand_id, ids, lambda _: pytest.fail("decided on nothing"))
    world.client.sent.clear()
    world.client.between["batch_get_item"] = leaving(least=1)
    world.applier = world.another(view)
    world.source.write("Person", [Write(each, {"n": 1}) for each in ids])
    world.deliver(world.source.blocks[-1])
    assert world.client.sent.count("batch_get_item") == 4
    world.assert_equal()


def test_a_cancelled_transaction_says_why(world: World) -> None:
    """Injected, but for a newer document, which somebody else has written."""
    world.source.create_table("Person")
    id_ = world.source.new_id()
    world.source.write("Person", [Write(id_, {"n": 0})])
    world.replay()
    world.put({**world.item(id_), "version": {"N": "7"}})
    block = world.source.write("Person", [Write(id_, {"n": 1})])
    before = world.view.checkpoint(world.source.strand_id)
    world.deliver(block)
    (hold,) = world.applier.drain().holds.values()
    assert f"document {id_}" in hold.message and "another writer" in hold.message
    assert world.view.checkpoint(world.source.strand_id) == before

    def cancelled(code: str) -> Callable[..., Any]:
        def between(*_: Any) -> Any:
            error = {"Error": {"Code": "TransactionCanceledException"}}
            raise ClientError({**error, "CancellationReasons": [{"Code": code}]}, "injected")

        return between

    def write() -> None:
        world.view.transact(world.source.strand_id, (), _unchanged)

    world.client.between["transact_write_items"] = cancelled("TransactionConflict")
    with pytest.raises(TableBusyError) as busy:
        write()
    assert class_of(busy.value) is ErrorClass.RETRYABLE
    world.client.between["transact_write_items"] = cancelled("ValidationError")
    with pytest.raises(WriteRefusedError, match="ValidationError"):
        write()


def _unchanged(state: State) -> Changes:
    assert isinstance(state.checkpoint, Checkpoint)
    return Changes((), state.checkpoint, None)


def test_a_missing_revision_is_still_missing_when_the_table_is_asked_anew(world: World) -> None:
    world.source.create_table("Person")
    id_ = world.source.new_id()
    world.source.write("Person", [Write(id_, {"n": 0})])
    world.replay()

    def decide(_: State) -> Changes:
        raise RevisionMissingError("made up")

    world.client.sent.clear()
    with pytest.raises(RevisionMissingError):
        world.view.transact(world.source.strand_id, [id_], decide)
    assert world.client.sent == ["transact_get_items", "batch_get_item", "get_item"]


@dataclass
class Journal:
    """The source's side of a comparison and a repair."""

    source: Source

    def name(self) -> str:
        return "the journal"

    def tables(self) -> frozenset[str]:
        return frozenset(self.source.tables)

    def digests(self) -> Iterator[Any]:
        for (table, id_), data in self.source.current().items():
            yield SimpleNamespace(table=table, document_id=id_, digest=data.hash())

    def reach(self) -> int | None:
        return len(self.source.blocks) - 1

    def revisions(self, _: str, document_id: str) -> list[SourceRevision]:
        found = []
        for block in self.source.blocks:
            for each in block.revisions:
                if each.metadata is not None and each.metadata.id == document_id:
                    data = None if each.data is None else each.data.value()
                    span = None if data is None else IonSpan.of(data)
                    found.append(SourceRevision(block.address, each.metadata.version, span))
        return found


def test_documents_that_somebody_changed_are_found_and_repaired(world: World) -> None:
    world.source.create_table("Person")
    names = ("changed", "unreadable", "removed", "deleted", "sound")
    ids = {name: world.source.new_id() for name in names}
    world.source.write("Person", [Write(each, {"n": 0}) for each in ids.values()])
    world.source.write("Person", [Write(each, {"n": 1}) for each in ids.values()])
    world.replay()
    changed = world.item(ids["changed"])
    world.put({**changed, "data": {"M": {"n": {"N": "2"}}}})
    world.put({**world.item(ids["unreadable"]), "types": {"S": '{"n": "elephant"}'}})
    world.client.client.delete_item(TableName=world.table, Key={"pk": {"S": ids["removed"]}})
    world.put(items.tombstone(ids["deleted"], 5, "Person", None))
    world.put({"pk": {"S": "foreign"}, "table": {"S": "Person"}, "data": {"M": {}}})

    journal = Journal(world.source)
    comparison = compare(journal, world.view)
    different = {each.document_id for each in comparison.differences}
    assert different == {*ids.values(), f"{UNMAPPED}foreign"} - {ids["sound"]}
    report = repair(journal, world.view, world.source.strand_id, comparison, who="a test")
    assert len(report.repaired) == 5
    assert compare(journal, world.view).equal
    assert world.item("foreign") is None
    (recorded,) = world.listed(items.REPAIRS)
    assert items.data_of(world.item(recorded)).value()["who"] == "a test"

    for n in (2, 3):
        world.source.write("Person", [Write(each, {"n": n}) for each in ids.values()])
        world.replay()
    world.assert_equal()


def test_nothing_is_replayed_into_a_table_of_another_kind(world: World) -> None:
    client = world.client.client
    name = f"{world.table}-other"
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(TableUnfitError, match="a table of its own"):
        DynamoDbView(client, name).prepare()
    with pytest.raises(TableMissingError, match="there is no table"):
        DynamoDbView(client, f"{name}-missing").checkpoints()


def test_a_view_of_a_later_version_is_left_alone(world: World) -> None:
    world.put({**world.item(items.VIEW_KEY), "format": {"N": "99"}})
    with pytest.raises(TableUnfitError, match="format 99"):
        DynamoDbView(world.client, world.table).prepare()
    with pytest.raises(TableUnfitError, match="format 99"):
        world.view.tables()


def test_a_view_may_be_prepared_by_several_at_once(service: Callable[..., Any]) -> None:
    name, failed = f"view-{next(_numbers)}", []

    def prepare() -> None:
        try:
            DynamoDbView(service(), name, pause=lambda _: None).prepare()
        except Exception as error:
            failed.append(error)

    threads = [Thread(target=prepare) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failed == []
    assert DynamoDbView(service(), name).checkpoints() == []


def test_two_journals_have_a_checkpoint_each(world: World) -> None:
    world.source.create_table("Person")
    world.source.insert("Person", {"n": 1})
    world.replay()
    other = Source(strand_id=name_id("Another", 1))
    other.create_table("Vehicle")
    other.write("Vehicle", [Write(name_id("Other", 1), {"n": 1})])
    world.deliver(*other.blocks)
    reached = {each.strand_id: each.sequence_no for each in world.view.checkpoints()}
    assert reached == {world.source.strand_id: 1, other.strand_id: 1}
    assert world.view.tables() == {"Person", "Vehicle"}
    assert len(world.found()) == 2


def test_the_server_is_killed_in_the_middle_and_comes_back(tmp_path: Any, dynamodb: Any) -> None:
    with DynamoDbLocal(tmp_path) as server:
        world = World(server.client)
        world.source.create_table("Person")
        id_ = world.source.new_id()
        for n in range(2):
            world.source.write("Person", [Write(id_, {"n": n})])
        world.deliver(*world.source.blocks[:2])

        def killed(request: Callable[[], Any], _: Any) -> Any:
            world.item(id_)  # DynamoDB Local may lose what it took last, unless that was read
            server.kill()
            return request()

        world.client.between["transact_write_items"] = killed
        with pytest.raises(EndpointConnectionError) as failed:
            world.deliver(*world.source.blocks)
        assert class_of(failed.value) is ErrorClass.RETRYABLE

        del world.client.between["transact_write_items"]
        server.start()
        assert world.deliver(*world.source.blocks).blocks == 1
        world.assert_equal()
        assert world.item(id_)["version"] == {"N": "1"}
