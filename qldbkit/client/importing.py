"""Documents of a file put into a table, some to a transaction.

What was committed is known at any moment: an import that ends in the middle says how many
documents are in the table, and goes on behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from qldbkit.client.catalog import tables
from qldbkit.client.documents import Document, DocumentError
from qldbkit.errors import QldbkitError
from qldbkit.journal.ion import IonSpan
from qldbkit.names import check_table_name

if TYPE_CHECKING:  # `qldbkit.driver` has to be imported before pyqldb is
    from pyqldb.driver.qldb_driver import QldbDriver
    from pyqldb.execution.executor import Executor

Told = Callable[[int], None]
"""Of how many documents are in the table so far."""


@dataclass(frozen=True, slots=True)
class ImportBounds:
    """How much goes into one transaction. The defaults are QLDB's limits, or below them.

    Attributes:
        documents: of a transaction.
        bytes: of a transaction, in binary Ion; QLDB's limit of 4 MB counts more than documents.
        document_bytes: of one document, in binary Ion.
        attempts: how often a transaction is tried that conflicts with others.
    """

    documents: int = 40
    bytes: int = 2 * 1024 * 1024
    document_bytes: int = 128 * 1024
    attempts: int = 5


DEFAULT_BOUNDS: Final = ImportBounds()
SERVER_FAILED: Final = 500
"""From this HTTP status on, what was asked may have been done."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """A finished import.

    Attributes:
        table: where the documents went.
        documents: how many of them were put there.
        skipped: how many at the file's beginning were passed over.
        transactions: how many it took.
    """

    table: str
    documents: int
    skipped: int
    transactions: int

    def to_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "table": self.table,
            "documents": self.documents,
            "skipped": self.skipped,
            "transactions": self.transactions,
        }


class ImportStoppedError(QldbkitError):
    """An import ended before its file did; what it had committed is in the table."""


def import_documents(
    driver: QldbDriver,
    table: str,
    found: Iterator[Document],
    *,
    skip: int = 0,
    bounds: ImportBounds = DEFAULT_BOUNDS,
    told: Told = lambda _documents: None,
) -> ImportReport:
    """Insert documents into a table, in their order.

    Args:
        driver: of the ledger.
        table: an active table.
        found: the documents.
        skip: how many to pass over first, because an earlier run has committed them.
        bounds: how much goes into one transaction.
        told: called after every commit.

    Raises:
        NameRefusedError: that cannot be a table's name.
        ImportStoppedError: there is no such table, or something is no document, or too large, or
            the ledger refused a transaction or did not answer, or Ctrl-C was pressed; the hint
            says how to go on.
    """
    _check_table(driver, table)
    done = transactions = 0
    try:
        for _ in islice(found, skip):
            pass
        for batch in batches(found, bounds):
            _insert(driver, table, batch, bounds.attempts)
            done += len(batch)
            transactions += 1
            told(done)
    except QldbkitError as error:
        hint = error.hint or _how_to_go_on(done, skip)
        raise ImportStoppedError(error.message, position=error.position, hint=hint) from error
    except KeyboardInterrupt as error:
        running = f"; up to {bounds.documents} more may be there, of what was running"
        hint = f"{_how_to_go_on(done, skip)}{running}"
        raise ImportStoppedError("the import was interrupted", hint=hint) from error
    return ImportReport(table, done, skip, transactions)


def batches(found: Iterator[Document], bounds: ImportBounds) -> Iterator[list[Document]]:
    """Documents that may share a transaction, in their order.

    Raises:
        DocumentError: a document is too large, or none.
    """
    batch: list[Document] = []
    size = 0
    for each in found:
        if len(each.data) > bounds.document_bytes:
            raise DocumentError(
                f"the document has {len(each.data):,} bytes in binary Ion, and a ledger takes"
                f" {bounds.document_bytes:,}",
                position=each.position,
            )
        if batch and (len(batch) == bounds.documents or size + len(each.data) > bounds.bytes):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += len(each.data)
    if batch:
        yield batch


def _check_table(driver: QldbDriver, table: str) -> None:
    check_table_name(table)
    if not any(each.name == table and each.active for each in tables(driver)):
        raise ImportStoppedError(f"the ledger has no table {table}", hint="--create makes it")


def _how_to_go_on(done: int, skip: int) -> str:
    if not done:
        return "nothing was imported" if not skip else f"go on with --skip {skip}"
    return f"{done:,} documents were imported: go on with --skip {skip + done}"


def _insert(driver: QldbDriver, table: str, batch: list[Document], attempts: int) -> None:
    from pyqldb.config.retry_config import RetryConfig  # noqa: PLC0415 - after `qldbkit.driver`
    from pyqldb.errors import is_occ_conflict_exception  # noqa: PLC0415

    transaction = _Insertion(table, batch)
    for attempt in range(1, attempts + 1):
        try:
            # A driver's own retries would insert again what was committed without an answer.
            driver.execute_lambda(transaction.run, retry_config=RetryConfig(retry_limit=0))
        except (ClientError, BotoCoreError) as error:
            if attempt == attempts or not is_occ_conflict_exception(error):
                raise transaction.stopped(error) from error
        else:
            return


class _Insertion:
    """A transaction that inserts some documents, and is told what became of it."""

    def __init__(self, table: str, batch: list[Document]):
        self._first, self._last = batch[0], batch[-1]
        self._statement = f'INSERT INTO "{table}" << {", ".join("?" * len(batch))} >>'
        self._documents = [IonSpan.parse(each.data) for each in batch]
        self._inserted = False

    def run(self, transaction: Executor) -> None:
        """What the driver runs, and then commits."""
        self._inserted = False
        transaction.execute_statement(self._statement, *self._documents)
        self._inserted = True

    def stopped(self, error: ClientError | BotoCoreError) -> ImportStoppedError:
        """What to say of its failure; whether it was committed may be unknown."""
        last = "" if self._last is self._first else f" to {self._last.position}"
        position = f"{self._first.position}{last}"
        if not isinstance(error, ClientError):
            said, refused = str(error), False
        else:
            said = error.response["Error"].get("Message") or str(error)
            refused = error.response["ResponseMetadata"]["HTTPStatusCode"] < SERVER_FAILED
        hint = None
        if self._inserted and not refused:
            hint = (
                "the answer to their commit is not known: look whether they are in the table,"
                f" then go on with --skip {self._first.number - 1} or {self._last.number}"
            )
        return ImportStoppedError(said, position=position, hint=hint)
