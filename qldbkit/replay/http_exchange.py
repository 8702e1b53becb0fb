"""HTTP/1.1 from a client's side: one request after the other over a connection that is kept.

The standard library reads an answer's headers as those of a mail, which takes longer than all else
that a small request costs here.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Final
from urllib.parse import urlsplit

ANSWER_BYTES: Final = 64 * 1024 * 1024
"""The largest answer that is read. A page of a result is far below."""
HEADER_BYTES: Final = 64 * 1024
KEPT_SECONDS: Final = 30.0
"""A connection that was idle for longer is opened anew: the other side may have closed it."""
RECEIVED_AT_ONCE: Final = 64 * 1024
HTTP_PORT: Final = 80
HTTPS_PORT: Final = 443
NO_CONTENT: Final = frozenset({204, 304})

_HEAD_END: Final = b"\r\n\r\n"
_LINE_END: Final = b"\r\n"
_STATUS: Final = re.compile(r"HTTP/1\.(?P<minor>[01]) (?P<status>[1-5][0-9]{2})(?: .*)?")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;.*)?")


@dataclass(frozen=True, slots=True)
class Exchanged:
    """An answer.

    Attributes:
        status: the status code.
        headers: by their names in small letters.
        body: the whole of it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpConnection:
    """A connection to one server, for one thread at a time.

    Args:
        endpoint_url: ``http[s]://HOST[:PORT]``.
        timeout: seconds to wait for the connection, and for each part of an answer.

    Raises:
        ValueError: that is no such URL.
    """

    def __init__(self, endpoint_url: str, timeout: float):
        parts = urlsplit(endpoint_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise ValueError(f"an endpoint is http[s]://HOST[:PORT], not {endpoint_url!r}")
        self._secure = parts.scheme == "https"
        self._name = parts.hostname
        self._port = parts.port or (HTTPS_PORT if self._secure else HTTP_PORT)
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._used = 0.0

    @property
    def host(self) -> str:
        """The Host header: without a port that the scheme implies."""
        name = f"[{self._name}]" if ":" in self._name else self._name
        implied = HTTPS_PORT if self._secure else HTTP_PORT
        return name if self._port == implied else f"{name}:{self._port}"

    def post(self, headers: Mapping[str, str], body: bytes) -> Exchanged:
        """Send ``POST /`` and read the answer. It is not sent twice, whatever happens.

        Raises:
            TimeoutError: there is no answer in time.
            OSError, HTTPException: the connection failed, or what came is no answer; whether the
                request was worked on is not known.
        """
        lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
        head = f"POST / HTTP/1.1\r\n{''.join(lines)}content-length: {len(body)}\r\n\r\n"
        connection = self._connected()
        try:
            # In one piece: a second small one would wait for the first to be acknowledged.
            connection.sendall(head.encode("latin-1") + body)
            answer, keep = _Answer(connection).read()
        except BaseException:
            self.close()
            raise
        if not keep:
            self.close()
        self._used = time.monotonic()
        return answer

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connected(self) -> socket.socket:
        if self._socket is not None and time.monotonic() - self._used > KEPT_SECONDS:
            self.close()
        if self._socket is None:
            made = socket.create_connection((self._name, self._port), self._timeout)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secure:
                context = ssl.create_default_context()
                made = context.wrap_socket(made, server_hostname=self._name)
            self._socket = made
        return self._socket


class _Answer:
    """Reads one answer."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self._buffer = b""

    def read(self) -> tuple[Exchanged, bool]:
        """The answer, and whether the connection may be used again."""
        minor, status, headers = self._head()
        while status < 200:  # it goes on with the real one
            minor, status, headers = self._head()
        body, delimited = self._body(status, headers)
        wish = headers.get("connection", "").lower()
        keep = "close" not in wish if minor else "keep-alive" in wish
        return Exchanged(status, headers, body), keep and delimited and not self._buffer

    def _head(self) -> tuple[bool, int, dict[str, str]]:
        while (end := self._buffer.find(_HEAD_END)) < 0:
            if len(self._buffer) > HEADER_BYTES:
                raise HTTPException(f"an answer has more than {HEADER_BYTES} bytes of headers")
            self._receive()
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        self._buffer = self._buffer[end + len(_HEAD_END) :]
        found = _STATUS.fullmatch(first)
        if found is None:
            raise HTTPException("what came is no answer of HTTP/1.1")
        pairs = [each.partition(":") for each in lines]
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        return found["minor"] == "1", int(found["status"]), headers

    def _body(self, status: int, headers: Mapping[str, str]) -> tuple[bytes, bool]:
        """The body, and whether the answer says where it ends."""
        if status in NO_CONTENT:
            return b"", True
        if "transfer-encoding" in headers:
            if headers["transfer-encoding"].lower() != "chunked":
                raise HTTPException("an answer's Transfer-Encoding is not known")
            return self._chunked(), True
        length = headers.get("content-length")
        if length is None:
            return self._rest(), False
        if not (length.isascii() and length.isdigit()):
            raise HTTPException("an answer's Content-Length is not a number")
        return self._taken(int(length)), True

    def _rest(self) -> bytes:
        parts = [self._buffer]
        while data := self._connection.recv(RECEIVED_AT_ONCE):
            parts.append(data)
            _check_size(sum(map(len, parts)))
        self._buffer = b""
        return b"".join(parts)

    def _chunked(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while length := self._chunk_length():
            size += length
            _check_size(size)
            parts.append(self._taken(length))
            if self._line():
                raise HTTPException("a chunk of an answer is longer than it says")
        while self._line():
            pass  # trailers
        return b"".join(parts)

    def _chunk_length(self) -> int:
        found = _CHUNK.fullmatch(self._line())
        if found is None:
            raise HTTPException("a chunk of an answer does not say how long it is")
        return int(found[1], 16)

    def _line(self) -> bytes:
        while (end := self._buffer.find(_LINE_END)) < 0:
            if len(self._buffer) > HEADER_BYTES:
                raise HTTPException("a line of an answer is too long")
            self._receive()
        line, self._buffer = self._buffer[:end], self._buffer[end + len(_LINE_END) :]
        return line

    def _taken(self, size: int) -> bytes:
        _check_size(size)
        parts, left = [self._buffer], size - len(self._buffer)
        while left > 0:
            parts.append(self._received())
            left -= len(parts[-1])
        data = b"".join(parts)
        self._buffer = data[size:]
        return data[:size]

    def _receive(self) -> None:
        self._buffer += self._received()

    def _received(self) -> bytes:
        data = self._connection.recv(RECEIVED_AT_ONCE)
        if not data:
            raise HTTPException("the connection ended before the answer did")
        return data


def _check_size(size: int) -> None:
    if size > ANSWER_BYTES:
        raise HTTPException(f"an answer has more than {ANSWER_BYTES} bytes")
