"""A destination that others wrote to is brought back, and replay goes on behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from simulation.faults import InterruptedDestination
from simulation.source import STRAND_ID, Source, Write, is_streamed, random_history, records_of

from qldbkit.journal.hashes import ion_hash
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.sources.opening import open_source
from qldbkit.replay.compare import UNMAPPED, Comparison, compare
from qldbkit.replay.journal_side import JournalSide, UnsoundJournalError
from qldbkit.replay.memory_destination import MemoryDestination
from qldbkit.replay.repair import DOCUMENTS_AT_ONCE, RepairRefusedError, RepairReport, repair

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Ledgers:
    """A source with an archive, and a destination that somebody else writes to."""

    def __init__(self, world: Any, folder: Path):
        self.world, self.folder = world, folder
        self.source: Source = world.source
        self.source.create_table("Person")
        self.ids = [self.inserted({"n": each}) for each in range(3)]
        self.source.write("Person", [Write(self.ids[0], {"n": 0, "again": True})])
        world.deliver(*self.source.blocks)

    def inserted(self, data: Any) -> str:
        block = self.source.insert("Person", data)
        metadata = block.revisions[0].metadata
        assert metadata is not None
        return metadata.id

    def archive(self) -> JournalSide:
        records = [data for block in self.source.blocks for _, data in records_of(block)]
        (self.folder / "archive").write_bytes(b"".join(records))
        return JournalSide(open_source(str(self.folder)))

    def compare(self) -> Comparison:
        with self.archive() as side:
            return compare(side, self.world.destination)

    def repair(self) -> RepairReport:
        with self.archive() as side:
            found = compare(side, self.world.destination)
            return repair(
                side,
                self.world.destination,
                STRAND_ID,
                found,
                who="an operator",
                now=lambda: NOON,
            )

    def write(self, position: int, *data: Any) -> None:
        """Somebody else adds revisions to a document of the destination; None deletes it."""
        self.change(
            self.ids[position],
            lambda past: (*past, *(None if each is None else IonSpan.of(each) for each in data)),
        )

    def change(self, source_id: str, change: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> None:
        ledger = self.world.destination.ledger
        table_id, id_, _ = ledger.entries[source_id]
        table = ledger.tables[table_id]
        changed = replace(table, revisions={**table.revisions, id_: change(table.revisions[id_])})
        self.world.destination.ledger = replace(
            ledger, tables={**ledger.tables, table_id: changed}, version=ledger.version + 1
        )

    def add_stranger(self) -> None:
        """Somebody else inserts a document."""
        ledger = self.world.destination.ledger
        (table_id, table), *_ = ledger.tables.items()
        revisions = {**table.revisions, "stranger": (IonSpan.of({"who": "me"}),)}
        self.world.destination.ledger = replace(
            ledger, tables={**ledger.tables, table_id: replace(table, revisions=revisions)}
        )


@pytest.fixture
def ledgers(world: Any, tmp_path: Path) -> Ledgers:
    return Ledgers(world, tmp_path)


def test_an_archive_is_equal_to_what_was_replayed_of_it(ledgers: Ledgers) -> None:
    assert ledgers.compare().equal
    assert ledgers.compare().equal_documents == 3


TAMPERINGS: dict[str, tuple[Callable[[Ledgers], None], str]] = {
    "changed": (lambda ledgers: ledgers.write(0, {"n": "forged"}), "at version 1"),
    "changed twice": (lambda ledgers: ledgers.write(0, {"n": 7}, {"n": 8}), "at version 1"),
    "deleted": (lambda ledgers: ledgers.write(1, None), "at version 0"),
    "inserted": (Ledgers.add_stranger, "destination:stranger deleted"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_was_tampered_with_is_found_repaired_and_equal_again(
    ledgers: Ledgers, name: str
) -> None:
    tamper, written = TAMPERINGS[name]
    tamper(ledgers)
    assert ledgers.compare().different_documents == 1

    report = ledgers.repair()

    assert len(report.repaired) == 1
    assert written in report.repaired[0]
    assert ledgers.compare().equal


@pytest.mark.parametrize("name", TAMPERINGS)
def test_replay_goes_on_behind_a_repair(ledgers: Ledgers, name: str) -> None:
    TAMPERINGS[name][0](ledgers)
    ledgers.repair()
    source = ledgers.source
    following = [
        source.write("Person", [Write(each, {"after": each}) for each in ledgers.ids]),
        source.write("Person", [Write(ledgers.ids[1], None)]),
    ]
    outcome = ledgers.world.deliver(*following)
    assert not outcome.holds
    ledgers.world.assert_equal()
    assert ledgers.compare().equal


def test_without_a_repair_replay_is_held(ledgers: Ledgers) -> None:
    """What the tests above would show if a repair did nothing."""
    ledgers.write(0, {"n": "forged"})
    block = ledgers.source.write("Person", [Write(ledgers.ids[0], {"after": 1})])
    (hold,) = ledgers.world.deliver(block).holds.values()
    assert "should be at version" in hold.message


def test_a_repair_is_recorded_with_who_when_what_and_the_position(ledgers: Ledgers) -> None:
    ledgers.write(0, {"n": "forged"})
    report = ledgers.repair()
    (recorded,) = ledgers.world.destination.ledger.repairs
    assert recorded.at == "2026-01-01T12:00:00.000000+00:00"
    assert recorded.who == "an operator"
    assert str(ledgers.folder) in recorded.source
    assert recorded.documents == (f"Person: {ledgers.ids[0]} at version 1",) == report.repaired
    assert report.checkpoint.sequence_no == len(ledgers.source.blocks) - 1


def test_what_only_lags_is_left_to_replay(ledgers: Ledgers) -> None:
    source = ledgers.source
    waiting = [
        source.write("Person", [Write(ledgers.ids[0], {"n": "later"})]),
        source.write("Person", [Write(ledgers.ids[1], None)]),
        source.insert("Person", {"n": "new"}),
    ]
    report = ledgers.repair()
    assert report.repaired == ()
    assert len(report.left) == 3
    assert ledgers.world.destination.ledger.repairs == ()
    ledgers.world.deliver(*waiting)
    assert ledgers.compare().equal


def test_a_document_is_brought_to_the_checkpoint_and_not_beyond(ledgers: Ledgers) -> None:
    waiting = ledgers.source.write("Person", [Write(ledgers.ids[0], {"n": "later"})])
    ledgers.write(0, {"n": "forged"})
    ledgers.repair()
    held = ledgers.world.destination.documents()["Person", ledgers.ids[0]]
    assert held.value() == {"n": 0, "again": True}
    ledgers.world.deliver(waiting)
    ledgers.world.assert_equal()


@pytest.mark.parametrize("deleted", [False, True])
def test_redactions_find_versions_from_before_and_behind_a_repair(
    ledgers: Ledgers, deleted: bool
) -> None:
    ledgers.write(0, {"n": "forged"}, *([None] if deleted else []))
    ledgers.repair()
    source, id_ = ledgers.source, ledgers.ids[0]
    later = [
        source.write("Person", [Write(id_, {"n": "third"})]),
        source.redact(id_, 0),
        source.redact(id_, 1),
    ]
    assert not ledgers.world.deliver(*later).holds
    (table,) = ledgers.world.destination.ledger.tables.values()
    kept = [
        each.value()
        for id_, revisions in table.revisions.items()
        for each in revisions
        if each is not None and each.value().get("n") in (0, "third", "forged")
    ]
    # Version 0 was before the repair; version 1 was written again by it, and is redacted there.
    assert {"n": 0} not in kept
    assert kept.count({"n": 0, "again": True}) == 1
    assert {"n": "third"} in kept


def test_a_table_that_somebody_dropped_is_made_and_filled(ledgers: Ledgers) -> None:
    ledger = ledgers.world.destination.ledger
    ((table_id, table),) = ledger.tables.items()
    ledgers.world.destination.ledger = replace(
        ledger, tables={table_id: replace(table, active=False)}
    )
    assert ledgers.compare().missing_tables == ("Person",)
    ledgers.repair()
    assert ledgers.compare().equal


def test_more_documents_than_one_transaction_takes(ledgers: Ledgers) -> None:
    count = DOCUMENTS_AT_ONCE * 2 + 1
    new = [ledgers.inserted({"i": each}) for each in range(count)]
    ledgers.world.deliver(*ledgers.source.blocks[-count:])
    for each in new:
        ledgers.change(each, lambda past: (*past, IonSpan.of({"i": "forged"})))
    assert ledgers.compare().different_documents == count
    report = ledgers.repair()
    assert len(report.repaired) == count
    assert len(ledgers.world.destination.ledger.repairs) == 3
    assert ledgers.compare().equal


def test_nothing_is_repaired_where_nothing_was_replayed(ledgers: Ledgers) -> None:
    ledgers.world.destination.ledger = MemoryDestination().ledger
    with pytest.raises(RepairRefusedError):
        ledgers.repair()


def test_a_source_that_ends_before_the_checkpoint_would_undo_and_is_refused(
    ledgers: Ledgers,
) -> None:
    with ledgers.archive() as old:
        ledgers.world.deliver(ledgers.source.write("Person", [Write(ledgers.ids[0], {"n": 9})]))
        found = compare(old, ledgers.world.destination)
        assert found.different_documents == 1
        with pytest.raises(RepairRefusedError, match="ahead of the source"):
            repair(old, ledgers.world.destination, STRAND_ID, found, who="an operator")
    ledgers.world.assert_equal()


def test_a_damaged_archive_is_not_compared(ledgers: Ledgers) -> None:
    ledgers.archive()
    file = ledgers.folder / "archive"
    file.write_bytes(file.read_bytes().replace(b"again", b"agaim"))
    with JournalSide(open_source(str(ledgers.folder))) as side, pytest.raises(UnsoundJournalError):
        side.tables()


SEEDS = range(12)


class LostConnectionError(Exception):
    """The destination did not answer."""


def tampered(random: Random, destination: MemoryDestination) -> int:
    """Somebody else changes, deletes and adds documents; returns how many."""
    ledger = destination.ledger
    tables = dict(ledger.tables)
    count = 0
    for table_id, table in ledger.tables.items():
        revisions = dict(table.revisions)
        for id_, past in table.revisions.items():
            if table.active and past[-1] is not None and random.random() < 0.3:
                forged = None if random.random() < 0.3 else IonSpan.of({"forged": random.random()})
                revisions[id_] = (*past, forged)
                count += 1
        if table.active and random.random() < 0.5:
            revisions[f"stranger in {table_id}"] = (IonSpan.of({"who": "a stranger"}),)
            count += 1
        tables[table_id] = replace(table, revisions=revisions)
    destination.ledger = replace(ledger, tables=tables, version=ledger.version + 1)
    return count


@pytest.mark.parametrize("seed", SEEDS)
def test_any_tampering_is_repaired_though_the_destination_fails_now_and_then(
    seed: int, world: Any, tmp_path: Path
) -> None:
    random = Random(seed)
    world.source = random_history(random, 60)
    blocks = world.source.blocks
    before = [each for each in blocks[:40] if is_streamed(each)]
    world.deliver(*before)
    world.later()
    assert world.reached() == before[-1].address.sequence_no
    tampered(random, world.destination)

    def fail(_: str) -> None:
        if random.random() < 0.15:
            raise LostConnectionError

    records = [data for block in blocks for _, data in records_of(block)]
    (tmp_path / "archive").write_bytes(b"".join(records))
    failing = InterruptedDestination(world.destination, fail)
    left = 1
    while left:
        with JournalSide(open_source(str(tmp_path)), world.reached()) as side:
            found = compare(side, world.destination)
            try:
                report = repair(side, failing, STRAND_ID, found, who="an operator")
            except LostConnectionError:
                continue
            left = len(report.repaired)
    assert world.destination.documents() == world.source.after[world.reached()]

    world.deliver(*blocks[40:])
    world.later()
    world.assert_equal()
    assert not [each for each in world.destination.digests() if UNMAPPED in str(each)]


def test_drops_and_undrops_are_folded(ledgers: Ledgers) -> None:
    source = ledgers.source
    source.create_table("Car")
    source.insert("Car", {"wheels": 4})
    table = source.drop_table("Person")
    assert table
    with ledgers.archive() as side:
        assert side.tables() == {"Car"}
        assert {each.table for each in side.digests()} == {"Car"}
    source.undrop_table(next(iter(source.dropped)))
    with ledgers.archive() as side:
        assert side.tables() == {"Car", "Person"}
        found = {(each.table, each.document_id): each.digest for each in side.digests()}
    assert found == {place: ion_hash(data) for place, data in source.current().items()}
