"""A session with PostgreSQL: signing in, what it may wait for, and one transaction at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import boto3
import psycopg
from botocore.exceptions import BotoCoreError, ClientError
from psycopg import sql
from psycopg.rows import TupleRow

from qldbkit.replay.views.postgresql.address import PostgresqlAddress
from qldbkit.replay.views.postgresql.copying import Elements, ElementsDumper
from qldbkit.replay.views.postgresql.errors import (
    PostgresqlRefusedError,
    PostgresqlUnavailableError,
    translated,
)

Connection = psycopg.Connection[TupleRow]

DEFAULT_PORT: Final = 5432
APPLICATION: Final = "qldbkit"
PREPARED_AFTER: Final = 2
"""How often a statement is sent before the server is asked to keep it prepared."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session waits, in seconds.

    Attributes:
        connect: for a connection.
        lock: for another writer's transaction to end.
        statement: for any statement.
        idle: the server waits for the next statement of a transaction, before it ends a session
            whose process may be gone and lets others go on.
    """

    connect: int = 10
    lock: int = 30
    statement: int = 300
    idle: int = 60


class Session:
    """Connects when it is first used, and again when the connection was lost.

    One is used by one thread at a time.
    """

    def __init__(self, address: PostgresqlAddress, region: str, limits: SessionLimits):
        self._address, self._region, self._limits = address, region, limits
        self._connection: Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction; committed at the end, and rolled back by whatever is raised.

        Raises:
            PostgresqlUnavailableError: PostgreSQL failed; if it did so while it committed, the
                transaction may have happened or not.
            PostgresqlRefusedError: it does not do what it is asked.
        """
        with translated():
            connection = self._connected()
            try:
                yield connection
                connection.commit()
            except BaseException:
                _roll_back(connection)
                raise

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A transaction that sees one moment, and writes nothing."""
        with self.transaction() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> Connection:
        options: dict[str, Any] = {
            "connect_timeout": self._limits.connect,
            "application_name": APPLICATION,
            **self._address.options,
            **self._credentials(),
        }
        connection = psycopg.connect(**options, prepare_threshold=PREPARED_AFTER)
        connection.adapters.register_dumper(Elements, ElementsDumper)
        try:
            connection.execute(_SET, self._settings())
            connection.commit()
        except BaseException:
            connection.close()
            raise
        return connection

    def _settings(self) -> dict[str, str]:
        limits = self._limits
        return {
            "lock": f"{limits.lock}s",
            "statement": f"{limits.statement}s",
            "idle": f"{limits.idle}s",
            "path": sql.Identifier(self._address.schema).as_string(),
        }

    def _credentials(self) -> dict[str, str]:
        """User and password, asked for anew for each connection, since they are changed."""
        address = self._address
        try:
            if address.iam:
                return {"password": self._iam_token()}
            if address.secret:
                client = boto3.client("secretsmanager", region_name=self._region)
                text = client.get_secret_value(SecretId=address.secret)["SecretString"]
                secret = json.loads(text)
                return {"user": secret["username"], "password": secret["password"]}
        except (BotoCoreError, ClientError) as error:
            raise PostgresqlUnavailableError(
                f"AWS gives no credentials for PostgreSQL: {type(error).__name__}"
            ) from error
        except (KeyError, ValueError, TypeError):
            raise PostgresqlRefusedError(
                "the secret has no username and password", hint="it has to be a JSON object"
            ) from None
        return {}

    def _iam_token(self) -> str:
        options = self._address.options
        client = boto3.client("rds", region_name=self._region)
        token: str = client.generate_db_auth_token(
            DBHostname=options["host"],
            Port=int(options.get("port", DEFAULT_PORT)),
            DBUsername=options["user"],
        )
        return token


def _roll_back(connection: Connection) -> None:
    """End the transaction, or the connection if that cannot be done."""
    try:
        connection.rollback()
    except psycopg.Error:
        connection.close()


_SET: Final = """
SELECT set_config('search_path', %(path)s, false),
    set_config('timezone', 'UTC', false),
    set_config('lock_timeout', %(lock)s, false),
    set_config('statement_timeout', %(statement)s, false),
    set_config('idle_in_transaction_session_timeout', %(idle)s, false),
    set_config('synchronous_commit', CASE current_setting('synchronous_commit')
        WHEN 'off' THEN 'on' WHEN 'local' THEN 'on'
        ELSE current_setting('synchronous_commit') END, false)
"""
"""What is acknowledged to the stream has to be on disk, so a commit waits for that.

Only the view's schema is searched: an operator's table of the same name elsewhere is not found.
"""
