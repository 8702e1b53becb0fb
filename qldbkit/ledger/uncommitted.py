"""What a transaction has done so far, as a value: a failed statement leaves the one before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import RedactedRevision
from qldbkit.ledger.catalog import Catalog
from qldbkit.partiql.written import WrittenStruct


@dataclass(frozen=True, slots=True)
class PendingDocument:
    """A document that the transaction wrote.

    Attributes:
        table_id: its table.
        table_name: its table's name.
        document_id: its id.
        version: of the revision that it will be.
        data: the document, over bytes that hold nothing else; None when it is deleted.
        size: its binary Ion in bytes.
        statements: the statements that wrote it, one for each element that they set.
        new: whether the transaction itself inserted it.
    """

    table_id: str
    table_name: str
    document_id: str
    version: int
    data: IonSpan | None
    size: int
    statements: tuple[int, ...]
    new: bool

    @property
    def vanished(self) -> bool:
        """Whether it came and went within the transaction, so that the journal knows nothing."""
        return self.new and self.data is None

    def document(self) -> WrittenStruct:
        """The document, as statements work on it."""
        assert self.data is not None  # asked only of documents that are there
        return WrittenStruct(self.data)


@dataclass(frozen=True, slots=True)
class Uncommitted:
    """The effects of a transaction's statements.

    Attributes:
        catalog: the tables, with what the transaction defined.
        documents: what it wrote, by document id, in the order in which it was first written.
        size: bytes of the documents that it wrote.
        redactions: what it ordered redacted.
    """

    catalog: Catalog
    documents: Mapping[str, PendingDocument] = field(default_factory=lambda: MappingProxyType({}))
    size: int = 0
    redactions: tuple[RedactedRevision, ...] = ()

    def in_table(self, table_id: str) -> Iterator[PendingDocument]:
        """The documents of a table that it wrote and that are there."""
        return self.among(self.documents, table_id)

    def among(self, document_ids: Iterable[str], table_id: str) -> Iterator[PendingDocument]:
        """Those of some ids."""
        documents = self.documents
        for id_ in document_ids:
            found = documents.get(id_)
            if found is not None and found.table_id == table_id and found.data is not None:
                yield found
