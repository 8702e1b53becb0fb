"""What the deployed functions are told by their environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Final

from qldbkit.endpoints import LedgerEndpoints, region_of
from qldbkit.names import check_ledger_name
from qldbkit.replay.errors import ReplaySettingsError
from qldbkit.replay.routing import ALL_TABLES, TableRouting

TRANSACTION_DOCUMENTS: Final = 40
"""Documents that QLDB takes in a transaction."""
LEAST_DOCUMENTS: Final = 4
"""One new document with its row in the map, and both rows of the bookkeeping."""
DEFAULT_SETTLE_WINDOW: Final = 120.0
DEFAULT_GAP_RETENTION: Final = 366 * 24 * 3600.0
"""Seconds; a Kinesis stream keeps records for 365 days at most."""


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """What every replay of a stream is told, whatever it is replayed into.

    Attributes:
        region: ``AWS_REGION``: where the settling buffer and the quarantine are.
        buffer_table: ``BUFFER_TABLE``, the settling buffer's DynamoDB table.
        stream_name: ``STREAM_NAME``, the Kinesis stream, for messages.
        quarantine_bucket: ``QUARANTINE_BUCKET``, where the payloads of quarantined records are
            kept; in the buffer's table if it is empty.
        settle_window: ``SETTLE_WINDOW_SECONDS``: how long what is behind a gap waits.
        retention: ``STREAM_RETENTION_SECONDS``: how long the stream keeps its records; where it is
            not said, a gap is never taken for records that expired.
        gap_retention: ``GAP_RETENTION_SECONDS``: how long a passed gap is remembered; not less than
            the stream keeps its records.
        tables: ``REPLAY_TABLES`` and ``RENAME_TABLES``: which of the source's tables are replayed,
            such as ``Person,Vehicle``, and as what, such as ``Person=People``; all, as they are,
            where they are empty.
    """

    region: str
    buffer_table: str
    stream_name: str
    quarantine_bucket: str = ""
    settle_window: float = DEFAULT_SETTLE_WINDOW
    retention: float = inf
    gap_retention: float = DEFAULT_GAP_RETENTION
    tables: TableRouting = ALL_TABLES

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> StreamSettings:
        """Read the settings.

        Raises:
            ReplaySettingsError: a variable is missing, or not what it has to be.
            NameRefusedError: a table's name cannot be one.
            RegionMissingError: no AWS region is given.
        """
        return cls(
            region=region_of(environment),
            buffer_table=_text(environment, "BUFFER_TABLE"),
            stream_name=environment.get("STREAM_NAME", ""),
            quarantine_bucket=environment.get("QUARANTINE_BUCKET", ""),
            settle_window=_seconds(environment, "SETTLE_WINDOW_SECONDS", DEFAULT_SETTLE_WINDOW),
            retention=_seconds(environment, "STREAM_RETENTION_SECONDS", inf),
            gap_retention=_seconds(environment, "GAP_RETENTION_SECONDS", DEFAULT_GAP_RETENTION),
            tables=tables_of_environment(environment),
        )


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """Which ledger to replay to, and how.

    Attributes:
        destination_ledger: ``DESTINATION_LEDGER``, the ledger's name.
        endpoints: ``LEDGER_ENDPOINT_URL`` and ``AWS_REGION``: where the ledger is.
        stream: what comes, and what waits.
        transaction_documents: ``DESTINATION_TRANSACTION_DOCUMENTS``: how many documents the
            destination takes in one transaction; QLDB's 40 unless it is an embedded ledger that
            takes more. The more, the fewer requests.
    """

    destination_ledger: str
    endpoints: LedgerEndpoints
    stream: StreamSettings
    transaction_documents: int = TRANSACTION_DOCUMENTS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ReplaySettings:
        """Read the settings.

        Raises:
            ReplaySettingsError: a variable is missing, or not what it has to be.
            NameRefusedError: the ledger's name, or a table's, cannot be one.
            RegionMissingError: no AWS region is given.
        """
        return cls(
            destination_ledger=check_ledger_name(_text(environment, "DESTINATION_LEDGER")),
            endpoints=LedgerEndpoints.from_environment(environment),
            stream=StreamSettings.from_environment(environment),
            transaction_documents=_documents(environment, "DESTINATION_TRANSACTION_DOCUMENTS"),
        )


@dataclass(frozen=True, slots=True)
class ViewSettings:
    """Which view to replay to, and how.

    Attributes:
        url: ``VIEW_URL``, as `qldbkit.replay.views.opening` reads it; it holds no secret.
        name: ``VIEW_NAME``, the destination's name in the metrics.
        stream: what comes, and what waits.
    """

    url: str
    name: str
    stream: StreamSettings

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ViewSettings:
        """Read the settings.

        Raises:
            ReplaySettingsError: a variable is missing, or not what it has to be.
            NameRefusedError: a table's name cannot be one.
            RegionMissingError: no AWS region is given.
        """
        return cls(
            url=_text(environment, "VIEW_URL"),
            name=_text(environment, "VIEW_NAME"),
            stream=StreamSettings.from_environment(environment),
        )


def tables_of_environment(environment: Mapping[str, str]) -> TableRouting:
    """Which tables ``REPLAY_TABLES`` and ``RENAME_TABLES`` say are replayed, and as what.

    Raises:
        NameRefusedError: a name is none that a table may have.
        ReplaySettingsError: they cannot be replayed so.
    """
    return TableRouting.from_text(
        environment.get("REPLAY_TABLES", ""), environment.get("RENAME_TABLES", "")
    )


def _text(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise ReplaySettingsError(f"{name} is not set", hint=f"set {name} in the environment")
    return value


def _documents(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name, str(TRANSACTION_DOCUMENTS))
    value = int(text) if text.isascii() and text.isdigit() else 0
    if value < LEAST_DOCUMENTS:
        raise ReplaySettingsError(
            f"{name} is {text!r}", hint=f"write a whole number from {LEAST_DOCUMENTS}"
        )
    return value


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not isfinite(value) or value < 0:
        raise ReplaySettingsError(
            f"{name} is {text!r}", hint="write a number of seconds that is not negative"
        )
    return value
