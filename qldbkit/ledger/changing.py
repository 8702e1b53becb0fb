"""What one statement writes, checked against QLDB's limits."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

from amazon.ion.exceptions import IonException

from qldbkit.errors import QldbkitError
from qldbkit.journal.encoding import alone
from qldbkit.journal.ion import IonFormatError, IonSpan, IonType
from qldbkit.journal.model import BlockAddress, RedactedRevision
from qldbkit.ledger.definitions import index_identifier, table_identifier
from qldbkit.ledger.errors import BadRequestError, LimitExceededError
from qldbkit.ledger.identifiers import new_identifier
from qldbkit.ledger.limits import Limits
from qldbkit.ledger.storage import CURRENT, StoredRevision
from qldbkit.ledger.uncommitted import PendingDocument, Uncommitted
from qldbkit.names import check_table_name
from qldbkit.partiql.database import Table
from qldbkit.partiql.results import decoded
from qldbkit.partiql.written import WrittenStruct


class Changes:
    """The writes of one statement, on top of what its transaction did before.

    Args:
        transaction_id: the transaction's.
        statement: which of its statements this is, from 0.
        touches: how often the journal lists the statement for each document that it writes.
        uncommitted: what the transaction did before.
        limits: what is too much.
    """

    def __init__(
        self,
        transaction_id: str,
        statement: int,
        touches: int,
        uncommitted: Uncommitted,
        limits: Limits,
    ):
        self.transaction_id = transaction_id
        self.uncommitted = uncommitted
        self._statement = statement
        self._touches = (statement,) * max(1, touches)
        self._limits = limits
        # What is given out as `uncommitted` does not change, so the first write makes a copy.
        self._documents: dict[str, PendingDocument] | None = None

    def insert(self, table: Table, document: Any) -> str:
        """Insert a document and return its new id.

        Raises:
            BadRequestError: it is not a struct, or not storable.
            LimitExceededError: it, or the transaction, would be too large.
        """
        span = self._checked(document)
        id_, size = new_identifier(), len(span.data)
        self._write(
            PendingDocument(table.table_id, table.name, id_, 0, span, size, self._touches, True), 0
        )
        return id_

    def replace(self, table: Table, document_id: str, document: Any, version: int | None) -> None:
        """Give an existing document a new revision.

        Args:
            table: the document's table.
            document_id: its id.
            document: what it becomes.
            version: the committed one; None when the transaction wrote the document already.
        """
        before = self._before(table, document_id, version)
        span = self._checked(document)
        statements = before.statements + self._touches
        self._write(
            PendingDocument(
                before.table_id,
                before.table_name,
                document_id,
                before.version,
                span,
                len(span.data),
                statements,
                before.new,
            ),
            before.size,
        )

    def delete(self, table: Table, document_id: str, version: int | None) -> None:
        """Delete an existing document; arguments as for `replace`."""
        before = self._before(table, document_id, version)
        statements = (*before.statements, self._statement)
        self._write(replace(before, data=None, size=0, statements=statements), before.size)

    def create_table(self, name: str) -> str:
        """Create a table and return its id.

        Raises:
            BadRequestError: the name is taken or cannot name a table.
            LimitExceededError: there are as many tables as there may be.
        """
        _check_name(name)
        id_ = table_identifier(self.transaction_id, self._statement)
        catalog = self.uncommitted.catalog.create_table(name, id_)
        self._refuse_too_many_active()
        if len(catalog.tables) > self._limits.total_tables:
            raise LimitExceededError(
                f"The ledger has {self._limits.total_tables} tables, dropped ones included;"
                " it cannot have more"
            )
        self.uncommitted = replace(self.uncommitted, catalog=catalog)
        return id_

    def drop_table(self, name: str) -> str:
        """Make a table inactive and return its id."""
        catalog = self.uncommitted.catalog
        table_id = catalog.required(name).table_id
        self.uncommitted = replace(self.uncommitted, catalog=catalog.drop_table(name))
        return table_id

    def undrop_table(self, table_id: str) -> str:
        """Make a dropped table active again and return its id."""
        catalog = self.uncommitted.catalog.undrop_table(table_id)
        self._refuse_too_many_active()
        self.uncommitted = replace(self.uncommitted, catalog=catalog)
        return table_id

    def create_index(self, table: str, field: str) -> str:
        """Create an index and return the table's id.

        Raises:
            BadRequestError: there is no such table, the field has an index, or its name is empty.
            LimitExceededError: the table has as many indexes as it may, or the name is too long.
        """
        if not 1 <= len(field) <= self._limits.field_name_characters:
            raise BadRequestError(
                "The name of an indexed field has 1 to"
                f" {self._limits.field_name_characters} characters"
            )
        catalog = self.uncommitted.catalog
        state = catalog.required(table)
        id_ = index_identifier(self.transaction_id, self._statement)
        catalog = catalog.create_index(table, field, id_)
        if len(state.maintained) >= self._limits.indexes_per_table:
            raise LimitExceededError(
                f"Table {table} has {self._limits.indexes_per_table} indexes; it cannot have more"
            )
        self.uncommitted = replace(self.uncommitted, catalog=catalog)
        return state.table_id

    def drop_index(self, table: str, index_id: str) -> str:
        """Drop an index and return the table's id."""
        catalog = self.uncommitted.catalog
        table_id = catalog.required(table).table_id
        self.uncommitted = replace(self.uncommitted, catalog=catalog.drop_index(table, index_id))
        return table_id

    def redact(
        self,
        address: BlockAddress,
        table_id: str,
        document_id: str,
        revision: StoredRevision | None,
        snapshot: int,
    ) -> RedactedRevision:
        """Order a revision redacted.

        Args:
            address: the block that committed it.
            table_id: its document's table.
            document_id: its document.
            revision: what is stored of it, if anything.
            snapshot: the transaction's.

        Raises:
            BadRequestError: there is no such revision, or it may not be redacted.
            LimitExceededError: the transaction redacts as many as it may.
        """
        if revision is None or revision.table_id != table_id:
            raise BadRequestError(
                f"Document {document_id} of table {table_id} has no revision at {address}"
            )
        if revision.deleted:
            raise BadRequestError(f"The revision at {address} is a deletion: it holds no data")
        if revision.ended == CURRENT or revision.ended > snapshot:
            raise BadRequestError(
                f"The revision at {address} is the document's latest: only earlier ones can be"
                " redacted"
            )
        if len(self.uncommitted.redactions) >= self._limits.transaction_redactions:
            raise LimitExceededError(
                f"A transaction can redact {self._limits.transaction_redactions} revision(s)"
            )
        ordered = RedactedRevision(address, table_id, document_id, revision.version)
        redactions = (*self.uncommitted.redactions, ordered)
        self.uncommitted = replace(self.uncommitted, redactions=redactions)
        return ordered

    def _before(self, table: Table, document_id: str, version: int | None) -> PendingDocument:
        pending = self.uncommitted.documents.get(document_id)
        if pending is not None and pending.data is not None:
            return pending
        if pending is not None or version is None:
            raise BadRequestError(f"Document {document_id} of table {table.name} does not exist")
        return PendingDocument(
            table.table_id, table.name, document_id, version + 1, None, 0, (), False
        )

    def _checked(self, document: Any) -> IonSpan:
        """The document as it will be stored, over bytes that hold nothing else."""
        try:
            span = _alone(document)
        except (TypeError, ValueError, IonException, IonFormatError) as error:
            raise BadRequestError(f"The document cannot be stored: {error}") from error
        if span.ion_type is not IonType.STRUCT or span.is_null:
            raise BadRequestError(f"A document must be a struct, not {span.ion_type.name.lower()}")
        if len(span.data) > self._limits.document_bytes:
            raise LimitExceededError(
                f"A document can have {self._limits.document_bytes} bytes of binary Ion;"
                f" this one has {len(span.data)}"
            )
        return span

    def _write(self, document: PendingDocument, size_before: int) -> None:
        if self._documents is None:
            self._documents = dict(self.uncommitted.documents)
        self._documents[document.document_id] = document
        if len(self._documents) > self._limits.transaction_documents:
            raise LimitExceededError(
                f"A transaction can write {self._limits.transaction_documents} documents"
            )
        size = self.uncommitted.size - size_before + document.size
        if size > self._limits.transaction_bytes:
            raise LimitExceededError(
                f"A transaction can write {self._limits.transaction_bytes} bytes"
            )
        written = MappingProxyType(self._documents)
        self.uncommitted = replace(self.uncommitted, documents=written, size=size)

    def _refuse_too_many_active(self) -> None:
        active = sum(each.active for each in self.uncommitted.catalog.tables.values())
        if active >= self._limits.active_tables:
            raise LimitExceededError(
                f"The ledger has {self._limits.active_tables} active tables; it cannot have more"
            )


def _alone(document: Any) -> IonSpan:
    if type(document) is WrittenStruct:
        return alone(document.span)
    return IonSpan.of(decoded(document))


def _check_name(name: str) -> None:
    try:
        check_table_name(name)
    except QldbkitError as error:
        raise BadRequestError(str(error)) from error
