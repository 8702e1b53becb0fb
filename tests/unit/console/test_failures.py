"""What goes wrong inside the console is said without what a document or a token holds."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from qldbkit.console.console import TOKEN_HEADER, Console
from qldbkit.console.settings import ConsoleSettings
from qldbkit.ledger.http import HttpRequest
from qldbkit.ledger.storage import StorageError

TOKEN = "a token that nobody guesses"
SECRET = "what a document holds"


def answer(served: Any) -> tuple[int, Any]:
    request = HttpRequest("GET", "/console/data/ledgers", headers={TOKEN_HEADER: TOKEN})
    found = Console(served.service, ConsoleSettings(TOKEN)).handle(request)
    return found.status, json.loads(found.body)


def test_the_page_gets_a_sentence_and_the_log_a_place(
    served: Any, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Any:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(served.service, "ledgers", fail)
    with caplog.at_level(logging.ERROR):
        status, found = answer(served)
    assert (status, found["message"]) == (500, "the console failed; the server's log tells where")
    assert "catalog.py" in caplog.text
    for text in (caplog.text, json.dumps(found)):
        assert SECRET not in text
        assert TOKEN not in text


def test_what_the_storage_says_reaches_the_page(served: Any, monkeypatch: Any) -> None:
    def fail() -> Any:
        raise StorageError("the disk is full", hint="make room")

    monkeypatch.setattr(served.service, "ledgers", fail)
    status, found = answer(served)
    assert (status, found["message"], found["hint"]) == (500, "the disk is full", "make room")
