"""What the server takes for a request, and what it refuses: over a pair of connected sockets."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from qldbkit.ledger.connections import encoded
from qldbkit.ledger.errors import RequestTimedOutError, RequestTooLargeError, ServiceError
from qldbkit.ledger.requests import (
    HeadersTooLargeError,
    MalformedRequestError,
    RequestReader,
    UnsupportedEncodingError,
)
from qldbkit.ledger.server_limits import ServerLimits
from qldbkit.ledger.wire import HttpResponse

LIMITS = ServerLimits(read_seconds=0.2, idle_seconds=0.2, body_bytes=1000, header_bytes=500)


@contextlib.contextmanager
def sent(data: bytes, limits: ServerLimits = LIMITS) -> Iterator[RequestReader]:
    """A reader of what a client sent before it closed its side."""
    client, server = socket.socketpair()
    with client, server:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        yield RequestReader(server, limits)


def only(data: bytes) -> tuple[str, str, str, dict[str, str], bytes, bool]:
    with sent(data) as reader:
        received = reader.next()
        assert received is not None
        assert reader.next() is None
    request = received.request
    return (
        request.method,
        request.path,
        request.query,
        dict(request.headers),
        request.body,
        received.keep,
    )


def head(*lines: str, start: str = "POST / HTTP/1.1", host: str = "host: here") -> bytes:
    return "\r\n".join([start, *([host] if host else []), *lines, "", ""]).encode("latin-1")


def test_a_request_with_its_body() -> None:
    assert only(head("Content-Length: 2", "X-A:  b c\t", "x-a: d") + b"{}") == (
        "POST",
        "/",
        "",
        {"host": "here", "content-length": "2", "x-a": "b c,d"},
        b"{}",
        True,
    )


def test_the_query_is_apart_from_the_path() -> None:
    method, path, query, *_ = only(head(start="GET /ledgers/a%20b?next=c?d&e HTTP/1.1"))
    assert (method, path, query) == ("GET", "/ledgers/a%20b", "next=c?d&e")


def test_a_body_in_chunks() -> None:
    chunks = b'5\r\nhello\r\nA;ext="1"\r\n worldwide\r\n0\r\ntrailer: x\r\n\r\n'
    assert only(head("transfer-encoding: Chunked") + chunks)[4] == b"hello worldwide"


def test_requests_that_come_together_are_read_one_by_one() -> None:
    both = head("content-length: 1") + b"a" + head("content-length: 1") + b"b"
    with sent(both) as reader:
        bodies = [received.request.body for received in iter(reader.next, None)]
    assert bodies == [b"a", b"b"]


def test_requests_that_come_octet_by_octet() -> None:
    data = b"\r\n" + head("content-length: 3") + b"abc" + head("transfer-encoding: chunked")
    data += b"1\r\nx\r\n0\r\n\r\n"
    client, server = socket.socketpair()
    with client, server:
        reader = RequestReader(_Dripping(server), LIMITS)  # type: ignore[arg-type]
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        assert [each.request.body for each in iter(reader.next, None)] == [b"abc", b"x"]


class _Dripping:
    """A connection that gives one octet at a time."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self.settimeout = connection.settimeout

    def recv(self, _: int) -> bytes:
        return self._connection.recv(1)


@pytest.mark.parametrize(
    ("lines", "start", "keep"),
    [
        ((), "GET / HTTP/1.1", True),
        (("connection: close",), "GET / HTTP/1.1", False),
        ((), "GET / HTTP/1.0", False),
        (("connection: Keep-Alive",), "GET / HTTP/1.0", True),
    ],
)
def test_whether_the_connection_is_kept(lines: tuple[str, ...], start: str, keep: bool) -> None:
    assert only(head(*lines, start=start))[5] is keep


def test_a_client_that_waits_is_told_to_go_on() -> None:
    client, server = socket.socketpair()
    with client, server:
        client.sendall(head("expect: 100-continue", "content-length: 2"))
        reader = RequestReader(server, replace(LIMITS, read_seconds=0.05))
        with pytest.raises(RequestTimedOutError, match="body"):
            reader.next()
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"\x16\x03\x01\x02\x00\r\n\r\n", MalformedRequestError),
        (head(start="GET /"), MalformedRequestError),
        (head(start="GET  / HTTP/1.1"), MalformedRequestError),
        (head(start="GET / HTTP/2.0"), MalformedRequestError),
        (head(start="GET http://here/ HTTP/1.1"), MalformedRequestError),
        (head(start="GET /\x00 HTTP/1.1"), MalformedRequestError),
        (head(start="GET /ä HTTP/1.1"), MalformedRequestError),
        (head(host=""), MalformedRequestError),
        (head("host: there"), MalformedRequestError),
        (head("name : value"), MalformedRequestError),
        (head(" folded"), MalformedRequestError),
        (head("name: a\x00b"), MalformedRequestError),
        (head("name: a\nb: c"), MalformedRequestError),
        (head("no colon"), MalformedRequestError),
        (head("content-length: -1"), MalformedRequestError),
        (head("content-length: 1, 1"), MalformedRequestError),
        (head("content-length: 1", "content-length: 2") + b"ab", MalformedRequestError),
        (head("content-length: 0x1") + b"a", MalformedRequestError),
        (head("content-length: ²") + b"a", MalformedRequestError),
        (head("content-length: 1", "transfer-encoding: chunked") + b"0", MalformedRequestError),
        (
            head("transfer-encoding: chunked", start="POST / HTTP/1.0") + b"0\r\n\r\n",
            MalformedRequestError,
        ),
        (head("transfer-encoding: gzip, chunked"), UnsupportedEncodingError),
        (head("transfer-encoding: chunked") + b"x\r\n", MalformedRequestError),
        (head("transfer-encoding: chunked") + b"-1\r\n", MalformedRequestError),
        (head("transfer-encoding: chunked") + b"1\r\nab\r\n0\r\n\r\n", MalformedRequestError),
        (head("transfer-encoding: chunked") + b"1;" + b"x" * 3000, MalformedRequestError),
        (head("x: " + "y" * 600), HeadersTooLargeError),
        (b"GET / " + b"y" * 600, HeadersTooLargeError),
        (head("content-length: 1001") + b"x" * 1001, RequestTooLargeError),
        (head("content-length: 99999999999") + b"x" * 1001, RequestTooLargeError),
        (head("transfer-encoding: chunked") + b"3E9\r\n" + b"x" * 1001, RequestTooLargeError),
    ],
)
def test_what_is_refused(data: bytes, error: type[ServiceError]) -> None:
    client, server = socket.socketpair()
    with client, server:
        client.sendall(data + (b"\r\n0\r\n\r\n" if error is RequestTooLargeError else b""))
        limits = replace(LIMITS, discarded_bytes=1001)
        with pytest.raises(error):
            RequestReader(server, limits).next()


def test_a_client_that_says_nothing_is_let_go() -> None:
    client, server = socket.socketpair()
    with client, server:
        assert RequestReader(server, LIMITS).next() is None


@pytest.mark.parametrize("whole", [head("content-length: 5") + b"ab", b"GET / HT"])
def test_a_client_that_goes_in_the_middle_is_let_go(whole: bytes) -> None:
    with sent(whole) as reader:
        assert reader.next() is None


def test_whatever_comes_is_a_request_or_refused() -> None:
    source = random.Random(1)
    whole = head("content-length: 5", "connection: close", "x-amz-target: a") + b"hello"
    whole += head("transfer-encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n"
    for _ in range(2000):
        data = bytearray(whole)
        for _ in range(source.randint(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        with sent(bytes(data)) as reader, contextlib.suppress(ServiceError):
            while reader.next() is not None:
                pass


def test_an_answer_has_its_length_and_no_body_for_head() -> None:
    response = HttpResponse(404, {"content-type": "text/plain"}, b"nothing")
    lines, _, body = encoded(response, keep=False).partition(b"\r\n\r\n")
    assert lines.startswith(b"HTTP/1.1 404 Not Found\r\ndate: ")
    assert b"\r\ncontent-length: 7\r\nconnection: close" in lines
    assert body == b"nothing"
    assert encoded(response, keep=True, head=True).endswith(b"content-length: 7\r\n\r\n")
