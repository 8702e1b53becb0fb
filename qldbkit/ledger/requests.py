"""Reading HTTP requests from a connection, within bounds.

HTTP/1.1 as RFC 9112 has it, strictly: what could be understood in two ways is refused, so that
nothing before this server can be made to see other requests than it does.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from typing import Final

from qldbkit.ledger.errors import RequestTimedOutError, RequestTooLargeError, ServiceError
from qldbkit.ledger.server_limits import ServerLimits
from qldbkit.ledger.wire import HttpRequest

HEAD_END: Final = b"\r\n\r\n"
LINE_END: Final = b"\r\n"
RECEIVED_AT_ONCE: Final = 64 * 1024
CHUNK_LINE_BYTES: Final = 1024
"""The longest line that says how long a chunk is, with its extensions."""
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_REQUEST_LINE: Final = re.compile(
    r"(?P<method>[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) (?P<path>[!->@-~]+)(?:\?(?P<query>[!-~]*))?"
    r" HTTP/1\.(?P<minor>[01])"
)
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;[^\r\n]*)?", re.ASCII)


class MalformedRequestError(ServiceError):
    """What came is not HTTP/1.1 as this server takes it."""

    name = "BadRequestException"
    http_status = HTTPStatus.BAD_REQUEST


class HeadersTooLargeError(ServiceError):
    """A request's line and headers are larger than the server takes."""

    name = "RequestHeaderFieldsTooLargeException"
    http_status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


class UnsupportedEncodingError(ServiceError):
    """The request's body is transferred in a way that the server does not know."""

    name = "UnsupportedTransferEncodingException"
    http_status = HTTPStatus.NOT_IMPLEMENTED


class ClosedError(Exception):
    """The other side has closed the connection."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request, and whether the connection is to be kept after its answer."""

    request: HttpRequest
    keep: bool


class RequestReader:
    """The requests of one connection, one after the other.

    Args:
        connection: is read from, and told to go on where a client waits for that.
        limits: how large a request may be, and how long it may take.
    """

    def __init__(self, connection: socket.socket, limits: ServerLimits):
        self._connection = connection
        self._limits = limits
        self._buffer = b""
        self._due = 0.0

    def next(self) -> Received | None:
        """The next request; None when the client has gone, or been idle for too long.

        Raises:
            ServiceError: what came cannot be answered but with this error; nothing that follows it
                on the connection can be understood.
            OSError: the connection failed.
        """
        try:
            if not self._buffer and not self._awaited():
                return None
            self._due = monotonic() + self._limits.read_seconds
            head = self._head()
            self._due = monotonic() + self._limits.read_seconds
            return self._request(*_parsed(head))
        except ClosedError:
            return None

    def _awaited(self) -> bool:
        """Wait for a request to begin; whether one has."""
        self._connection.settimeout(self._limits.idle_seconds)
        try:
            self._buffer = self._connection.recv(RECEIVED_AT_ONCE)
        except TimeoutError:
            return False
        return bool(self._buffer)

    def _head(self) -> str:
        most = self._limits.header_bytes
        while True:
            self._buffer = self._buffer.lstrip(LINE_END)  # some clients end a body so
            end = self._buffer.find(HEAD_END, 0, most + len(HEAD_END))
            if end >= 0:
                break
            if len(self._buffer) > most:
                raise HeadersTooLargeError(f"A request's headers may have at most {most} bytes")
            self._buffer += self._received("headers")
        head, self._buffer = self._buffer[:end], self._buffer[end + len(HEAD_END) :]
        return head.decode("latin-1")

    def _request(self, line: re.Match[str], headers: dict[str, str]) -> Received:
        minor, query = line["minor"] == "1", line["query"] or ""
        if minor and "host" not in headers:
            raise MalformedRequestError("A request must have a Host header")
        body = self._body(headers, minor)
        wish = headers.get("connection", "").lower()
        keep = "close" not in wish if minor else "keep-alive" in wish
        return Received(HttpRequest(line["method"], line["path"], query, headers, body), keep)

    def _body(self, headers: dict[str, str], minor: bool) -> bytes:
        encoding, length = headers.get("transfer-encoding"), headers.get("content-length")
        if encoding is None and length is None:
            return b""
        if minor and headers.get("expect", "").lower() == "100-continue" and not self._buffer:
            self._connection.sendall(CONTINUE)
        if encoding is None:
            if length is None or not _LENGTH.fullmatch(length):
                raise MalformedRequestError("The Content-Length header is not a number")
            return self._sized(int(length))
        if length is not None or not minor:
            raise MalformedRequestError("A request has a Content-Length or is chunked, not both")
        if encoding.lower() != "chunked":
            raise UnsupportedEncodingError("The only Transfer-Encoding that is taken is chunked")
        return self._chunked()

    def _sized(self, size: int) -> bytes:
        if size > self._limits.body_bytes:
            self._discard(size)
            raise self._too_large()
        return self._taken(size)

    def _discard(self, size: int) -> None:
        """Read on, or the client would be cut off while it sends and never see the answer."""
        left = min(size, self._limits.discarded_bytes) - len(self._buffer)
        while left > 0:
            left -= len(self._received("body"))
        self._buffer = b""

    def _chunked(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while length := self._chunk_length():
            size += length
            if size > self._limits.discarded_bytes:
                raise self._too_large()
            part = self._taken(length)
            if size <= self._limits.body_bytes:
                parts.append(part)
            if self._taken(len(LINE_END)) != LINE_END:
                raise MalformedRequestError("A chunk of the body is longer than it says")
        self._skip_trailers()
        if size > self._limits.body_bytes:
            raise self._too_large()
        return b"".join(parts)

    def _chunk_length(self) -> int:
        found = _CHUNK.fullmatch(self._line(CHUNK_LINE_BYTES))
        if found is None:
            raise MalformedRequestError("A chunk of the body does not say how long it is")
        return int(found[1], 16)

    def _skip_trailers(self) -> None:
        left = self._limits.header_bytes
        while line := self._line(left):
            left -= len(line)

    def _line(self, most: int) -> bytes:
        while (end := self._buffer.find(LINE_END)) < 0:
            if len(self._buffer) > most:
                raise MalformedRequestError("A line within the body is too long")
            self._buffer += self._received("body")
        line, self._buffer = self._buffer[:end], self._buffer[end + len(LINE_END) :]
        return line

    def _taken(self, size: int) -> bytes:
        parts, left = [self._buffer], size - len(self._buffer)
        while left > 0:
            parts.append(self._received("body"))
            left -= len(parts[-1])
        data = b"".join(parts)
        self._buffer = data[size:]
        return data[:size]

    def _received(self, what: str) -> bytes:
        left = self._due - monotonic()
        if left <= 0:
            raise self._too_slow(what)
        self._connection.settimeout(left)
        try:
            data = self._connection.recv(RECEIVED_AT_ONCE)
        except TimeoutError:
            raise self._too_slow(what) from None
        if not data:
            raise ClosedError
        return data

    def _too_slow(self, what: str) -> RequestTimedOutError:
        return RequestTimedOutError(
            f"The request's {what} did not arrive within {self._limits.read_seconds:g} seconds"
        )

    def _too_large(self) -> RequestTooLargeError:
        return RequestTooLargeError(
            f"A request's body may have at most {self._limits.body_bytes} bytes"
        )


def _parsed(head: str) -> tuple[re.Match[str], dict[str, str]]:
    first, *lines = head.split("\r\n")
    line = _REQUEST_LINE.fullmatch(first)
    if line is None or not line["path"].startswith(("/", "*")):
        raise MalformedRequestError("That is no request of HTTP/1.1")
    headers: dict[str, str] = {}
    for each in lines:
        name, colon, value = each.partition(":")
        if not colon or not _NAME.fullmatch(name) or _CONTROL.search(value):
            raise MalformedRequestError("A header of the request is malformed")
        key, text = name.lower(), value.strip(" \t")
        if key in headers and key in _ONCE:
            raise MalformedRequestError(f"The request has the header {key} twice")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return line, headers


_ONCE: Final = frozenset({"host", "content-length", "transfer-encoding", "authorization"})
"""Headers of which two would say two things."""
