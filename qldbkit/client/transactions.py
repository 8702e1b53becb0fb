"""Statements in transactions: one for each, or one that a person starts and ends.

QLDB's driver runs a transaction as a function. One that a person starts runs as such a function in
a thread of its own, which takes a statement at a time until it is told to commit or abort.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from qldbkit.driver import CONNECT_TIMEOUT, READ_TIMEOUT
from qldbkit.errors import QldbkitError

if TYPE_CHECKING:  # `qldbkit.driver` has to be imported before pyqldb is
    from pyqldb.driver.qldb_driver import QldbDriver
    from pyqldb.execution.executor import Executor

ANSWER_SECONDS: Final = 5.0 * (CONNECT_TIMEOUT + READ_TIMEOUT)
"""How long a statement or a commit may take, with the driver's own retries."""
_COMMIT: Final = object()
_ABORT: Final = object()


class TransactionStateError(QldbkitError):
    """A transaction was started twice, or there is none to end."""


class TransactionLostError(QldbkitError):
    """The transaction has ended by itself; nothing of it was committed."""


@dataclass(frozen=True, slots=True)
class _Statement:
    text: str
    parameters: tuple[Any, ...]


class OpenTransaction:
    """A transaction that stays open between statements; QLDB ends it after 30 seconds.

    Args:
        driver: of the ledger. The transaction is never retried.
    """

    def __init__(self, driver: QldbDriver):
        self._driver = driver
        self._asked: queue.Queue[Any] = queue.Queue(maxsize=1)
        # The last answer of an abandoned transaction, and that of its abort, are never awaited
        self._answers: queue.Queue[Any] = queue.Queue(maxsize=2)
        self._begun = False
        self._thread = threading.Thread(target=self._run, name="open-transaction", daemon=True)
        self._thread.start()
        self.transaction_id: str = self._answer()

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Run a statement; one that fails ends the transaction.

        Raises:
            ClientError: the ledger refuses it.
        """
        found: list[Any] = self._ask(_Statement(statement, tuple(parameters)))
        return found

    def commit(self) -> None:
        """Commit.

        Raises:
            ClientError: the ledger refuses to, e.g. for a conflict.
        """
        self._ask(_COMMIT)

    def abort(self) -> None:
        """Give up what the transaction did."""
        self._ask(_ABORT)

    def abandon(self) -> None:
        """Have it aborted when the statement that runs has ended, without waiting for that."""
        with suppress(queue.Full):
            self._asked.put_nowait(_ABORT)

    def _ask(self, what: object) -> Any:
        self._asked.put(what)
        return self._answer()

    def _answer(self) -> Any:
        try:
            found = self._answers.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            raise TransactionLostError(
                f"the ledger did not answer within {ANSWER_SECONDS:g} seconds"
            ) from None
        if isinstance(found, Exception):
            raise found
        return found

    def _run(self) -> None:
        from pyqldb.config.retry_config import RetryConfig  # noqa: PLC0415 - see above
        from pyqldb.errors import LambdaAbortedError  # noqa: PLC0415

        try:
            self._driver.execute_lambda(self._work, retry_config=RetryConfig(retry_limit=0))
            self._answers.put(None)
        except LambdaAbortedError:
            self._answers.put(None)
        except Exception as error:  # it is raised where the answer is awaited
            self._answers.put(error)

    def _work(self, transaction: Executor) -> None:
        if self._begun:  # the driver begins anew in a session of which it learns that it is gone
            raise TransactionLostError(
                "the transaction has expired", hint="start it again; nothing was committed"
            )
        self._begun = True
        self._answers.put(str(transaction.transaction_id))
        while (asked := self._asked.get()) is not _COMMIT:
            if asked is _ABORT:
                transaction.abort()
            cursor = transaction.execute_statement(asked.text, *asked.parameters)
            self._answers.put(list(cursor))


def _run_apart(driver: QldbDriver, statement: str, parameters: Sequence[Any]) -> list[Any]:
    """The rows of a statement in a transaction of its own, run in a thread.

    The driver keeps the session of a statement that is interrupted, with its transaction open. So
    only the wait is interrupted: the thread ends the transaction, without committing if it can.
    """
    interrupted, answer = threading.Event(), Future[list[Any]]()

    def work(transaction: Executor) -> list[Any]:
        rows = list(transaction.execute_statement(statement, *parameters))
        if interrupted.is_set():
            transaction.abort()
        return rows

    def run() -> None:
        try:
            answer.set_result(driver.execute_lambda(work))
        except Exception as error:  # it is raised where the answer is awaited
            answer.set_exception(error)

    threading.Thread(target=run, name="statement", daemon=True).start()
    try:
        return answer.result()
    except KeyboardInterrupt:
        interrupted.set()
        raise


class Statements:
    """Runs statements, each in a transaction of its own unless one was started.

    Args:
        driver: of the ledger.
    """

    def __init__(self, driver: QldbDriver):
        self._driver = driver
        self._open: OpenTransaction | None = None

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._open is not None

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """The rows of a statement. One that fails ends an open transaction.

        Raises:
            ClientError: the ledger refuses it.
        """
        if self._open is None:
            return _run_apart(self._driver, statement, parameters)
        transaction, self._open = self._open, None
        try:
            rows = transaction.execute(statement, parameters)
        except KeyboardInterrupt:
            transaction.abandon()
            raise
        self._open = transaction
        return rows

    def start(self) -> str:
        """Start a transaction, and return its id.

        Raises:
            TransactionStateError: one is open.
        """
        if self._open is not None:
            raise TransactionStateError("a transaction is open already", hint="commit or abort it")
        self._open = OpenTransaction(self._driver)
        return self._open.transaction_id

    def commit(self) -> None:
        """Commit the open transaction.

        Raises:
            TransactionStateError: none is open.
        """
        self._taken().commit()

    def abort(self) -> None:
        """Abort the open transaction.

        Raises:
            TransactionStateError: none is open.
        """
        self._taken().abort()

    def _taken(self) -> OpenTransaction:
        if self._open is None:
            raise TransactionStateError("no transaction is open", hint="begin one with: start")
        found, self._open = self._open, None
        return found
