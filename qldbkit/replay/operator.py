"""What an operator's commands work with: a deployed replay, found by its stack or by its parts."""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf
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
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.compare import DestinationLedger, Side, SomeTables
from qldbkit.replay.destination import Destination
from qldbkit.replay.errors import OrderRefusedError
from qldbkit.replay.interruptions import Interruptions
from qldbkit.replay.ledger_destination import LedgerDestination
from qldbkit.replay.orders import Action, Order, Orders
from qldbkit.replay.quarantine import Quarantine
from qldbkit.replay.quarantine_dynamodb import BucketPayloads
from qldbkit.replay.reading import StreamReading
from qldbkit.replay.refilling import refill
from qldbkit.replay.repair import RepairRefusedError
from qldbkit.replay.repair_source import RepairSource
from qldbkit.replay.reporting import note_held
from qldbkit.replay.resync import resynchronise
from qldbkit.replay.retrying import RetryingDestination
from qldbkit.replay.routed_source import RoutedSource
from qldbkit.replay.routing import ALL_TABLES, TableRouting
from qldbkit.replay.settings import DEFAULT_GAP_RETENTION, DEFAULT_SETTLE_WINDOW
from qldbkit.replay.skipping import go_on_over, held_at
from qldbkit.replay.views.kinds import OUTPUT_PREFIXES, deployed_name
from qldbkit.replay.views.opening import is_view, kind_of, open_view
from qldbkit.replay.views.view import View


class ReplayNotFoundError(QldbkitError):
    """Nothing says where the replay keeps what it needs."""


@dataclass(frozen=True, slots=True)
class ReplayNames:
    """What a replay's parts are called.

    Attributes:
        destination: the destination's name: a ledger's, or a view's in the metrics.
        source: the source ledger's name; None if it is not known.
        table: the settling buffer's DynamoDB table; None if ``file`` is given.
        bucket: the quarantine's S3 bucket; None if payloads are in the table.
        file: the settling buffer's SQLite file.
        tables: which of the source's tables are replayed, and as what.
        function: the Lambda function that takes the stream's batches; None if none is known.
        clock_rule: EventBridge's rule that calls the clock's function; None if none is known.
        view: the view's URL; None if the destination is a ledger.
    """

    destination: str
    source: str | None = None
    table: str | None = None
    bucket: str | None = None
    file: Path | None = None
    tables: TableRouting = ALL_TABLES
    function: str | None = None
    clock_rule: str | None = None
    view: str | None = None


def names_of_stack(cloudformation: Any, stack: str, view: str | None = None) -> ReplayNames:
    """The names in the outputs of the stack that is deployed.

    Args:
        cloudformation: boto3's client.
        stack: the stack's name.
        view: the view that is meant, by its kind, or by the URL by which it is reached from here;
            None for the destination ledger.

    Raises:
        ReplayNotFoundError: there is no such stack, or it has no such replay.
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
        return _names_in(outputs) if view is None else _view_names_in(outputs, view)
    except KeyError as error:
        raise ReplayNotFoundError(
            f"stack {stack} has no output {error.args[0]}",
            hint=None if view is None else "`views` in the stack's context names its views",
        ) from error


def _names_in(outputs: Mapping[str, str]) -> ReplayNames:
    return ReplayNames(
        destination=outputs["DestinationLedgerName"],
        source=outputs["SourceLedgerName"],
        table=outputs["BufferTableName"],
        bucket=outputs.get("QuarantineBucketName"),
        tables=_routing_in(outputs),
        function=outputs.get("ReplayFunctionName"),
        clock_rule=outputs.get("ClockRuleName"),
    )


def _view_names_in(outputs: Mapping[str, str], view: str) -> ReplayNames:
    kind = kind_of(view) if is_view(view) else view
    if kind not in OUTPUT_PREFIXES:
        raise ReplayNotFoundError(
            f"{view} is no view", hint=f"give a URL, or one of {', '.join(OUTPUT_PREFIXES)}"
        )
    parts, source = f"{OUTPUT_PREFIXES[kind]}View", outputs["SourceLedgerName"]
    url = outputs[f"{parts}Url"]
    return ReplayNames(
        destination=deployed_name(source, kind),
        source=source,
        table=outputs[f"{parts}BufferTableName"],
        bucket=outputs.get("QuarantineBucketName"),
        tables=_routing_in(outputs),
        function=outputs[f"{parts}ReplayFunctionName"],
        clock_rule=outputs.get(f"{parts}ClockRuleName"),
        view=view if is_view(view) else url,
    )


def _routing_in(outputs: Mapping[str, str]) -> TableRouting:
    return TableRouting.from_text(
        outputs.get("ReplayedTables", ""), outputs.get("RenamedTables", "")
    )


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
        self._view: View | None = None

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

    def destination(self) -> Destination:
        """The destination: a ledger, or a view, whose connections end with the process."""
        return LedgerDestination(self._driver()) if self.names.view is None else self._opened()

    def _opened(self) -> View:
        if self._view is None:
            assert self.names.view is not None
            self._view = open_view(self.names.view, self.endpoints.region)
        return self._view

    def _driver(self) -> Any:
        return qldb_driver(
            self.names.destination,
            endpoint_url=self.endpoints.session,
            region=self.endpoints.region,
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

    def resync(self, source: RepairSource, tables: frozenset[str], reason: str = "") -> Order:
        """Bring tables to what they are in the source, on record, while replay goes on.

        Args:
            source: the source's side, with its own names of the tables.
            tables: names of the source's tables.
            reason: why, if that is worth saying.

        Raises:
            OrderRefusedError: a table is not replayed.
            RepairRefusedError: the source does not know all that was replayed, or is another one.
            Exception: a side cannot be read, or the destination not be written.
        """
        names = self._names_of(tables)
        destination, who = self.destination(), self.caller()
        renamed = {each: name for each, name in names.items() if each != name}
        routed = RoutedSource(source, TableRouting.of(names, renamed))
        only = frozenset(names.values())

        def bring() -> str:
            strand_id = only_strand(destination.checkpoints())
            side = partial(self._side, only)
            return str(resynchronise(routed, destination, side, strand_id, who=who))

        position = f"{', '.join(sorted(tables))} from {source.name()}"
        return Orders(self.buffer(), who=who).carry_out(Action.RESYNC, position, reason, bring)

    def _side(self, only: frozenset[str]) -> Side:
        """Those tables of the destination, as they are now."""
        if self.names.view is None:
            return DestinationLedger(self._driver(), only)
        return SomeTables(self._opened(), only)

    def skip(self, sequence_no: int, strand_id: str | None, reason: str) -> Order:
        """Let a strand go on over the block that it waits for, on record.

        Args:
            sequence_no: the block's.
            strand_id: its strand; None if only one waits there.
            reason: why.

        Raises:
            OrderRefusedError: no reason is given, or the block is not what is waited for, or may
                still come.
            Exception: the destination or the settling buffer failed. It can be ordered again.
        """
        if not reason.strip():
            raise OrderRefusedError(
                "nothing is skipped without a reason", hint="give one with --reason"
            )
        buffer, destination = self.buffer(), self.destination()
        applier = self._applier(buffer)
        hold = held_at(applier.drain(), sequence_no, strand_id)
        return Orders(buffer, who=self.caller()).carry_out(
            Action.SKIP,
            str(hold.address),
            reason,
            lambda: go_on_over(hold, applier, destination, buffer),
        )

    def pause(self, reason: str = "") -> Order:
        """Stop reading the stream, on record; nothing is lost while the stream keeps its records.

        Raises:
            ReplayNotFoundError: the deployed functions are not known.
            ReadingError: it could not be stopped.
        """
        buffer, reading = self.buffer(), self.reading()

        def stop() -> str:
            Interruptions(buffer, inf).pause(self.clock())
            reading.stop()
            return "paused"

        return Orders(buffer, who=self.caller()).carry_out(
            Action.PAUSE, str(self.names.function), reason, stop
        )

    def resume(self, reason: str = "") -> Order:
        """Read the stream again from where it was left, on record.

        Raises:
            ReplayNotFoundError: the deployed functions are not known.
            ReadingError: it could not be started.
        """
        buffer, reading = self.buffer(), self.reading()

        def start() -> str:
            reading.start()
            Interruptions(buffer, inf).resume(self.clock())
            return "resumed"

        return Orders(buffer, who=self.caller()).carry_out(
            Action.RESUME, str(self.names.function), reason, start
        )

    def reading(self) -> StreamReading:
        """Whether the deployed functions read the stream.

        Raises:
            ReplayNotFoundError: they are not known.
        """
        names, region = self.names, self.endpoints.region
        if names.function is None or names.clock_rule is None:
            raise ReplayNotFoundError(
                "no deployed function is known that reads the stream",
                hint="name the stack with --stack, and deploy it if it is older than this version",
            )
        return StreamReading(
            boto3.client("lambda", region_name=region),
            boto3.client("events", region_name=region),
            function=names.function,
            rule=names.clock_rule,
        )

    def look_again(self) -> None:
        """Have the status say how it is after an order, and not only when the clock has looked.

        Raises:
            Exception: the destination or the settling buffer failed.
        """
        buffer = self.buffer()
        note_held(buffer, self._applier(buffer).drain(), self.clock())

    def _names_of(self, tables: frozenset[str]) -> dict[str, str]:
        """The destination's names of tables of the source."""
        names = {each: self.names.tables.name_of(each) for each in sorted(tables)}
        left_out = [each for each, name in names.items() if name is None]
        if left_out:
            raise OrderRefusedError(f"{', '.join(left_out)} is not replayed")
        return {each: name for each, name in names.items() if name is not None}

    def _applier(self, buffer: SettlingBuffer) -> Applier:
        policy = self._policy
        if self.names.view is not None:
            policy = replace(policy, limits=self._opened().limits)
        return Applier(RetryingDestination(self.destination()), buffer, self.clock, policy)

    def control(self) -> Any:
        """The control plane of the ledgers."""
        return control_client(self.endpoints.control, self.endpoints.region)

    def caller(self) -> str:
        """Who gives orders: AWS's name for the caller, or the user of this machine."""
        if self.names.file is not None:
            return f"{getpass.getuser()}@{socket.gethostname()}"
        identity = boto3.client("sts", region_name=self.endpoints.region).get_caller_identity()
        return str(identity["Arn"])


def only_strand(checkpoints: Sequence[Checkpoint]) -> str:
    """The journal that was replayed into a destination, if it is one.

    Raises:
        RepairRefusedError: it is none, or several.
    """
    if len(checkpoints) != 1:
        raise RepairRefusedError(
            f"{len(checkpoints)} journals were replayed into the destination; it can be repaired"
            " if it is one"
        )
    return checkpoints[0].strand_id
