"""PartiQL that a person types into the console: run within bounds, and kept from writing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from qldbkit.console.asked import Answer, Asked
from qldbkit.console.errors import BusyError, ConsoleError, WritingRefusedError
from qldbkit.console.rendering import members, whole_text
from qldbkit.console.settings import ConsoleSettings
from qldbkit.journal import codec
from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.transaction import Cursor, Transaction
from qldbkit.partiql.parser import parse
from qldbkit.partiql.statements import StatementKind, kind_of


@dataclass(frozen=True, slots=True)
class _Rows:
    values: list[bytes]
    more: bool


class StatementPages:
    """Runs statements.

    What reads runs in a transaction that is aborted, so that no block of the journal tells of it;
    what writes is refused unless the console may write, and then commits as a block.

    Args:
        service: the ledgers.
        settings: whether it may write, and how much is answered at once.
    """

    def __init__(self, service: LedgerService, settings: ConsoleSettings):
        self._service = service
        self._settings = settings
        self._running = threading.BoundedSemaphore(settings.limits.queries)

    def run(self, asked: Asked) -> Answer:
        """Run one statement and answer a page of its rows.

        Raises:
            PartiqlError: the text is no statement.
            WritingRefusedError: it writes, and the console only reads.
            BusyError: too many of the console's statements run already.
            ServiceError: the ledger refuses it.
        """
        statement, first = _statement(asked.body), _first(asked.body)
        reads = self._kind_allowed(statement) is StatementKind.SELECT
        ledger = self._service.ledger(asked.ledger)
        with self._one_of_few():
            return self._read(ledger, statement, first) if reads else self._write(ledger, statement)

    def _kind_allowed(self, statement: str) -> StatementKind:
        kind = kind_of(parse(statement))
        if kind is not StatementKind.SELECT and not self._settings.writable:
            raise WritingRefusedError(
                f"this console only reads, so it runs no {kind.value} statement",
                hint="start the server with --console-write to have it write",
            )
        return kind

    def _read(self, ledger: Ledger, statement: str, first: int) -> Answer:
        reach = self._settings.limits.query_reach
        if first >= reach:
            raise ConsoleError(
                f"rows behind the first {reach:,} are not shown",
                hint="narrow the statement with WHERE, or run it with `qldbkit query`",
            )
        transaction = ledger.begin()
        try:
            rows = self._page(transaction.execute(statement), first)
        finally:
            transaction.abort()
        following = first + len(rows.values)
        return {
            **_answer(rows.values),
            "first": first,
            "next": following if rows.more else None,
            "reached": rows.more and following >= reach,
            "committed": None,
        }

    def _write(self, ledger: Ledger, statement: str) -> Answer:
        transaction = ledger.begin()
        before = ledger.state.snapshot
        try:
            rows = self._page(transaction.execute(statement), 0)
            transaction.commit(transaction.digest())
        finally:
            transaction.abort()
        return {
            **_answer(rows.values),
            "first": 0,
            "next": None,
            "reached": rows.more,
            "committed": self._block_of(ledger, transaction, before),
        }

    def _page(self, cursor: Cursor, first: int) -> _Rows:
        """The rows from number ``first`` on, as many as fit on a page."""
        limits = self._settings.limits
        kept: list[bytes] = []
        size = 0
        for number, value in enumerate(_values(cursor)):
            if number < first:
                continue
            if len(kept) == limits.query_rows or (kept and size > limits.page_characters):
                return _Rows(kept, more=True)
            kept.append(value)
            size += len(value)
        return _Rows(kept, more=False)

    def _block_of(self, ledger: Ledger, transaction: Transaction, before: int) -> int | None:
        """The block that a transaction became; others may have committed at the same time."""
        for each in ledger.summaries(before + 1, self._settings.limits.items):
            if each.transaction_id == transaction.id:
                return each.address.sequence_no
        return None

    @contextmanager
    def _one_of_few(self) -> Iterator[None]:
        if not self._running.acquire(blocking=False):
            raise BusyError(
                f"{self._settings.limits.queries} statements of the console run already",
                hint="try again in a moment",
            )
        try:
            yield
        finally:
            self._running.release()


def _values(cursor: Cursor) -> Iterator[bytes]:
    page = cursor.first
    while True:
        yield from page.values
        if page.last:
            return
        page = cursor.next_page()


def _answer(values: list[bytes]) -> Answer:
    rows = [codec.read(each) for each in values]
    return {"rows": [{"text": whole_text(each), "members": members(each)} for each in rows]}


def _statement(body: Any) -> str:
    found = body.get("statement")
    if not isinstance(found, str) or not found.strip():
        raise ConsoleError("there is no statement to run", hint="type one, such as SELECT * FROM T")
    return found.strip()


def _first(body: Any) -> int:
    found = body.get("first", 0)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise ConsoleError("the first row has to be a number from 0 on")
    return found
