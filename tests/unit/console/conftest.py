"""Ledgers as a server has them, and requests as the page sends them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from qldbkit.console.asked import Answer, Asked
from qldbkit.journal.ion import IonSpan
from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.registry import LedgerSettings

LEDGER = "orders"


class Served:
    """A service with one ledger, and short ways to write into it."""

    def __init__(self, folder: Path):
        self.service = LedgerService(folder)
        settings = LedgerSettings("STANDARD", deletion_protection=False, kms_key_arn=None)
        self.service._registry.create(LEDGER, settings)
        self.ledger = self.service.ledger(LEDGER)

    def run(self, *statements: str | tuple[Any, ...]) -> None:
        """Run statements, each perhaps with parameters, in one transaction."""
        transaction = self.ledger.begin()
        for each in statements:
            text, *parameters = (each,) if isinstance(each, str) else each
            transaction.execute(text, [IonSpan.of(one) for one in parameters])
        transaction.commit(transaction.digest())

    def table(self, name: str) -> str:
        """A table's id."""
        return next(
            each.table_id for each in self.ledger.state.catalog.tables.values() if each.name == name
        )

    def documents(self, name: str) -> list[str]:
        """The ids of a table's documents, the newest first."""
        return [each.document_id for each in self.ledger.newest(self.table(name), 1000)]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path / "ledgers")
    yield found
    found.service.close()


@pytest.fixture
def ask() -> Callable[..., Asked]:
    """What the page asks for: names in the path, parameters, and a body."""

    def ask_(
        names: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        **parameters: Any,
    ) -> Asked:
        texts = {name: str(each) for name, each in parameters.items() if each is not None}
        return Asked({"ledger": LEDGER, **(names or {})}, texts, body or {})

    return ask_


@pytest.fixture
def pages_of() -> Callable[..., Iterator[Answer]]:
    """Every page of a list, from the first to the last, as the page turns them."""

    def pages_of_(
        answer: Callable[[Asked], Answer], parameter: str, asked: Callable[..., Asked], names: Any
    ) -> Iterator[Answer]:
        following = None
        while True:
            page = answer(asked(names, **{parameter: following}))
            yield page
            if (following := page["next"]) is None:
                return

    return pages_of_
