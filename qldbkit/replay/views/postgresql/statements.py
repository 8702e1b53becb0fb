"""The statements that write a transaction's rows, by relation; each is composed once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, LiteralString

from psycopg import sql

from qldbkit.replay.views.postgresql.copying import Column, Kind
from qldbkit.replay.views.postgresql.rows import CURRENT

REMEMBERED: Final = 500
"""Statements that are kept composed: more than a ledger's tables need."""


@lru_cache(maxsize=REMEMBERED)
def insert_into(schema: str, relation: str, columns: tuple[Column, ...]) -> bytes:
    """Insert rows that are given as one array for each column."""
    return (
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}")
        .format(
            sql.Identifier(schema, relation), _names(columns), _names(columns), _arrays(columns)
        )
        .as_bytes()
    )


@lru_cache(maxsize=REMEMBERED)
def replace_in(schema: str, relation: str) -> bytes:
    """Replace current rows that are at the version that they should be at; see `REPLACED`."""
    set_ = [sql.SQL("{0} = given.{0}").format(sql.Identifier(each.name)) for each in CURRENT[1:]]
    return (
        sql.SQL(
            "UPDATE {} AS held SET {} FROM {} WHERE held.id = given.id AND held.version = given.was"
        )
        .format(sql.Identifier(schema, relation), sql.SQL(", ").join(set_), _arrays(REPLACED))
        .as_bytes()
    )


@lru_cache(maxsize=REMEMBERED)
def delete_from(schema: str, relation: str) -> bytes:
    """Delete current rows that are at the version that they should be at; see `GONE`."""
    return (
        sql.SQL(
            "DELETE FROM {} AS held USING {} WHERE held.id = given.id AND held.version = given.was"
        )
        .format(sql.Identifier(schema, relation), _arrays(GONE))
        .as_bytes()
    )


@lru_cache(maxsize=REMEMBERED)
def put_repaired(schema: str, current: str, history: str) -> bytes:
    """Put a current row that a repair gives, with what the history knows of that version."""
    known = [sql.Identifier(each.name) for each in CURRENT[3:]]
    return (
        sql.SQL(
            "INSERT INTO {current} (id, version, data, {known})"
            " SELECT given.id, given.version, given.data, {told}"
            " FROM (VALUES (%s::text, %s::bigint, %s::jsonb)) AS given (id, version, data)"
            " LEFT JOIN {history} AS told"
            " ON told.id = given.id AND told.version = given.version"
            " ON CONFLICT (id) DO UPDATE SET {set}"
        )
        .format(
            current=sql.Identifier(schema, current),
            history=sql.Identifier(schema, history),
            known=sql.SQL(", ").join(known),
            told=sql.SQL(", ").join(sql.Identifier("told", each.name) for each in CURRENT[3:]),
            set=sql.SQL(", ").join(
                sql.SQL("{0} = excluded.{0}").format(sql.Identifier(each.name))
                for each in CURRENT[1:]
            ),
        )
        .as_bytes()
    )


@lru_cache(maxsize=REMEMBERED)
def on(template: LiteralString, schema: str, *relations: str) -> bytes:
    """A statement on relations, which the template calls ``{}`` or by their numbers."""
    return (
        sql.SQL(template).format(*(sql.Identifier(schema, each) for each in relations)).as_bytes()
    )


WAS: Final = (Column("was", Kind.BIGINT),)
REPLACED: Final = (*CURRENT, *WAS)
"""What `replace_in` is given: rows, each with the version that there should be."""
GONE: Final = (CURRENT[0], *WAS)
"""What `delete_from` is given: ids, each with the version that there should be."""
VERSIONS: Final = "SELECT id, version FROM {} WHERE id = ANY(%s)"
ION_OF_VERSION: Final = "SELECT ion FROM {} WHERE id = %s AND version = %s"
REDACT: Final = "UPDATE {} SET data = NULL, data_hash = %s, ion = %s WHERE id = %s AND version = %s"
DELETE_ANY: Final = "DELETE FROM {} WHERE id = %s"
ENTER: Final = (
    "INSERT INTO journal_document (id, table_key) VALUES (%s, %s)"
    " ON CONFLICT (id) DO UPDATE SET table_key = excluded.table_key"
)
TABLES_OF: Final = "SELECT id, table_key FROM journal_document WHERE id = ANY(%s)"
STRAND: Final = (
    "SELECT checkpoint, tables, written_by FROM journal_checkpoint WHERE strand_id = %s FOR UPDATE"
)
NEW_STRAND: Final = "INSERT INTO journal_checkpoint (strand_id) VALUES (%s) ON CONFLICT DO NOTHING"
CHECKPOINT: Final = "SELECT checkpoint FROM journal_checkpoint WHERE strand_id = %s"
CHECKPOINTS: Final = (
    "SELECT checkpoint FROM journal_checkpoint WHERE checkpoint IS NOT NULL ORDER BY strand_id"
)
PUT_CHECKPOINT: Final = """
UPDATE journal_checkpoint SET sequence_no = %s, block_hash = %s, checkpoint = %s,
    tables = coalesce(%s, tables), written_by = %s, written_at = now()
WHERE strand_id = %s
"""
PUT_GAP: Final = """
INSERT INTO journal_gap (strand_id, first_sequence_no, last_sequence_no, passed_at)
VALUES (%s, %s, %s, to_timestamp(%s)) ON CONFLICT DO NOTHING
"""
PUT_REPAIR: Final = """
INSERT INTO journal_repair (strand_id, sequence_no, at, who, source, documents)
VALUES (%s, %s, %s::timestamptz, %s, %s, %s)
"""


def _names(columns: Sequence[Column]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(each.name) for each in columns)


def _arrays(columns: Sequence[Column]) -> sql.Composed:
    """One row for each place of the arrays, which come in binary: nothing in them is escaped."""
    arrays = sql.SQL(", ").join(sql.SQL("%b::" + each.array) for each in columns)
    return sql.SQL("unnest({}) AS given ({})").format(arrays, _names(columns))
