"""What a client of a ledger reads as an answer, against a server that answers as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from qldbkit.replay import http_exchange
from qldbkit.replay.http_exchange import HttpConnection, HTTPException

HEAD = b"HTTP/1.1 200 OK\r\n"


class Canned:
    """Answers each request with the next of the answers; None closes the connection."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.answers: list[bytes | None] = []
        self.requests: list[bytes] = []
        self.connections = 0
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        while data := connection.recv(65536):
            self.requests.append(data)
            answer = self.answers.pop(0)
            if answer is None:
                return
            connection.sendall(answer)
            if b"connection: close" in answer or b"-length" not in answer:
                return


@pytest.fixture
def server() -> Iterator[Canned]:
    made = Canned()
    yield made
    made.close()


@pytest.fixture
def post(server: Canned) -> Iterator[Callable[[], tuple[int, bytes]]]:
    connection = HttpConnection(server.url, 2.0)

    def send() -> tuple[int, bytes]:
        answered = connection.post({"host": connection.host}, b"{}")
        return answered.status, answered.body

    yield send
    connection.close()


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (HEAD + b"content-length: 5\r\n\r\nhello", (200, b"hello")),
        (b"HTTP/1.1 500\r\ncontent-length: 0\r\n\r\n", (500, b"")),
        (b"HTTP/1.1 100 Go\r\n\r\n" + HEAD + b"Content-Length: 1\r\n\r\na", (200, b"a")),
        (
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nt: 1\r\n\r\n",
            (200, b"abcde"),
        ),
        (HEAD + b"\r\nall that comes", (200, b"all that comes")),
        (b"HTTP/1.1 204 Nothing\r\n\r\n", (204, b"")),
    ],
)
def test_answers(
    server: Canned, post: Callable[[], tuple[int, bytes]], answer: bytes, read: tuple[int, bytes]
) -> None:
    server.answers = [answer]
    assert post() == read
    assert server.requests[0].endswith(b"content-length: 2\r\n\r\n{}")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 20",
        HEAD + b"content-length: x\r\n\r\n",
        HEAD + b"content-length: 9\r\nconnection: close\r\n\r\nshort",
        HEAD + b"transfer-encoding: gzip\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\nx\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        HEAD + b"content-length: 99999999999\r\n\r\n",
        HEAD + b"x: " + b"y" * 70_000,
    ],
)
def test_what_is_no_answer(
    server: Canned, post: Callable[[], tuple[int, bytes]], answer: bytes | None
) -> None:
    server.answers = [answer, HEAD + b"content-length: 0\r\n\r\n"]
    with pytest.raises((HTTPException, OSError)):
        post()
    assert post() == (200, b"")  # over a new connection
    assert server.connections == 2


def test_a_connection_is_kept_until_a_side_ends_it(
    server: Canned, post: Callable[[], tuple[int, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = HEAD + b"content-length: 0\r\n\r\n"
    server.answers = [kept, kept, HEAD + b"connection: close\r\ncontent-length: 0\r\n\r\n", kept]
    for _ in range(4):
        post()
    assert server.connections == 2
    monkeypatch.setattr(http_exchange, "KEPT_SECONDS", -1.0)
    server.answers = [kept]
    post()
    assert server.connections == 3


def test_a_server_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connection = HttpConnection(f"http://127.0.0.1:{silent.getsockname()[1]}", 0.1)
        with pytest.raises(TimeoutError):
            connection.post({}, b"{}")


@pytest.mark.parametrize("url", ["localhost:1", "ftp://localhost", "http://", "http://a/b"])
def test_what_is_no_endpoint(url: str) -> None:
    with pytest.raises(ValueError, match="an endpoint is"):
        HttpConnection(url, 1.0)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://localhost:80", "localhost"),
        ("https://a.example/", "a.example"),
        ("https://a.example:8443", "a.example:8443"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_the_host_header(url: str, host: str) -> None:
    assert HttpConnection(url, 1.0).host == host
