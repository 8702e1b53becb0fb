"""One session: at most one transaction at a time, and the results that wait to be fetched."""

from __future__ import annotations

import base64
import secrets
import threading
from collections.abc import Mapping
from typing import Any, Final

from qldbkit.journal.ion import IonFormatError, IonSpan
from qldbkit.ledger.errors import BadRequestError, LimitExceededError, OccConflictError
from qldbkit.ledger.identifiers import new_identifier
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.limits import Limits
from qldbkit.ledger.transaction import Cursor, Page, Transaction
from qldbkit.ledger.view import Consumed

TOKEN_BYTES: Final = 48

Members = Mapping[str, Any]
Answer = dict[str, Any]


def new_token() -> str:
    """A token that cannot be guessed, in the characters that QLDB's model allows."""
    return base64.b64encode(secrets.token_bytes(TOKEN_BYTES)).decode("ascii")


class Session:
    """A session with a ledger. Whoever uses it holds `lock`.

    Attributes:
        id: 22 characters; unlike the token it may appear in messages and logs.
        token: what requests name the session with.
        ledger_name: the ledger's name.
        owner: who began it; None when nobody is told apart.
        last_used: when its last request was answered, in seconds of the service's clock.
        lock: held while a request is answered.
    """

    def __init__(self, ledger: Ledger, ledger_name: str, owner: str | None, limits: Limits):
        self.id = new_identifier()
        self.token = new_token()
        self.ledger_name = ledger_name
        self.owner = owner
        self.last_used = 0.0
        self.lock = threading.Lock()
        self._ledger = ledger
        self._limits = limits
        self._transaction: Transaction | None = None
        self._cursors: dict[str, Cursor] = {}

    def start_transaction(self, members: Members) -> Answer:  # noqa: ARG002 - it has no members
        """StartTransaction.

        Raises:
            BadRequestError: the session's transaction is still open.
        """
        if self._transaction is not None and self._transaction.usable:
            raise BadRequestError(
                f"Transaction {self._transaction.id} is open; a session has one at a time"
            )
        self.end()
        self._transaction = self._ledger.begin()
        return {"TransactionId": self._transaction.id}

    def execute_statement(self, members: Members) -> Answer:
        """ExecuteStatement.

        Raises:
            ServiceError: as `Transaction.execute`, or there are too many results to be fetched.
        """
        transaction = self._named(members)
        parameters = [self._parameter(each) for each in members.get("Parameters") or ()]
        try:
            cursor = transaction.execute(members["Statement"], parameters)
        except OccConflictError:
            self.end()
            raise
        page = self._page(cursor, cursor.first)
        return {"FirstPage": page, "ConsumedIOs": _consumed(cursor.consumed, 0)}

    def fetch_page(self, members: Members) -> Answer:
        """FetchPage. A page's token is good for one request.

        Raises:
            BadRequestError: there is no result of that token.
            ServiceError: as `Transaction.execute`.
        """
        transaction = self._named(members)
        transaction.check()
        cursor = self._cursors.pop(members["NextPageToken"], None)
        if cursor is None:
            raise BadRequestError("The NextPageToken is of no result of this transaction")
        before = cursor.consumed.reads
        try:
            page = cursor.next_page()
        except OccConflictError:
            self.end()
            raise
        return {"Page": self._page(cursor, page), "ConsumedIOs": _consumed(cursor.consumed, before)}

    def commit_transaction(self, members: Members) -> Answer:
        """CommitTransaction.

        Raises:
            ServiceError: as `Transaction.commit`.
        """
        transaction = self._named(members)
        self._cursors.clear()
        digest = transaction.commit(members["CommitDigest"])
        return {
            "TransactionId": transaction.id,
            "CommitDigest": digest,
            "ConsumedIOs": {"ReadIOs": 0, "WriteIOs": transaction.documents_written},
        }

    def abort_transaction(self, members: Members) -> Answer:  # noqa: ARG002 - it has no members
        """AbortTransaction; without an open transaction it does nothing."""
        self.end()
        return {}

    def end(self) -> None:
        """Abort the transaction, if there is one."""
        self._cursors.clear()
        if self._transaction is not None:
            self._transaction.abort()

    def _named(self, members: Members) -> Transaction:
        id_ = members["TransactionId"]
        if self._transaction is None or self._transaction.id != id_:
            raise BadRequestError(f"Transaction {id_} is not the session's transaction")
        return self._transaction

    def _parameter(self, holder: Members) -> bytes | IonSpan:
        binary, text = holder.get("IonBinary"), holder.get("IonText")
        if (binary is None) == (text is None):
            raise BadRequestError("A parameter is given as either IonBinary or IonText")
        if text is None:
            return bytes(binary)  # type: ignore[arg-type] # one of both is there
        if len(text) > self._limits.parameter_characters:
            raise BadRequestError(
                f"A parameter can have {self._limits.parameter_characters} characters of Ion text"
            )
        try:
            return IonSpan.from_text(text)
        except IonFormatError as error:
            raise BadRequestError(f"A parameter is not one Ion value: {error}") from error

    def _page(self, cursor: Cursor, page: Page) -> Answer:
        answer: Answer = {"Values": [{"IonBinary": each} for each in page.values]}
        if not page.last:
            if len(self._cursors) >= self._limits.cursors:
                raise LimitExceededError(
                    f"{self._limits.cursors} results of the transaction wait to be fetched"
                )
            token = new_token()
            self._cursors[token] = cursor
            answer["NextPageToken"] = token
        return answer


def _consumed(consumed: Consumed, before: int) -> Answer:
    return {"ReadIOs": consumed.reads - before, "WriteIOs": 0}
