"""The view's own tables, made and migrated in order.

``journal_schema`` has a row for each migration that was applied. Each is one transaction; several
that prepare one schema at once wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, LiteralString

from psycopg import sql

from qldbkit.replay.views.postgresql.connecting import Connection
from qldbkit.replay.views.postgresql.errors import PostgresqlRefusedError, ViewSchemaError

BOOKKEEPING: Final = """
CREATE TABLE journal_table (
    key integer PRIMARY KEY,
    name text NOT NULL,
    base text NOT NULL UNIQUE,
    active boolean NOT NULL,
    indexes text[] NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX ON journal_table (name) WHERE active;
CREATE TABLE journal_document (
    id text COLLATE "C" PRIMARY KEY,
    table_key integer NOT NULL
);
CREATE TABLE journal_block (
    strand_id text COLLATE "C" NOT NULL,
    sequence_no bigint NOT NULL,
    transaction_id text COLLATE "C" NOT NULL,
    block_time timestamptz NOT NULL,
    block_hash bytea NOT NULL,
    entries_hash bytea NOT NULL,
    previous_block_hash bytea NOT NULL,
    ion bytea NOT NULL,
    PRIMARY KEY (strand_id, sequence_no)
);
CREATE TABLE journal_gap (
    strand_id text COLLATE "C" NOT NULL,
    first_sequence_no bigint NOT NULL,
    last_sequence_no bigint NOT NULL,
    passed_at timestamptz NOT NULL,
    PRIMARY KEY (strand_id, first_sequence_no, last_sequence_no)
);
CREATE TABLE journal_checkpoint (
    strand_id text COLLATE "C" PRIMARY KEY,
    sequence_no bigint,
    block_hash bytea,
    checkpoint bytea,
    tables bytea,
    written_by text,
    written_at timestamptz
);
CREATE TABLE journal_repair (
    strand_id text COLLATE "C" NOT NULL,
    sequence_no bigint NOT NULL,
    at timestamptz NOT NULL,
    who text NOT NULL,
    source text NOT NULL,
    documents text[] NOT NULL
);
COMMENT ON TABLE journal_table IS 'The tables of the source, and what they are called here';
COMMENT ON TABLE journal_document IS 'The table of every document that was ever here';
COMMENT ON TABLE journal_block IS 'The blocks of the journal; ion is the block as it was written';
COMMENT ON TABLE journal_gap IS 'Sequence numbers that the stream did not bring';
COMMENT ON TABLE journal_checkpoint IS 'How far each journal has been replayed';
COMMENT ON TABLE journal_repair IS 'What was repaired, and by whom';
"""
"""Version 1.

``journal_document`` refers to ``journal_table`` without a constraint: checking it for each row of a
restore would cost more than writing the row.
"""

FUNCTIONS: Final = """
CREATE FUNCTION ion_text(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN value ?| ARRAY['$timestamp', '$decimal', '$float', '$int', '$symbol']
    THEN coalesce(value ->> '$timestamp', value ->> '$decimal', value ->> '$float',
        value ->> '$int', value ->> '$symbol')
    ELSE value #>> '{}'
END;
CREATE FUNCTION ion_time(value jsonb) RETURNS timestamptz
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN CASE length(value ->> '$timestamp')
    WHEN 5 THEN replace(value ->> '$timestamp', 'T', '-01-01T00:00Z')
    WHEN 8 THEN replace(value ->> '$timestamp', 'T', '-01T00:00Z')
    WHEN 11 THEN replace(value ->> '$timestamp', 'T', 'T00:00Z')
    ELSE value ->> '$timestamp'
END::timestamptz;
COMMENT ON FUNCTION ion_text(jsonb) IS 'The text of a value, whether it is marked with its type';
COMMENT ON FUNCTION ion_time(jsonb) IS 'The time of a timestamp of any precision';
"""
"""Version 2: what is marked with its type, such as a timestamp, as PostgreSQL reads it."""

MIGRATIONS: Final[tuple[LiteralString, ...]] = (BOOKKEEPING, FUNCTIONS)

_VERSION_TABLE: Final = """
CREATE TABLE IF NOT EXISTS journal_schema (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


def migrate(
    connection: Connection, schema: str, migrations: Sequence[LiteralString] = MIGRATIONS
) -> None:
    """Make the schema what this version needs, in the connection's transaction.

    Raises:
        ViewSchemaError: it was made by a later version, or is not the project's.
        PostgresqlRefusedError: the database does not keep every text.
    """
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('qldbkit ' || %s))", (schema,))
    version = version_of(connection, schema)
    if version == len(migrations):
        return
    if version > len(migrations):
        raise ViewSchemaError(
            f"schema {schema} is of version {version}, and this one knows {len(migrations)}",
            hint="use the version of qldbkit that made it, or a later one",
        )
    if version == 0:
        _begin(connection, schema)
    for number, migration in enumerate(migrations[version:], version + 1):
        connection.execute(migration, prepare=False)
        connection.execute("INSERT INTO journal_schema (version) VALUES (%s)", (number,))


def version_of(connection: Connection, schema: str) -> int:
    """The version of what is there; 0 for nothing."""
    found = connection.execute(
        "SELECT to_regclass(format('%%I.journal_schema', %s::text)) IS NOT NULL", (schema,)
    ).fetchone()
    if found is None or not found[0]:
        return 0
    row = connection.execute("SELECT coalesce(max(version), 0) FROM journal_schema").fetchone()
    return 0 if row is None else int(row[0])


def _begin(connection: Connection, schema: str) -> None:
    """Make an empty schema, and the table of versions."""
    encoding = connection.execute("SHOW server_encoding").fetchone()
    if encoding is None or encoding[0] != "UTF8":
        raise PostgresqlRefusedError(
            "the database's encoding is not UTF8, so that it cannot keep every text",
            hint="CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0",
        )
    exists = connection.execute("SELECT to_regnamespace(quote_ident(%s))", (schema,)).fetchone()
    if exists is None or exists[0] is None:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    elif _relations(connection, schema):
        raise ViewSchemaError(
            f"schema {schema} has tables, and none of them is a view's",
            hint="name a schema that is empty, or not there yet",
        )
    connection.execute(_VERSION_TABLE)


def _relations(connection: Connection, schema: str) -> int:
    row = connection.execute(
        "SELECT count(*) FROM pg_class WHERE relnamespace = quote_ident(%s)::regnamespace",
        (schema,),
    ).fetchone()
    return 0 if row is None else int(row[0])
