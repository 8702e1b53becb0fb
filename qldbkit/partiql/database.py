"""What a PartiQL statement needs from the ledger transaction that it runs in.

Evaluation knows a ledger only through `Database`; the embedded ledger's transaction is one
implementation, the tests' in-memory tables are another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from amazon.ion.core import Timestamp

from qldbkit.journal.model import BlockAddress


@dataclass(frozen=True, slots=True)
class Table:
    """A table as one transaction sees it.

    Attributes:
        name: as it was written in CREATE TABLE; case-sensitive.
        table_id: 22 characters.
        indexed: the top-level fields with an index that lookups may use (status ONLINE).
    """

    name: str
    table_id: str
    indexed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Row:
    """A current document of a table.

    Attributes:
        document_id: 22 characters.
        document: the user's data, an amazon.ion struct that must not be changed in place.
    """

    document_id: str
    document: Any


class Database(Protocol):
    """One transaction's view of a ledger: a snapshot, and what the transaction itself wrote.

    Every read is remembered by the implementation for the conflict check at commit. Values are
    amazon.ion values or plain Python of the same shape.
    """

    @property
    def transaction_id(self) -> str:
        """What TXID() gives."""

    @property
    def now(self) -> Timestamp:
        """What UTCNOW() gives: one time per statement, in UTC, to the millisecond."""

    def table(self, name: str) -> Table | None:
        """The active table of that name, or None."""

    def scan(self, table: Table) -> Iterator[Row]:
        """Every current document of the table."""

    def find(self, table: Table, field: str, values: Sequence[Any]) -> Iterator[Row]:
        """The current documents whose ``field`` equals one of ``values``, through its index.

        ``field`` is one of ``table.indexed``. A document is given once. Equality is PartiQL's:
        1 equals 1.0 and 1e0.
        """

    def get(self, table: Table, document_ids: Collection[str]) -> Iterator[Row]:
        """The current documents with those ids; ids without a document are left out."""

    def committed(self, table: Table, row: Row) -> Any:
        """A row of the committed view: ``{blockAddress, hash, data, metadata}``."""

    def history(
        self,
        table: str,
        start: Timestamp | None,
        end: Timestamp | None,
        document_ids: Collection[str] | None,
    ) -> Iterator[Any]:
        """The committed revisions active between ``start`` and ``end``, both inclusive.

        Args:
            table: a table's name, or the id of a table that may have been dropped.
            start: None for the beginning.
            end: None for now.
            document_ids: only these documents' revisions; None for all.

        Raises:
            LookupError: there is no such table.
        """

    def user_tables(self) -> Iterator[Any]:
        """The rows of ``information_schema.user_tables``."""

    def insert(self, table: Table, document: Any) -> str:
        """Insert a document (a struct) and return its new id."""

    def replace(self, table: Table, document_id: str, document: Any) -> None:
        """Give an existing document a new revision."""

    def delete(self, table: Table, document_id: str) -> None:
        """Delete an existing document."""

    def create_table(self, name: str) -> str:
        """Create a table and return its id."""

    def drop_table(self, name: str) -> str:
        """Make a table inactive and return its id."""

    def undrop_table(self, table_id: str) -> str:
        """Make a dropped table active again and return its id."""

    def create_index(self, table: str, field: str) -> str:
        """Create an index on a top-level field and return the table's id."""

    def drop_index(self, table: str, index_id: str) -> str:
        """Drop an index and return the table's id."""

    def redact(self, address: BlockAddress, table_id: str, document_id: str) -> Any:
        """Order a revision redacted; the ``{blockAddress, tableId, documentId, version}`` of it."""
