"""No page of another web site reaches the ledgers, whatever name it gives this machine."""

import json

import pytest

from qldbkit.ledger.server import running_server

LEDGER = b'{"Name":"made","PermissionsMode":"STANDARD"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("origins") / "ledgers") as running:
        yield running


def create(host, *headers):
    """What a browser sends for a form or a fetch without preflight."""
    lines = [b"POST /ledgers HTTP/1.1", b"host: " + host, *headers, b"content-type: text/plain"]
    return b"\r\n".join([*lines, b"content-length: %d" % len(LEDGER), b"", LEDGER])


@pytest.mark.parametrize(
    "request_",
    [
        create(b"rebound.example:80"),
        create(b"rebound.example:80", b"origin: http://rebound.example:80"),
        create(b"localhost", b"origin: https://site.example"),
        create(b"localhost", b"origin: null"),
    ],
)
def test_a_foreign_page_changes_nothing(server, request_, raw, qldb_of):
    status, body = raw(server, request_)
    assert (status, body["__type"]) == (403, "AccessDeniedException")
    assert qldb_of(server).list_ledgers()["Ledgers"] == []


def test_a_foreign_page_reads_nothing(server, raw):
    status, body = raw(server, b"GET /ledgers HTTP/1.1\r\nhost: rebound.example\r\n\r\n")
    assert status == 403
    assert "rebound.example" in body["Message"]
    preflight = (
        b"OPTIONS / HTTP/1.1\r\nhost: localhost\r\norigin: https://site.example\r\n"
        b"access-control-request-headers: x-amz-target\r\n\r\n"
    )
    assert raw(server, preflight)[0] == 403


def test_clients_that_are_no_browser_notice_nothing(server, raw):
    assert raw(server, b"GET /ledgers HTTP/1.1\r\nhost: localhost\r\n\r\n") == (
        *(200, {"Ledgers": []}),
    )


def test_with_keys_the_signature_answers_for_the_host(tmp_path, everything, raw):
    with running_server(tmp_path / "ledgers", keys=[everything]) as signed:
        status, body = raw(signed, b"GET /ledgers HTTP/1.1\r\nhost: ledger.example\r\n\r\n")
    assert (status, body["__type"]) == (403, "MissingAuthenticationTokenException"), json.dumps(
        body
    )


@pytest.fixture(scope="module")
def qldb_of(connected):
    return lambda server: connected(server).client("qldb")
