"""Whatever the stream does, PostgreSQL holds a prefix of the source's journal, exactly once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count

import psycopg
import pytest
from psycopg import sql
from servers.postgresql_server import PostgresqlServer
from simulation.scenarios import SCENARIOS, assert_prefix, assert_whole, seeds
from simulation.simulator import Conditions, Simulation
from simulation.subject import Subject

from qldbkit.journal.findings import FindingKind
from qldbkit.journal.verification import verify_source
from qldbkit.replay.views.postgresql import PostgresqlView, open_url

NUMBERS = count()


@pytest.fixture(scope="module")
def subject(postgresql: PostgresqlServer) -> Iterator[Subject]:
    """Each view in a schema of its own; locks make others wait, so none is begun in between."""
    opened: list[PostgresqlView] = []

    def make(_: object) -> PostgresqlView:
        while len(opened) > 3:
            opened.pop(0).close()
        view = open_url(postgresql.url(f"simulation_{next(NUMBERS)}"), "us-east-1")
        view.prepare()
        opened.append(view)
        return view

    def revision_counts(view: PostgresqlView) -> Mapping[str, int]:
        return counted(postgresql, str(view).rpartition("=")[2])

    yield Subject(make, locks=True, revision_counts=revision_counts)
    for each in opened:
        each.close()


def counted(server: PostgresqlServer, schema: str) -> dict[str, int]:
    with psycopg.connect(server.conninfo()) as connection:
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
    report = verify_source(view.journal(readable=True))
    assert report.counts[FindingKind.DAMAGED] == 0, report.findings
    if scenario != "routed":  # what is left out is missing
        assert report.counts[FindingKind.MISSING] == 0, report.findings


def test_a_crash_at_every_point_of_input_and_output(subject: Subject) -> None:
    conditions = Conditions(blocks=8, shards=2, delay=20.0, doubled=0.3)
    sound = Simulation(5, conditions, subject)
    sound.run(assert_prefix)
    assert sound.faults.points > 30
    for point in range(sound.faults.points):
        simulation = Simulation(5, conditions, subject, crash_at=point)
        simulation.run(assert_prefix)
        assert_whole(simulation)
        assert simulation.crashes == 1
