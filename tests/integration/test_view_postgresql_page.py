"""What docs/views-postgresql.md shows is run: commands in one folder, SQL on what they made."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from generate_journal import write_export
from servers.postgresql_server import PostgresqlServer
from simulation.source import Source, Write

from qldbkit.journal.ion import IonSpan

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "views-postgresql.md").read_text()
PEOPLE = (
    '{GovId: "LEWISR261LL", FirstName: "Raul", DOB: 1963-08-19T}',
    '{GovId: "LOGANB486CG", FirstName: "Brent", DOB: 1997-07-13T}',
)


def shown(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def reader(
    postgresql: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with an export, and an environment in which the server is the usual one."""
    folder = tmp_path_factory.mktemp("reader")
    source = Source()
    source.create_table("Person")
    source.create_index("Person", "GovId")
    source.insert("Person", *(IonSpan.from_text(each).value() for each in PEOPLE))
    gone = source.insert("Person", {"FirstName": "Nobody"}).revisions[0].metadata
    assert gone is not None
    source.write("Person", [Write(gone.id, None)])
    write_export(folder / "export", source.blocks, "ION_TEXT", per_object=3)
    with psycopg.connect(postgresql.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE archive")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "QLDBKIT_FOLDER": str(folder / ".qldbkit"),
        "PGPORT": str(postgresql.port),
        "PGUSER": "qldbkit",
        "NO_COLOR": "1",
    }
    yield folder, environment


def test_its_commands_run_from_the_first_to_the_last(
    reader: tuple[Path, dict[str, str]], postgresql: PostgresqlServer
) -> None:
    folder, environment = reader
    printed = ""
    for block in shown("sh"):
        ran = subprocess.run(
            ["sh", "-euc", block],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        printed += ran.stdout
    digests = set(re.findall(r"^ *digest +│ (\S+)", printed, re.MULTILINE))
    assert len(digests) == 1, printed  # of the view, and of both ledgers

    queries = [each for each in shown("sql") if "SELECT id" in each]
    with psycopg.connect(postgresql.conninfo("archive")) as connection:
        connection.execute("SET search_path TO vehicles")
        answers = [
            connection.execute(each).fetchall()
            for block in queries
            for each in block.split(";")
            if each.strip()
        ]
    by_index, versions, at_a_time, deleted, born_before = answers
    assert [name for _, name in by_index] == ["Raul"]
    assert (versions, at_a_time) == ([], [])
    assert [last for *_, last in deleted] == [{"FirstName": "Nobody"}]
    assert len(born_before) == 1
