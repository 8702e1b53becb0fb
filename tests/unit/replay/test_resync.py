"""One table brought to what it is in the source, while the replay of all of them goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from simulation.faults import InterruptedDestination
from simulation.source import STRAND_ID, Source, Write, random_history

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block
from qldbkit.replay.changes import content
from qldbkit.replay.compare import DocumentDigest
from qldbkit.replay.memory_destination import MemoryDestination
from qldbkit.replay.repair_source import SourceRevision
from qldbkit.replay.resync import resynchronise
from qldbkit.replay.routing import ALL_TABLES, TableRouting


class LostConnectionError(Exception):
    """The destination did not answer."""


class LiveSource:
    """A source ledger that goes on: its documents as they are now, with all their revisions."""

    def __init__(self, source: Source, only: str) -> None:
        self.source, self.only = source, only
        self.known: list[Block] = []

    def name(self) -> str:
        return "ledger source"

    def reach(self) -> int | None:
        return None

    def tables(self) -> frozenset[str]:
        return frozenset({self.only})

    def digests(self) -> Iterator[DocumentDigest]:
        for (table, id_), data in self.source.after[len(self.known) - 1].items():
            if table == self.only:
                yield DocumentDigest(table, id_, data.hash())

    def revisions(self, table: str, document_id: str) -> Sequence[SourceRevision]:
        found = []
        for block in self.known:
            for each in block.revisions:
                if each.metadata is not None and each.metadata.id == document_id:
                    data = None if each.deleted else content(each)
                    found.append(SourceRevision(block.address, each.metadata.version, data))
        return found


class OneTable:
    """A destination's side, of which one table is looked at."""

    def __init__(self, destination: MemoryDestination, only: str) -> None:
        self.destination, self.only = destination, only

    def tables(self) -> frozenset[str]:
        return self.destination.tables() & {self.only}

    def digests(self) -> Iterator[DocumentDigest]:
        return (each for each in self.destination.digests() if each.table == self.only)


def tamper(random: Random, destination: MemoryDestination) -> None:
    """Somebody else changes and deletes documents of every table."""
    ledger = destination.ledger
    tables = dict(ledger.tables)
    for table_id, table in ledger.tables.items():
        revisions = dict(table.revisions)
        for id_, past in table.revisions.items():
            if past[-1] is not None and random.random() < 0.5:
                forged = None if random.random() < 0.3 else IonSpan.of({"forged": random.random()})
                revisions[id_] = (*past[:-1], forged)
        tables[table_id] = replace(table, revisions=revisions)
    destination.ledger = replace(ledger, tables=tables, version=ledger.version + 1)


@pytest.mark.parametrize("seed", range(20))
def test_one_table_is_brought_back_while_the_stream_goes_on_and_things_fail(
    seed: int, world: Any
) -> None:
    random = Random(seed)
    world.source = random_history(random, 50, drops=False)
    blocks = list(world.source.blocks)
    source = LiveSource(world.source, "Person")
    forth = iter(blocks)

    def go_on(count: int) -> None:
        """The source writes, and most of it is replayed at once."""
        for _ in range(count):
            block = next(forth, None)
            if block is not None:
                source.known.append(block)
                world.deliver(block)

    go_on(30)
    world.later()
    tamper(random, world.destination)
    before = {
        key: data for key, data in world.destination.documents().items() if key[0] != "Person"
    }

    def point(name: str) -> None:
        if name == "commit" and random.random() < 0.3:
            go_on(1)
        if random.random() < 0.1:
            raise LostConnectionError

    failing = InterruptedDestination(world.destination, point)
    side = OneTable(world.destination, "Person")
    for _ in range(200):
        try:
            done = resynchronise(source, failing, lambda: side, STRAND_ID, who="an operator")
        except LostConnectionError:
            continue
        if not done.written:
            break
    world.later()

    found = world.destination.documents()
    expected = world.source.after[world.reached()]
    for table, id_ in found.keys() | expected.keys():
        if table == "Person":
            assert found.get((table, id_)) == expected.get((table, id_))
        elif (table, id_) in before and id_ not in rewritten(blocks[30:]):
            assert found[table, id_] == before[table, id_]
    assert all(
        each.startswith("Person: ")
        for record in world.destination.ledger.repairs
        for each in record.documents
    )


def test_a_table_that_was_left_out_until_now_is_brought_and_then_goes_on(world: Any) -> None:
    source = world.source
    for name in ("Person", "Car"):
        source.create_table(name)
        source.insert(name, {"n": 1}, {"n": 2})
    world.policy = replace(world.policy, tables=TableRouting.of(["Person"], {}))
    world.applier = world.new_applier()
    world.deliver(*source.blocks)
    assert world.destination.tables() == {"Person"}
    world.policy = replace(world.policy, tables=ALL_TABLES)
    world.applier = world.new_applier()

    live, side = LiveSource(source, "Car"), OneTable(world.destination, "Car")
    live.known = source.blocks
    done = resynchronise(live, world.destination, lambda: side, STRAND_ID, who="an operator")

    assert (done.written, done.different) == (2, 0)
    cars = [id_ for id_, each in source.documents.items() if each.table.table_name == "Car"]
    world.deliver(source.write("Car", [Write(cars[0], {"n": 3}), Write(cars[1], None)]))
    world.deliver(source.insert("Car", {"n": 4}))
    world.assert_equal()


def rewritten(blocks: Sequence[Block]) -> set[str]:
    """The documents that blocks write."""
    return {
        each.metadata.id
        for block in blocks
        for each in block.revisions
        if each.metadata is not None
    }
