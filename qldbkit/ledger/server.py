"""An HTTP server for the embedded ledger, on the loopback address unless told otherwise."""

from __future__ import annotations

import contextlib
import ipaddress
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from qldbkit.errors import QldbkitError
from qldbkit.ledger.access import AccessKey
from qldbkit.ledger.application import LedgerSite, Publish
from qldbkit.ledger.connections import Connections
from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.limits import Limits
from qldbkit.ledger.origins import OriginGuard
from qldbkit.ledger.server_limits import ServerLimits

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
ACCEPT_PAUSE: Final = 0.1
"""Seconds to wait where the machine has no more descriptors for connections."""


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
        pages = None if publish is None else publish(service)
        site = LedgerSite(service, OriginGuard(host, allowed_hosts), pages)
        self._connections = Connections(site.answer, limits)
        self._socket = _listening_socket(host, port, limits.backlog)
        self._woken, self._waker = socket.socketpair()

    @property
    def endpoint_url(self) -> str:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def serve(self) -> None:
        """Answer requests until `stop`, or until a signal asks to end in the main thread."""
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._socket, selectors.EVENT_READ)
                selector.register(self._woken, selectors.EVENT_READ)
                while all(key.fileobj is self._socket for key, _ in selector.select()):
                    self._accept()
        finally:
            self._socket.close()
            self._connections.close()
            self._woken.close()
            self._waker.close()

    def stop(self) -> None:
        """Let `serve` return once running requests have been answered."""
        with contextlib.suppress(OSError):  # it has returned already
            self._waker.send(b".")

    def _accept(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except OSError:
            # The client has gone already, or there are no descriptors left until another one goes.
            time.sleep(ACCEPT_PAUSE)
            return
        self._connections.serve(connection)


def _listening_socket(host: str, port: int, backlog: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(backlog)
        listening.setblocking(False)  # a client that goes before it is accepted must not block
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
    """End what runs within in order when a signal asks to."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Also SIGINT, which a process that a shell has put into the background ignores.
    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(each, signal.default_int_handler) for each in signals]
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)


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
