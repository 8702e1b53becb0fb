"""What the deployed functions call: settings in, one run of the replay, metrics out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import boto3

from qldbkit.driver import qldb_driver
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import SettlingBuffer
from qldbkit.replay.buffer_dynamodb import DynamoDbBuffer
from qldbkit.replay.destination import Destination
from qldbkit.replay.errors import ReplicationHeldError
from qldbkit.replay.ledger_destination import LedgerDestination
from qldbkit.replay.outcome import Outcome, metrics_line
from qldbkit.replay.settings import ReplaySettings


class Replayer:
    """Replays what Kinesis delivers into one destination.

    One batch at a time: Lambda calls a function's process once at a time.
    """

    def __init__(
        self,
        destination: Destination,
        buffer: SettlingBuffer,
        *,
        name: str,
        policy: ReplayPolicy,
        clock: Callable[[], float] = time.time,
        emit: Callable[[str], None] = print,
    ):
        """Put the parts together.

        Args:
            destination: what to replay into.
            buffer: where to keep what cannot be applied yet.
            name: the destination's, for the metrics.
            policy: how long to wait, and how much to do at once.
            clock: seconds since 1970.
            emit: takes each line of metrics; in Lambda, what is printed is logged.
        """
        self._applier = Applier(destination, buffer, clock, policy)
        self._name, self._clock, self._emit = name, clock, emit

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Replayer:
        """The replayer that a deployed function's environment describes.

        Raises:
            ReplaySettingsError: a variable is missing, or not what it has to be.
        """
        settings = ReplaySettings.from_environment(environment)
        driver = qldb_driver(
            settings.destination_ledger,
            endpoint_url=settings.endpoints.session,
            region=settings.endpoints.region,
        )
        client = boto3.client("dynamodb", region_name=settings.endpoints.region)
        return cls(
            LedgerDestination(driver),
            DynamoDbBuffer(client, settings.buffer_table, gap_retention=settings.gap_retention),
            name=settings.destination_ledger,
            policy=ReplayPolicy(settle_window=settings.settle_window),
        )

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Replay a batch; what it returns says what became of it.

        A record that cannot be replayed is set aside and does not fail the batch: delivered again,
        it would be the same. What waits is kept in the settling buffer.

        Raises:
            Exception: the batch could not be finished, and has to be delivered again whole. What
                was applied of it is behind the checkpoint and is not applied twice.
        """
        return self._report(self._applier.handle(event))

    def drain(self) -> dict[str, Any]:
        """Apply what the settling buffer holds and may now be applied.

        Raises:
            ReplicationHeldError: something is lost, damaged or in quarantine, so that waiting will
                not help. It is raised here, on the clock, and not for a batch, so that the
                function's errors show it while the stream is still read and kept.
            Exception: the destination or the buffer failed; the next drain tries again.
        """
        outcome = self._applier.drain()
        report = self._report(outcome)
        problems = outcome.problems()
        if problems:
            raise ReplicationHeldError(
                "; ".join(problems), hint="the archive in S3 has every record that was streamed"
            )
        return report

    def _report(self, outcome: Outcome) -> dict[str, Any]:
        self._emit(metrics_line(outcome, self._name, self._clock()))
        return outcome.as_dict()
