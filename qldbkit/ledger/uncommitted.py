"""What a transaction has done so far, as a value: a failed statement leaves the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import RedactedRevision
from qldbkit.ledger.catalog import Catalog


@dataclass(frozen=True, slots=True)
class PendingDocument:
    """A document that the transaction wrote.

    Attributes:
        table_id: its table.
        table_name: its table's name.
        document_id: its id.
        version: of the revision that it will be.
        data: the document; None when it is deleted.
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

    def document(self) -> Any:
        """The document, as an amazon.ion struct."""
        assert self.data is not None  # asked only of documents that are there
        return self.data.value()


@dataclass(frozen=True, slots=True)
class Uncommitted:
    """The effects of a transaction's statements.

    Attributes:
        catalog: the tables, with what the transaction defined.
        documents: what it wrote, by document id, in the order in which it was first written.
        redactions: what it ordered redacted.
    """

    catalog: Catalog
    documents: Mapping[str, PendingDocument] = field(default_factory=lambda: MappingProxyType({}))
    redactions: tuple[RedactedRevision, ...] = ()

    def with_document(self, document: PendingDocument) -> Uncommitted:
        """With one more document written, or the same one again."""
        documents = {**self.documents, document.document_id: document}
        return replace(self, documents=MappingProxyType(documents))

    def in_table(self, table_id: str) -> list[PendingDocument]:
        """The documents of a table that it wrote and that are there."""
        return [
            each
            for each in self.documents.values()
            if each.table_id == table_id and each.data is not None
        ]

    @property
    def size(self) -> int:
        """Bytes of the documents that it wrote."""
        return sum(each.size for each in self.documents.values())
