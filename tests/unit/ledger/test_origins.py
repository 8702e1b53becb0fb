"""Whether a request is meant for this server, and whose page sends it."""

import pytest

from qldbkit.ledger.errors import ServiceError
from qldbkit.ledger.origins import ForeignHostError, ForeignOriginError, OriginGuard

LOOPBACK = OriginGuard("127.0.0.1")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8080",
        "127.8.8.8:1",
        "localhost:8080",
        "LocalHost.:8080",
        "journal.localhost:4566",
        "[::1]:8080",
    ],
)
def test_every_name_of_this_machine_is_its_own(host):
    LOOPBACK.check({"host": host})
    LOOPBACK.check({"host": host, "origin": f"http://{host}"})


@pytest.mark.parametrize(
    "host",
    [
        "",
        "rebound.example",
        "rebound.example:8080",
        "localhost.rebound.example:8080",
        "notlocalhost:8080",
        "127.0.0.1.rebound.example",
        "192.168.1.4:8080",
        "[::1",
        "user@127.0.0.1@rebound.example",
    ],
)
def test_the_name_of_another_site_is_refused(host):
    with pytest.raises(ForeignHostError) as refused:
        LOOPBACK.check({"host": host})
    assert isinstance(refused.value, ServiceError)
    assert refused.value.http_status == 403


def test_a_server_is_reached_by_the_address_that_it_listens_on():
    OriginGuard("192.168.1.4").check({"host": "192.168.1.4:8080"})
    OriginGuard("fd00::1").check({"host": "[fd00::1]:8080"})
    OriginGuard("ledger.internal").check({"host": "Ledger.Internal:8080"})
    with pytest.raises(ForeignHostError):
        OriginGuard("192.168.1.4").check({"host": "192.168.1.5:8080"})


def test_one_that_listens_everywhere_is_reached_by_any_address_and_no_name():
    for everywhere in ("0.0.0.0", "::"):
        guard = OriginGuard(everywhere)
        guard.check({"host": "192.168.1.4:8080"})
        with pytest.raises(ForeignHostError):
            guard.check({"host": "rebound.example:8080"})


def test_further_names_are_allowed_one_by_one():
    guard = OriginGuard("127.0.0.1", ["ledger.example"])
    guard.check({"host": "Ledger.Example:443"})
    with pytest.raises(ForeignHostError):
        guard.check({"host": "other.example"})


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://site.example",
        "http://127.0.0.1:9999",
        "http://localhost:8080",
        "http://127.0.0.1:8080.site.example",
        "file://127.0.0.1:8080",
        "chrome-extension://127.0.0.1:8080",
        "http://[",
    ],
)
def test_a_page_of_another_origin_is_refused(origin):
    with pytest.raises(ForeignOriginError):
        LOOPBACK.check({"host": "127.0.0.1:8080", "origin": origin})
