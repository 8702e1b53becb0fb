"""An HTTP server for the embedded ledger, on the loopback address unless told otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
import socket
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from qldbkit.errors import QldbkitError
from qldbkit.ledger.access import AccessKey
from qldbkit.ledger.application import (
    LedgerApplication,
    ProtocolError,
    Publish,
    ServerLimits,
)
from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.limits import Limits
from qldbkit.ledger.origins import OriginGuard

__all__ = [
    "LOOPBACK",
    "LedgerServer",
    "RunningServer",
    "ServerError",
    "ServerLimits",
    "check_exposure",
    "run_server",
    "running_server",
]

LOOPBACK: Final = "127.0.0.1"
_REFUSED: Final = b"HTTP/1.1 %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_SLOW: Final = _REFUSED % b"408 Request Timeout"
_TOO_LARGE: Final = _REFUSED % b"431 Request Header Fields Too Large"


class ServerError(QldbkitError):
    """The server cannot be started."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers.

    Attributes:
        endpoint_url: its address.
        service: what it serves.
    """

    endpoint_url: str
    service: LedgerService


def _protocol(limits: ServerLimits) -> type[HttpToolsProtocol]:
    """uvicorn's HTTP protocol, with bounds on how long and how large a request's head may be."""

    class BoundedProtocol(HttpToolsProtocol):
        _in_head = _in_body = False
        _heads = _head_bytes = 0
        _head_due: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._await_head()

        def data_received(self, data: bytes) -> None:
            in_body, heads = self._in_body, self._heads
            super().data_received(data)
            # What came behind a body, or behind a whole request, is not counted: it is one read.
            if self._in_head and not in_body and self._heads - heads <= 1:
                self._head_bytes += len(data)
                if self._head_bytes > limits.header_bytes:
                    self._refuse(_TOO_LARGE)

        def connection_lost(self, exc: Exception | None) -> None:
            self._head_came()
            super().connection_lost(exc)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._in_head, self._head_bytes = True, 0
            self._heads += 1
            self._await_head()

        def on_headers_complete(self) -> None:
            self._in_head, self._in_body = False, True
            self._head_came()
            if self.parser.get_http_version() == "1.1" and not any(
                name == b"host" for name, _ in self.headers
            ):
                raise ProtocolError("a request of HTTP/1.1 names its host")  # answered with 400
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            self._in_body = False
            super().on_message_complete()

        def _await_head(self) -> None:
            if self._head_due is None:
                self._head_due = self.loop.call_later(limits.read_seconds, self._refuse, _TOO_SLOW)

        def _head_came(self) -> None:
            if self._head_due is not None:
                self._head_due.cancel()
                self._head_due = None

        def _refuse(self, answer: bytes) -> None:
            if not self.transport.is_closing():
                self.transport.write(answer)
                self.transport.close()

    return BoundedProtocol


class LedgerServer:
    """A server over one `LedgerService`; it listens from its making on.

    Args:
        service: the ledgers.
        host: the address to listen on.
        port: the port; 0 for a free one.
        limits: bounds of the server.
        allowed_hosts: further host names by which it is reached.
        publish: makes what is served beside QLDB's APIs.

    Raises:
        ServerError: the address is taken, or may not be listened on.
    """

    def __init__(
        self,
        service: LedgerService,
        host: str,
        port: int,
        limits: ServerLimits,
        *,
        allowed_hosts: Collection[str] = (),
        publish: Publish | None = None,
    ):
        self._application = LedgerApplication(
            service,
            limits,
            OriginGuard(host, allowed_hosts),
            None if publish is None else publish(service),
        )
        self._socket = _listening_socket(host, port, limits.backlog)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._application,
                http=_protocol(limits),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                limit_concurrency=limits.connections,
                timeout_keep_alive=limits.idle_seconds,
                timeout_graceful_shutdown=limits.stop_seconds,
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
    ledger_limits: Limits | None = None,
    allowed_hosts: Collection[str] = (),
    publish: Publish | None = None,
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
        ledger_limits: bounds of its ledgers and sessions.
        allowed_hosts: further host names by which it is reached.
        publish: makes what is served beside QLDB's APIs.
        on_ready: called with the server's address once it listens.
        service_options: further arguments of `LedgerService`.

    Raises:
        QldbkitError: the folder is in use, or the address cannot be listened on.
    """
    check_exposure(host, keys)
    service = LedgerService(folder, keys=keys, limits=ledger_limits, **service_options)
    try:
        server = LedgerServer(
            service,
            host,
            port,
            limits or ServerLimits(),
            allowed_hosts=allowed_hosts,
            publish=publish,
        )
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
    ledger_limits: Limits | None = None,
    publish: Publish | None = None,
    **service_options: Any,
) -> Iterator[RunningServer]:
    """A server on a free loopback port, in a thread, while the context lasts.

    Args:
        folder: where the ledgers are kept.
        keys: those that requests must be signed with; None to take every request.
        limits: bounds of the server.
        ledger_limits: bounds of its ledgers and sessions.
        publish: makes what is served beside QLDB's APIs.
        service_options: further arguments of `LedgerService`.
    """
    bounds = limits or ServerLimits()
    service = LedgerService(folder, keys=keys, limits=ledger_limits, **service_options)
    try:
        server = LedgerServer(service, LOOPBACK, 0, bounds, publish=publish)
        thread = threading.Thread(target=server.serve, name="ledger-server", daemon=True)
        thread.start()
        try:
            yield RunningServer(server.endpoint_url, service)
        finally:
            server.stop()
            thread.join(bounds.stop_seconds + 5)
    finally:
        service.close()
