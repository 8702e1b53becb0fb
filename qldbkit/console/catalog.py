"""The ledgers of a server and the tables of a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from qldbkit.console.asked import Answer, Asked
from qldbkit.console.errors import NothingThereError
from qldbkit.console.rendering import base64_of
from qldbkit.console.settings import ConsoleLimits
from qldbkit.ledger.catalog import TableState
from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.ledger import Ledger, NoSuchBlockError
from qldbkit.ledger.registry import ACTIVE, LedgerRecord

MILLISECONDS: Final = 1000


class CatalogPages:
    """Answers what ledgers and tables there are.

    Args:
        service: the ledgers.
        limits: how much is answered at once.
    """

    def __init__(self, service: LedgerService, limits: ConsoleLimits):
        self._service = service
        self._limits = limits

    def ledgers(self, asked: Asked) -> Answer:
        """A page of the ledgers, by name."""
        records = self._service.ledgers()
        first = asked.number("from") or 0
        return {
            "items": [self._ledger(each) for each in self._page(records, first)],
            "next": self._next(records, first),
        }

    def ledger(self, asked: Asked) -> Answer:
        """One ledger, with its digest now."""
        record = next((each for each in self._service.ledgers() if each.name == asked.ledger), None)
        if record is None:
            raise NothingThereError(f"there is no ledger {asked.ledger[:40]}")
        ledger = self._service.ledger(record.name)
        return {
            **self._ledger(record),
            "id": ledger.ledger_id,
            "strandId": ledger.strand_id,
            "permissionsMode": record.settings.permissions_mode,
            "deletionProtection": record.settings.deletion_protection,
            **_digest(ledger),
        }

    def tables(self, asked: Asked) -> Answer:
        """A page of a ledger's tables by name, dropped ones last."""
        catalog = self._service.ledger(asked.ledger).state.catalog
        tables = sorted(catalog.tables.values(), key=lambda each: (not each.active, each.name))
        first = asked.number("from") or 0
        return {
            "items": [table_answer(each) for each in self._page(tables, first)],
            "next": self._next(tables, first),
        }

    def _ledger(self, record: LedgerRecord) -> Answer:
        answer: Answer = {
            "name": record.name,
            "state": record.state,
            "created": record.created.isoformat(timespec="seconds"),
        }
        if record.state == ACTIVE:
            state = self._service.ledger(record.name).state
            answer["tables"] = sum(each.active for each in state.catalog.tables.values())
            answer["blocks"] = state.snapshot + 1
            answer["written"] = None if state.tip is None else _moment(state.tip.block_time)
        return answer

    def _page(self, items: Sequence[Any], first: int) -> Sequence[Any]:
        return items[first : first + self._limits.items]

    def _next(self, items: Sequence[Any], first: int) -> str | None:
        following = first + self._limits.items
        return str(following) if following < len(items) else None


def table_answer(table: TableState) -> Answer:
    """A table with its indexes."""
    return {
        "id": table.table_id,
        "name": table.name,
        "active": table.active,
        "indexes": [{"field": each.field, "status": each.status.value} for each in table.indexes],
    }


def _digest(ledger: Ledger) -> Answer:
    """The digest up to the latest block, or why there is none."""
    tip = ledger.tip()
    if tip is None:
        return {"tip": None, "digest": None, "noDigest": "The journal has no block yet."}
    try:
        digest = base64_of(ledger.digest(tip.sequence_no))
    except NoSuchBlockError as error:
        return {"tip": tip.sequence_no, "digest": None, "noDigest": error.message}
    return {"tip": tip.sequence_no, "digest": digest, "noDigest": None}


def _moment(milliseconds: int) -> str:
    at = datetime.fromtimestamp(milliseconds / MILLISECONDS, UTC)
    return at.isoformat(timespec="milliseconds")
