"""What the deployed functions call: settings in, one run of the replay, metrics out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import boto3
from aws_lambda_powertools import Logger

from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import SettlingBuffer
from qldbkit.replay.buffer_dynamodb import DynamoDbBuffer
from qldbkit.replay.destination import Destination
from qldbkit.replay.errors import ReplicationHeldError
from qldbkit.replay.ledger_client import LedgerClient
from qldbkit.replay.ledger_destination import LedgerDestination
from qldbkit.replay.outcome import Figures, Outcome
from qldbkit.replay.quarantine_dynamodb import BucketPayloads
from qldbkit.replay.reporting import Reports
from qldbkit.replay.retrying import RetryingDestination
from qldbkit.replay.settings import ReplaySettings, StreamSettings, ViewSettings
from qldbkit.replay.units import UnitLimits
from qldbkit.replay.views.opening import open_view
from qldbkit.replay.views.view import Indexer


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
        logger: Logger | None = None,
        prepare: Callable[[], None] | None = None,
        unindexed: Callable[[], int] | None = None,
    ):
        """Put the parts together.

        Args:
            destination: what to replay into.
            buffer: where to keep what cannot be applied yet.
            name: the destination's, for the metrics.
            policy: how long to wait, and how much to do at once.
            clock: seconds since 1970.
            emit: takes each line of metrics; in Lambda, what is printed is logged.
            logger: takes the lines for people.
            prepare: what has to be done once before the first run, until it succeeds.
            unindexed: counts the documents that the destination could not index.
        """
        self._prepare, self._unindexed = prepare, unindexed
        self._applier = Applier(RetryingDestination(destination), buffer, clock, policy)
        self._reports = Reports(name, buffer, clock=clock, emit=emit, logger=logger)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Replayer:
        """The replayer that a deployed function's environment describes.

        Raises:
            ReplaySettingsError: a variable is missing, or not what it has to be.
        """
        settings = ReplaySettings.from_environment(environment)
        client = LedgerClient.to(
            settings.destination_ledger,
            endpoint_url=settings.endpoints.session,
            region=settings.endpoints.region,
        )
        return cls(
            LedgerDestination(client),
            buffer_of(settings.stream),
            name=settings.destination_ledger,
            policy=policy_of(settings.stream, UnitLimits.of(settings.transaction_documents)),
        )

    @classmethod
    def for_view(cls, environment: Mapping[str, str]) -> Replayer:
        """The replayer into a view that a deployed function's environment describes.

        The view is prepared before the first run, not here: what cannot be reached then is
        reported, and tried again with the next run.

        Raises:
            ReplaySettingsError: a variable is missing, or not what it has to be.
            ViewUrlError: ``VIEW_URL`` names no view.
        """
        settings = ViewSettings.from_environment(environment)
        view = open_view(settings.url, settings.stream.region)
        return cls(
            view,
            buffer_of(settings.stream),
            name=settings.name,
            policy=policy_of(settings.stream, view.limits),
            prepare=view.prepare,
            unindexed=view.unindexed_documents if isinstance(view, Indexer) else None,
        )

    def handle(self, event: Mapping[str, Any]) -> Figures:
        """Replay a batch; what it returns says what became of it.

        A record that cannot be replayed is set aside and does not fail the batch: delivered again,
        it would be the same. What waits is kept in the settling buffer.

        Raises:
            Exception: the batch could not be finished, and has to be delivered again whole. What
                was applied of it is behind the checkpoint and is not applied twice.
        """
        _, figures = self._run(lambda: self._applier.handle(event))
        return figures

    def drain(self) -> Figures:
        """Apply what the settling buffer holds and may now be applied.

        Raises:
            ReplicationHeldError: something is lost, damaged or in quarantine, so that waiting will
                not help. It is raised here, on the clock, and not for a batch, so that the
                function's errors show it while the stream is still read and kept.
            Exception: the destination or the buffer failed; the next drain tries again.
        """
        outcome, figures = self._run(self._drained)
        problems = outcome.problems()
        if problems:
            raise ReplicationHeldError(
                "; ".join(problems), hint="the archive in S3 has every record that was streamed"
            )
        return figures

    def _drained(self) -> Outcome:
        outcome = self._applier.drain()
        if self._unindexed is not None and outcome.standing is not None:
            outcome.standing = replace(outcome.standing, unindexed=self._unindexed())
        return outcome

    def _run(self, run: Callable[[], Outcome]) -> tuple[Outcome, Figures]:
        try:
            if self._prepare is not None:
                self._prepare()
                self._prepare = None
            outcome = run()
        except Exception as error:
            self._reports.failed(error)
            raise
        return outcome, self._reports.finished(outcome)


def policy_of(settings: StreamSettings, limits: UnitLimits) -> ReplayPolicy:
    """How a deployed replay waits and groups."""
    return ReplayPolicy(
        settle_window=settings.settle_window,
        limits=limits,
        tables=settings.tables,
        retention=settings.retention,
    )


def buffer_of(settings: StreamSettings) -> DynamoDbBuffer:
    """The deployed settling buffer that the settings name."""
    region, bucket = settings.region, settings.quarantine_bucket
    payloads = BucketPayloads(lambda: boto3.client("s3", region_name=region), bucket)
    return DynamoDbBuffer(
        boto3.client("dynamodb", region_name=region),
        settings.buffer_table,
        gap_retention=settings.gap_retention,
        payloads=payloads if bucket else None,
    )
