"""The PostgreSQL view on a real server: what SQL users see, prove, restore and repair."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ion_strategies import documents
from psycopg import sql
from servers.postgresql_server import PostgresqlServer
from simulation.delivery import kinesis_event
from simulation.source import STRAND_ID, Source, Write, records_of

from qldbkit.journal.ion import IonSpan
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.compare import compare
from qldbkit.replay.errors import DestinationChangedError
from qldbkit.replay.repair import repair
from qldbkit.replay.retrying import RetryingDestination
from qldbkit.replay.views.postgresql import PostgresqlView, open_url, schema
from qldbkit.replay.views.postgresql.address import PostgresqlAddress
from qldbkit.replay.views.postgresql.connecting import Session, SessionLimits
from qldbkit.replay.views.postgresql.errors import (
    PostgresqlRefusedError,
    PostgresqlUnavailableError,
    ViewSchemaError,
)
from qldbkit.replay.views.postgresql.mapping import json_text
from qldbkit.replay.views.side import ViewSource

NUMBERS = count()
EXPLAINED = """EXPLAIN SELECT id FROM "Person" WHERE data -> 'GovId' = '"A1"'"""
EXTRA = ("CREATE TABLE journal_extra (n integer)", "INSERT INTO journal_extra VALUES (1)")


class World:
    """A source's journal, and the view that it is replayed into."""

    def __init__(self, server: PostgresqlServer, name: str):
        self.server, self.name = server, name
        self.source = Source()
        self.view = self.opened()
        self.view.prepare()
        self.delivered = 0

    def opened(self) -> PostgresqlView:
        return open_url(self.server.url(self.name), "us-east-1")

    def applier(self, view: PostgresqlView | None = None) -> Applier:
        return Applier(
            RetryingDestination(view or self.view),
            MemoryBuffer(),
            lambda: 2e9,
            ReplayPolicy(settle_window=0.0, limits=self.view.limits),
        )

    def replay(self) -> None:
        """Everything that the source has appended since the last time."""
        records = [each for block in self.source.blocks for each in records_of(block)]
        assert self.applier().handle(kinesis_event(records)).problems() == []

    def sql(self, statement: str, *parameters: Any, user: str = "qldbkit") -> list[Any]:
        with psycopg.connect(self.server.conninfo(user=user)) as connection:
            connection.execute("SET enable_seqscan = off")  # few rows need no index
            connection.execute(
                sql.SQL("SET search_path TO {}, public").format(sql.Identifier(self.name))
            )
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def found(self) -> dict[tuple[str, str], bytes]:
        return {(each.table, each.document_id): each.digest for each in self.view.digests()}

    def expected(self) -> dict[tuple[str, str], bytes]:
        return {name: data.hash() for name, data in self.source.current().items()}

    def id_of(self, block: Any) -> str:
        metadata = block.revisions[0].metadata
        assert metadata is not None
        found: str = metadata.id
        return found


@pytest.fixture
def world(postgresql: PostgresqlServer) -> Iterator[World]:
    made = World(postgresql, f"view_{next(NUMBERS)}")
    yield made
    made.view.close()


def test_sql_users_find_documents_their_history_and_what_was_deleted(world: World) -> None:
    source = world.source
    source.create_table("Person")
    source.create_index("Person", "GovId")
    first = world.id_of(
        source.insert(
            "Person",
            {"GovId": "A1", "Born": IonSpan.from_text("1990-05-17T").value(), "Age": 30},
        )
    )
    source.write("Person", [Write(first, {"GovId": "A1", "Age": 31})])
    gone = world.id_of(source.insert("Person", {"GovId": "B2"}))
    source.write("Person", [Write(gone, None)])
    world.replay()

    assert world.sql("""SELECT id, version, data ->> 'Age' FROM "Person" """) == [(first, 1, "31")]
    assert world.sql(
        """SELECT version, data -> 'Age', valid_to IS NULL, deleted, redacted
        FROM "Person_versions" WHERE id = %s ORDER BY version""",
        first,
    ) == [(0, 30, False, False, False), (1, 31, True, False, False)]
    ((born,),) = world.sql(
        """SELECT ion_time(data -> 'Born') FROM "Person_history" WHERE id = %s
        AND version = 0""",
        first,
    )
    assert born.isoformat() == "1990-05-17T00:00:00+00:00"
    assert world.sql("""SELECT id, version, last_data FROM "Person_deleted" """) == [
        (gone, 1, {"GovId": "B2"})
    ]
    plan = world.sql(EXPLAINED)
    assert any("Index" in row for (row,) in plan), plan
    ((indexes,),) = world.sql("SELECT indexes FROM journal_table")
    assert indexes == ["GovId"]
    ((head,),) = world.sql("SELECT sequence_no FROM journal_checkpoint")
    assert head == len(source.blocks) - 1


def test_values_that_are_marked_with_their_type_are_read_by_sql(world: World) -> None:
    values = {"2020T": "2020-01-01", "2020-03T": "2020-03-01", "2020-03-04T": "2020-03-04"}
    values |= {"2020-03-04T10:00+01:00": "2020-03-04 09:00", "2020-01-01T00:00:01.5Z": "2020-01-01"}
    for ion, begin in values.items():
        ((shown,),) = world.sql("""SELECT ion_time(%s::jsonb)""", json_text(IonSpan.from_text(ion)))
        assert str(shown).startswith(begin)
    for ion, text in {"1d3": "1E+3", "1.5e0": "1.5", "red": "red", "12.50": "12.50"}.items():
        told = json_text(IonSpan.from_text(ion))
        assert world.sql("SELECT ion_text(%s::jsonb)", told) == [(text,)]


@pytest.fixture
def person(world: World) -> World:
    world.source.create_table("Person")
    return world


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(written=st.lists(documents(), min_size=1, max_size=8))
def test_every_type_survives_the_server(person: World, written: list[IonSpan]) -> None:
    person.source.insert("Person", *written)
    person.replay()
    assert person.found() == person.expected()


def test_a_restore_in_bulk_and_a_stream_give_the_same(
    world: World, postgresql: PostgresqlServer
) -> None:
    """Many rows go in pieces, few at once: nobody can tell afterwards."""
    world.source.create_table("Person")
    for number in range(30):
        world.source.insert("Person", *({"n": number, "text": "x" * 999} for _ in range(10)))
    world.replay()
    other = World(postgresql, f"{world.name}_slow")
    applier = other.applier()
    for block in world.source.blocks:
        applier.handle(kinesis_event(records_of(block)))
    for relation in ('"Person"', '"Person_history"', "journal_block", "journal_document"):
        statement = f"SELECT * FROM {relation} ORDER BY 1, 2"
        assert other.sql(statement) == world.sql(statement) != []
    other.view.close()


NAMES = ["journal_block", "Person", "Person_history", "person", "pg_class", "user", "N" * 128]


def test_no_name_of_a_table_is_in_the_way_of_another(world: World) -> None:
    for name in NAMES:
        world.source.create_table(name)
    for name in NAMES:
        world.source.insert(name, {"table": name})
    world.replay()
    assert world.found() == world.expected()
    bases = dict(world.sql("SELECT name, base FROM journal_table"))
    assert bases["Person"] == "Person"
    assert bases["person"] == "person"
    assert len(set(bases.values())) == len(NAMES)
    assert world.sql("SELECT count(*) FROM journal_block") == [(len(world.source.blocks),)]


def test_dropped_made_again_and_undropped(world: World) -> None:
    source = world.source
    source.create_table("Person")
    first = world.id_of(source.insert("Person", {"n": 1}))
    old = source.tables["Person"].table_id
    source.drop_table("Person")
    world.replay()
    assert world.view.tables() == frozenset()
    assert world.found() == {}

    source.create_table("Person")
    second = world.id_of(source.insert("Person", {"n": 2}))
    world.replay()
    assert set(world.found()) == {("Person", second)}
    ((dropped,),) = world.sql("SELECT base FROM journal_table WHERE NOT active")
    assert world.sql(f'SELECT id FROM "{dropped}_history"') == [(first,)]

    source.drop_table("Person")
    source.undrop_table(old)
    world.replay()
    assert world.sql("""SELECT id FROM "Person_versions" """) == [(first,)]
    source.write("Person", [Write(first, {"n": 3})])
    world.replay()
    assert world.found() == world.expected()


def test_what_is_redacted_is_nowhere_any_more(world: World) -> None:
    source = world.source
    source.create_table("Person")
    id_ = world.id_of(source.insert("Person", {"Secret": "VERY-SECRET", "UNIQUE_NAME": 1}))
    source.write("Person", [Write(id_, {"n": 2})])
    world.replay()
    source.redact(id_, 0)
    world.replay()
    ((data, data_hash, ion, redacted),) = world.sql(
        """SELECT h.data, h.data_hash, h.ion, v.redacted FROM "Person_history" AS h
        JOIN "Person_versions" AS v USING (id, version) WHERE version = 0"""
    )
    assert (data, redacted) == (None, True)
    assert data_hash == source.blocks[1].revisions[0].data.hash()
    assert b"VERY-SECRET" not in ion
    assert b"UNIQUE_NAME" not in ion
    for relation in ("Person", "Person_history", "journal_block"):
        rows = world.sql(f'SELECT * FROM "{relation}"')
        assert not any(b"SECRET" in bytes(str(row).encode()) for row in rows)
    assert world.found() == world.expected()


def test_another_writer_is_noticed_and_nothing_of_its_rows_is_told(world: World) -> None:
    world.source.create_table("Person")
    id_ = world.id_of(world.source.insert("Person", {"n": "PRIVATE"}))
    world.replay()
    world.sql("""UPDATE "Person" SET version = 7""")
    world.source.write("Person", [Write(id_, {"n": "PRIVATE"})])
    (problem,) = (
        world.applier(world.opened())
        .handle(
            kinesis_event([each for block in world.source.blocks for each in records_of(block)])
        )
        .problems()
    )
    assert "version 7" in problem

    world.sql("""UPDATE "Person" SET version = 0""")
    world.sql("""INSERT INTO "Person_history" SELECT id, 1, data, tx_id, tx_time, strand_id,
        sequence_no, hash, deleted, data_hash, ion FROM "Person_history" """)
    (problem,) = (
        world.applier(world.opened())
        .handle(
            kinesis_event([each for block in world.source.blocks for each in records_of(block)])
        )
        .problems()
    )
    assert "Person_history" in problem
    assert "PRIVATE" not in problem
    assert id_ not in problem


@pytest.mark.parametrize("from_view", [False, True], ids=["from the journal", "from a view"])
def test_a_repair_brings_documents_back_and_replay_goes_on(
    world: World, postgresql: PostgresqlServer, from_view: bool
) -> None:
    source = world.source
    source.create_table("Person")
    ids = [world.id_of(source.insert("Person", {"n": each})) for each in range(5)]
    source.write("Person", [Write(ids[4], None)])
    world.replay()
    sound = World(postgresql, f"{world.name}_sound")
    sound.source = source
    sound.replay()

    world.sql("""UPDATE "Person" SET data = '{"n": "forged"}' WHERE id = %s""", ids[0])
    world.sql("""UPDATE "Person" SET data = '{"$int": []}' WHERE id = %s""", ids[1])
    world.sql("""DELETE FROM "Person" WHERE id = %s""", ids[2])
    world.sql("""INSERT INTO "Person" (id, version, data) VALUES ('stranger', 3, '{}')""")
    world.sql("""INSERT INTO "Person" (id, version, data) VALUES (%s, 0, '{"n": 4}')""", ids[4])
    side: Any = ViewSource(sound.view, "postgresql://sound")
    if not from_view:
        side = JournalOf(sound.view)
    found = compare(side, world.view)
    assert found.different_documents == 5
    report = repair(side, world.view, STRAND_ID, found, who="operator")
    assert compare(side, world.view).equal
    assert report.left == ()
    ((who, repaired),) = world.sql("SELECT who, documents FROM journal_repair")
    assert (who, sorted(repaired)) == ("operator", sorted(report.repaired))
    assert world.sql("""SELECT hash IS NULL FROM "Person" WHERE id = %s""", ids[2]) == [(False,)]

    source.write("Person", [Write(each, {"again": True}) for each in ids[:4]])
    world.replay()
    assert world.found() == world.expected()
    sound.view.close()


def JournalOf(view: PostgresqlView) -> Any:
    from qldbkit.replay.journal_side import JournalSide

    return JournalSide(view.journal())


def test_two_that_replay_at_once_are_one_after_the_other(world: World) -> None:
    world.source.create_table("Person")
    for number in range(40):
        world.source.insert("Person", {"n": number})
    records = [each for block in world.source.blocks for each in records_of(block)]
    batches = [records[at : at + 3] for at in range(0, len(records), 3)]
    views = [world.opened(), world.opened()]
    appliers = [world.applier(each) for each in views]
    problems: list[BaseException] = []

    def run(applier: Applier) -> None:
        try:
            for batch in batches:
                applier.handle(kinesis_event(batch))
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=run, args=(each,)) for each in appliers]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    world.replay()
    assert problems == []
    assert world.found() == world.expected()
    assert world.sql("""SELECT count(*), count(DISTINCT id) FROM "Person_history" """) == [(40, 40)]
    for view in views:
        view.close()


def test_a_reader_sees_whole_blocks_only(world: World) -> None:
    """The last block's documents and its row come at once, whatever the reader asks."""
    world.source.create_table("Person")
    for number in range(60):
        world.source.insert("Person", {"n": number}, {"n": number})
    stop, seen = threading.Event(), set()

    def read() -> None:
        with psycopg.connect(world.server.conninfo(), autocommit=True) as connection:
            while not stop.is_set():
                row = connection.execute(
                    sql.SQL("SELECT (SELECT count(*) FROM {}), (SELECT count(*) FROM {})").format(
                        sql.Identifier(world.name, "Person"),
                        sql.Identifier(world.name, "journal_block"),
                    )
                ).fetchone()
                seen.add(row)

    first = records_of(world.source.blocks[0])
    world.applier().handle(kinesis_event(first))
    reader = threading.Thread(target=read)
    reader.start()
    applier = world.applier()
    for block in world.source.blocks[1:]:
        applier.handle(kinesis_event(records_of(block)))
    stop.set()
    reader.join(20)
    assert len(seen) > 1
    assert all(shown == 2 * (blocks - 1) for shown, blocks in seen)


def test_work_is_done_before_the_commit_and_what_interrupts_it_leaves_nothing(
    world: World,
) -> None:
    world.source.create_table("Person")
    world.source.insert("Person", {"v": 1})
    event = kinesis_event([each for block in world.source.blocks for each in records_of(block)])
    count, seen = "SELECT count(*) FROM journal_block", list[Any]()

    def interrupted() -> None:
        raise KeyboardInterrupt

    with world.view.overlapped(interrupted), pytest.raises(KeyboardInterrupt):
        world.applier().handle(event)
    assert world.sql(count) == [(0,)]

    with world.view.overlapped(lambda: seen.extend(world.sql(count))):
        assert world.applier().handle(event).problems() == []
    world.source.insert("Person", {"v": 2})
    world.replay()
    assert seen == [(0,), (1,)]  # a table is made in a transaction of its own
    assert world.found() == world.expected()


def test_a_server_that_is_killed_in_the_middle_loses_and_doubles_nothing() -> None:
    server = PostgresqlServer()
    try:
        server.make()
        world = World(server, "killed")
        world.source.create_table("Person")
        for number in range(80):
            world.source.insert("Person", *({"n": number, "at": each} for each in range(5)))
        done = threading.Event()

        def run() -> None:
            applier = world.applier()
            for block in world.source.blocks:
                event = kinesis_event(records_of(block))
                while True:  # as Lambda does
                    try:
                        applier.handle(event)
                        break
                    except PostgresqlUnavailableError:
                        applier = world.applier()
            done.set()

        replaying = threading.Thread(target=run, daemon=True)
        replaying.start()
        for _ in range(2):
            while not done.is_set() and not world.sql("SELECT count(*) FROM journal_block")[0][0]:
                done.wait(0.01)
            server.restart_at_once()
        replaying.join(60)
        assert done.is_set()
        assert world.found() == world.expected()
        assert world.sql("""SELECT count(*) FROM "Person_history" """) == [(400,)]
        world.view.close()
    finally:
        server.close()


def test_a_lost_connection_and_a_held_lock_are_passing(world: World) -> None:
    world.source.create_table("Person")
    world.replay()
    world.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'qldbkit' AND pid <> pg_backend_pid()"
    )
    with pytest.raises(PostgresqlUnavailableError):
        world.view.checkpoint(STRAND_ID)
    assert world.view.checkpoint(STRAND_ID) is not None

    address = PostgresqlAddress.of(world.server.url(world.name))
    impatient = PostgresqlView(address, limits=SessionLimits(lock=1))
    with psycopg.connect(world.server.conninfo()) as blocking:
        blocking.execute(
            sql.SQL("SELECT * FROM {} FOR UPDATE").format(
                sql.Identifier(world.name, "journal_checkpoint")
            )
        )
        with pytest.raises(PostgresqlUnavailableError, match="LockNotAvailable"):
            impatient.transact(STRAND_ID, [], never)
    impatient.close()


def never(_: object) -> Any:
    raise AssertionError("the lock was not waited for")


def test_many_prepare_at_once_and_once_is_enough(
    postgresql: PostgresqlServer,
) -> None:
    name = f"view_{next(NUMBERS)}"
    views = [open_url(postgresql.url(name), "us-east-1") for _ in range(4)]
    problems: list[BaseException] = []

    def run(view: PostgresqlView) -> None:
        try:
            view.prepare()
        except BaseException as error:
            problems.append(error)
        finally:
            view.close()

    threads = [threading.Thread(target=run, args=(each,)) for each in views]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert problems == []
    assert views[0].checkpoints() == []
    views[0].close()


def migrated(world: World, *more: Any) -> None:
    session = Session(
        PostgresqlAddress.of(world.server.url(world.name)), "us-east-1", SessionLimits()
    )
    try:
        with session.transaction() as connection:
            schema.migrate(connection, world.name, (*schema.MIGRATIONS, *more))
    finally:
        session.close()


def test_migrations_run_once_in_order_and_a_later_schema_is_refused(world: World) -> None:
    world.source.create_table("Person")
    world.replay()
    migrated(
        world, "CREATE TABLE journal_extra (n integer)", "INSERT INTO journal_extra VALUES (1)"
    )
    migrated(
        world, "CREATE TABLE journal_extra (n integer)", "INSERT INTO journal_extra VALUES (1)"
    )
    assert world.sql("SELECT n FROM journal_extra") == [(1,)]
    with pytest.raises(ViewSchemaError, match="later one"):
        world.view.prepare()


def test_a_schema_of_somebody_else_is_refused(world: World) -> None:
    world.sql(f'CREATE SCHEMA "{world.name}-other"; CREATE TABLE "{world.name}-other".mine (n int)')
    url = world.server.url(f"{world.name}-other")
    other = open_url(url, "us-east-1")
    with pytest.raises(ViewSchemaError, match="none of them is a view's"):
        other.prepare()
    with pytest.raises(ViewSchemaError, match="missing"):
        other.tables()
    assert other.checkpoints() == []
    other.close()


def test_an_empty_schema_is_enough_and_names_are_quoted(world: World) -> None:
    name = f'{world.name} "quoted" \'; --'
    with psycopg.connect(world.server.conninfo()) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
    quoted = World.__new__(World)
    from urllib.parse import quote

    quoted.server, quoted.name, quoted.source = world.server, name, world.source
    quoted.view = open_url(world.server.url(quote(name)), "us-east-1")
    quoted.view.prepare()
    world.source.create_table("Person")
    world.source.insert("Person", {"n": 1})
    quoted.replay()
    assert quoted.found() == quoted.expected()
    quoted.view.close()


def test_the_documented_roles_are_enough_and_no_more(world: World, project: Path) -> None:
    text = (project / "docs" / "views-postgresql.md").read_text()
    (block,) = [each for each in text.split("```sql\n")[1:] if "CREATE ROLE" in each]
    name = world.name
    statements = block.split("```")[0].replace("vehicles", f"{name}_own")
    statements = statements.replace("writer", f"{name}_w").replace("reader", f"{name}_r")
    with psycopg.connect(world.server.conninfo(), autocommit=True) as connection:
        for each in filter(str.strip, statements.split(";")):
            connection.execute(each.replace("archive", "views"))
    owned = World.__new__(World)
    owned.server, owned.name, owned.source = world.server, f"{name}_own", world.source
    owned.view = open_url(world.server.url(owned.name, f"{name}_w"), "us-east-1")
    owned.view.prepare()
    world.source.create_table("Person")
    world.source.insert("Person", {"n": 1})
    owned.replay()
    assert owned.sql("""SELECT count(*) FROM "Person" """, user=f"{name}_r") == [(1,)]
    assert owned.sql("""SELECT count(*) FROM "Person_versions" """, user=f"{name}_r") == [(1,)]
    for forbidden in ("""DELETE FROM "Person" """, "CREATE TABLE mine (n int)"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owned.sql(forbidden, user=f"{name}_r")
    owned.view.close()
    stranger = open_url(world.server.url(world.name, f"{name}_w"), "us-east-1")
    with pytest.raises((PostgresqlRefusedError, ViewSchemaError)):
        stranger.tables()
    stranger.close()


@pytest.fixture
def project() -> Path:
    return Path(__file__).resolve().parents[2]


def test_deciding_again_by_what_is_so_when_somebody_repaired_meanwhile(world: World) -> None:
    """What a view remembers is not used once another one has written."""
    world.source.create_table("Person")
    id_ = world.id_of(world.source.insert("Person", {"n": 1}))
    applier = world.applier()
    records: Callable[[], list[tuple[str, bytes]]] = lambda: [  # noqa: E731
        each for block in world.source.blocks for each in records_of(block)
    ]
    applier.handle(kinesis_event(records()))
    world.source.write("Person", [Write(id_, {"n": 2})])
    world.applier(other := world.opened()).handle(kinesis_event(records()))
    world.source.write("Person", [Write(id_, {"n": 3})])
    assert applier.handle(kinesis_event(records())).problems() == []
    assert world.found() == world.expected()
    other.close()


def test_decisions_that_fail_write_nothing(world: World) -> None:
    def refuse(_: object) -> Any:
        raise DestinationChangedError("no")

    with pytest.raises(DestinationChangedError):
        world.view.transact("S" * 22, ["D" * 22], refuse)
    assert world.view.checkpoints() == []
    assert world.sql("SELECT count(*) FROM journal_checkpoint") == [(0,)]
