"""Opening the sides of a comparison: ledgers by name, archives by place, views by URL."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from qldbkit.cli.sources import source_at
from qldbkit.driver import qldb_driver
from qldbkit.replay.compare import DestinationLedger, Side
from qldbkit.replay.destination import Destination
from qldbkit.replay.journal_side import JournalSide
from qldbkit.replay.ledger_destination import LedgerDestination
from qldbkit.replay.repair_source import RepairSource, SourceLedgerHistory
from qldbkit.replay.views.opening import is_view, open_view
from qldbkit.replay.views.side import ViewSource
from qldbkit.replay.views.view import View


@dataclass(frozen=True, slots=True)
class Sides:
    """Opens sides, and closes them with the stack.

    Attributes:
        stack: closes them.
        endpoint_url: where ledgers are.
        region: the region to sign for.
        only: the tables of a ledger that are looked at; all when None.
    """

    stack: ExitStack
    endpoint_url: str
    region: str
    only: frozenset[str] | None = None

    def source(self, text: str, until: int | None = None) -> RepairSource:
        """The side that was replicated; of an archive or export, the blocks up to ``until``.

        A view says what its current documents are, whatever of its journal that is.

        Raises:
            QldbkitError: there is nothing of that name or at that place.
        """
        if is_view(text):
            return ViewSource(self._view(text), text)
        if _is_place(text):
            return self._journal(text, until)
        return SourceLedgerHistory(self._driver(text), text, self.only)

    def destination(self, text: str) -> Side:
        """The side that it went to.

        Raises:
            QldbkitError: there is nothing of that name or at that place.
        """
        if is_view(text):
            return self._view(text)
        if _is_place(text):
            return self._journal(text)
        return DestinationLedger(self._driver(text), self.only)

    def writable(self, text: str) -> Destination:
        """The destination, to be repaired; of a view, with all that it needs to be written to."""
        if is_view(text):
            view = self._view(text)
            view.prepare()
            return view
        if _is_place(text):
            raise typer.BadParameter(
                f"only a ledger or a view can be repaired, and {text} is a place"
            )
        return LedgerDestination(self._driver(text))

    def _journal(self, text: str, until: int | None = None) -> JournalSide:
        return self.stack.enter_context(JournalSide(source_at(text), until))

    def _view(self, url: str) -> View:
        view = open_view(url, self.region)
        self.stack.callback(view.close)
        return view

    def _driver(self, name: str) -> Any:
        driver = qldb_driver(name, endpoint_url=self.endpoint_url, region=self.region)
        return self.stack.enter_context(driver)


def _is_place(text: str) -> bool:
    """Whether it is a path or an S3 location; a ledger's name has no slash."""
    return "/" in text or Path(text).exists()
