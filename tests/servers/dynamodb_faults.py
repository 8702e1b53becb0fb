"""Faults between a view and DynamoDB, injected at the client by a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from random import Random
from typing import Any, Final

from botocore.exceptions import ClientError, ConnectionClosedError
from simulation.faults import CrashError

from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.compare import DocumentDigest
from qldbkit.replay.destination import Decide
from qldbkit.replay.retrying import RetryingDestination
from qldbkit.replay.views.dynamodb.destination import DynamoDbView

FAULTS: Final = (
    CRASH_BEFORE := "the process died before a request",
    CRASH_AFTER := "the process died after a request",
    NO_ANSWER := "a request was not done and not answered",
    LOST_ANSWER := "a request was done and not answered",
    DONE_LATER := "a transaction was not answered and done later",
    THROTTLED := "a request was throttled",
    CONFLICTED := "a transaction was cancelled for a conflict",
    HALF_READ := "half of the keys were left unread",
)
_REQUESTS: Final = frozenset(
    {"transact_write_items", "transact_get_items", "batch_get_item", "get_item"}
)


class FaultyClient:
    """Passes requests on; where ``interrupt`` raises, one of `FAULTS` happens.

    Attributes:
        sound: the client without any faults.
    """

    def __init__(
        self,
        client: Any,
        random: Random,
        interrupt: Callable[[str], None],
        happened: Counter[str],
    ) -> None:
        self.sound, self._random, self._interrupt = client, random, interrupt
        self._happened = happened
        self._late: list[Callable[[], Any]] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.sound, name)
        if name not in _REQUESTS:
            return method
        return lambda **options: self._send(name, lambda **more: method(**{**options, **more}))

    def _send(self, name: str, request: Callable[..., Any]) -> Any:
        try:
            self._interrupt(name)
        except CrashError:
            return self._fail(name, request)
        return request()

    def _fail(self, name: str, request: Callable[..., Any]) -> Any:
        if self._late:
            with suppress(ClientError):  # nobody is told any more
                self._late.pop(self._random.randrange(len(self._late)))()
        fault = self._random.choice(_possible(name))
        self._happened[fault] += 1
        if fault in (CRASH_AFTER, LOST_ANSWER):
            request()
        if fault in (CRASH_BEFORE, CRASH_AFTER):
            raise CrashError(fault)
        if fault == DONE_LATER:
            self._late.append(request)
        if fault in (NO_ANSWER, LOST_ANSWER, DONE_LATER):
            raise ConnectionClosedError(endpoint_url="injected")
        if fault == HALF_READ:
            return self._half_read(request)
        raise _refusal(fault)

    def _half_read(self, request: Callable[..., Any]) -> Any:
        answer = request()
        ((table, read),) = answer["Responses"].items() or [("", [])]
        kept = read[: len(read) // 2]
        left = [{"pk": each["pk"]} for each in read[len(kept) :]]
        if left:
            answer["Responses"][table] = kept
            answer["UnprocessedKeys"] = {table: {"Keys": left}}
        return answer


def _possible(name: str) -> tuple[str, ...]:
    of_all = (CRASH_BEFORE, CRASH_AFTER, NO_ANSWER, LOST_ANSWER, THROTTLED)
    if name == "transact_write_items":
        return (*of_all, CONFLICTED, DONE_LATER)
    if name == "transact_get_items":
        return (*of_all, CONFLICTED)
    # Few of the requests are of this kind, since a process remembers what it has written
    return (*of_all, *(HALF_READ,) * 10) if name == "batch_get_item" else of_all


def _refusal(fault: str) -> ClientError:
    if fault == THROTTLED:
        return ClientError({"Error": {"Code": "ThrottlingException"}}, "injected")
    return ClientError(
        {
            "Error": {"Code": "TransactionCanceledException"},
            "CancellationReasons": [{"Code": "TransactionConflict"}],
        },
        "injected",
    )


class ViewProcesses:
    """A view as several processes write to it: each remembers what it knows until it dies."""

    def __init__(self, client: FaultyClient, table: str, random: Random, count: int = 3) -> None:
        self._client, self._table, self._random = client, table, random
        self._views = [self._started() for _ in range(count)]
        DynamoDbView(client.sound, table).prepare()

    def checkpoint(self, strand_id: str) -> Checkpoint | None:
        with self._process() as view:
            return _patient(view).checkpoint(strand_id)

    def checkpoints(self) -> list[Checkpoint]:
        with self._process() as view:
            return _patient(view).checkpoints()

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        with self._process() as view:
            return _patient(view).transact(strand_id, documents, decide)

    def digests(self) -> Iterator[DocumentDigest]:
        return self._started().digests()

    @contextmanager
    def _process(self) -> Iterator[DynamoDbView]:
        """One of the processes; it starts anew, and remembers nothing, when it has died."""
        index = self._random.randrange(len(self._views))
        try:
            yield self._views[index]
        except CrashError:
            self._views[index] = self._started()
            raise

    def _started(self) -> DynamoDbView:
        return DynamoDbView(self._client, self._table, pause=lambda _: None)


def _patient(view: DynamoDbView) -> RetryingDestination:
    return RetryingDestination(view, pause=lambda _: None)
