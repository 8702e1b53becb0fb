"""The control plane's operations on journal streams, and the threads that publish them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from qldbkit.ledger import stream_store
from qldbkit.ledger.aws import AwsClients
from qldbkit.ledger.clock import Clock
from qldbkit.ledger.control import with_token
from qldbkit.ledger.control_store import time_of
from qldbkit.ledger.errors import (
    InvalidParameterError,
    LimitExceededError,
    ResourceNotFoundError,
    ResourcePreconditionNotMetError,
)
from qldbkit.ledger.identifiers import new_identifier
from qldbkit.ledger.kinesis_writer import (
    KinesisRefusedError,
    KinesisUnavailableError,
    KinesisWriter,
)
from qldbkit.ledger.pages import page_of
from qldbkit.ledger.registry import LedgerRegistry
from qldbkit.ledger.resources import Account
from qldbkit.ledger.service_limits import ServiceLimits
from qldbkit.ledger.stream_publisher import StreamPublisher
from qldbkit.ledger.stream_store import JournalStream, StreamStore
from qldbkit.ledger.tags import Tags, check_tags

Request = Mapping[str, Any]
Answer = dict[str, Any]


class StreamPublishers:
    """The publisher of every stream that has not ended.

    Args:
        registry: the ledgers whose journals are published.
        store: where streams are kept.
        account: whose streams they are.
        aws: gives the client of Kinesis.
        clock: the time of day.
        limits: bounds of batches and waits.
    """

    def __init__(
        self,
        registry: LedgerRegistry,
        store: StreamStore,
        account: Account,
        aws: AwsClients,
        clock: Clock,
        limits: ServiceLimits,
    ):
        self._registry = registry
        self._store = store
        self._account = account
        self._aws = aws
        self._clock = clock
        self._limits = limits
        self._lock = threading.Lock()
        self._publishers: dict[str, StreamPublisher] = {}

    def writer(self, kinesis_arn: str, *, aggregated: bool) -> KinesisWriter:
        """Return what writes to a Kinesis stream."""
        return KinesisWriter(self._aws.client("kinesis"), kinesis_arn, aggregated=aggregated)

    def start(self, stream: JournalStream) -> None:
        """Publish a stream from where it was."""
        publisher = StreamPublisher(
            stream,
            self._account.stream_arn(stream.ledger, stream.stream_id),
            self._registry.ledger(stream.ledger),
            self.writer(stream.kinesis_arn, aggregated=stream.aggregated),
            self._store,
            self._clock,
            self._limits,
        )
        with self._lock:
            self._publishers[stream.stream_id] = publisher
        publisher.start()

    def resume(self) -> None:
        """Publish every stream that had not ended when the server stopped."""
        ledgers = {record.name for record in self._registry.records()}
        for stream in self._store.running():
            if stream.ledger in ledgers:
                self.start(stream)
            else:  # the server stopped while it deleted the ledger
                self._store.remove_of_ledger(stream.ledger)

    def stop(self, stream_id: str) -> None:
        """End a stream's publisher, within bounds."""
        with self._lock:
            publisher = self._publishers.pop(stream_id, None)
        if publisher is not None:
            publisher.ask_to_stop()
            publisher.join()

    def close(self) -> None:
        """End every publisher, within bounds; the streams go on when the server is back."""
        with self._lock:
            publishers = list(self._publishers.values())
            self._publishers.clear()
        for publisher in publishers:
            publisher.ask_to_stop()
        for publisher in publishers:
            publisher.join()


class StreamOperations:
    """StreamJournalToKinesis, DescribeJournalKinesisStream and their like.

    Args:
        registry: the server's ledgers.
        store: where streams are kept.
        publishers: their threads.
        tags: the server's tags.
        account: whose streams they are.
        clock: the time of day.
        limits: how many streams a ledger may have, and how long ended ones are described.
    """

    def __init__(
        self,
        registry: LedgerRegistry,
        store: StreamStore,
        publishers: StreamPublishers,
        tags: Tags,
        account: Account,
        clock: Clock,
        limits: ServiceLimits,
    ):
        self._registry = registry
        self._store = store
        self._publishers = publishers
        self._tags = tags
        self._account = account
        self._clock = clock
        self._limits = limits
        self._creation = threading.Lock()

    def stream_journal_to_kinesis(self, request: Request) -> Answer:
        """Make a stream and begin to publish it."""
        self._registry.record(request["LedgerName"])
        check_tags(request.get("Tags", {}))
        now = time_of(self._clock)
        check_period(request["InclusiveStartTime"], request.get("ExclusiveEndTime"), now)
        kinesis = request["KinesisConfiguration"]
        aggregated = kinesis.get("AggregationEnabled", True)
        self._check_kinesis(kinesis["StreamArn"])
        stream = JournalStream(
            new_identifier(),
            request["LedgerName"],
            request["StreamName"],
            request["RoleArn"],
            kinesis["StreamArn"],
            aggregated,
            now,
            request["InclusiveStartTime"],
            request.get("ExclusiveEndTime"),
        )
        self._add(stream)
        arn = self._account.stream_arn(stream.ledger, stream.stream_id)
        try:
            self._publishers.start(stream)
        except ResourceNotFoundError:  # the ledger has been deleted meanwhile
            self._store.remove(stream.stream_id)
            raise
        self._tags.add(arn, request.get("Tags", {}))
        return {"StreamId": stream.stream_id}

    def describe_journal_kinesis_stream(self, request: Request) -> Answer:
        """A stream's state and settings."""
        return {"Stream": self._description(self._stream(request))}

    def list_journal_kinesis_streams_for_ledger(self, request: Request) -> Answer:
        """A page of a ledger's streams, but those that ended long ago."""
        self._registry.record(request["LedgerName"])
        self._forget_old()
        page, token = page_of(
            self._store.of_ledger(request["LedgerName"]),
            lambda stream: stream.stream_id,
            request.get("MaxResults"),
            request.get("NextToken"),
        )
        return {"Streams": [self._description(each) for each in page]} | with_token(token)

    def cancel_journal_kinesis_stream(self, request: Request) -> Answer:
        """End a stream; it writes no last record."""
        stream = self._stream(request)
        self._publishers.stop(stream.stream_id)
        if not self._store.end(stream.stream_id, stream_store.CANCELED, time_of(self._clock)):
            raise ResourcePreconditionNotMetError(
                f"The stream {stream.stream_id} has ended already: it is"
                f" {self._stream(request).status}",
                ResourceType="Stream",
                ResourceName=stream.stream_id,
            )
        return {"StreamId": stream.stream_id}

    def cancel_all(self, ledger: str) -> None:
        """End and forget the streams of a ledger that is being deleted."""
        for stream in self._store.of_ledger(ledger):
            self._publishers.stop(stream.stream_id)
            self._tags.remove_all(self._account.stream_arn(ledger, stream.stream_id))
        self._store.remove_of_ledger(ledger)

    def exists(self, ledger: str, stream_id: str) -> bool:
        """Whether a ledger has that stream, ended or not."""
        return self._store.get(ledger, stream_id) is not None

    def _add(self, stream: JournalStream) -> None:
        with self._creation:
            running = [
                each
                for each in self._store.of_ledger(stream.ledger)
                if each.status in stream_store.RUNNING
            ]
            if len(running) >= self._limits.streams_per_ledger:
                raise LimitExceededError(
                    f"Exceeded the limit of {self._limits.streams_per_ledger} concurrent Journal"
                    " streams",
                    ResourceType="Stream",
                )
            if stream.name in {each.name for each in running}:
                raise InvalidParameterError(
                    f"Ledger {stream.ledger} has an active stream named {stream.name} already",
                    ParameterName="StreamName",
                )
            self._store.add(stream)

    def _check_kinesis(self, kinesis_arn: str) -> None:
        try:
            self._publishers.writer(kinesis_arn, aggregated=True).check()
        except (KinesisRefusedError, KinesisUnavailableError) as error:
            raise InvalidParameterError(
                "QLDB encountered an error validating Kinesis Data Streams: Response from"
                f" Kinesis: {error.message}",
                ParameterName="KinesisConfiguration.StreamArn",
            ) from error

    def _stream(self, request: Request) -> JournalStream:
        self._registry.record(request["LedgerName"])
        self._forget_old()
        stream = self._store.get(request["LedgerName"], request["StreamId"])
        if stream is None:
            raise ResourceNotFoundError(
                f"The stream {request['StreamId']} of ledger {request['LedgerName']} is not found",
                ResourceType="Stream",
                ResourceName=request["StreamId"],
            )
        return stream

    def _forget_old(self) -> None:
        for stream in self._store.remove_ended(time_of(self._clock) - self._limits.retention):
            self._tags.remove_all(self._account.stream_arn(stream.ledger, stream.stream_id))

    def _description(self, stream: JournalStream) -> Answer:
        description: Answer = {
            "LedgerName": stream.ledger,
            "CreationTime": stream.created,
            "InclusiveStartTime": stream.start,
            "RoleArn": stream.role_arn,
            "StreamId": stream.stream_id,
            "Arn": self._account.stream_arn(stream.ledger, stream.stream_id),
            "Status": stream.status,
            "KinesisConfiguration": {
                "StreamArn": stream.kinesis_arn,
                "AggregationEnabled": stream.aggregated,
            },
            "StreamName": stream.name,
        }
        if stream.end is not None:
            description["ExclusiveEndTime"] = stream.end
        if stream.error_cause is not None:
            description["ErrorCause"] = stream.error_cause
        return description


def check_period(start: datetime, end: datetime | None, now: datetime) -> None:
    """Check the period that a stream or an export is asked for.

    Raises:
        InvalidParameterError: it begins in the future, or does not begin before it ends.
    """
    if start > now:
        raise InvalidParameterError(
            "The start date cannot be in the future", ParameterName="InclusiveStartTime"
        )
    if end is not None and start >= end:
        raise InvalidParameterError(
            "The start date must be before the end date", ParameterName="InclusiveStartTime"
        )
