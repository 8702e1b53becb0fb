"""A source, and a view of it in the stand-in of OpenSearch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servers.opensearch_in_memory import InMemoryOpenSearch
from simulation.delivery import kinesis_event
from simulation.source import STRAND_ID, Source, records_of

from qldbkit.journal.model import Block
from qldbkit.journal.sources.opening import open_source
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.destination import (
    Changes,
    Decide,
    State,
)
from qldbkit.replay.journal_side import JournalSide
from qldbkit.replay.retrying import Backoff
from qldbkit.replay.views.opensearch.cluster import Cluster
from qldbkit.replay.views.opensearch.destination import OpenSearchView
from qldbkit.replay.views.opensearch.writing import Writer

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


def changing(*changes: Any, then: Checkpoint | None = None) -> Decide:
    """Decides the same whatever is there."""

    def decide(state: State) -> Changes:
        checkpoint = then or state.checkpoint or Checkpoint(STRAND_ID, 0, bytes(32))
        return Changes(changes, checkpoint, None)

    return decide
