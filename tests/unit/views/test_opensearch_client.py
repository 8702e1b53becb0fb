"""What goes over the wire: signatures, passwords, and a log without documents."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from qldbkit.replay.views.opening import open_view

ANSWER = {"_index": "v-bookkeeping", "_id": "view", "found": False}


class Recorder(HTTPServer):
    """Answers that nothing is there, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((self.path, headers))
        body = json.dumps(ANSWER).encode()
        self.send_response(404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None: ...


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def asked(recorder: Recorder, url: str) -> dict[str, str]:
    """The headers of a request that a view makes, by their names in small letters."""
    view = open_view(url.replace("HOST", f"127.0.0.1:{recorder.server_port}"), "eu-west-1")
    assert view.checkpoints() == []
    view.close()
    ((path, headers),) = recorder.asked
    assert path == "/v-bookkeeping/_doc/view?preference=_primary"
    return headers


def test_requests_are_signed_for_the_region(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    headers = asked(recorder, "opensearch+http://HOST/v?signing=es")
    signed = headers["authorization"]
    assert signed.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-west-1/es/aws4_request" in signed
    assert headers["x-amz-security-token"] == "token"
    assert "wJalrXUtnFEMI" not in str(headers)


def test_a_user_is_sent_with_the_password_of_the_environment(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENSEARCH_PASSWORD", "open sesame")
    headers = asked(recorder, "opensearch+http://ali@HOST/v")
    assert headers["authorization"] == "Basic YWxpOm9wZW4gc2VzYW1l"


def test_nothing_is_sent_where_nobody_is_named(recorder: Recorder) -> None:
    assert "authorization" not in asked(recorder, "opensearch+http://HOST/v")


def test_the_client_logs_nothing(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        asked(recorder, "opensearch+http://HOST/v")
    assert [each for each in caplog.records if each.name.startswith("opensearch")] == []
