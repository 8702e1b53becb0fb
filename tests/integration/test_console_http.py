"""Who the console answers, what it tells browsers, and that reading it changes nothing."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qldbkit.console.console import TOKEN_HEADER, console
from qldbkit.console.settings import ConsoleSettings, console_url, new_token
from qldbkit.ledger.server import RunningServer, running_server

TOKEN = new_token()
STATEMENTS = "/console/data/ledgers/orders/statements"


class Page:
    """The console as its page talks to it, and as others may try to."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.address = server.endpoint_url.removeprefix("http://")

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str | None
    ) -> tuple[int, Any, dict[str, str]]:
        """The status, the JSON or bytes, and the headers; None leaves a usual header out."""
        usual = {"host": self.address, TOKEN_HEADER: TOKEN}
        if method == "POST":
            usual["origin"] = f"http://{self.address}"
        given = {name.replace("_", "-"): each for name, each in headers.items()}
        sent = {name: each for name, each in (usual | given).items() if each is not None}
        connection = http.client.HTTPConnection(self.address, timeout=20)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            found = answer.read()
            known = {name.lower(): each for name, each in answer.getheaders()}
        finally:
            connection.close()
        is_json = known.get("content-type") == "application/json" and found
        return answer.status, json.loads(found) if is_json else found, known

    def get(self, path: str, **headers: str | None) -> Any:
        status, found, _ = self.ask("GET", f"/console/data/{path}", **headers)
        assert status == 200, found
        return found

    def run(self, statement: str, **headers: str | None) -> tuple[int, Any]:
        status, found, _ = self.ask("POST", STATEMENTS, {"statement": statement}, **headers)
        return status, found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, connected: Any, in_one: Any) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("console") / "ledgers"
    with running_server(folder, publish=console(ConsoleSettings(TOKEN))) as server:
        user = connected(server)
        user.create()
        with user.driver() as driver:
            in_one(driver, ("CREATE TABLE Car",))
            in_one(driver, ("INSERT INTO Car ?", {"colour": "red"}))
            in_one(driver, ("UPDATE Car SET colour = 'blue'",))
        yield Page(server)


@pytest.fixture(scope="module")
def addresses(page: Page) -> list[str]:
    """Every address that data is read at."""
    (table,) = page.get("ledgers/orders/tables")["items"]
    documents = f"ledgers/orders/tables/{table['id']}/documents"
    (document,) = page.get(documents)["items"]
    return [
        "about",
        "ledgers",
        "ledgers/orders",
        "ledgers/orders/tables",
        documents,
        f"{documents}/{document['id']}",
        f"{documents}/{document['id']}/revision?block=2",
        "ledgers/orders/blocks",
        "ledgers/orders/blocks/2",
        "ledgers/orders/blocks/2/proof",
        f"ledgers/orders/blocks/2/proof?document={document['id']}",
    ]


@pytest.fixture
def digest(page: Page) -> Callable[[], bytes]:
    ledger = page.server.service.ledger("orders")
    return lambda: ledger.digest(ledger.state.snapshot)


def test_reading_everything_changes_nothing(
    page: Page, addresses: list[str], digest: Callable[[], bytes]
) -> None:
    before = digest()
    for each in addresses:
        assert page.get(each)
    assert digest() == before


def test_no_data_without_the_token(page: Page, addresses: list[str]) -> None:
    for each in [*addresses, "nowhere"]:
        for token in (None, "", TOKEN[:-1], TOKEN + "x", "ä"):
            status, found, _ = page.ask(
                "GET", f"/console/data/{each}", **{"x_console_token": token}
            )
            assert status == 401
            assert found["hint"].startswith("open the address")
            assert "orders" not in found["message"]
    assert page.run("SELECT * FROM Car", x_console_token=None)[0] == 401


def test_a_token_in_the_address_or_a_cookie_opens_nothing(page: Page) -> None:
    for path, cookie in (
        (f"/console/data/ledgers?token={TOKEN}", None),
        ("/console/data/ledgers", f"token={TOKEN}"),
    ):
        status, _, _ = page.ask("GET", path, x_console_token=None, cookie=cookie)
        assert status == 401


def test_the_address_hides_the_token_from_servers_and_logs() -> None:
    before, _, behind = console_url("http://127.0.0.1:8080", TOKEN).partition("#")
    assert TOKEN not in before
    assert TOKEN in behind
    assert TOKEN not in repr(ConsoleSettings(TOKEN))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_what_is_read_is_only_for_get(page: Page, addresses: list[str], method: str) -> None:
    for each in addresses:
        assert page.ask(method, f"/console/data/{each}", {})[0] == 405
    assert page.ask(method, "/console/", {})[0] == 405


def test_statements_are_only_for_post(page: Page, digest: Callable[[], bytes]) -> None:
    before = digest()
    asked = f"{STATEMENTS}?statement=DELETE%20FROM%20Car"
    assert page.ask("GET", asked)[0] == 405
    assert digest() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": None},
        {"origin": "null"},
        {"origin": "https://site.example"},
        {"origin": "http://localhost:1"},
        {"host": "rebound.example"},
        {"host": "rebound.example", "origin": "http://rebound.example"},
    ],
)
def test_no_other_page_runs_a_statement_even_with_the_token(
    page: Page, headers: dict[str, str | None]
) -> None:
    status, found = page.run("SELECT * FROM Car", **headers)
    assert status == 403
    assert "rows" not in found


def test_a_rebound_name_gets_not_even_the_page(page: Page) -> None:
    assert page.ask("GET", "/console/", host="rebound.example")[0] == 403


@pytest.mark.parametrize(
    "statement", ["DELETE FROM Car", "INSERT INTO Car {'n': 1}", "CREATE TABLE T", "DROP TABLE Car"]
)
def test_it_only_reads_unless_it_was_started_to_write(
    page: Page, digest: Callable[[], bytes], statement: str
) -> None:
    before = digest()
    status, found = page.run(statement)
    assert status == 403
    assert "only reads" in found["message"]
    assert "--console-write" in found["hint"]
    assert digest() == before


def test_a_query_gives_rows_and_leaves_no_block(page: Page, digest: Callable[[], bytes]) -> None:
    before = digest()
    status, found = page.run("SELECT c.colour FROM Car AS c")
    assert status == 200
    assert found["rows"][0]["members"] == [["colour", '"blue"']]
    assert digest() == before


@pytest.mark.parametrize(
    ("statement", "status", "sentence"),
    [
        ("SELECT * FROM Nowhere", 400, "Nowhere"),
        ("SELECT", 400, "expected"),
        ("", 400, "no statement"),
    ],
)
def test_a_statement_that_cannot_be_run_is_said(
    page: Page, statement: str, status: int, sentence: str
) -> None:
    found = page.run(statement)
    assert found[0] == status
    assert sentence in found[1]["message"]


def test_one_that_may_write_writes(tmp_path: Any, connected: Any) -> None:
    settings = ConsoleSettings(TOKEN, writable=True)
    with running_server(tmp_path / "ledgers", publish=console(settings)) as server:
        connected(server).create()
        page = Page(server)
        assert page.get("about")["writable"] is True
        assert page.run("CREATE TABLE Car")[1]["committed"] == 1
        assert page.run("INSERT INTO Car {'n': 1}")[1]["committed"] == 2
        assert page.run("INSERT INTO Car {'n': 1}", origin=None)[0] == 403
        assert len(page.run("SELECT * FROM Car")[1]["rows"]) == 1


@pytest.mark.parametrize(
    "path",
    ["/console/", "/console/main.js", "/console/icon.svg", "/console/data/about", "/console"],
)
def test_browsers_are_told_what_the_page_may_do(page: Page, path: str) -> None:
    _, _, headers = page.ask("GET", path)
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "set-cookie" not in headers
    assert not any(name.startswith("access-control") for name in headers)


def test_errors_are_told_the_same_way(page: Page) -> None:
    status, found, headers = page.ask("GET", "/console/data/ledgers/nowhere")
    assert (status, headers["x-content-type-options"]) == (404, "nosniff")
    assert found["message"] == "there is no ledger nowhere"


@pytest.mark.parametrize(
    "path",
    [
        "/console/console.py",
        "/console/../console.py",
        "/console/..%2fconsole.py",
        "/console/%2e%2e/console.py",
        "/console/assets/main.js",
        "/console/data/",
        "/console/data/ledgers/orders/blocks/x",
        "/console/data/ledgers/orders/blocks/99",
        "/console/data/ledgers/..%2f..",
        "/console/data/replay",
    ],
)
def test_nothing_else_is_served(page: Page, path: str) -> None:
    assert page.ask("GET", path)[0] == 404


def test_qldbs_own_api_is_where_it_was(page: Page, connected: Any) -> None:
    qldb = connected(page.server).client("qldb")
    assert [each["Name"] for each in qldb.list_ledgers()["Ledgers"]] == ["orders"]
    assert page.ask("GET", "/consoles", x_console_token=None)[0] == 404
