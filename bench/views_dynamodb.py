"""What a view in DynamoDB asks of the service: requests and write units for each revision.

    python bench/views.py --kind dynamodb [--revisions 4000] [--baseline 500]

DynamoDB Local is started on this machine. Write units are reckoned from the items that are written,
by the rules of the service: one for each begun 1 KB of an item, and two in a transaction. (DynamoDB
Local answers the units of one item for a whole transaction.) The index takes one more for each
document that comes or goes, here and in the baseline. How fast it goes is a side figure: DynamoDB
Local is one process over SQLite, on the processors that the replay uses as well. The baseline, in
the same run, is what a first attempt does: for each revision one PutItem, and one more for the
checkpoint, not atomic.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

from generate_journal import blocks, write_export
from replay import events

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from servers.dynamodb_local import DynamoDbLocal

from qldbkit.journal.model import Block
from qldbkit.journal.sources.opening import open_source
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.checkpoint import behind
from qldbkit.replay.logical_restore import restore_into
from qldbkit.replay.views.dynamodb import items
from qldbkit.replay.views.dynamodb.destination import DynamoDbView
from qldbkit.replay.views.dynamodb.sizes import item_size, write_units

NUMBERS = count()
COUNTED = ("get_item", "put_item", "batch_get_item", "transact_get_items", "transact_write_items")


class CountingClient:
    """Counts requests, and the write units that they take."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.forget()

    def forget(self) -> None:
        self.requests: Counter[str] = Counter()
        self.units = 0
        self.begin = perf_counter()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.client, name)
        if name not in COUNTED:
            return method

        def counted(**options: Any) -> Any:
            self.requests[name] += 1
            if name == "put_item":
                self.units += write_units(item_size(options["Item"])) // 2
            for each in options.get("TransactItems", ()):
                if "Put" in each:
                    self.units += write_units(item_size(each["Put"]["Item"]))
            return method(**options)

        return counted

    def tell(self, name: str, revisions: int) -> None:
        seconds = perf_counter() - self.begin
        asked = ", ".join(f"{each} {number:,}" for each, number in sorted(self.requests.items()))
        print(
            f"{name}: {revisions:,} revisions; a request for"
            f" {revisions / sum(self.requests.values()):,.1f} of them;"
            f" {self.units / revisions:.2f} write units for each;"
            f" {revisions / seconds:,.0f}/s on DynamoDB Local\n    {asked}"
        )


def opened(client: CountingClient) -> DynamoDbView:
    view = DynamoDbView(client, f"bench-{next(NUMBERS)}")
    view.prepare()
    client.forget()
    return view


def restored(client: CountingClient, place: Path, revisions: int) -> None:
    view = opened(client)
    report = restore_into(open_source(str(place)), view, MemoryBuffer(), limits=view.limits)
    assert report.exit_status == 0, report
    client.tell("restore", revisions)


def streamed(client: CountingClient, revisions: int, per_block: int) -> None:
    stream = events(revisions, per_block)
    view = opened(client)
    policy = ReplayPolicy(limits=view.limits)
    applier = Applier(view, MemoryBuffer(), lambda: 2e9, policy)
    done = sum(applier.handle(each).revisions for each in stream)
    client.tell(f"stream, {per_block} to a block", done)


def baseline(client: CountingClient, found: Sequence[Block], most: int) -> None:
    view, done = opened(client), 0
    for block in found:
        for each in block.revisions:
            assert each.metadata is not None
            id_, version = each.metadata.id, each.metadata.version
            item = (
                items.tombstone(id_, version, "Person", each)
                if each.data is None
                else items.document_item(id_, version, "Person", each.data, each)
            )
            for written in (item, items.checkpoint_item(behind(block.summary), "baseline")):
                client.put_item(TableName=view._table, Item=written)
            done += 1
        if done >= most:
            break
    client.tell("baseline, two PutItem for each", done)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--revisions", type=int, default=4000)
    parser.add_argument("--per-block", type=int, nargs="*", default=[1, 4])
    parser.add_argument("--baseline", type=int, default=500)
    given = parser.parse_args(arguments)
    with DynamoDbLocal() as server, tempfile.TemporaryDirectory() as folder:
        client = CountingClient(server.client(parameter_validation=False))
        found = list(blocks(given.revisions))
        write_export(Path(folder), found, "ION_BINARY")
        restored(client, Path(folder), given.revisions)
        for per_block in given.per_block:
            streamed(client, given.revisions, per_block)
        baseline(client, found, given.baseline)


if __name__ == "__main__":
    main()
