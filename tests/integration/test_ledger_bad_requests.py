"""A request that is malformed, too large or slow gets an error: no hang, no stack trace."""

import socket
from time import monotonic

import pytest

from qldbkit.ledger.server import ServerLimits, running_server

LIST = b"GET /ledgers HTTP/1.1\r\nhost: localhost\r\n\r\n"


def read_until(connection, end, times=1):
    answer = b""
    while answer.count(end) < times:
        part = connection.recv(65536)
        assert part, answer
        answer += part
    return answer


def post(body, path=b"/", target=b"QLDBSession.SendCommand"):
    head = b"POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n" % (path, len(body))
    if target is not None:
        head += b"x-amz-target: %s\r\n" % target
    return head + b"\r\n" + body


def connection_to(server):
    host, port = server.endpoint_url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("requests") / "ledgers") as running:
        yield running


@pytest.mark.parametrize(
    ("request_", "status", "error"),
    [
        (post(b"{"), 400, "BadRequestException"),
        (post(b"[]"), 400, "BadRequestException"),
        (post(b"\xff\xfe"), 400, "BadRequestException"),
        (post(b"[" * 100_000), 400, "BadRequestException"),
        (post(b"{}"), 400, "BadRequestException"),
        (post(b'{"StartSession":[]}'), 400, "BadRequestException"),
        (post(b'{"StartTransaction":{}}'), 400, "BadRequestException"),
        (
            post(b'{"StartTransaction":{},"EndSession":{},"SessionToken":"abcd"}'),
            400,
            "BadRequestException",
        ),
        (post(b"{}", target=b"QLDBSession.Other"), 404, "UnknownOperationException"),
        (post(b"{}", target=b"DynamoDB_20120810.Scan"), 404, "UnknownOperationException"),
        (post(b"{", b"/ledgers", None), 400, "InvalidParameterException"),
        (post(b'{"Name":{}}', b"/ledgers", None), 400, "InvalidParameterException"),
        (post(b"{}", b"/nothing", None), 404, "UnknownOperationException"),
        (
            b"GET /ledgers?max_results=x HTTP/1.1\r\nhost: localhost\r\n\r\n",
            400,
            "InvalidParameter",
        ),
        (
            b"GET /ledgers?max_results=101 HTTP/1.1\r\nhost: localhost\r\n\r\n",
            400,
            "InvalidParameter",
        ),
        (b"GET /ledgers?next_token=!!!!! HTTP/1.1\r\nhost: localhost\r\n\r\n", 400, "InvalidParam"),
        (b"GET /ledgers/%2e%2e HTTP/1.1\r\nhost: localhost\r\n\r\n", 400, "InvalidParameter"),
        (b"GET /ledgers/%00 HTTP/1.1\r\nhost: localhost\r\n\r\n", 400, "InvalidParameter"),
        (b"GET /ledgers/%ff HTTP/1.1\r\nhost: localhost\r\n\r\n", 400, "InvalidParameter"),
    ],
)
def test_a_malformed_request_gets_a_sentence(server, request_, status, error, raw):
    answered, body = raw(server, request_)
    assert answered == status
    assert body["__type"].startswith(error)
    assert len(body["Message"]) > 10
    assert "Traceback" not in body["Message"]


@pytest.mark.parametrize(
    "request_", [b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"]
)
def test_what_is_no_http_is_answered_with_400(server, request_, raw):
    assert raw(server, request_)[0] == 400


def test_headers_without_end_are_answered_with_an_error(server, raw):
    assert raw(server, b"GET / HTTP/1.1\r\nx: " + b"y" * 50_000)[0] in (400, 431)


def test_headers_without_end_are_an_error_behind_a_request_too(server):
    with connection_to(server) as connection:
        connection.sendall(LIST + b"GET / HTTP/1.1\r\n")
        assert read_until(connection, b'{"Ledgers":[]}').startswith(b"HTTP/1.1 200")
        connection.sendall(b"x: " + b"y" * 50_000)
        assert connection.recv(65536).startswith(b"HTTP/1.1 431")


def test_requests_that_are_sent_at_once_are_answered_in_order(server):
    with connection_to(server) as connection:
        connection.sendall(LIST + post(b"x" * 40_000) + LIST)
        answers = read_until(connection, b'{"Ledgers":[]}', 2)
    assert [each[:4] for each in answers.split(b"HTTP/1.1 ")[1:]] == [b"200 ", b"400 ", b"200 "]


@pytest.fixture
def strict(tmp_path):
    limits = ServerLimits(read_seconds=0.3, body_bytes=10_000)
    with running_server(tmp_path / "ledgers", limits=limits) as server:
        yield server


def test_a_body_that_is_too_large_gets_413(strict, raw):
    status, body = raw(strict, post(b"x" * 20_000))
    assert (status, body["__type"]) == (413, "RequestEntityTooLargeException")


def test_a_body_that_is_too_large_in_chunks_gets_413(strict, raw):
    head = b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = b"".join(b"400\r\n" + b"x" * 1024 + b"\r\n" for _ in range(20))
    assert raw(strict, head + chunks + b"0\r\n\r\n")[0] == 413


def test_a_body_that_does_not_come_gets_408(strict, raw):
    began = monotonic()
    status, body = raw(strict, post(b"{}")[:-1])
    assert (status, body["__type"]) == (408, "RequestTimeoutException")
    assert monotonic() - began < 5


def test_headers_that_do_not_come_get_408(strict, raw):
    began = monotonic()
    assert raw(strict, b"GET /ledgers HTTP/1.1\r\nhost")[0] == 408
    assert monotonic() - began < 5


def test_slow_clients_keep_no_one_else_waiting(strict, connected):
    slow = [connection_to(strict) for _ in range(50)]
    try:
        for each in slow:
            each.sendall(b"POST / HTTP/1.1\r\n")
        began = monotonic()
        connected(strict).client("qldb").list_ledgers()
        assert monotonic() - began < 2
    finally:
        for each in slow:
            each.close()


def test_a_connection_serves_many_requests(server):
    with connection_to(server) as connection:
        for _ in range(3):
            connection.sendall(LIST)
            assert read_until(connection, b'{"Ledgers":[]}').startswith(b"HTTP/1.1 200")
