"""How many requests OpenSearch gets for each revision, and how fast it takes them.

    python bench/views.py --kind opensearch [--revisions 5000] [--baseline 300]

A server of its own is started on this machine. Measured are

- restore: a binary export read, every hash verified, settled, planned, mapped, committed and
  written, until all of it is there;
- stream: Kinesis events, aggregated, with everything that the deployed function does;
- the baseline: one request that indexes a document for each revision, with an external version,
  nothing verified and no checkpoint.

A bulk request is the least that documents can be written with, and a commit needs one more. The
rates are those of a server with one node that shares two cores with the client.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from generate_journal import blocks, write_export
from replay import events

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from servers.opensearch_server import OpenSearchServer

from qldbkit.journal.model import Block
from qldbkit.journal.sources.opening import open_source
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.logical_restore import restore_into
from qldbkit.replay.views.opensearch import open_url
from qldbkit.replay.views.opensearch.cluster import Cluster
from qldbkit.replay.views.opensearch.destination import OpenSearchView
from qldbkit.replay.views.opensearch.mapping import searchable

NUMBERS = count()


class Counted:
    """Requests passed on to a server, and how many there were of which kind."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.requests: Counter[str] = Counter()
        self.bytes = self.items = 0

    def perform_request(
        self, method: str, url: str, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> Any:
        _, index, *rest = url.split("/")
        kind = url if index.startswith("_") else "/".join(("", "INDEX", *rest[:1]))
        self.requests[f"{method} {kind}"] += 1
        answer = self._server.perform_request(method, url, params, body)
        if url == "/_bulk":
            self.items += len(answer["items"])
        self.bytes += len(body) if isinstance(body, str) else 0
        return answer


def opened(server: OpenSearchServer) -> tuple[OpenSearchView, Counted]:
    """A view of its own, made ready, and a count of its requests from then on."""
    view = open_url(f"opensearch+http://{server.address}/bench{next(NUMBERS)}", "us-east-1")
    counted = Counted(view._cluster._transport)
    found = OpenSearchView(Cluster(counted), view._name, close=view.close)
    found.prepare()
    counted.requests.clear()
    return found, counted


def told(name: str, revisions: int, began: tuple[float, float], counted: Counted) -> None:
    wall, cpu = perf_counter() - began[0], process_time() - began[1]
    total = counted.requests.total()
    print(
        f"{name}: {total} requests for {revisions:,} revisions, {total / revisions:.4f} each;"
        f" {counted.items:,} documents written, {counted.bytes / revisions:,.0f} bytes sent a"
        f" revision; {revisions / wall:,.0f} revisions/s, {cpu / revisions * 1e6:,.0f} us of"
        " processor time here"
    )
    for kind, number in counted.requests.most_common():
        print(f"    {number:6} {kind}")


def restored(server: OpenSearchServer, place: Path, revisions: int) -> None:
    view, counted = opened(server)
    began = perf_counter(), process_time()
    report = restore_into(open_source(str(place)), view, MemoryBuffer(), limits=view.limits)
    assert report.exit_status == 0, report
    told("restore", revisions, began, counted)
    view.close()


def streamed(server: OpenSearchServer, revisions: int, per_block: int) -> None:
    stream = events(revisions, per_block)
    view, counted = opened(server)
    policy = ReplayPolicy(limits=view.limits)
    applier, done = Applier(view, MemoryBuffer(), lambda: 2e9, policy), 0
    began = perf_counter(), process_time()
    for each in stream:
        done += applier.handle(each).revisions
    told(f"stream, {len(stream)} events, {per_block} to a block", done, began, counted)
    view.close()


def baseline(server: OpenSearchServer, found: Sequence[Block], most: int) -> None:
    """What a first attempt does: a document at a time."""
    view, counted = opened(server)
    written = [each for block in found for each in block.revisions if each.data is not None][:most]
    began = perf_counter(), process_time()
    for each in written:
        assert each.metadata is not None and each.data is not None
        path = f"/{view._name}.-person.1/_doc/{each.metadata.id}"
        params = {"version": each.metadata.version, "version_type": "external_gte"}
        body = f'{{"data":{searchable(each.data)}}}'
        counted.perform_request("PUT", path, params, body)
    counted.items = len(written)
    told("baseline", len(written), began, counted)
    view.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--revisions", type=int, default=5000)
    parser.add_argument("--per-block", type=int, nargs="*", default=[1, 4])
    parser.add_argument("--baseline", type=int, default=300)
    given = parser.parse_args(arguments)
    found = list(blocks(given.revisions))
    with tempfile.TemporaryDirectory() as folder, OpenSearchServer(Path(folder) / "node") as server:
        write_export(Path(folder) / "export", found, "ION_BINARY")
        restored(server, Path(folder) / "export", given.revisions)
        for per_block in given.per_block:
            streamed(server, given.revisions, per_block)
        baseline(server, found, given.baseline)


if __name__ == "__main__":
    main()
