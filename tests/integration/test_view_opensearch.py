"""A view in OpenSearch itself: its types, its queries, its faults, and the commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from generate_journal import write_archive
from hypothesis import HealthCheck, given, settings
from ion_strategies import documents
from servers.opensearch_faults import FaultyTransport, ViewProcesses
from servers.opensearch_in_memory import InMemoryOpenSearch
from servers.opensearch_requests import RandomRequests, outcome
from servers.opensearch_server import OpenSearchServer
from simulation.scenarios import PROMPT, SCENARIOS, assert_whole, repeatable, seeds
from simulation.simulator import Simulation
from simulation.source import STRAND_ID, Source, Write, records_of
from simulation.subject import Interrupt, Subject

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.sources.opening import open_source
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.compare import compare
from qldbkit.replay.destination import Changes, Decide, InsertDocument, State
from qldbkit.replay.journal_side import JournalSide
from qldbkit.replay.logical_restore import restore_into
from qldbkit.replay.plan import CreateTable
from qldbkit.replay.views.opensearch import open_url
from qldbkit.replay.views.opensearch.cluster import Cluster
from qldbkit.replay.views.opensearch.destination import OpenSearchView
from qldbkit.replay.views.opensearch.errors import OpenSearchUnavailableError
from qldbkit.replay.views.opensearch.schema import TOTAL_FIELDS

NUMBERS = count()


@dataclass
class Node:
    """A server, and clients of it."""

    server: OpenSearchServer

    def url(self) -> str:
        """Of a view that nothing else uses."""
        return f"opensearch+http://{self.server.address}/view{next(NUMBERS)}"

    def ask(self, method: str, path: str, params: Any = None, body: Any = None) -> Any:
        view = open_url(f"opensearch+http://{self.server.address}/asked", "us-east-1")
        try:
            return view._cluster._transport.perform_request(method, path, params or {}, body)
        finally:
            view.close()

    def settled(self) -> None:
        """Wait until every index is there again."""
        self.ask("GET", "/_cluster/health", {"wait_for_status": "green"})

    def found(self, alias: str, query: Any) -> list[Any]:
        """The ``n`` of what a reader finds."""
        answer = self.ask("POST", f"/{alias}/_search", {}, {"query": query, "size": 1000})
        return sorted(each["_source"]["data"]["n"] for each in answer["hits"]["hits"])


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with OpenSearchServer(tmp_path_factory.mktemp("opensearch")) as server:
        yield Node(server)


@pytest.fixture
def view(node: Node) -> Iterator[OpenSearchView]:
    opened = open_url(node.url(), "us-east-1")
    yield opened
    opened.close()


def insert(view: OpenSearchView, *data: IonSpan, table: str = "Kept") -> list[str]:
    """Insert documents into a table; return what they are called."""
    ids = [f"D{next(NUMBERS):021d}" for _ in data]
    changes = [InsertDocument(table, id_, 0, each) for id_, each in zip(ids, data, strict=True)]
    view.transact(STRAND_ID, [], changing(CreateTable(table), *changes))
    return ids


def changing(*changes: Any) -> Decide:
    def decide(state: State) -> Changes:
        checkpoint = state.checkpoint or Checkpoint(STRAND_ID, 0, bytes(32))
        return Changes(changes, checkpoint, None)

    return decide


def test_any_document_is_read_back_as_it_was(node: Node, view: OpenSearchView) -> None:
    expected = {}

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(documents())
    def keep(document: IonSpan) -> None:
        (id_,) = insert(view, document)
        expected[id_] = document.hash()

    keep()
    named = ["{a: 1, a: x}", "{'': 1, ' ': 2, 'a.b': 3, 'a': 4, '.': 5}", "{x: [{y: 1}, 2]}"]
    insert_and_expect(view, expected, *named, "{}", "{n: nan, m: 1d400, o: null.blob}")
    insert_and_expect(view, expected, *(f"{{k: {each}}}" for each in ("1", "x", "{y: 1}", "[]")))
    assert {each.document_id: each.digest for each in view.digests()} == expected


def insert_and_expect(view: OpenSearchView, expected: dict[str, bytes], *ions: str) -> None:
    spans = list(map(IonSpan.from_text, ions))
    for id_, each in zip(insert(view, *spans), spans, strict=True):
        expected[id_] = each.hash()


def test_what_readers_find(node: Node, view: OpenSearchView) -> None:
    texts = [
        '{n: 1, Price: 100, When: 2019-03-01T, Name: "Ada Lovelace"}',
        '{n: 2, Price: 100.50, When: 2020-06-15T10:00:00.000Z, Name: "Ada"}',
        '{n: 3, Price: 12345678901234567890123, When: 2007T, Name: "Charles"}',
        '{n: 4, Price: "on request", When: "unknown", Name: charles}',
        "{n: 5, Price: 1e0, When: 2020-06-15T10:00:00.1234567890123+02:00, Nested: {Deep: [7, 8]}}",
        "{n: 6, 'a.b': true}",
    ]
    ids = insert(view, *map(IonSpan.from_text, texts))
    alias = f"{view._name}.-kept"
    node.ask("POST", f"/{alias}/_refresh")

    def found(kind: str, **query: Any) -> list[Any]:
        path, value = next(iter(query.items()))
        return node.found(alias, {kind: {f"data.{path.replace('__', '.')}": value}})

    assert found("range", Price={"gt": 100, "lt": 101}) == [2]
    assert found("term", Price=1) == [5]
    assert found("term", Price__exact="12345678901234567890123") == [3]
    assert found("term", Price__exact="on request") == [4]
    assert found("range", When={"gte": "2020-01-01", "lt": "2021-01-01"}) == [2, 5]
    assert found("range", When={"lt": "2008-01-01"}) == [3]
    assert found("term", When__exact="unknown") == [4]
    assert found("match", Name="ada") == [1, 2]
    assert found("term", Name__exact="Ada") == [2]
    assert found("match", Name="charles") == [3, 4]
    assert found("term", Nested__Deep=8) == [5]
    assert node.found(alias, {"term": {"data.a%2Eb": True}}) == [6]
    assert node.found(alias, {"term": {"metadata.id": ids[1]}}) == [2]
    assert node.found(alias, {"exists": {"field": "data.Nested"}}) == [5]


def test_deleted_documents_are_seen_by_nobody_who_asks_by_the_alias(
    node: Node, view: OpenSearchView
) -> None:
    source = Source()
    source.create_table("Person")
    for number in range(3):
        source.insert("Person", {"n": number})
    source.write("Person", [Write(next(iter(source.documents)), None)])
    restored(source, view, node)
    alias = f"{view._name}.-person"
    assert node.found(alias, {"match_all": {}}) == [1, 2]
    assert node.ask("POST", f"/{alias}.1/_count")["count"] == 3


def restored(source: Source, view: OpenSearchView, node: Node) -> None:
    records = [data for block in source.blocks for _, data in records_of(block)]
    policy = ReplayPolicy(settle_window=0.0, limits=view.limits)
    applier = Applier(view, MemoryBuffer(), lambda: 0.0, policy)
    applier.refill((str(each), data) for each, data in enumerate(records))
    node.ask("POST", f"/{view._name}.*/_refresh")


@pytest.mark.parametrize(
    "refused",
    [
        "{k: 1}",
        25 * "{deep: " + "1" + 25 * "}",
        "{" + ",".join(f"f{each}: 1" for each in range(TOTAL_FIELDS)) + "}",
    ],
    ids=["a scalar where others have a struct", "nested too deeply", "too many fields"],
)
def test_what_cannot_be_indexed_is_kept_and_named(view: OpenSearchView, refused: str) -> None:
    document = IonSpan.from_text(refused)
    _, second, third = insert(
        view, IonSpan.from_text("{k: {y: 1}}"), document, IonSpan.from_text("{k: {y: 2}}")
    )
    (named,) = view.unindexed()
    assert view.unindexed_documents() == 1
    assert (named.id, named.version) == (second, 0)
    assert named.reason in {"mapper_parsing_exception", "illegal_argument_exception"}
    digests = {each.document_id: each.digest for each in view.digests()}
    assert digests[second] == document.hash()
    assert third in digests


def test_a_server_that_dies_in_the_middle_of_a_restore_is_gone_on_with(
    tmp_path: Path, node: Node
) -> None:
    source = archive_of(tmp_path / "archive", 120)
    journal = open_source(str(tmp_path / "archive"))
    view = open_url(node.url(), "us-east-1")
    small = replace(view.limits, documents=6, blocks=4)
    with pytest.raises(OpenSearchUnavailableError):
        restore_into(journal, DyingWith(view, node.server, 12), MemoryBuffer(), limits=small)
    node.server.start()
    node.settled()
    (checkpoint,) = view.checkpoints()
    assert 0 < checkpoint.sequence_no < 100
    report = restore_into(journal, view, MemoryBuffer(), limits=small)
    assert report.exit_status == 0
    assert report.checkpoints[0].sequence_no == len(source.blocks) - 1
    with JournalSide(open_source(str(tmp_path / "archive"))) as side:
        assert compare(side, view).equal
    view.close()


class DyingWith:
    """A view whose server is killed in the middle of a transaction."""

    def __init__(self, view: OpenSearchView, server: OpenSearchServer, transactions: int) -> None:
        self._view, self._server, self._left = view, server, transactions
        self.checkpoint, self.checkpoints = view.checkpoint, view.checkpoints

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        self._left -= 1

        def then(state: State) -> Changes:
            if self._left == 0:
                self._server.kill()
            return decide(state)

        return self._view.transact(strand_id, documents, then)


def archive_of(folder: Path, blocks: int) -> Source:
    source = Source()
    source.create_table("Person")
    random = Random(1)
    while len(source.blocks) < blocks:
        known = [id_ for id_, each in source.documents.items() if each.data is not None]
        if known and random.random() < 0.5:
            data = None if random.random() < 0.2 else {"n": len(source.blocks)}
            source.write("Person", [Write(random.choice(known), data)])
        else:
            source.insert("Person", {"n": len(source.blocks), "Name": "new"})
    write_archive(folder, [data for each in source.blocks for _, data in records_of(each)])
    return source


def test_the_commands_restore_compare_and_repair(node: Node, tmp_path: Path) -> None:
    archive_of(tmp_path / "archive", 40)
    url, place = node.url(), str(tmp_path / "archive")

    def qldbkit(*arguments: str, code: int = 0) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "qldbkit.cli", *arguments, "--json"],
            env={**os.environ, "QLDBKIT_FOLDER": str(tmp_path / "state")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    report = qldbkit("restore", place, "--into-destination", url)
    assert report["checkpoints"] == [{"strandId": STRAND_ID, "sequenceNo": 39}]
    index = f"{url.rpartition('/')[2]}.-person.1"
    node.ask("POST", f"/{index}/_refresh", {}, {})  # what was written is found a second later
    hits = node.ask("POST", f"/{index}/_search", {}, {"query": {"match": {"data.Name": "new"}}})
    changed = hits["hits"]["hits"][0]
    body = {**changed["_source"], "data": {"n": -1}}
    node.ask("PUT", f"/{index}/_doc/{changed['_id']}", {"refresh": "true"}, body)
    (difference,) = qldbkit("compare", place, url, code=1)["differences"]
    assert difference["documentId"] == changed["_id"]
    assert qldbkit("compare", place, url, "--repair")["equal"]
    with closing(open_url(url, "us-east-1")) as view:
        insert(view, *map(IonSpan.from_text, ("{k: {y: 1}}", "{k: 1}")))
    (found,) = qldbkit("unindexed", url, "--again", code=1)
    assert (found["table"], found["reason"]) == ("Kept", "mapper_parsing_exception")


@pytest.mark.parametrize("seed", seeds("0"), scope="module")
@pytest.mark.parametrize("scenario", ["prompt", "lost"])
def test_whatever_the_stream_and_the_requests_do(node: Node, scenario: str, seed: int) -> None:
    """As ``tests/simulation`` does it with a stand-in: the faults are injected at the client."""
    SCENARIOS[scenario](seed, subject(node, seed, Counter()))


def test_one_failure_after_the_other(node: Node) -> None:
    happened: Counter[str] = Counter()
    for seed in seeds("1"):
        simulation = Simulation(seed, replace(PROMPT, failing=0.05), subject(node, seed, happened))
        with repeatable(seed):
            simulation.run()
            assert_whole(simulation)
    assert happened.total() > 5


def subject(node: Node, seed: int, happened: Counter[str]) -> Subject:
    def make(interrupt: Interrupt) -> ViewProcesses:
        random = Random(seed)
        view = open_url(node.url(), "us-east-1")
        view.prepare()
        transport = FaultyTransport(view._cluster._transport, random, interrupt, happened)
        return ViewProcesses(transport, view._name, random)

    return Subject(make, atomic=False)


def test_the_stand_in_answers_as_opensearch_does(node: Node, view: OpenSearchView) -> None:
    """What a view asks, at random, of both: the simulation's server is worth what this says."""
    view.prepare()
    random, real, stand_in = Random(7), view._cluster, Cluster(InMemoryOpenSearch())
    requests, answers = RandomRequests(random, view._name), Counter[str]()
    for _ in range(300):
        kind, request = requests.next()
        expected = outcome(request, real)
        assert outcome(request, stand_in) == expected, kind
        answers[f"{kind}: {expected if isinstance(expected, str) else bool(expected)}"] += 1
    assert {"get: True", "put: True", "put: WriteConflictError", "scan: True"} <= answers.keys()
