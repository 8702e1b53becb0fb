"""QLDB's session API, with as little between a transaction and the wire as there may be.

Replay sends a dozen requests for each destination transaction, and most of what a general client
does for each of them is the same every time. This one keeps a session and a connection, signs by
botocore, and carries Ion as it was written. It keeps what QLDB's own drivers promise: the ledger
has to name the digest of exactly the statements that were sent, and a transaction is done again,
from its beginning, when it conflicted or its session was gone.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from qldbkit.errors import QldbkitError
from qldbkit.journal import codec
from qldbkit.journal.hashes import dot, ion_hash, statement_digest
from qldbkit.journal.ion import IonSpan
from qldbkit.names import check_ledger_name
from qldbkit.replay.retrying import Backoff
from qldbkit.replay.session_wire import Answer, SessionWire, decoded, encoded

_T = TypeVar("_T")

EXPIRED: Final = re.compile("Transaction .* has expired")
"""In the message of an InvalidSessionException: the session is good, and the work took too long."""
CONFLICT: Final = "OccConflictException"
INVALID_SESSION: Final = "InvalidSessionException"
SERVER_ERRORS: Final = frozenset({500, 503})
DEFAULT_BACKOFF: Final = Backoff(attempts=5, first=0.01, cap=5.0)
"""As QLDB's drivers: four further attempts."""


class CommitDigestError(QldbkitError):
    """The ledger committed other statements than those that were sent."""


class Transaction(Protocol):
    """One transaction: what replay needs of it."""

    @property
    def transaction_id(self) -> str:
        """The ledger's id of it."""

    def execute_statement(self, statement: str, *parameters: Any) -> Iterator[Any]:
        """Run a statement.

        Args:
            statement: PartiQL.
            parameters: for its question marks.

        Returns:
            its result; what has not been read when the transaction ends is lost. That the
            statement is refused may be raised here, when its result is read, or by what is asked
            of the transaction next, its commit included.
        """


class TransactionRunner(Protocol):
    """What runs transactions: `LedgerClient`, and QLDB's driver just as well."""

    def execute_lambda(self, work: Callable[[Any], Any]) -> Any:
        """Run ``work`` in a transaction, again if it has to be, and return what it returns."""


@dataclass(slots=True)
class Asked:
    """A command that was sent, and its answer once that has been read."""

    command: str
    answer: Answer | None = None


class LedgerClient:
    """Runs transactions of one ledger, one after the other; for one thread at a time."""

    def __init__(
        self,
        ledger_name: str,
        wire: SessionWire,
        backoff: Backoff = DEFAULT_BACKOFF,
        *,
        pause: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ):
        """Open nothing yet.

        Args:
            ledger_name: the ledger.
            wire: sends the requests.
            backoff: how often a transaction is done again, and the pauses before.
            pause: waits for so many seconds.
            chance: a number from 0 up to 1.
        """
        self._ledger_name, self._wire, self._backoff = ledger_name, wire, backoff
        self._pause, self._chance = pause, chance
        self._token: str | None = None
        self._asked: Asked | None = None

    @classmethod
    def to(
        cls,
        ledger_name: str,
        *,
        endpoint_url: str,
        region: str,
        session: boto3.Session | None = None,
    ) -> LedgerClient:
        """A client of a ledger.

        Args:
            ledger_name: the ledger.
            endpoint_url: where the session API is, e.g. ``http://localhost:4566``.
            region: the region that requests are signed for.
            session: credentials; boto3's default chain without.

        Raises:
            NameRefusedError: that cannot be a ledger's name.
            NoCredentialsError: there are no credentials.
        """
        credentials = (session or boto3.Session()).get_credentials()
        wire = SessionWire(endpoint_url, region, credentials)
        return cls(check_ledger_name(ledger_name), wire)

    def execute_lambda(self, work: Callable[[LedgerTransaction], _T]) -> _T:
        """Run ``work`` in a transaction, which commits when it returns.

        Args:
            work: has no effects of its own; called again when the transaction has to be.

        Raises:
            ClientError: the ledger refuses, or fails or conflicts at every attempt.
            HTTPClientError: it cannot be reached; the commit may have happened or not.
            CommitDigestError: what the ledger committed is not what was sent.
            Exception: whatever ``work`` raises; then nothing is committed.
        """
        stale = self._token is not None
        pauses = self._backoff.pauses(self._chance)
        while True:
            try:
                return self._attempt(work)
            except ClientError as error:
                if not _passing(error):
                    raise
                if stale and _code(error) == INVALID_SESSION:
                    stale = False  # the session had idled; nothing is to be waited for
                    continue
                pause = next(pauses, None)
                if pause is None:
                    raise
            self._pause(pause)

    def close(self) -> None:
        """End the session and the connection; a session that is already gone is none."""
        try:
            if self._token is not None:
                self.send("EndSession", {})
        except ClientError as error:
            if _code(error) != INVALID_SESSION:
                raise
        finally:
            self._token = None
            self._wire.close()

    def send(self, command: str, members: Mapping[str, Any]) -> Answer:
        """Send one command of the session, and read its answer.

        Raises:
            ClientError: it, or the one before it, is refused.
            HTTPClientError: there is no answer.
        """
        return self.answer_to(self.post(command, members))

    def post(self, command: str, members: Mapping[str, Any]) -> Asked:
        """Send one command of the session, once the one before it has been answered.

        Raises:
            ClientError: the one before it is refused.
            HTTPClientError: the one before it has no answer, or it cannot be sent.
        """
        request = self._wire.ready({"SessionToken": self._token, command: members})
        self._await()
        self._wire.post(request)
        self._asked = asked = Asked(command)
        return asked

    def answer_to(self, asked: Asked) -> Answer:
        """The answer to a command; raises as `send`."""
        if asked is self._asked:
            self._await()
        assert asked.answer is not None  # what was refused has raised already
        return asked.answer

    def _await(self) -> None:
        """Read the answer that is still to come, if there is one."""
        asked, self._asked = self._asked, None
        if asked is None:
            return
        try:
            asked.answer = self._wire.answer(asked.command)
        except ClientError as error:
            if _code(error) == INVALID_SESSION and not _expired(error):
                self._token = None
            raise

    def _attempt(self, work: Callable[[LedgerTransaction], _T]) -> _T:
        if self._token is None:
            begun = self._wire.send(
                {"StartSession": {"LedgerName": self._ledger_name}}, "StartSession"
            )
            self._token = begun["SessionToken"]
        transaction = LedgerTransaction(self, self._begin())
        try:
            result = work(transaction)
            transaction.commit()
        except Exception as error:
            self._abort(error)
            raise
        return result

    def _begin(self) -> str:
        """Begin a transaction and return its id."""
        try:
            return str(self.send("StartTransaction", {})["TransactionId"])
        except BotoCoreError:
            # The session may hold a transaction whose id did not arrive, and takes no second one.
            self._token = None
            raise

    def _abort(self, cause: Exception) -> None:
        """End what is left of a transaction; if that fails too, its session is given up."""
        if self._token is None or (isinstance(cause, ClientError) and _code(cause) == CONFLICT):
            return  # the ledger has ended it already
        try:
            self.send("AbortTransaction", {})
        except Exception:
            # The session may still hold the transaction; the ledger ends both when they idle.
            # What is to be told is the cause, which is being raised.
            self._token = None


class LedgerTransaction:
    """A transaction of a `LedgerClient`."""

    def __init__(self, client: LedgerClient, transaction_id: str):
        self._client = client
        self.transaction_id = transaction_id
        self._digest = ion_hash(transaction_id)

    def execute_statement(self, statement: str, *parameters: Any) -> Iterator[Any]:
        """Have a statement run, while whoever asked for it goes on.

        Args:
            statement: PartiQL.
            parameters: Ion values, plain Python values, or spans, which are sent as they are.

        Returns:
            Ion values, which are waited for when the first is read; further pages are fetched as
            they are read. Reading raises ClientError if the statement is refused, as does
            everything else that is then asked of the transaction.

        Raises:
            ClientError: a statement before it is refused.
            TypeError: Ion has no such value.
        """
        spans = list(map(IonSpan.of, parameters))
        self._digest = dot(self._digest, statement_digest(statement, spans))
        members = {
            "TransactionId": self.transaction_id,
            "Statement": statement,
            "Parameters": [{"IonBinary": encoded(each.binary())} for each in spans],
        }
        return self._values(self._client.post("ExecuteStatement", members))

    def commit(self) -> None:
        """Commit.

        Raises:
            ClientError: the ledger refuses, or conflicts.
            CommitDigestError: what the ledger committed is not what was sent.
        """
        sent = encoded(self._digest)
        members = {"TransactionId": self.transaction_id, "CommitDigest": sent}
        if self._client.send("CommitTransaction", members)["CommitDigest"] != sent:
            raise CommitDigestError(
                f"transaction {self.transaction_id} was committed with another digest",
                hint="compare the ledgers; what is between here and the ledger alters requests",
            )

    def _values(self, asked: Asked) -> Iterator[Any]:
        page = self._client.answer_to(asked)["FirstPage"]
        while True:
            yield from codec.read_each([decoded(each["IonBinary"]) for each in page["Values"]])
            token = page.get("NextPageToken")
            if token is None:
                return
            members = {"TransactionId": self.transaction_id, "NextPageToken": token}
            page = self._client.send("FetchPage", members)["Page"]


def _code(error: ClientError) -> str:
    return str(error.response["Error"].get("Code"))


def _expired(error: ClientError) -> bool:
    message = error.response["Error"].get("Message", "")
    return _code(error) == INVALID_SESSION and EXPIRED.search(message) is not None


def _passing(error: ClientError) -> bool:
    """Whether a transaction that failed so may be done again, as QLDB's drivers have it."""
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    gone = _code(error) == INVALID_SESSION and not _expired(error)
    return gone or _code(error) == CONFLICT or status in SERVER_ERRORS
