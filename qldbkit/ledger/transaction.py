"""One transaction: statements that see a snapshot, and one commit that all of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from qldbkit.journal.building import RevisionDraft, StatementDraft
from qldbkit.journal.hashes import commit_digest, dot, ion_hash, statement_digest
from qldbkit.journal.ion import IonFormatError, IonSpan
from qldbkit.journal.model import TableInfo
from qldbkit.ledger.changing import Changes
from qldbkit.ledger.clock import Clock, to_timestamp
from qldbkit.ledger.committing import Committer, Transacted
from qldbkit.ledger.conflicts import ReadSet
from qldbkit.ledger.errors import BadRequestError, InvalidSessionError, LimitExceededError
from qldbkit.ledger.limits import Limits
from qldbkit.ledger.seen import SeenDocuments
from qldbkit.ledger.statement_errors import as_service_errors
from qldbkit.ledger.storage import Storage
from qldbkit.ledger.uncommitted import PendingDocument, Uncommitted
from qldbkit.ledger.view import Consumed, View
from qldbkit.partiql.results import binary
from qldbkit.partiql.written import Parameters

DIGESTS_DIFFER: Final = "Digests don't match"


class Runnable(Protocol):
    """A statement that is ready to run."""

    @property
    def touches(self) -> int:
        """How often the journal lists the statement for each document that it writes."""

    def execute(
        self, database: View, parameters: Sequence[Any], check: Callable[[], None]
    ) -> Iterator[Any]:
        """Run it; what it writes is written when this returns.

        It calls ``check`` again and again, which raises when the transaction has expired.
        """


Prepare = Callable[[str], Runnable]
"""Makes a statement's text ready to run."""


_END: Final = object()


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a result.

    Attributes:
        values: binary Ion, one value each.
        last: whether nothing follows.
    """

    values: tuple[bytes, ...]
    last: bool


class Cursor:
    """A statement's result, read page by page.

    Attributes:
        first: the first page.
        consumed: what reading has cost so far.
    """

    def __init__(self, rows: Iterator[Any], consumed: Consumed, limits: Limits):
        self._rows = rows
        self._limits = limits
        self._ahead: bytes | None = None
        self.consumed = consumed
        with as_service_errors():
            self._ahead = self._next()
        self.first = self.next_page()

    def next_page(self) -> Page:
        """The next page; the last one when it says so."""
        values: list[bytes] = []
        size = 0
        with as_service_errors():
            while (
                self._ahead is not None
                and len(values) < self._limits.page_rows
                and (not values or size + len(self._ahead) <= self._limits.page_bytes)
            ):
                values.append(self._ahead)
                size += len(self._ahead)
                self._ahead = self._next()
        return Page(tuple(values), self._ahead is None)

    def _next(self) -> bytes | None:
        row = next(self._rows, _END)
        return None if row is _END else binary(row)


class Transaction:
    """A transaction of a ledger. One thread uses it at a time.

    Made by `qldbkit.ledger.ledger.Ledger.begin`.

    Attributes:
        id: 22 characters.
    """

    def __init__(
        self,
        transaction_id: str,
        storage: Storage,
        committer: Committer,
        strand_id: str,
        clock: Clock,
        limits: Limits,
        prepare: Prepare,
        committed: Callable[[bool], None],
    ):
        self.id = transaction_id
        self._storage = storage
        self._committer = committer
        self._strand_id = strand_id
        self._clock = clock
        self._limits = limits
        self._prepare = prepare
        self._committed = committed
        self._expires = clock.monotonic() + limits.transaction_seconds
        self._open = True
        state = committer.begin(transaction_id)
        self._snapshot = state.snapshot
        self._uncommitted = Uncommitted(state.catalog)
        self._reads = ReadSet(limits.transaction_reads)
        self._seen = SeenDocuments(storage, self._snapshot)
        self._statements: list[StatementDraft] = []
        self._statement_size = 0
        self._received = ion_hash(transaction_id)

    @property
    def usable(self) -> bool:
        """Whether it was neither committed nor aborted, and has not expired."""
        return self._open and self._clock.monotonic() < self._expires

    @property
    def documents_written(self) -> int:
        """How many documents it has written."""
        return len(self._uncommitted.documents)

    def check(self) -> None:
        """Make sure that it may still be used.

        Raises:
            InvalidSessionError: it has expired; it is then aborted.
            BadRequestError: it was committed or aborted.
        """
        if self._clock.monotonic() >= self._expires:
            self.abort()
            raise InvalidSessionError(f"Transaction {self.id} has expired")
        if not self._open:
            raise BadRequestError(f"Transaction {self.id} is closed")

    def execute(self, statement: str, parameters: Sequence[bytes | IonSpan] = ()) -> Cursor:
        """Run a statement. When it fails, it leaves no effect and no trace in the journal.

        Args:
            statement: PartiQL.
            parameters: one Ion value for each question mark, as binary Ion or a span.

        Raises:
            BadRequestError: the statement cannot be run.
            LimitExceededError: it, or the transaction with it, is too large.
            InvalidSessionError: the transaction has expired.
            OccConflictError: the transaction can no longer commit, and is aborted.
        """
        self.check()
        if not 1 <= len(statement) <= self._limits.statement_characters:
            raise BadRequestError(
                f"A statement has 1 to {self._limits.statement_characters} characters"
            )
        spans = [self._parameter(each) for each in parameters]
        try:
            digest = statement_digest(statement, spans)
        except IonFormatError as error:
            raise BadRequestError(f"A parameter is not one Ion value: {error}") from error
        self._received = dot(self._received, digest)
        with as_service_errors():
            prepared = self._prepare(statement)
        return self._run(statement, spans, prepared, digest)

    def _run(
        self, statement: str, parameters: Sequence[IonSpan], prepared: Runnable, digest: bytes
    ) -> Cursor:
        size = self._statement_size + len(statement.encode("utf-8", "surrogatepass"))
        if size + self._uncommitted.size > self._limits.transaction_bytes:
            raise LimitExceededError(
                f"A transaction can have {self._limits.transaction_bytes} bytes"
            )
        started = self._clock.milliseconds()
        view = self._view(started, prepared.touches)
        with as_service_errors():
            given = Parameters(parameters)
            rows = prepared.execute(view, given, self.check)
        cursor = Cursor(rows, view.consumed, self._limits)
        self._statements.append(StatementDraft(statement, to_timestamp(started), digest))
        self._statement_size = size
        self._uncommitted = view.uncommitted
        return cursor

    def commit(self, digest: bytes) -> bytes:
        """Commit, if ``digest`` says that the client ran the statements that the ledger ran.

        A transaction that ran nothing leaves no block; one that only read leaves a block without
        revisions, as QLDB's do.

        Returns:
            the digest.

        Raises:
            BadRequestError: the digest is another; the transaction is aborted.
            OccConflictError: something that it read was changed; it is aborted.
            InvalidSessionError: it has expired.
        """
        self.check()
        try:
            # AWS's drivers count a statement before they know whether it fails.
            if digest not in (self.digest(), self._received):
                raise BadRequestError(DIGESTS_DIFFER)
            if self._statements:
                self._committer.commit(self._transacted(), self._reads, self._snapshot)
                self._committed(bool(self._uncommitted.redactions))
        finally:
            self.abort()
        return digest

    def digest(self) -> bytes:
        """What the client must have computed to commit: 32 bytes."""
        return commit_digest(self.id, [each.digest for each in self._statements])

    def abort(self) -> None:
        """End without effect; does nothing when it has ended."""
        self._open = False
        self._committer.active.release(self.id)

    def _view(self, started: int, touches: int) -> View:
        changes = Changes(self.id, len(self._statements), touches, self._uncommitted, self._limits)
        return View(
            self._storage,
            self._snapshot,
            self._strand_id,
            self._reads,
            self._seen,
            changes,
            started,
            lambda: self._committer.state.catalog,
        )

    def _parameter(self, parameter: bytes | IonSpan) -> IonSpan:
        size = len(parameter.binary() if isinstance(parameter, IonSpan) else parameter)
        if size > self._limits.parameter_bytes:
            raise BadRequestError(
                f"A parameter can have {self._limits.parameter_bytes} bytes of binary Ion;"
                f" this one has {size}"
            )
        if isinstance(parameter, IonSpan):
            return parameter
        try:
            return IonSpan.parse(parameter)
        except IonFormatError as error:
            raise BadRequestError(f"A parameter is not one Ion value: {error}") from error

    def _transacted(self) -> Transacted:
        left = (each for each in self._uncommitted.documents.values() if not each.vanished)
        return Transacted(
            self.id,
            tuple(self._statements),
            tuple(map(_draft, left)),
            self._uncommitted.redactions,
        )


def _draft(document: PendingDocument) -> RevisionDraft:
    table = TableInfo(document.table_name, document.table_id)
    return RevisionDraft(
        document.document_id, document.version, table, document.data, document.statements
    )
