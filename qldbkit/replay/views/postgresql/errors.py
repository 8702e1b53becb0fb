"""What PostgreSQL answers, as errors that say what to do and nothing of what documents hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from qldbkit.errors import QldbkitError
from qldbkit.replay.errors import DestinationChangedError, RetryableError

PASSING_CLASSES: Final = ("08", "40", "53", "57", "58")
"""SQLSTATE classes of connections, conflicts, resources, operators and the server's system."""
PASSING_STATES: Final = frozenset({"55P03", "25P03", "25006"})
"""Lock not available; idle in a transaction for too long; read only, as after a failover."""
SCHEMA_STATES: Final = frozenset({"42P01", "42703", "3F000"})
"""Undefined table, column and schema."""
UNIQUE_VIOLATION: Final = "23505"


class PostgresqlUnavailableError(RetryableError):
    """PostgreSQL could not be reached, or did not do what it was asked this time."""


class PostgresqlRefusedError(QldbkitError):
    """PostgreSQL does not do what the view needs."""


class ViewSchemaError(QldbkitError):
    """The schema is none that this version keeps a view in."""


@contextmanager
def translated() -> Iterator[None]:
    """Raise errors of PostgreSQL's as the project's.

    The original is not attached: its detail quotes rows.

    Raises:
        PostgresqlUnavailableError: it may be gone a moment later.
        DestinationChangedError: a row is there that only another writer can have written.
        ViewSchemaError: tables are missing.
        PostgresqlRefusedError: anything else.
    """
    try:
        yield
    except psycopg.Error as error:
        raise as_project_error(error) from None


def as_project_error(error: psycopg.Error) -> QldbkitError:
    """The project's error for one of PostgreSQL's, or of the way there."""
    state = error.sqlstate
    if state is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        # Nothing came from the server, so the text is libpq's and quotes no row.
        return PostgresqlUnavailableError(f"PostgreSQL cannot be reached: {_first_line(error)}")
    if state is None:
        return PostgresqlRefusedError(f"PostgreSQL cannot be asked: {type(error).__name__}")
    if state.startswith(PASSING_CLASSES) or state in PASSING_STATES:
        return PostgresqlUnavailableError(f"PostgreSQL answers {_named(error)}")
    if state == UNIQUE_VIOLATION:
        return DestinationChangedError(
            f"a row that was to be written is there already ({error.diag.table_name})",
            hint="compare the view with its source; it has another writer",
        )
    if state in SCHEMA_STATES:
        return ViewSchemaError(
            f"a table of the view is missing ({_named(error)})",
            hint="qldbkit restore --into-destination makes them, as does the deployed function",
        )
    return PostgresqlRefusedError(
        f"PostgreSQL answers {_named(error)}", hint="its log has the statement"
    )


def _named(error: psycopg.Error) -> str:
    """The condition and where it arose, without any value."""
    where = error.diag.constraint_name or error.diag.table_name
    name = type(error).__name__
    return f"{name} ({error.sqlstate}{'' if where is None else f', {where}'})"


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
