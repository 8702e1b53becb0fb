"""The console as a server publishes it: who may see what, and what a browser is told about it."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Mapping
from typing import Final

from qldbkit.console.answers import Answers
from qldbkit.console.errors import MethodRefusedError, NothingThereError, TokenRefusedError
from qldbkit.console.files import INDEX, page_files
from qldbkit.console.replays import FindReplay, ReplayPages
from qldbkit.console.settings import ROOT, ConsoleSettings
from qldbkit.errors import QldbkitError
from qldbkit.ledger.application import Publish
from qldbkit.ledger.failures import origin_of
from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.ledger import NoSuchBlockError
from qldbkit.ledger.storage import StorageError
from qldbkit.ledger.wire import HttpRequest, HttpResponse

DATA: Final = f"{ROOT}/data/"
TOKEN_HEADER: Final = "x-console-token"  # noqa: S105 - a header's name
SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            # A browser that knows these refuses to make elements of text
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}

_log = logging.getLogger(__name__)


class Console:
    """The page, and the data that it asks for.

    The page itself holds nothing, and is given to whoever asks. Every request for data carries the
    token in a header, which no page of another site can set.

    Args:
        service: the ledgers.
        settings: the token, and what the console may do.
        find_replay: finds the deployed replay; None where none is.
    """

    def __init__(
        self,
        service: LedgerService,
        settings: ConsoleSettings,
        find_replay: FindReplay | None = None,
    ):
        replay = None if find_replay is None else ReplayPages(find_replay, settings.limits)
        self._token = settings.token.encode()
        self._answers = Answers(service, settings, replay)

    def serves(self, path: str) -> bool:
        """Whether a request's path is the console's or below it."""
        return path == ROOT or path.startswith(f"{ROOT}/")

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request; whatever goes wrong becomes a sentence for the page."""
        try:
            return self._answer(request)
        except QldbkitError as error:
            return _refusal(_status_of(error), error.message, error.hint, error.position)
        except Exception as error:  # the page gets a sentence, the log what an operator needs
            _log.error("the console failed\n%s", origin_of(error))
            return _refusal(500, "the console failed; the server's log tells where")

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(DATA):
            self._check_token(request)
            answer = self._answers.answer(request.path.removeprefix(DATA), request)
            return _response(200, "application/json", json.dumps(answer).encode())
        if request.method != "GET":
            raise MethodRefusedError("this address is for GET only")
        if request.path == ROOT:
            return _response(308, "text/plain", b"", {"location": f"{ROOT}/"})
        file = page_files().get(request.path.removeprefix(f"{ROOT}/") or INDEX)
        if file is None:
            raise NothingThereError("the console has no such page")
        return _response(200, file.content_type, file.body)

    def _check_token(self, request: HttpRequest) -> None:
        given = request.headers.get(TOKEN_HEADER, "").encode()
        if not hmac.compare_digest(given, self._token):
            raise TokenRefusedError(
                "this page has no valid token",
                hint="open the address that the server printed when it started",
            )


def console(settings: ConsoleSettings, find_replay: FindReplay | None = None) -> Publish:
    """What publishes the console on a server; arguments as for `Console`."""
    return lambda service: Console(service, settings, find_replay)


def _status_of(error: QldbkitError) -> int:
    if isinstance(error, NoSuchBlockError):
        return 404
    if isinstance(error, StorageError):
        return 500
    return int(getattr(error, "http_status", 400))


def _refusal(
    status: int, message: str, hint: str | None = None, position: str | None = None
) -> HttpResponse:
    body = {"message": message, "hint": hint, "position": position}
    return _response(status, "application/json", json.dumps(body).encode())


def _response(
    status: int, content_type: str, body: bytes, further: Mapping[str, str] | None = None
) -> HttpResponse:
    headers = {"content-type": content_type, **SECURITY_HEADERS, **(further or {})}
    return HttpResponse(status, headers, body)
