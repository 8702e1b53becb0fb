"""How fast PostgreSQL is restored into, and follows a stream.

    python bench/views.py --kind postgresql [--revisions 20000] [--baseline 1000] [--runs 1]

A server of the system's own is started on this machine, with fsync on. Measured are

- the whole: a binary export read, every hash verified, settled, planned, mapped, committed; and the
  same of a stream's archive, whose records have to be put in order first;
- the stream: Kinesis events, aggregated, with everything that the deployed function does;
- the view's own share of each: from changes that are decided to a transaction that is committed,
  mapping to jsonb included, and without it: from rows that are ready;
- the baseline: one INSERT for each revision, each in a transaction of its own, nothing verified, no
  history, no journal and no checkpoint.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from time import perf_counter, process_time, thread_time

import psycopg
from generate_journal import blocks, records, write_archive, write_export
from psycopg import sql
from replay import events

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from servers.postgresql_server import PostgresqlServer

from qldbkit.journal.model import Block
from qldbkit.journal.sources.opening import open_source
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.destination import Decide, Work
from qldbkit.replay.logical_restore import restore_into
from qldbkit.replay.views.postgresql import PostgresqlView, open_url, rows, writing
from qldbkit.replay.views.postgresql.catalog import Catalog
from qldbkit.replay.views.postgresql.copying import encoder
from qldbkit.replay.views.postgresql.mapping import json_text

TICKS = os.sysconf("SC_CLK_TCK")
NUMBERS = count()
MAKING = ("revision_rows", "block_row", "_current", "_kept", "_block")
"""The functions that make rows and encode them."""


@dataclass
class Clocks:
    """Seconds by the wall, of this process, of those beside it, and of the server's."""

    wall: float
    client: float
    beside: float
    server: float

    def since(self, before: Clocks) -> Clocks:
        return Clocks(
            self.wall - before.wall,
            self.client - before.client,
            self.beside - before.beside,
            self.server - before.server,
        )


class Timed:
    """A view, and the time that is spent in its transactions once they are decided.

    Of this process alone, and without the blocks that it proves while the server writes.
    """

    def __init__(self, inner: PostgresqlView):
        self.inner, self.transactions = inner, 0
        self.seconds = self.cpu = 0.0

    def checkpoint(self, strand_id: str) -> Checkpoint | None:
        return self.inner.checkpoint(strand_id)

    def checkpoints(self) -> list[Checkpoint]:
        return self.inner.checkpoints()

    @contextmanager
    def overlapped(self, work: Work) -> Iterator[None]:
        def untimed() -> None:
            begin, cpu = perf_counter(), thread_time()
            try:
                work()
            finally:
                self.seconds -= perf_counter() - begin
                self.cpu -= thread_time() - cpu

        with self.inner.overlapped(untimed):
            yield

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        self.transactions += 1
        begin, cpu = perf_counter(), thread_time()
        try:
            return self.inner.transact(strand_id, documents, decide)
        finally:
            self.seconds += perf_counter() - begin
            self.cpu += thread_time() - cpu


Run = tuple[int, Clocks, Timed]
"""How many revisions, and what they took."""


def server_cpu(server: PostgresqlServer) -> float:
    """Seconds of processor time of the server's processes, those that have ended included."""
    assert server._process is not None
    found = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == server._process.pid:
            found += sum(map(int, fields[11:15]))
        elif int(fields[1]) == server._process.pid:
            found += sum(map(int, fields[11:13]))
    return found / TICKS


def now(server: PostgresqlServer) -> Clocks:
    ended = os.times()
    beside = ended.children_user + ended.children_system
    return Clocks(perf_counter(), process_time(), beside, server_cpu(server))


@contextmanager
def opened(server: PostgresqlServer) -> Iterator[PostgresqlView]:
    view = open_url(server.url(f"bench_{next(NUMBERS)}"), "us-east-1")
    view.prepare()
    try:
        yield view
    finally:
        view.close()


@contextmanager
def mapping_timed() -> Iterator[list[float]]:
    """The processor time that making rows takes, in the list's only item."""
    spent = [0.0]

    def timed(make: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object) -> object:
            begin = thread_time()
            try:
                return make(*arguments)
            finally:
                spent[0] += thread_time() - begin

        return run

    before = {name: getattr(writing, name) for name in MAKING}
    for name, make in before.items():
        setattr(writing, name, timed(make))
    try:
        yield spent
    finally:
        for name, make in before.items():
            setattr(writing, name, make)


def told(name: str, revisions: int, took: Clocks, timed: Timed, mapping: float) -> None:
    each = 1e6 / revisions
    view, ready = timed.cpu * each, (timed.cpu - mapping) * each
    server = took.server * each
    print(
        f"{name}: {revisions / took.wall:,.0f} revisions/s; CPU per revision"
        f" {took.client * each:,.0f} us here, {took.beside * each:,.0f} us in processes beside and"
        f" {server:,.0f} us in PostgreSQL;"
        f" {revisions / timed.transactions:,.0f} revisions a transaction\n"
        f"    of it the view, from what was decided to its commit: {view:,.0f} us here, of which"
        f" making rows {mapping * each:,.0f} us, so that ready rows cost {ready:,.0f} us;"
        f" {revisions / timed.seconds:,.0f} revisions/s\n"
        f"    by the processor time, this process and PostgreSQL with a core each:"
        f" {1e6 / max(view, server):,.0f}/s the view, {1e6 / max(ready, server):,.0f}/s ready rows"
    )


def measured(name: str, run: Callable[[], Run], runs: int) -> None:
    """The middle one of several runs, and one more: timing each row takes time itself."""
    tried = sorted((run() for _ in range(runs)), key=rate)
    middle = tried[len(tried) // 2]
    with mapping_timed() as mapping:
        run()
    told(name, *middle, mapping[0])
    if runs > 1:
        print(f"    {runs} runs: {rate(tried[0]):,.0f} to {rate(tried[-1]):,.0f} revisions/s")


def rate(run: Run) -> float:
    """Revisions a second."""
    revisions, took, _ = run
    return revisions / took.wall


def restored(server: PostgresqlServer, place: Path, revisions: int, processes: int) -> Run:
    with opened(server) as view:
        timed, begin = Timed(view), now(server)
        report = restore_into(
            open_source(str(place)),
            timed,
            MemoryBuffer(),
            limits=view.limits,
            processes=processes,
        )
        took = now(server).since(begin)
        assert report.exit_status == 0, report
        return revisions, took, timed


def streamed(server: PostgresqlServer, revisions: int, per_block: int) -> Run:
    stream = events(revisions, per_block)
    with opened(server) as view:
        timed = Timed(view)
        applier = Applier(timed, MemoryBuffer(), lambda: 2e9, ReplayPolicy(limits=view.limits))
        begin, done = now(server), 0
        for each in stream:
            done += applier.handle(each).revisions
        return done, now(server).since(begin), timed


def baseline(server: PostgresqlServer, found: Sequence[Block], most: int) -> None:
    """What a first attempt does: a row at a time."""
    name = sql.Identifier(f"baseline_{next(NUMBERS)}")
    written = [each for block in found for each in block.revisions][:most]
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE TABLE {} (id text PRIMARY KEY, version bigint, data jsonb)").format(
                name
            )
        )
        upsert = sql.SQL(
            "INSERT INTO {} VALUES (%s, %s, %s::jsonb) ON CONFLICT (id)"
            " DO UPDATE SET version = excluded.version, data = excluded.data"
        ).format(name)
        begin = now(server)
        for each in written:
            assert each.metadata is not None
            data = "{}" if each.data is None else json_text(each.data)
            connection.execute(upsert, (each.metadata.id, each.metadata.version, data))
        took = now(server).since(begin)
    cpu = 1e6 / len(written)
    print(
        f"baseline: {len(written) / took.wall:,.0f} revisions/s; CPU per revision"
        f" {took.client * cpu:,.0f} us here, {took.server * cpu:,.0f} us in PostgreSQL"
    )


def inserted(server: PostgresqlServer, found: Sequence[Block]) -> None:
    """The least that a restore can take: ready rows of a history, with nothing else."""
    told, kept = encoder(rows.CURRENT), encoder(rows.KEPT)
    ready = [rows.revision_rows(each) for block in found for each in block.revisions]
    made = [told(each) + kept(more) for each, more in ready]
    with opened(server) as view, view._session.transaction() as connection:
        Catalog.read(connection, view._address.schema).create("Person")
        begin = now(server)
        statement = writing.statements.insert_into(
            view._address.schema, "Person_history", rows.HISTORY
        )
        with connection.pipeline():
            for piece in writing.pieces(made):
                connection.execute(statement, writing.arrays(rows.HISTORY, piece))
        connection.commit()
        took = now(server).since(begin)
    print(f"ready rows into a history alone: {len(made) / took.wall:,.0f} revisions/s")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--revisions", type=int, default=20_000)
    parser.add_argument("--per-block", type=int, nargs="*", default=[1, 4])
    parser.add_argument("--processes", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--baseline", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=1, help="of which the middle one is told")
    given = parser.parse_args(arguments)
    server = PostgresqlServer()
    try:
        server.make()
        with tempfile.TemporaryDirectory() as folder:
            export, archive = Path(folder, "export"), Path(folder, "archive")
            found = list(blocks(given.revisions))
            write_export(export, found, "ION_BINARY")
            write_archive(archive, records(found))
            for processes in given.processes:
                for place in export, archive:
                    measured(
                        f"restore of an {place.name}, {processes} processes beside",
                        partial(restored, server, place, given.revisions, processes),
                        given.runs,
                    )
        for per_block in given.per_block:
            measured(
                f"stream, {per_block} to a block",
                partial(streamed, server, given.revisions // 4, per_block),
                given.runs,
            )
        inserted(server, found)
        baseline(server, found, given.baseline)
    finally:
        server.close()


if __name__ == "__main__":
    main()
