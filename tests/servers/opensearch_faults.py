"""Faults between a view and OpenSearch, injected at the client by a seed.

They are what processes, networks and busy clusters do; the server behind may be OpenSearch or its
stand-in in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any

from opensearchpy import exceptions
from simulation.faults import CrashError

from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.compare import DocumentDigest
from qldbkit.replay.destination import Decide
from qldbkit.replay.errors import RetryableError
from qldbkit.replay.retrying import Backoff, RetryingDestination
from qldbkit.replay.views.opensearch.cluster import Cluster, Transport
from qldbkit.replay.views.opensearch.destination import OpenSearchView
from qldbkit.replay.views.opensearch.writing import Writer

TIMEOUT = ("TIMEOUT", "injected", None)
BUSY = {"index": {"status": 429, "error": {"type": "rejected_execution_exception"}}}
ATTEMPTS = Backoff(attempts=4)
FAULTS = (
    CRASH_BEFORE := "the process died before a request",
    CRASH_AFTER := "the process died after a request",
    NO_ANSWER := "a request was not done and not answered",
    LOST_ANSWER := "a request was done and not answered",
    DONE_LATER := "a request was not answered and done later",
    PARTIAL := "the process died in the middle of a bulk request",
    THROTTLED := "items of a bulk request were refused with 429",
)


class FaultyTransport:
    """Passes requests on; where ``interrupt`` raises, something of the following happens.

    - The process dies before the request is sent, or after it was answered.
    - The request is answered with a time-out, though it was done, or was not.
    - It is answered with a time-out, and done later: after other requests.
    - Of a bulk request, only some items are done, and the process dies.
    - Of a bulk request, some items are answered with 429, and are not done.

    Attributes:
        transacting: whether a transaction is under way; a fault that waits for a bulk request
            happens to no other, since whoever only looks is to see what is there.
    """

    def __init__(
        self,
        server: Transport,
        random: Random,
        interrupt: Callable[[str], None],
        happened: Counter[str],
    ) -> None:
        """Pass requests on to a server, and count in ``happened`` what goes wrong."""
        self._server, self._random, self._interrupt = server, random, interrupt
        self._late: list[Callable[[], Any]] = []
        self._awaits_bulk = False
        self._happened = happened
        self.transacting = False

    def perform_request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        def passed_on(lines: Any = body) -> Any:
            return self._server.perform_request(method, url, params, lines)

        bulk = body if url == "/_bulk" else None
        try:
            self._interrupt(f"{method} {url} sent")
            if bulk is None or not (self._awaits_bulk and self.transacting):
                answer = passed_on()
            else:
                self._awaits_bulk = False
                answer = self._fail(passed_on, bulk)
        except CrashError:
            answer = self._fail(passed_on, bulk)
        try:
            self._interrupt(f"{method} {url} answered")
        except CrashError:
            if self._chosen(LOST_ANSWER, CRASH_AFTER) == LOST_ANSWER:
                raise exceptions.ConnectionTimeout(*TIMEOUT) from None
            raise
        return answer

    def _fail(self, request: Callable[..., Any], bulk: str | None) -> Any:
        if self._late and self._random.random() < 0.5:
            with suppress(exceptions.TransportError):  # nobody is told any more
                self._late.pop(self._random.randrange(len(self._late)))()
        if bulk is None and self._random.random() < 0.5:
            self._awaits_bulk = True  # which are few among the requests
            return request()
        of_some = () if bulk is None else (PARTIAL, THROTTLED)
        fault = self._chosen(CRASH_BEFORE, NO_ANSWER, DONE_LATER, *of_some)
        if fault in of_some and bulk is not None:
            return self._some(request, bulk, dies=fault == PARTIAL)
        if fault == DONE_LATER:
            self._late.append(request)
        if fault == CRASH_BEFORE:
            raise CrashError(fault)
        raise exceptions.ConnectionTimeout(*TIMEOUT)

    def _some(self, request: Callable[..., Any], lines: str, *, dies: bool) -> Any:
        items = list(_items(lines))
        busy = [self._random.random() < 0.5 for _ in items]
        taken = "".join(each for each, refused in zip(items, busy, strict=True) if not refused)
        done = iter(request(taken)["items"] if taken else ())
        if dies:
            raise CrashError(PARTIAL)
        return {"items": [BUSY if each else next(done) for each in busy]}

    def _chosen(self, *faults: str) -> str:
        fault = self._random.choice(faults)
        self._happened[fault] += 1
        return fault


class ViewProcesses:
    """A view as several processes write to it: each remembers what it knows until it dies."""

    def __init__(
        self, transport: FaultyTransport, name: str, random: Random, count: int = 3
    ) -> None:
        self._transport, self._name, self._random = transport, name, random
        self._views = [self._started() for _ in range(count)]

    def checkpoint(self, strand_id: str) -> Checkpoint | None:
        with self._process() as view:
            return view.checkpoint(strand_id)

    def checkpoints(self) -> list[Checkpoint]:
        with self._process() as view:
            return view.checkpoints()

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        outer, self._transport.transacting = self._transport.transacting, True
        try:
            with self._process() as view:
                return view.transact(strand_id, documents, decide)
        finally:
            self._transport.transacting = outer

    def digests(self) -> Iterator[DocumentDigest]:
        return self._started().digests()

    def _process(self) -> _Process:
        return _Process(self._views, self._random.randrange(len(self._views)), self._started)

    def _started(self) -> OpenSearchView:
        cluster = Cluster(self._transport)
        writer = Writer(cluster, ATTEMPTS, pause=lambda _: None)
        return OpenSearchView(cluster, self._name, writer=writer)


class _Process:
    """One of the processes, which is another one after it died."""

    def __init__(
        self, views: list[OpenSearchView], at: int, started: Callable[[], OpenSearchView]
    ) -> None:
        self._views, self._at, self._started = views, at, started

    def __enter__(self) -> RetryingDestination:
        return RetryingDestination(self._views[self._at], ATTEMPTS, pause=lambda _: None)

    def __exit__(self, kind: type[BaseException] | None, error: Any, _: Any) -> None:
        if kind is not None and issubclass(kind, CrashError | RetryableError):
            self._views[self._at] = self._started()
        if kind is not None and issubclass(kind, RetryableError):
            raise CrashError("gave up") from error


def _items(lines: str) -> Iterator[str]:
    """A bulk request's items, each with its lines."""
    waiting = iter(lines.splitlines(keepends=True))
    for line in waiting:
        yield line if line.startswith('{"delete"') else line + next(waiting)
