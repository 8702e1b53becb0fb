"""PostgreSQL as a view: current documents, their history, and the journal that proves them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.sources.stored import JournalSource
from qldbkit.replay.bookkeeping import checkpoint_of, tables_of
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.compare import DocumentDigest
from qldbkit.replay.destination import Decide, DocumentEntry, State, Work
from qldbkit.replay.errors import ReplayError
from qldbkit.replay.repair_source import SourceRevision
from qldbkit.replay.tables import TableBook
from qldbkit.replay.units import UnitLimits
from qldbkit.replay.views.postgresql import reading, schema, statements
from qldbkit.replay.views.postgresql.address import PostgresqlAddress
from qldbkit.replay.views.postgresql.catalog import READ, Catalog
from qldbkit.replay.views.postgresql.connecting import Connection, Session, SessionLimits
from qldbkit.replay.views.postgresql.journal import PostgresqlJournal
from qldbkit.replay.views.postgresql.writing import Held, Writing

LIMITS: Final = UnitLimits(
    documents=10_000, bytes=8_000_000, blocks=1000, new_document=1, repeats=True
)
"""PostgreSQL's transactions have no limits; these bound what is held in memory.

What a restore hands over at once fits into one: behind a second there would be nothing left to
verify, and PostgreSQL would be waited for.
"""
DOCUMENTS_KNOWN: Final = 50_000
"""Documents whose table and version a view remembers."""


@dataclass(frozen=True, slots=True)
class _Strand:
    """What is known of a strand.

    Attributes:
        checkpoint: None for a strand that the view does not know.
        tables: the source's tables.
        written_by: the transaction that wrote the checkpoint; None for none.
    """

    checkpoint: Checkpoint | None
    tables: TableBook
    written_by: str | None


class PostgresqlView:
    """Keeps the contracts of `Destination` and of `View` with a schema of PostgreSQL's.

    A transaction locks the strand's checkpoint: another one waits, and then sees what has changed.
    What a view wrote is remembered, and read again only when somebody else has written since.
    """

    def __init__(
        self,
        address: PostgresqlAddress,
        region: str = "us-east-1",
        limits: SessionLimits | None = None,
    ):
        """A view that is connected to when it is first used.

        Args:
            address: where it is.
            region: the AWS region of the secret, or of the server that IAM signs in to.
            limits: how long it waits.
        """
        self._address = address
        self._session = Session(address, region, limits or SessionLimits())
        self._written_by: str | None = None
        self._known: OrderedDict[str, Held] = OrderedDict()
        self._work: Work = _nothing

    @property
    def limits(self) -> UnitLimits:
        """What one transaction takes."""
        return LIMITS

    def prepare(self) -> None:
        """Make the schema and the view's own tables, or migrate them.

        Raises:
            ViewSchemaError: the schema is not a view's, or of a later version.
            PostgresqlUnavailableError, PostgresqlRefusedError: PostgreSQL cannot do it.
        """
        with self._session.transaction() as connection:
            schema.migrate(connection, self._address.schema)

    def checkpoint(self, strand_id: str) -> Checkpoint | None:
        """How far the strand has been applied.

        Raises:
            PostgresqlUnavailableError, ViewSchemaError: it cannot be read.
        """
        with self._session.transaction() as connection:
            row = connection.execute(statements.CHECKPOINT, (strand_id,)).fetchone()
        return None if row is None or row[0] is None else _checkpoint(row[0])

    def checkpoints(self) -> list[Checkpoint]:
        """The checkpoint of every strand; none if there is no view yet.

        Raises:
            PostgresqlUnavailableError: it cannot be read.
        """
        with self._session.transaction() as connection:
            if schema.version_of(connection, self._address.schema) == 0:
                return []
            rows = connection.execute(statements.CHECKPOINTS).fetchall()
        return [_checkpoint(each) for (each,) in rows]

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        """Read, decide, write and commit in one transaction.

        Raises:
            PostgresqlUnavailableError: PostgreSQL failed; the commit may have happened or not.
            DestinationChangedError: a document is not as it was replayed.
            ViewSchemaError: the view was not prepared.
            Exception: whatever ``decide`` raises.
        """
        try:
            return self._transact(strand_id, documents, decide)
        except BaseException as error:
            remembered = self._written_by is not None
            self._forget()
            if not (remembered and isinstance(error, ReplayError)):
                raise
        # It may be due to what was remembered: decided again by what is so.
        return self._transact(strand_id, documents, decide)

    @contextmanager
    def overlapped(self, work: Work) -> Iterator[None]:
        """Have work done in each transaction, once its rows are sent and before it is committed.

        Others that replay the strand wait for it, too, as they do for PostgreSQL.
        """
        self._work = work
        try:
            yield
        finally:
            self._work = _nothing

    def tables(self) -> frozenset[str]:
        """The names of the active tables."""
        with self._session.transaction() as connection:
            catalog = Catalog.read(connection, self._address.schema)
        return frozenset(each.name for each in catalog if each.active)

    def digests(self) -> Iterator[DocumentDigest]:
        """Every current document under its id, or ``destination:`` and its id.

        Read in one snapshot, from the jsonb that SQL users see. What is remembered is forgotten:
        whoever compares expects that somebody else has written, and may repair it next.
        """
        self._forget()
        with (
            self._session.snapshot() as connection,
            closing(reading.digests(connection, self._address.schema)) as found,
        ):
            yield from found

    def revisions(self, table: str, document_id: str) -> Sequence[SourceRevision]:
        """All revisions of a document of an active table, by ascending version.

        Raises:
            IntegrityError: one of them is not what its hash says.
        """
        with self._session.snapshot() as connection:
            found = Catalog.read(connection, self._address.schema).active(table)
            if found is None:
                return ()
            return reading.revisions(connection, self._address.schema, found, document_id)

    def journal(self, *, readable: bool = False) -> JournalSource:
        """The journal that is kept beside the documents.

        Args:
            readable: whether to check the columns and the jsonb that SQL users read, too.
        """
        return PostgresqlJournal(self._session, self._address, readable=readable)

    def close(self) -> None:
        """End the connection."""
        self._session.close()

    def __str__(self) -> str:
        """The view's URL, which has no secret."""
        return str(self._address)

    def _transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        name = self._address.schema
        with self._session.transaction() as connection:
            strand, catalog = _read(connection, name, strand_id)
            if strand.written_by is None or strand.written_by != self._written_by:
                self._known.clear()
            held = {each: self._known[each] for each in documents if each in self._known}
            unknown = [each for each in documents if each not in held]
            if unknown:
                held |= _held(connection, name, catalog, unknown)
            changes = decide(State(strand.checkpoint, strand.tables, _entries(held, catalog)))
            writing = Writing(connection, name, catalog, held, self._work)
            writing.write(strand_id, strand.checkpoint, changes)
        self._written_by = writing.token
        self._remember(held | writing.touched)
        return changes.checkpoint

    def _forget(self) -> None:
        self._written_by = None
        self._known.clear()

    def _remember(self, held: Mapping[str, Held]) -> None:
        for id_, each in held.items():
            self._known[id_] = each
            self._known.move_to_end(id_)
        while len(self._known) > DOCUMENTS_KNOWN:
            self._known.popitem(last=False)


def _read(connection: Connection, name: str, strand_id: str) -> tuple[_Strand, Catalog]:
    """The strand's row, locked, and the tables."""
    while True:
        with connection.pipeline():
            found = connection.execute(statements.STRAND, (strand_id,))
            tables = connection.execute(READ)
            row, rows = found.fetchone(), tables.fetchall()
        if row is not None:
            break
        connection.execute(statements.NEW_STRAND, (strand_id,))
    checkpoint, book, written_by = row
    strand = _Strand(
        None if checkpoint is None else _checkpoint(checkpoint),
        TableBook() if book is None else tables_of(IonSpan.parse(book).value()),
        written_by,
    )
    return strand, Catalog(connection, name, rows)


def _held(
    connection: Connection, name: str, catalog: Catalog, documents: Sequence[str]
) -> dict[str, Held]:
    """The tables and versions of those documents that the view holds, or held."""
    keys: dict[str, int] = dict(
        connection.execute(statements.TABLES_OF, (list(documents),)).fetchall()
    )
    with connection.pipeline():
        asked = [
            connection.execute(
                statements.on(statements.VERSIONS, name, catalog.of(key).current),
                ([id_ for id_, each in keys.items() if each == key],),
            )
            for key in set(keys.values())
        ]
    versions: dict[str, int] = dict(row for cursor in asked for row in cursor.fetchall())
    return {id_: (key, versions.get(id_)) for id_, key in keys.items()}


def _entries(held: Mapping[str, Held], catalog: Catalog) -> dict[str, DocumentEntry]:
    found = {}
    for id_, (key, version) in held.items():
        table = catalog.of(key)
        shown = version if table.active else None
        found[id_] = DocumentEntry(id_, id_, table.name, 0, shown)
    return found


def _nothing() -> None:
    """Work that is none."""


def _checkpoint(ion: bytes) -> Checkpoint:
    return checkpoint_of(IonSpan.parse(ion).value())
