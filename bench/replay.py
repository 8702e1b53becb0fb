"""How fast a stream becomes a destination ledger: aggregated Kinesis events to commits over HTTP.

    python bench/replay.py --revisions 4000 --per-block 1 2 10 [--documents 40 400] [--baseline 400]

The destination is an embedded ledger served by a process of its own, with every guarantee on: all
hashes are verified, each transaction moves the checkpoint, each commit is durable. The baseline is
the straightforward handler: it verifies nothing, keeps no checkpoint, and runs one statement in a
transaction for each revision, through QLDB's driver.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import boto3
from generate_journal import Journal, _transaction, document, identifier, new_journal, records

from qldbkit.driver import control_client, qldb_driver
from qldbkit.journal.building import RevisionDraft
from qldbkit.journal.kernel import COMPILED
from qldbkit.journal.kinesis import aggregate, user_records
from qldbkit.journal.model import Block
from qldbkit.journal.records import RevisionDetailsRecord, decode_record
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.destination import Decide
from qldbkit.replay.intake import read_batch
from qldbkit.replay.ledger_client import LedgerClient
from qldbkit.replay.ledger_destination import LedgerDestination
from qldbkit.replay.plan import plan_block
from qldbkit.replay.retrying import RetryingDestination
from qldbkit.replay.settle import HoldReason
from qldbkit.replay.units import UnitLimits

REGION = "us-east-1"
KEYS = boto3.Session("AKIDEXAMPLE0", "secret", region_name=REGION)
TICKS = os.sysconf("SC_CLK_TCK")
RECORDS_PER_EVENT = 20
"""Kinesis records in one event; at 50 KB each, what a shard takes in while a batch is collected."""
INSERTED_AT_ONCE = 19
SERVED = """
import sys
from dataclasses import replace
from pathlib import Path
from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.limits import Limits
from qldbkit.ledger.server import LedgerServer, ServerLimits
limits = replace(Limits(), transaction_documents=int(sys.argv[2]))
service = LedgerService(Path(sys.argv[1]), limits=limits)
server = LedgerServer(service, "127.0.0.1", 0, ServerLimits())
print(server.endpoint_url, flush=True)
try:
    server.serve()
finally:
    service.close()
"""


@dataclass
class Server:
    """A served ledger in a process of its own."""

    url: str
    pid: int

    @property
    def cpu(self) -> float:
        """Seconds of processor time that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@dataclass
class Timed:
    """A destination, and the time that is spent in it."""

    inner: LedgerDestination
    seconds: float = 0.0
    cpu: float = 0.0
    transactions: int = 0

    def forget(self) -> None:
        """Begin anew: what was before is not measured."""
        self.seconds = self.cpu = 0.0
        self.transactions = 0

    def checkpoint(self, strand_id: str) -> Checkpoint | None:
        return self.inner.checkpoint(strand_id)

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        begin, cpu = perf_counter(), process_time()
        try:
            return self.inner.transact(strand_id, documents, decide)
        finally:
            self.seconds += perf_counter() - begin
            self.cpu += process_time() - cpu
            self.transactions += 1


@dataclass
class Measured:
    """One run."""

    revisions: int
    seconds: float
    client_cpu: float
    server_cpu: float
    rates: list[float] = field(default_factory=list)
    events: Sequence[dict[str, Any]] = ()

    @property
    def rate(self) -> float:
        return self.revisions / self.seconds

    def __str__(self) -> str:
        each = 1e6 / self.revisions
        return (
            f"{self.rate:7,.0f} revisions/s; CPU per revision {self.client_cpu * each:5,.0f} us in"
            f" the replay, {self.server_cpu * each:5,.0f} us in the ledger"
        )


@contextlib.contextmanager
def served(documents: int) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", SERVED, folder, str(documents)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            control_client(url, REGION, KEYS).create_ledger(
                Name="copy", PermissionsMode="STANDARD", DeletionProtection=False
            )
            yield Server(url, process.pid)
        finally:
            process.terminate()
            process.wait(20)


def events(revisions: int, per_block: int, population: int = 0) -> list[dict[str, Any]]:
    """A stream of blocks with ``per_block`` revisions each, as Lambda would be given it.

    Args:
        revisions: in the whole stream.
        per_block: revisions of a block.
        population: documents that it first inserts, so that further blocks seldom touch the same.
    """
    journal = new_journal(per_block)
    first = [journal.append([], [])]
    first += [journal.append([f"CREATE TABLE {each.table_name}"], []) for each in journal.tables]
    first += [journal.append(["CREATE INDEX ON VehicleRegistration (VIN)"], [])]
    first += [_inserted(journal) for _ in range(population // INSERTED_AT_ONCE)]
    blocks = (_transaction(journal, per_block) for _ in range(revisions // per_block))
    stream = records(each for group in (first, blocks) for each in group)
    source = random.Random(1)
    packed = aggregate((f"{source.randrange(2**64):016x}", each) for each in stream)
    numbered = enumerate(packed)
    found: list[dict[str, Any]] = []
    while batch := list(islice(numbered, RECORDS_PER_EVENT if found else 1)):
        found.append({"Records": [_kinesis_record(number, each) for number, each in batch]})
    return found


def _inserted(journal: Journal) -> Block:
    ids = [identifier(journal.random) for _ in range(INSERTED_AT_ONCE)]
    table = journal.random.choice(journal.tables)
    datas = [document(journal.random) for _ in ids]
    journal.alive += ids
    journal.versions |= {id_: (0, table, data) for id_, data in zip(ids, datas, strict=True)}
    drafts = [
        RevisionDraft(id_, 0, table, data, (0,)) for id_, data in zip(ids, datas, strict=True)
    ]
    return journal.append([f"INSERT INTO {table.table_name} ?"], drafts)


def _kinesis_record(number: int, packed: Any) -> dict[str, Any]:
    body = {
        "partitionKey": packed.partition_key,
        "sequenceNumber": str(number),
        "data": base64.b64encode(packed.data).decode(),
    }
    return {"eventID": f"shardId-000000000000:{number}", "kinesis": body}


def driver(server: Server) -> Any:
    return qldb_driver("copy", endpoint_url=server.url, region=REGION, session=KEYS)


def measure(
    server: Server,
    stream: Sequence[dict[str, Any]],
    handle: Callable[[dict[str, Any]], int],
    unmeasured: int = 0,
    on_begin: Callable[[], None] = lambda: None,
) -> Measured:
    """Hand over the events; the time of those that bring the first revisions is not taken."""
    done = handle(stream[0])
    at = 1
    while done < unmeasured:
        done += handle(stream[at])
        at += 1
    on_begin()
    found = Measured(0, 0.0, 0.0, 0.0, events=stream[at:])
    begin, cpu, server_cpu = perf_counter(), process_time(), server.cpu
    for each in stream[at:]:
        started = perf_counter()
        done = handle(each)
        found.revisions += done
        found.rates.append(done / (perf_counter() - started))
    found.seconds = perf_counter() - begin
    found.client_cpu, found.server_cpu = process_time() - cpu, server.cpu - server_cpu
    return found


def client(server: Server) -> LedgerClient:
    return LedgerClient.to("copy", endpoint_url=server.url, region=REGION, session=KEYS)


def replay(
    stream: Sequence[dict[str, Any]], documents: int, population: int, name: str
) -> Measured:
    with served(documents) as server:
        runner = client(server) if name == "own" else driver(server)
        timed = Timed(LedgerDestination(runner))
        applier = Applier(
            RetryingDestination(timed),
            MemoryBuffer(),
            lambda: 2e9,
            ReplayPolicy(limits=UnitLimits.of(documents)),
        )

        def handle(event: dict[str, Any]) -> int:
            outcome = applier.handle(event)
            # A batch may end within a block; the rest of it comes with the next one.
            assert all(each.reason is HoldReason.INCOMPLETE for each in outcome.holds.values())
            assert not outcome.quarantined, outcome
            return outcome.revisions

        found = measure(server, stream, handle, population, timed.forget)
        _print_shares(found, timed)
        return found


def _print_shares(found: Measured, timed: Timed) -> None:
    begin = process_time()
    intakes = [read_batch(each, 0.0) for each in found.events]
    reading = process_time() - begin
    begin = process_time()
    for intake in intakes:
        for strand in intake.strands.values():
            for block in strand.values():
                if block.complete:
                    plan_block(block.block())
    planning = process_time() - begin
    total = found.client_cpu + found.server_cpu
    rest = found.client_cpu - reading - planning - timed.cpu
    print(
        f"    {found}\n"
        f"    share of the CPU: reading and verifying {reading / total:.0%}, planning"
        f" {planning / total:.0%}, settling and grouping {max(0.0, rest) / total:.0%},"
        f" requests {timed.cpu / total:.0%}, the ledger {found.server_cpu / total:.0%};"
        f" in transactions {timed.seconds / found.seconds:.0%} of the time,"
        f" {found.revisions / timed.transactions:.1f} revisions each"
    )
    quarter = max(1, len(found.rates) // 4)
    early, late = (sum(each) / quarter for each in (found.rates[:quarter], found.rates[-quarter:]))
    print(f"    first quarter {early:,.0f}/s, last quarter {late:,.0f}/s")


class Straightforward:
    """One statement in a transaction for each revision, as a first attempt would have it."""

    def __init__(self, target: Any):
        self._driver = target
        self._ids: dict[str, str] = {}

    def handle(self, event: dict[str, Any]) -> int:
        done = 0
        for each in user_records(event):
            record = decode_record(each.data)
            if isinstance(record, RevisionDetailsRecord):
                self._write(record)
                done += 1
        return done

    def _write(self, record: RevisionDetailsRecord) -> None:
        revision, table = record.revision, record.table.table_name
        assert revision.metadata is not None
        id_ = revision.metadata.id
        if id_ not in self._ids:
            assert revision.data is not None
            rows = self._run(f"INSERT INTO {table} ?", revision.data.value())
            self._ids[id_] = str(rows[0]["documentId"])
        elif revision.data is None:
            self._run(f"DELETE FROM {table} AS t BY id WHERE id = ?", self._ids[id_])
        else:
            statement = f"UPDATE {table} AS t BY id SET t = ? WHERE id = ?"
            self._run(statement, revision.data.value(), self._ids[id_])

    def _run(self, statement: str, *parameters: Any) -> list[Any]:
        found: list[Any] = self._driver.execute_lambda(
            lambda each: list(each.execute_statement(statement, *parameters))
        )
        return found


def straightforward(stream: Sequence[dict[str, Any]]) -> Measured:
    with served(40) as server:
        target = driver(server)
        for each in new_journal().tables:
            statement = f"CREATE TABLE {each.table_name}"
            target.execute_lambda(lambda run, text=statement: run.execute_statement(text))
        handler = Straightforward(target)
        return measure(server, stream, handler.handle)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--revisions", type=int, default=6000)
    parser.add_argument("--per-block", nargs="*", type=int, default=[1, 2, 10])
    parser.add_argument("--documents", nargs="*", type=int, default=[40])
    parser.add_argument("--client", choices=("own", "pyqldb"), default="own")
    parser.add_argument("--population", type=int, default=5000)
    parser.add_argument("--baseline", type=int, default=600)
    options = parser.parse_args()
    walk = "in C" if COMPILED else "in Python"
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; Ion is walked {walk}")
    baseline = None
    if options.baseline:
        baseline = straightforward(events(options.baseline, 1))
        print(f"one statement a transaction: {baseline}")
    for per_block in options.per_block:
        stream = events(options.revisions, per_block, options.population)
        for documents in options.documents:
            print(f"{per_block} revisions a block, {documents} documents a transaction:")
            found = replay(stream, documents, options.population, options.client)
            if baseline is not None:
                print(f"    {found.rate / baseline.rate:.1f} times the rate of one a transaction")


if __name__ == "__main__":
    main()
