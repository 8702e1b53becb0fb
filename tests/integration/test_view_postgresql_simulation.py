"""Whatever the stream does, PostgreSQL holds a prefix of the source's journal, exactly once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import TupleRow
from servers.postgresql_server import PostgresqlServer
from simulation.scenarios import SCENARIOS, assert_prefix, assert_whole, seeds
from simulation.simulator import Conditions, Simulation
from simulation.subject import Interrupt, Subject

from qldbkit.journal.findings import FindingKind
from qldbkit.journal.verification import verify_source
from qldbkit.replay.views.postgresql import PostgresqlView, open_url

NUMBERS = count()
STEP = int(os.environ.get("CRASH_STEP", "4"))
"""Of so many points, one is crashed at; ``CRASH_STEP=1`` takes all of them."""
INTERRUPT: list[Interrupt] = []
"""Called by every connection before each statement, and after each commit; empty for none."""


class InterruptedConnection(psycopg.Connection[TupleRow]):
    """A connection whose process may die at each of its statements, and once they are committed."""

    def execute(self, *arguments: Any, **options: Any) -> Any:
        self._interrupt("statement")
        return super().execute(*arguments, **options)

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        self._interrupt("cursor")
        return super().cursor(*arguments, **options)

    def commit(self) -> None:
        super().commit()
        self._interrupt("committed on the server")

    def _interrupt(self, name: str) -> None:
        for each in INTERRUPT:
            each(name)


@pytest.fixture(scope="module")
def subject(postgresql: PostgresqlServer) -> Iterator[Subject]:
    """Each view in a schema of its own; locks make others wait, so none is begun in between."""
    opened: list[PostgresqlView] = []

    def make(interrupt: Interrupt) -> PostgresqlView:
        while len(opened) > 3:
            opened.pop(0).close()
        view = open_url(postgresql.url(f"simulation_{next(NUMBERS)}"), "us-east-1")
        INTERRUPT.clear()
        view.prepare()
        opened.append(view)
        INTERRUPT.append(interrupt)
        return view

    def revision_counts(view: PostgresqlView) -> Mapping[str, int]:
        return counted(postgresql, str(view).rpartition("=")[2])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg, "connect", InterruptedConnection.connect)
        yield Subject(make, locks=True, revision_counts=revision_counts)
    for each in opened:
        each.close()


def counted(server: PostgresqlServer, schema: str) -> dict[str, int]:
    with psycopg.Connection.connect(server.conninfo()) as connection:
        tables = connection.execute(
            sql.SQL("SELECT base FROM {}").format(sql.Identifier(schema, "journal_table"))
        ).fetchall()
        found: dict[str, int] = {}
        for (base,) in tables:
            found |= connection.execute(
                sql.SQL("SELECT id, count(*) FROM {} GROUP BY id").format(
                    sql.Identifier(schema, f"{base}_history")
                )
            ).fetchall()
    return found


@pytest.mark.parametrize("seed", seeds("0:3"), scope="module")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whatever_the_stream_does(scenario: str, seed: int, subject: Subject) -> None:
    simulation = SCENARIOS[scenario](seed, subject)
    view = simulation.destination.inner
    assert isinstance(view, PostgresqlView)
    INTERRUPT.clear()
    report = verify_source(view.journal(readable=True))
    assert report.counts[FindingKind.DAMAGED] == 0, report.findings
    # Tables that are left out are missing, and so is what came so late that it was left out, and
    # what was gone on over.
    if scenario not in ("routed", "late", "lost", "skipped"):
        assert report.counts[FindingKind.MISSING] == 0, report.findings


def test_a_crash_at_every_point_of_input_and_output(subject: Subject) -> None:
    """At every statement too, and when PostgreSQL has committed but nobody was told."""
    conditions = Conditions(blocks=6, shards=2, delay=20.0, doubled=0.3)
    sound = Simulation(5, conditions, subject)
    sound.run(assert_prefix)
    assert sound.faults.points > 100
    for point in range(0, sound.faults.points, STEP):
        simulation = Simulation(5, conditions, subject, crash_at=point)
        simulation.run(assert_prefix)
        assert_whole(simulation)
        assert simulation.crashes == 1
