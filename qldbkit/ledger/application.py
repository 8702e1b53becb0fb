"""The embedded ledger behind an ASGI server: requests read within bounds, and who may send them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from qldbkit.errors import QldbkitError
from qldbkit.ledger.errors import RequestTimedOutError, RequestTooLargeError, ServiceError
from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.origins import OriginGuard
from qldbkit.ledger.wire import (
    CONTROL_CONTENT_TYPE,
    HttpRequest,
    HttpResponse,
    error_response,
    new_request_id,
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Pages(Protocol):
    """What is served beside QLDB's two APIs, under paths of its own."""

    def serves(self, path: str) -> bool:
        """Whether a request's path is one of its own."""

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request; it raises nothing."""


Publish = Callable[[LedgerService], Pages]
"""Makes the pages of a server's ledgers."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Bounds of the HTTP server.

    Attributes:
        threads: requests that are worked on at the same time; further ones wait.
        connections: connections open at the same time; further requests are answered with 503.
        body_bytes: the size of a request's body.
        discarded_bytes: how much of a larger body is read before the connection is closed.
        header_bytes: the size of a request's line and headers.
        read_seconds: how long a request may take to arrive, its headers and its body each.
        idle_seconds: how long a connection may wait for its next request.
        stop_seconds: how long requests may take to finish when the server stops.
        backlog: connections that wait to be accepted.
    """

    threads: int = 32
    connections: int = 2048
    body_bytes: int = 8 * 1024 * 1024
    discarded_bytes: int = 64 * 1024 * 1024
    header_bytes: int = 32 * 1024
    read_seconds: float = 20.0
    idle_seconds: int = 75
    stop_seconds: int = 5
    backlog: int = 512


class ProtocolError(QldbkitError):
    """The server spoke something else than HTTP."""


class LedgerApplication:
    """The ASGI application: reads a request within bounds and answers it in a thread.

    Args:
        service: the ledgers.
        limits: bounds of a request.
        guard: keeps pages of other web sites away. Where requests must be signed, QLDB's APIs need
            none: no page can sign.
        pages: what is served beside QLDB's APIs.
    """

    def __init__(
        self,
        service: LedgerService,
        limits: ServerLimits,
        guard: OriginGuard,
        pages: Pages | None = None,
    ):
        self._service = service
        self._limits = limits
        self._guard = guard
        self._pages = pages
        self._threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="request")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise ProtocolError(f"the ledger does not speak {scope['type']}")
        headers = _headers(scope["headers"])
        try:
            body = await self._body(receive)
        except ServiceError as error:
            await _answer(
                send,
                error_response(error, new_request_id(), CONTROL_CONTENT_TYPE),
                [(b"connection", b"close")],
            )
            return
        request = HttpRequest(
            scope["method"],
            scope["raw_path"].decode("ascii"),
            scope["query_string"].decode("latin-1"),
            headers,
            body,
        )
        loop = asyncio.get_running_loop()
        await _answer(send, await loop.run_in_executor(self._threads, self._handle, request), [])

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _handle(self, request: HttpRequest) -> HttpResponse:
        pages = self._pages
        beside = pages is not None and pages.serves(request.path)
        if beside or not self._service.signed:
            try:
                self._guard.check(request.headers)
            except ServiceError as error:
                return error_response(error, new_request_id(), CONTROL_CONTENT_TYPE)
        if pages is not None and beside:
            return pages.handle(request)
        return self._service.handle(request)

    async def _body(self, receive: Receive) -> bytes:
        try:
            async with asyncio.timeout(self._limits.read_seconds):
                return await self._received(receive)
        except TimeoutError:
            raise RequestTimedOutError(
                f"The request's body did not arrive within {self._limits.read_seconds:g} seconds"
            ) from None

    async def _received(self, receive: Receive) -> bytes:
        """The body; of one that is too large the rest is read too, or the client would be
        cut off while it sends and never see the answer."""
        body, size = bytearray(), 0
        while size <= self._limits.discarded_bytes:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestTimedOutError("The client went away")
            part = message.get("body", b"")
            size += len(part)
            if size <= self._limits.body_bytes:
                body += part
            if not message.get("more_body", False):
                break
        if size > self._limits.body_bytes:
            raise self._too_large()
        return bytes(body)

    def _too_large(self) -> RequestTooLargeError:
        return RequestTooLargeError(
            f"A request's body may have at most {self._limits.body_bytes} bytes"
        )


def _headers(pairs: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in pairs:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


async def _answer(
    send: Send, response: HttpResponse, further: Sequence[tuple[bytes, bytes]]
) -> None:
    headers = [(name.encode(), value.encode()) for name, value in response.headers.items()]
    length = (b"content-length", str(len(response.body)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": [*headers, length, *further],
        }
    )
    await send({"type": "http.response.body", "body": response.body})
