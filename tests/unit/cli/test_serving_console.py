"""When `qldbkit serve` has a console, and where it says that it is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from qldbkit.cli import serving
from qldbkit.cli.application import application
from qldbkit.console.console import TOKEN_HEADER
from qldbkit.ledger.http import HttpRequest, LedgerService

URL = "http://127.0.0.1:8080"


class Served:
    """What the command asked the server for, and what it printed."""

    def __init__(self, folder: Path, monkeypatch: Any) -> None:
        self.folder, self.asked = folder, {}
        monkeypatch.setattr(serving, "run_server", self.run_server)

    def run_server(self, *_places: Any, on_ready: Any, **asked: Any) -> None:
        self.asked = asked
        on_ready(URL)

    def __call__(self, *options: str) -> str:
        found = CliRunner().invoke(application, ["serve", "--folder", str(self.folder), *options])
        assert found.exit_code == 0, found.output
        return found.output

    def about(self, token: str) -> Any:
        service = LedgerService(self.folder)
        try:
            pages = self.asked["publish"](service)
            request = HttpRequest("GET", "/console/data/about", headers={TOKEN_HEADER: token})
            answer = pages.handle(request)
        finally:
            service.close()
        return answer.status, json.loads(answer.body)


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: Any) -> Served:
    return Served(tmp_path / "ledgers", monkeypatch)


@pytest.fixture
def keys(tmp_path: Path) -> str:
    file = tmp_path / "keys.json"
    entry = {"accessKeyId": "AKIDEVERYTHING", "secretAccessKey": "the secret of everything"}
    file.write_text(json.dumps([entry]))
    return str(file)


def token_in(printed: str) -> str:
    found = re.search(rf"{URL}/console/#token=([\w-]{{32,}})", printed)
    assert found, printed
    return found[1]


def test_it_prints_an_address_that_opens_a_console_that_only_reads(serve: Served) -> None:
    token = token_in(serve())
    assert serve.about(token) == (200, {"writable": False, "replay": False})
    assert serve.about(token[::-1])[0] == 401


def test_each_start_has_a_token_of_its_own(serve: Served) -> None:
    assert token_in(serve()) != token_in(serve())


def test_writing_is_asked_for(serve: Served) -> None:
    assert serve.about(token_in(serve("--console-write")))[1]["writable"] is True


def test_programs_are_told_too(serve: Served) -> None:
    found = json.loads(serve("--json"))
    assert found["endpointUrl"] == URL
    assert serve.about(token_in(found["consoleUrl"]))[0] == 200


def test_where_requests_are_signed_there_is_none_unless_it_is_asked_for(
    serve: Served, keys: str
) -> None:
    assert json.loads(serve("--json", "--auth", keys))["consoleUrl"] is None
    assert serve.asked["publish"] is None
    assert "console" not in serve("--auth", keys).lower()
    assert serve.about(token_in(serve("--auth", keys, "--console")))[0] == 200


def test_it_can_be_left_out(serve: Served) -> None:
    assert "console" not in serve("--no-console").lower()
    assert serve.asked["publish"] is None


def test_further_host_names_reach_the_server(serve: Served) -> None:
    serve("--allow-host", "ledger.example", "--allow-host", "other.example")
    assert list(serve.asked["allowed_hosts"]) == ["ledger.example", "other.example"]
