"""Which address is answered by what."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from qldbkit.console.asked import Answer, Asked, asked
from qldbkit.console.catalog import CatalogPages
from qldbkit.console.documents import DocumentPages
from qldbkit.console.errors import ForeignPostError, MethodRefusedError, NothingThereError
from qldbkit.console.journal import JournalPages
from qldbkit.console.proving import ProofPages
from qldbkit.console.replays import ReplayPages
from qldbkit.console.settings import ConsoleSettings
from qldbkit.console.statements import StatementPages
from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.wire import HttpRequest

_LABEL: Final = re.compile(r"\{(\w+)\}")
_SEGMENTS: Final[Mapping[str, str]] = {"block": r"\d{1,18}"}
"""What a name in a path may be, where it may not be anything."""


@dataclass(frozen=True, slots=True)
class Route:
    """An address and what answers it.

    Attributes:
        method: GET for what changes nothing, POST for what may.
        path: with a group for each name in it.
        answer: gives the answer.
    """

    method: str
    path: re.Pattern[str]
    answer: Callable[[Asked], Answer]


class Answers:
    """Answers the page's requests for data.

    Args:
        service: the ledgers.
        settings: what the console may do.
        replay: shows the deployed replay; None where none is.
    """

    def __init__(
        self, service: LedgerService, settings: ConsoleSettings, replay: ReplayPages | None
    ):
        self._settings = settings
        self._replay = replay
        self._routes = self._all_routes(service)

    def answer(self, path: str, request: HttpRequest) -> Answer:
        """Answer one request.

        Args:
            path: below the console's own, percent-encoded.
            request: the request; whoever sends it has shown the token.

        Raises:
            QldbkitError: it cannot be answered.
        """
        for route in self._routes:
            if (match := route.path.fullmatch(path)) is not None:
                if request.method != route.method:
                    raise MethodRefusedError(f"this address is for {route.method} only")
                if route.method == "POST" and "origin" not in request.headers:
                    raise ForeignPostError("only the console's own page may send statements")
                names = {name: unquote(text) for name, text in match.groupdict().items()}
                return route.answer(asked(names, request))
        raise NothingThereError("the console has no such page")

    def _all_routes(self, service: LedgerService) -> Sequence[Route]:
        limits = self._settings.limits
        catalog, journal = CatalogPages(service, limits), JournalPages(service, limits)
        documents, proofs = DocumentPages(service, limits), ProofPages(service)
        table = "ledgers/{ledger}/tables/{table}/documents"
        routes = [
            _get("about", self._about),
            _get("ledgers", catalog.ledgers),
            _get("ledgers/{ledger}", catalog.ledger),
            _get("ledgers/{ledger}/tables", catalog.tables),
            _get(table, documents.documents),
            _get(f"{table}/{{document}}", documents.history),
            _get(f"{table}/{{document}}/revision", documents.revision),
            _get("ledgers/{ledger}/blocks", journal.blocks),
            _get("ledgers/{ledger}/blocks/{block}", journal.block),
            _get("ledgers/{ledger}/blocks/{block}/proof", proofs.proof),
            _post("ledgers/{ledger}/statements", StatementPages(service, self._settings).run),
        ]
        if self._replay is not None:
            routes.append(_get("replay", self._replay.replay))
        return routes

    def _about(self, _asked: Asked) -> Answer:
        return {"writable": self._settings.writable, "replay": self._replay is not None}


def _get(path: str, answer: Callable[[Asked], Answer]) -> Route:
    return Route("GET", _pattern(path), answer)


def _post(path: str, answer: Callable[[Asked], Answer]) -> Route:
    return Route("POST", _pattern(path), answer)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(
        _LABEL.sub(lambda label: f"(?P<{label[1]}>{_SEGMENTS.get(label[1], '[^/]+')})", path),
        re.ASCII,
    )
