"""An HTTP server for the embedded ledger, on the loopback address unless told otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from qldbkit.errors import QldbkitError
from qldbkit.ledger.access import AccessKey
from qldbkit.ledger.errors import RequestTimedOutError, RequestTooLargeError, ServiceError
from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.wire import (
    CONTROL_CONTENT_TYPE,
    HttpRequest,
    HttpResponse,
    error_response,
    new_request_id,
)

LOOPBACK: Final = "127.0.0.1"
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ServerError(QldbkitError):
    """The server cannot be started."""


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


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers.

    Attributes:
        endpoint_url: its address.
        service: what it serves.
    """

    endpoint_url: str
    service: LedgerService


class LedgerApplication:
    """The ASGI application: reads a request within bounds and answers it in a thread.

    Args:
        service: the ledgers.
        limits: bounds of a request.
    """

    def __init__(self, service: LedgerService, limits: ServerLimits):
        self._service = service
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="request")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise ServerError(f"the ledger does not speak {scope['type']}")
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


def _protocol(seconds: float) -> type[H11Protocol]:
    """uvicorn's HTTP protocol, with a bound on how long a request's headers may take."""

    class BoundedProtocol(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._await_headers()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is None or self.cycle.response_complete:
                self._await_headers()
            else:
                self._headers_came()

        def connection_lost(self, exc: Exception | None) -> None:
            self._headers_came()
            super().connection_lost(exc)

        _headers_due: asyncio.TimerHandle | None = None

        def _await_headers(self) -> None:
            if self._headers_due is None:
                self._headers_due = self.loop.call_later(seconds, self._give_up)

        def _headers_came(self) -> None:
            if self._headers_due is not None:
                self._headers_due.cancel()
                self._headers_due = None

        def _give_up(self) -> None:
            if not self.transport.is_closing():
                self.transport.write(_TOO_SLOW)
                self.transport.close()

    return BoundedProtocol


class LedgerServer:
    """A server over one `LedgerService`; it listens from its making on.

    Args:
        service: the ledgers.
        host: the address to listen on.
        port: the port; 0 for a free one.
        limits: bounds of the server.

    Raises:
        ServerError: the address is taken, or may not be listened on.
    """

    def __init__(self, service: LedgerService, host: str, port: int, limits: ServerLimits):
        self._application = LedgerApplication(service, limits)
        self._socket = _listening_socket(host, port, limits.backlog)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._application,
                http=_protocol(limits.read_seconds),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=limits.connections,
                timeout_keep_alive=limits.idle_seconds,
                timeout_graceful_shutdown=limits.stop_seconds,
                h11_max_incomplete_event_size=limits.header_bytes,
            )
        )

    @property
    def endpoint_url(self) -> str:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def serve(self) -> None:
        """Answer requests until `stop`, or until a signal asks to end in the main thread."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._application.close()
            self._socket.close()

    def stop(self) -> None:
        """Let `serve` return once running requests have been answered."""
        self._server.should_exit = True


def _listening_socket(host: str, port: int, backlog: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named, asyncio sets TCP_NODELAY, without which each answer waits 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(backlog)
    except OSError as error:
        listening.close()
        raise ServerError(
            f"cannot listen on {host} port {port}: {error.strerror}",
            hint="stop what listens there, or choose another port",
        ) from error
    return listening


def check_exposure(host: str, keys: Sequence[AccessKey] | None) -> None:
    """Refuse to let others than this machine's users in without keys.

    Raises:
        ServerError: the address is not a loopback one, and there are no keys.
    """
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback and keys is None:
        raise ServerError(
            f"{host} can be reached from other machines, and requests need no signature",
            hint=f"listen on {LOOPBACK}, or give the keys that may be used with --auth",
        )


def run_server(
    folder: Path,
    host: str = LOOPBACK,
    port: int = 0,
    *,
    keys: Sequence[AccessKey] | None = None,
    limits: ServerLimits | None = None,
    on_ready: Callable[[str], None] | None = None,
    **service_options: Any,
) -> None:
    """Serve the ledgers of a folder until a signal asks to end.

    Args:
        folder: where the ledgers are kept.
        host: the address to listen on.
        port: the port; 0 for a free one.
        keys: those that requests must be signed with; None to take every request.
        limits: bounds of the server.
        on_ready: called with the server's address once it listens.
        service_options: further arguments of `LedgerService`.

    Raises:
        QldbkitError: the folder is in use, or the address cannot be listened on.
    """
    check_exposure(host, keys)
    service = LedgerService(folder, keys=keys, **service_options)
    try:
        server = LedgerServer(service, host, port, limits or ServerLimits())
        if on_ready is not None:
            on_ready(server.endpoint_url)
        with _ending_by_signals():
            server.serve()
    finally:
        service.close()


@contextlib.contextmanager
def _ending_by_signals() -> Iterator[None]:
    """End what runs within in order when a signal asks to.

    uvicorn raises the signals that ended it once more, which would end the process before the
    ledgers are closed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def running_server(
    folder: Path,
    *,
    keys: Sequence[AccessKey] | None = None,
    limits: ServerLimits | None = None,
    **service_options: Any,
) -> Iterator[RunningServer]:
    """A server on a free loopback port, in a thread, while the context lasts.

    Args:
        folder: where the ledgers are kept.
        keys: those that requests must be signed with; None to take every request.
        limits: bounds of the server.
        service_options: further arguments of `LedgerService`.
    """
    bounds = limits or ServerLimits()
    service = LedgerService(folder, keys=keys, **service_options)
    try:
        server = LedgerServer(service, LOOPBACK, 0, bounds)
        thread = threading.Thread(target=server.serve, name="ledger-server", daemon=True)
        thread.start()
        try:
            yield RunningServer(server.endpoint_url, service)
        finally:
            server.stop()
            thread.join(bounds.stop_seconds + 5)
    finally:
        service.close()
