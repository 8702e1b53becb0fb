"""What an operator's commands work with: a deployed replay, found by its stack or by its parts."""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from qldbkit.driver import control_client, qldb_driver
from qldbkit.endpoints import LedgerEndpoints
from qldbkit.errors import QldbkitError
from qldbkit.journal.sources.stored import JournalSource
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import SettlingBuffer
from qldbkit.replay.buffer_dynamodb import DynamoDbBuffer
from qldbkit.replay.buffer_sqlite import SqliteBuffer
from qldbkit.replay.ledger_destination import LedgerDestination
from qldbkit.replay.orders import Action, Order, Orders
from qldbkit.replay.quarantine import Quarantine
from qldbkit.replay.quarantine_dynamodb import BucketPayloads
from qldbkit.replay.refilling import refill
from qldbkit.replay.retrying import RetryingDestination
from qldbkit.replay.routing import ALL_TABLES, TableRouting
from qldbkit.replay.settings import DEFAULT_GAP_RETENTION, DEFAULT_SETTLE_WINDOW


class ReplayNotFoundError(QldbkitError):
    """Nothing says where the replay keeps what it needs."""


@dataclass(frozen=True, slots=True)
class ReplayNames:
    """What a replay's parts are called.

    Attributes:
        destination: the destination ledger's name.
        source: the source ledger's name; None if it is not known.
        table: the settling buffer's DynamoDB table; None if ``file`` is given.
        bucket: the quarantine's S3 bucket; None if payloads are in the table.
        file: the settling buffer's SQLite file.
        tables: which of the source's tables are replayed, and as what.
    """

    destination: str
    source: str | None = None
    table: str | None = None
    bucket: str | None = None
    file: Path | None = None
    tables: TableRouting = ALL_TABLES


def names_of_stack(cloudformation: Any, stack: str) -> ReplayNames:
    """The names in the outputs of the stack that is deployed.

    Raises:
        ReplayNotFoundError: there is no such stack, or it has no replay.
    """
    try:
        (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        raise ReplayNotFoundError(
            f"no stack is called {stack}",
            hint="deploy it, or name the parts with --ledger and --table or --buffer",
        ) from error
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", ())}
    try:
        return ReplayNames(
            destination=outputs["DestinationLedgerName"],
            source=outputs["SourceLedgerName"],
            table=outputs["BufferTableName"],
            bucket=outputs.get("QuarantineBucketName"),
            tables=TableRouting.from_text(
                outputs.get("ReplayedTables", ""), outputs.get("RenamedTables", "")
            ),
        )
    except KeyError as error:
        raise ReplayNotFoundError(f"stack {stack} has no output {error.args[0]}") from error


class ReplayOperator:
    """Opens a replay's parts, each when it is first asked for."""

    def __init__(
        self,
        names: ReplayNames,
        endpoints: LedgerEndpoints,
        *,
        clock: Callable[[], float] = time.time,
        policy: ReplayPolicy | None = None,
    ):
        """Work on a replay.

        Args:
            names: what its parts are called.
            endpoints: where its ledgers are.
            clock: seconds since 1970.
            policy: how the operator's own applier waits and groups.
        """
        self.names, self.endpoints, self.clock = names, endpoints, clock
        self._policy = policy or ReplayPolicy(
            settle_window=DEFAULT_SETTLE_WINDOW, tables=names.tables
        )

    def buffer(self) -> SettlingBuffer:
        """The settling buffer.

        Raises:
            ReplayNotFoundError: neither a table nor a file is named.
        """
        names, region = self.names, self.endpoints.region
        if names.file is not None:
            if not names.file.exists():
                raise ReplayNotFoundError(f"there is no settling buffer {names.file}")
            return SqliteBuffer(names.file, gap_retention=DEFAULT_GAP_RETENTION)
        if names.table is None:
            raise ReplayNotFoundError(
                "no settling buffer is named", hint="give --stack, --table or --buffer"
            )
        bucket = names.bucket
        return DynamoDbBuffer(
            boto3.client("dynamodb", region_name=region),
            names.table,
            gap_retention=DEFAULT_GAP_RETENTION,
            payloads=BucketPayloads(lambda: boto3.client("s3", region_name=region), bucket)
            if bucket
            else None,
        )

    def destination(self) -> LedgerDestination:
        """The destination ledger."""
        return LedgerDestination(
            qldb_driver(
                self.names.destination,
                endpoint_url=self.endpoints.session,
                region=self.endpoints.region,
            )
        )

    def quarantine(self) -> Quarantine:
        """The quarantine, in the name of who runs this."""
        buffer = self.buffer()
        return Quarantine(buffer, self._applier(buffer), Orders(buffer, who=self.caller()))

    def orders(self) -> Orders:
        """The orders that were given."""
        return Orders(self.buffer(), who=self.caller())

    def refill(self, source: JournalSource, location: str, reason: str = "") -> Order:
        """Apply what a journal has and the destination has not, on record.

        Args:
            source: the journal.
            location: where it is, for the record.
            reason: why, if that is worth saying.

        Raises:
            Exception: the destination or the settling buffer failed. It can be done again.
        """
        buffer, destination = self.buffer(), self.destination()
        checkpoints = {each.strand_id: each for each in destination.checkpoints()}
        return Orders(buffer, who=self.caller()).carry_out(
            Action.REFILL,
            location,
            reason,
            lambda: str(refill(source, self._applier(buffer), checkpoints)),
        )

    def _applier(self, buffer: SettlingBuffer) -> Applier:
        return Applier(RetryingDestination(self.destination()), buffer, self.clock, self._policy)

    def control(self) -> Any:
        """The control plane of the ledgers."""
        return control_client(self.endpoints.control, self.endpoints.region)

    def caller(self) -> str:
        """Who gives orders: AWS's name for the caller, or the user of this machine."""
        if self.names.file is not None:
            return f"{getpass.getuser()}@{socket.gethostname()}"
        identity = boto3.client("sts", region_name=self.endpoints.region).get_caller_identity()
        return str(identity["Arn"])
