"""A ledger's journal replayed into another ledger, over the real API with the real driver."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from amazon.ion import simpleion
from simulation.delivery import kinesis_event
from simulation.source import records_of

from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.limits import Limits
from qldbkit.ledger.server import LedgerServer, RunningServer, ServerLimits, running_server
from qldbkit.partiql.dialect import Dialect
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.compare import DifferenceKind, compare_ledgers
from qldbkit.replay.ledger_client import LedgerClient
from qldbkit.replay.ledger_destination import LedgerDestination
from qldbkit.replay.outcome import Outcome
from qldbkit.replay.units import UnitLimits


@dataclass
class Ledgers:
    """A source, a destination, and an applier between them."""

    user: Any
    own_client: bool = True
    documents: int = 40
    now: float = 2_000_000_000.0

    def __post_init__(self) -> None:
        self.user.create("source")
        self.user.create("destination")
        self.source = self.user.driver("source")
        self.destination = self.user.driver("destination")
        self.buffer = MemoryBuffer()
        self.sent = 0

    def run(self, *statements: tuple[Any, ...]) -> list[list[Any]]:
        """One transaction in the source."""

        def work(transaction: Any) -> list[list[Any]]:
            return [list(transaction.execute_statement(*each)) for each in statements]

        found: list[list[Any]] = self.source.execute_lambda(work)
        return found

    def read(self, driver: Any, statement: str) -> list[Any]:
        return list(
            driver.execute_lambda(
                lambda transaction: list(transaction.execute_statement(statement))
            )
        )

    def new_records(self) -> list[tuple[str, bytes]]:
        ledger = self.user.server.service._registry.ledger("source")
        blocks = list(ledger.blocks(self.sent))
        self.sent += len(blocks)
        return [record for each in blocks for record in records_of(each)]

    def client(self) -> LedgerClient:
        return LedgerClient.to(
            "destination",
            endpoint_url=self.user.server.endpoint_url,
            region="us-east-1",
            session=self.user.aws_session,
        )

    def applier(self) -> Applier:
        return Applier(
            LedgerDestination(self.client() if self.own_client else self.destination),
            self.buffer,
            lambda: self.now,
            ReplayPolicy(settle_window=5.0, limits=UnitLimits.of(self.documents)),
        )

    def replay(self, records: list[tuple[str, bytes]] | None = None) -> Outcome:
        return self.deliver(self.applier(), records)

    def deliver(self, applier: Applier, records: list[tuple[str, bytes]] | None = None) -> Outcome:
        applier.handle(kinesis_event(self.new_records() if records is None else records))
        self.now += 5.0
        return applier.drain()


@pytest.fixture(params=["own client", "QLDB's driver"])
def ledgers(user: Any, request: pytest.FixtureRequest) -> Iterator[Ledgers]:
    yield Ledgers(user, request.param == "own client")


def test_documents_tables_and_indexes_arrive_and_both_ledgers_are_equal(ledgers: Ledgers) -> None:
    ledgers.run(("CREATE TABLE Person",))
    ledgers.run(("CREATE TABLE Vehicle",))
    ledgers.run(("CREATE INDEX ON Person (GovId)",))
    people = [{"GovId": f"G{each}", "Name": f"Person {each}"} for each in range(30)]
    ledgers.run(("INSERT INTO Person ?", people))
    ledgers.run(("INSERT INTO Vehicle ?", {"VIN": "V1", "Owners": []}))
    ledgers.run(("UPDATE Person SET Name = ? WHERE GovId = ?", "changed", "G3"))
    ledgers.run(
        ("UPDATE Vehicle AS v SET v.Owners = ? WHERE v.VIN = ?", ["G3"], "V1"),
        ("INSERT INTO Vehicle ?", {"VIN": "V2"}),
        ("DELETE FROM Person WHERE GovId = ?", "G4"),
    )
    ledgers.run(("SELECT * FROM Person",))
    ledgers.run(("DELETE FROM Vehicle WHERE VIN = ?", "V2"))

    outcome = ledgers.replay()

    comparison = compare_ledgers(ledgers.source, ledgers.destination)
    assert outcome.problems() == []
    assert comparison.equal, comparison
    assert comparison.equal_documents == 30
    assert {each.name: each.source_documents for each in comparison.tables} == {
        "Person": 29,
        "Vehicle": 1,
    }
    (indexed,) = ledgers.read(
        ledgers.destination,
        "SELECT VALUE t.indexes[0].expr FROM information_schema.user_tables AS t"
        " WHERE t.name = 'Person'",
    )
    assert indexed == "[GovId]"


def test_an_index_waits_for_its_table(ledgers: Ledgers) -> None:
    ledgers.run(("CREATE TABLE Person",))
    table = ledgers.new_records()
    ledgers.run(("CREATE INDEX ON Person (n)",))
    ledgers.run(("INSERT INTO Person ?", {"n": 1}))
    (problem,) = ledgers.replay().problems()
    assert "table Person is not there" in problem

    assert ledgers.replay(table).problems() == []
    assert compare_ledgers(ledgers.source, ledgers.destination).equal
    (index,) = ledgers.read(
        ledgers.destination,
        "SELECT VALUE t.indexes[0].expr FROM information_schema.user_tables AS t"
        " WHERE t.name = 'Person'",
    )
    assert index == "[n]"


def test_looking_how_far_it_is_leaves_no_block(ledgers: Ledgers) -> None:
    ledgers.run(("CREATE TABLE Person",))
    ledgers.replay()
    ledger = ledgers.user.server.service.ledger("destination")
    before = ledger.state.snapshot
    for _ in range(2):
        looking = LedgerDestination(ledgers.client() if ledgers.own_client else ledgers.destination)
        (found,) = looking.checkpoints()
        assert looking.checkpoint(found.strand_id) == found
        assert ledger.state.snapshot == before


def test_every_type_survives(ledgers: Ledgers) -> None:
    text = """{i: 123456789012345678901234567890, d: 1.20, e: 1e0, f: 0.5e0, t: 2020-01-01T,
        u: 2020-01-01T00:00:00.000-08:00, s: symbol, a: note::5, n: null.string, b: {{AQID}},
        c: {{"clob"}}, l: [1, (a + b)], z: {nested: true}}"""
    document = simpleion.loads(text)
    ledgers.run(("CREATE TABLE Kept",))
    ledgers.run(("INSERT INTO Kept ?", document))
    ledgers.replay()

    assert compare_ledgers(ledgers.source, ledgers.destination).equal
    (kept,) = ledgers.read(ledgers.destination, "SELECT * FROM Kept")
    assert kept["d"].as_tuple() == Decimal("1.20").as_tuple()
    assert kept["a"].ion_annotations[0].text == "note"


def test_a_transaction_of_forty_documents_arrives_in_parts_and_redelivery_adds_nothing(
    ledgers: Ledgers,
) -> None:
    ledgers.run(("CREATE TABLE Person",))
    ledgers.run(("INSERT INTO Person ?", [{"n": each} for each in range(40)]))
    ledgers.run(("UPDATE Person SET n = ?", -1))
    records = ledgers.new_records()

    ledgers.replay(records)
    ledgers.replay(records)

    assert compare_ledgers(ledgers.source, ledgers.destination).equal
    (versions,) = (
        ledgers.read(
            ledgers.destination, "SELECT VALUE h.metadata.version FROM history(Person) AS h"
        ),
    )
    assert sorted(versions) == [0] * 40 + [1] * 40


def test_tables_dropped_made_again_and_undropped(ledgers: Ledgers) -> None:
    ((made,),) = ledgers.run(("CREATE TABLE Person",))
    ledgers.run(("CREATE INDEX ON Person (n)",))
    ledgers.run(("INSERT INTO Person ?", {"n": 1}))
    ledgers.run(("DROP TABLE Person",))
    ledgers.run(("CREATE TABLE Person",))
    ledgers.run(("INSERT INTO Person ?", {"n": 2}))
    ledgers.replay()
    assert compare_ledgers(ledgers.source, ledgers.destination).equal

    ledgers.run(("DROP TABLE Person",))
    ledgers.run((f'UNDROP TABLE "{made["tableId"]}"',))
    ledgers.run(("UPDATE Person SET n = ? WHERE n = ?", 3, 1))
    ledgers.replay()

    assert compare_ledgers(ledgers.source, ledgers.destination).equal
    assert [each["n"] for each in ledgers.read(ledgers.destination, "SELECT * FROM Person")] == [3]


def test_a_redaction_in_the_source_redacts_the_destination(ledgers: Ledgers) -> None:
    ((made,),) = ledgers.run(("CREATE TABLE Person",))
    (((inserted),),) = ledgers.run(("INSERT INTO Person ?", {"secret": "x"}))
    ledgers.run(("UPDATE Person SET secret = ?", None))
    first, _ = ledgers.read(ledgers.source, "SELECT * FROM history(Person)")
    records = ledgers.new_records()
    ledgers.run(
        (
            f"EXEC REDACT_REVISION ?, '{made['tableId']}', '{inserted['documentId']}'",
            first["blockAddress"],
        )
    )
    outcome = ledgers.replay(records + ledgers.new_records())

    assert outcome.problems() == []
    history = ledgers.read(ledgers.destination, "SELECT * FROM history(Person)")
    assert ["data" in each for each in history] == [False, True]


def test_shuffled_repeated_batches_through_several_appliers(ledgers: Ledgers) -> None:
    rng = random.Random(7)
    ledgers.run(("CREATE TABLE Person",))
    ledgers.run(("CREATE INDEX ON Person (k)",))
    for each in range(8):
        ledgers.run(("INSERT INTO Person ?", {"k": each, "n": 0}))
    for each in range(25):
        ledgers.run(("UPDATE Person SET n = ? WHERE k = ?", each, rng.randrange(8)))
    records = ledgers.new_records() * 2
    rng.shuffle(records)
    appliers = [ledgers.applier() for _ in range(3)]

    for at in range(0, len(records), 9):
        rng.choice(appliers).handle(kinesis_event(records[at : at + 9]))
    ledgers.now += 5.0
    rng.choice(appliers).drain()

    assert compare_ledgers(ledgers.source, ledgers.destination).equal


def test_a_changed_a_missing_and_an_extra_document_are_told_apart(ledgers: Ledgers) -> None:
    ledgers.run(("CREATE TABLE Person",))
    ids = [
        str(each["documentId"])
        for (each,) in (
            ledgers.run(("INSERT INTO Person ?", {"k": number}))[0] for number in range(3)
        )
    ]
    ledgers.replay()
    for statement in (
        "UPDATE Person SET x = 1 WHERE k = 0",
        "DELETE FROM Person WHERE k = 1",
        "INSERT INTO Person VALUE {'k': 9}",
        "CREATE TABLE Other",
    ):
        ledgers.read(ledgers.destination, statement)

    comparison = compare_ledgers(ledgers.source, ledgers.destination)

    assert not comparison.equal
    kinds = {each.document_id: each.kind for each in comparison.differences}
    assert kinds.pop(ids[0]) is DifferenceKind.CHANGED
    assert kinds.pop(ids[1]) is DifferenceKind.MISSING
    assert list(kinds.values()) == [DifferenceKind.EXTRA]
    assert comparison.different_documents == 3
    assert comparison.extra_tables == ("Other",)


def test_documents_of_any_shapes_are_written_by_few_statements(ledgers: Ledgers) -> None:
    people = [{"GovId": f"G{each}"} if each % 3 else {"n": [each]} for each in range(18)]
    ledgers.run(("CREATE TABLE Person",))
    ledgers.run(("INSERT INTO Person ?", people))
    ledgers.run(("UPDATE Person AS p SET p.Name = 'changed'",))
    ledgers.replay()

    assert compare_ledgers(ledgers.source, ledgers.destination).equal
    statements = [
        each.statement
        for block in ledgers.user.server.service.ledger("destination").blocks(0)
        if block.summary.transaction_info is not None
        for each in block.summary.transaction_info.statements
    ]
    assert len([each for each in statements if each.startswith('INSERT INTO "Person')]) == 1
    assert len([each for each in statements if each.startswith("FROM ? AS new")]) == 1


def test_what_is_remembered_of_a_destination_is_not_believed_when_another_has_written(
    ledgers: Ledgers,
) -> None:
    first, second = ledgers.applier(), ledgers.applier()
    ledgers.run(("CREATE TABLE Person",))
    ledgers.run(("INSERT INTO Person ?", {"n": 0}))
    ledgers.deliver(first)
    for turn, applier in enumerate((second, first, second, second, first), start=1):
        ledgers.run(("UPDATE Person SET n = ?", turn))
        ledgers.deliver(applier)

    assert compare_ledgers(ledgers.source, ledgers.destination).equal
    versions = ledgers.read(
        ledgers.destination, "SELECT VALUE h.metadata.version FROM history(Person) AS h"
    )
    assert sorted(versions) == list(range(6))


def test_another_writer_is_noticed_although_much_is_remembered(ledgers: Ledgers) -> None:
    applier = ledgers.applier()
    ledgers.run(("CREATE TABLE Person",))
    ledgers.run(("INSERT INTO Person ?", {"n": 0}))
    ledgers.deliver(applier)
    ledgers.read(ledgers.destination, "UPDATE Person SET n = 'by another'")
    ledgers.run(("UPDATE Person SET n = 1",))

    outcome = ledgers.deliver(applier)

    (held,) = outcome.holds.values()
    assert "the destination has another writer" in str(held.message)


def test_a_destination_of_qldbs_own_dialect_is_written_document_by_document(
    tmp_path: Path, connected: Any
) -> None:
    dialects = {"destination": Dialect.QLDB}
    with running_server(tmp_path / "strict", dialects=dialects) as server:
        ledgers = Ledgers(connected(server))
        ledgers.run(("CREATE TABLE Person",))
        ledgers.run(("INSERT INTO Person ?", [{"n": each} for each in range(5)]))
        ledgers.run(("UPDATE Person AS p SET p.m = 1",))
        ledgers.run(("DELETE FROM Person WHERE n = 1",))
        ledgers.replay()
        assert compare_ledgers(ledgers.source, ledgers.destination).equal


def test_a_ledger_that_takes_more_documents_gets_more_of_them_at_once(
    tmp_path: Path, connected: Any
) -> None:
    service = LedgerService(tmp_path / "wide", limits=replace(Limits(), transaction_documents=300))
    with served(service) as server:
        ledgers = Ledgers(connected(server), documents=300)
        ledgers.run(("CREATE TABLE Person",))
        for at in range(0, 240, 40):
            ledgers.run(("INSERT INTO Person ?", [{"n": each} for each in range(at, at + 40)]))
        before = len(list(service.ledger("destination").blocks(0)))
        ledgers.run(("UPDATE Person SET n = 0 WHERE n < 5",))
        ledgers.replay()
        assert compare_ledgers(ledgers.source, ledgers.destination).equal
        blocks = list(service.ledger("destination").blocks(before))
        assert max(len(each.revisions) for each in blocks) > 240


@contextmanager
def served(service: LedgerService) -> Iterator[RunningServer]:
    """A server of the service, in a thread."""
    server = LedgerServer(service, "127.0.0.1", 0, ServerLimits())
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield RunningServer(server.endpoint_url, service)
    finally:
        server.stop()
        thread.join(10)
        service.close()
