"""One thread for each connection: it reads a request, answers it, and waits for the next.

A request that is handed from an event loop to a thread and back costs several times what its
answer does; a thread that waits for its own connection costs a little memory.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from qldbkit.ledger.errors import CapacityExceededError, ServiceError
from qldbkit.ledger.requests import RequestReader
from qldbkit.ledger.server_limits import ServerLimits
from qldbkit.ledger.wire import (
    CONTROL_CONTENT_TYPE,
    HttpRequest,
    HttpResponse,
    error_response,
    new_request_id,
)

LINGER_SECONDS: Final = 1.0
"""How long what a refused client still sends is read, so that it sees the answer."""
REFUSED_SECONDS: Final = 0.2
"""The same for a client that is one too many, whom the others wait for."""

Answer = Callable[[HttpRequest], HttpResponse]

_REASONS: Final = {each.value: each.phrase for each in HTTPStatus}


class Connections:
    """The connections of a server.

    Args:
        answer: answers a request; it raises nothing.
        limits: bounds of the server.
    """

    def __init__(self, answer: Answer, limits: ServerLimits):
        self._answer = answer
        self._limits = limits
        self._working = threading.BoundedSemaphore(limits.threads)
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._stopping = False

    def serve(self, connection: socket.socket) -> None:
        """Take a connection over."""
        connection.setblocking(True)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(
            target=self._run, args=(connection,), name="connection", daemon=True
        )
        with self._lock:
            full = len(self._open) >= self._limits.connections
            if not full:
                self._open[connection] = thread
        if full:
            self._refuse(connection)
        else:
            thread.start()

    def close(self) -> None:
        """Let requests that are being worked on be answered, within bounds, and end the rest."""
        with self._lock:
            self._stopping = True
            left = dict(self._open)
        for connection in left:
            _shut(connection, socket.SHUT_RD)
        due = time.monotonic() + self._limits.stop_seconds
        for thread in left.values():
            thread.join(max(0.0, due - time.monotonic()))
        for connection in left:
            _shut(connection, socket.SHUT_RDWR)

    def _run(self, connection: socket.socket) -> None:
        try:
            self._talk(connection)
        except OSError:
            pass  # the client has gone: there is nobody to tell
        finally:
            with self._lock:
                del self._open[connection]
            connection.close()

    def _talk(self, connection: socket.socket) -> None:
        reader = RequestReader(connection, self._limits)
        while not self._stopping:
            try:
                received = reader.next()
            except ServiceError as error:
                self._send(connection, _refusal(error), keep=False)
                _linger(connection, LINGER_SECONDS, self._limits.discarded_bytes)
                return
            if received is None:
                return
            with self._working:
                response = self._answer(received.request)
            keep = received.keep and not self._stopping
            self._send(connection, response, keep=keep, head=received.request.method == "HEAD")
            if not keep:
                return

    def _send(
        self, connection: socket.socket, response: HttpResponse, *, keep: bool, head: bool = False
    ) -> None:
        connection.settimeout(self._limits.write_seconds)
        # In one piece: a second small one would wait for the first to be acknowledged.
        connection.sendall(encoded(response, keep=keep, head=head))

    def _refuse(self, connection: socket.socket) -> None:
        error = CapacityExceededError(f"{self._limits.connections} connections are open")
        with contextlib.suppress(OSError), connection:
            self._send(connection, _refusal(error), keep=False)
            _linger(connection, REFUSED_SECONDS, self._limits.header_bytes)


def encoded(response: HttpResponse, *, keep: bool, head: bool = False) -> bytes:
    """An answer as it is sent.

    Args:
        response: what to answer.
        keep: whether the connection waits for another request.
        head: whether the body is only to be described.
    """
    status = response.status
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, '')}", f"date: {_date(int(time.time()))}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines.append(f"content-length: {len(response.body)}")
    if not keep:
        lines.append("connection: close")
    start = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return start if head else start + response.body


_last_date = (0, "")


def _date(second: int) -> str:
    """The Date header; one is made for all answers of a second."""
    global _last_date  # noqa: PLW0603 - a remembered value, replaced in one step
    at, text = _last_date
    if at != second:
        text = formatdate(second, usegmt=True)
        _last_date = (second, text)
    return text


def _refusal(error: ServiceError) -> HttpResponse:
    return error_response(error, new_request_id(), CONTROL_CONTENT_TYPE)


def _linger(connection: socket.socket, seconds: float, most: int) -> None:
    """Read what is still being sent: to close at once would take the answer back."""
    _shut(connection, socket.SHUT_WR)
    due, received = time.monotonic() + seconds, 0
    with contextlib.suppress(OSError):
        while (left := due - time.monotonic()) > 0 and received < most:
            connection.settimeout(left)
            data = connection.recv(64 * 1024)
            if not data:
                return
            received += len(data)


def _shut(connection: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):  # it has been closed meanwhile
        connection.shutdown(how)
