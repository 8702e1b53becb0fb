"""What one transaction of the journal's replay writes into the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Revision
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.destination import (
    Change,
    Changes,
    DeleteDocument,
    EnterDeletion,
    InsertDocument,
    RecordRepair,
    RedactDocument,
    RepairDocument,
    ReplaceDocument,
    ReviveDocument,
    UndropTableById,
)
from qldbkit.replay.errors import DestinationChangedError, UnitTooLargeError
from qldbkit.replay.plan import CreateIndex, CreateTable, DropIndex, DropTable
from qldbkit.replay.tables import TableBook
from qldbkit.replay.views.dynamodb import items
from qldbkit.replay.views.dynamodb.errors import DocumentTooLargeError
from qldbkit.replay.views.dynamodb.items import Held, Item, ViewRecord
from qldbkit.replay.views.dynamodb.requests import Write
from qldbkit.replay.views.dynamodb.sizes import (
    ITEM_BYTES,
    TRANSACTION_BYTES,
    TRANSACTION_ITEMS,
    item_size,
)

BYTES_KEPT_FREE: Final = 128 * 1024
"""Of a transaction, for conditions and what the request is wrapped in."""
ITEM_BYTES_KEPT_FREE: Final = 8 * 1024

NEWER: Final = "attribute_not_exists(pk) OR version < :version"
"""A document's condition: a revision that is older than what is there is never written."""
ABSENT: Final = "attribute_not_exists(pk)"
PRESENT: Final = "attribute_exists(pk)"


class Writing:
    """Turns changes into the items of one transaction.

    Attributes:
        record: the view's own item as it is then.
        book: the journal's book of tables as it is then; None if it has not changed.
        held: what is then held of each document that is written; None for one that is removed.
    """

    def __init__(self, table: str, record: ViewRecord, held: Mapping[str, Held]):
        self._table, self._before, self._known = table, record, held
        self.record = record
        self.book: TableBook | None = None
        self.held: dict[str, Held | None] = {}
        # Of a document that is written several times, only the last is: no other is ever seen
        self._documents: dict[str, tuple[Item, IonSpan | None, str]] = {}
        self._writes: list[Write] = []

    def add(self, changes: Changes, strand_id: str, token: str) -> None:
        """Take all changes but the checkpoint.

        Raises:
            DestinationChangedError: a table is missing that the replay made.
            DocumentTooLargeError: a document does not fit into an item.
        """
        self.book = changes.tables
        self.record = self.record.with_strand(strand_id)
        for each in changes.changes:
            self._change(each, changes.checkpoint, token)
        if self.book is not None:
            self._put(items.tables_item(strand_id, self.book))

    def writes(
        self, checkpoint: Checkpoint, token: str, written_by: str | None, *, known: bool
    ) -> list[Write]:
        """All writes: the checkpoint first, which fences them.

        Args:
            checkpoint: the new one.
            token: this transaction's.
            written_by: the transaction that wrote the checkpoint that is there; None if none is.
            known: whether the view's own item is there.

        Raises:
            UnitTooLargeError: they are more than a transaction takes.
        """
        self._fit()
        if self.record != self._before:
            self.record = replace(self.record, revision=self._before.revision + 1)
            item = items.view_item(self.record)
            values = {":revision": {"N": str(self._before.revision)}}
            condition = "revision = :revision" if known else ABSENT
            self._put(item, condition, values if known else {})
        fence = self._write(
            items.checkpoint_item(checkpoint, token),
            ABSENT if written_by is None else "#data.writtenBy = :before",
            {} if written_by is None else {":before": {"S": written_by}},
            {} if written_by is None else {"#data": "data"},
        )
        documents = [
            self._write(item, condition, _values(item, condition))
            for item, _, condition in self._documents.values()
        ]
        writes = [fence, *self._writes, *documents]
        if len(writes) > TRANSACTION_ITEMS:
            raise UnitTooLargeError(f"{len(writes)} items are more than a transaction takes")
        return writes

    def _change(self, change: Change, checkpoint: Checkpoint, token: str) -> None:
        match change:
            case InsertDocument(table, id_, version, data, revision):
                key = self.record.catalog.required_key(table)
                self._document(id_, version, key, data, revision)
            case EnterDeletion(table, id_, version, revision):
                key = self.record.catalog.required_key(table)
                self._tombstone(id_, version, key, revision)
            case ReplaceDocument(entry, data, revision):
                version = _version_of(revision)
                self._document(
                    entry.source_id, version, self._table_of(entry.source_id), data, revision
                )
            case DeleteDocument(entry, revision):
                self._delete(entry.source_id, entry.destination_id, revision)
            case RepairDocument(entry, version, data) | ReviveDocument(entry, version, data):
                key = self._table_of(entry.source_id)
                self._document(entry.source_id, version, key, data, None, PRESENT)
            case RecordRepair():
                self._put(items.repair_item(change, checkpoint, token))
            case RedactDocument() | CreateIndex() | DropIndex():
                pass  # earlier revisions are not kept, and DynamoDB's indexes are not QLDB's
            case _:
                self._change_tables(change)

    def _change_tables(self, change: CreateTable | DropTable | UndropTableById) -> None:
        catalog = self.record.catalog
        match change:
            case CreateTable(name):
                catalog = catalog.created(name)
            case DropTable(name):
                key = catalog.active_key(name)
                if key is not None:
                    catalog = catalog.with_active(key, active=False)
                    self.book = self.book and self.book.dropped_as(name, key)
            case UndropTableById(key):
                catalog = catalog.with_active(key, active=True)
        self.record = replace(self.record, catalog=catalog)

    def _table_of(self, document_id: str) -> str:
        return self._held(document_id).table

    def _held(self, document_id: str) -> Held:
        held = self.held.get(document_id) or self._known.get(document_id)
        if held is None:
            raise DestinationChangedError(f"document {document_id} is not in the view")
        return held

    def _delete(self, source_id: str, own_id: str, revision: Revision | None) -> None:
        if not source_id:  # a document that did not come from the source: nothing of it is kept
            self._writes.append(
                Write({"Delete": {"TableName": self._table, "Key": items.key_of(own_id)}}, own_id)
            )
            self.held[own_id] = None
            return
        held = self._held(source_id)
        version = held.version if revision is None else _version_of(revision)
        self._tombstone(
            source_id, version, held.table, revision, PRESENT if revision is None else NEWER
        )

    def _document(
        self,
        id_: str,
        version: int,
        table: str,
        data: IonSpan,
        revision: Revision | None,
        condition: str = NEWER,
    ) -> None:
        item = items.document_item(id_, version, table, data, revision)
        if item_size(item) > ITEM_BYTES - ITEM_BYTES_KEPT_FREE:
            item = items.with_ion(item, data)
        if (size := item_size(item)) > ITEM_BYTES - ITEM_BYTES_KEPT_FREE:
            raise DocumentTooLargeError(
                f"document {id_} takes {size:,} bytes, and an item of DynamoDB {ITEM_BYTES:,}",
                hint="leave its table out with replayTables",
            )
        self._documents[id_] = item, data, condition
        self.held[id_] = Held(version, table, deleted=False)

    def _tombstone(
        self, id_: str, version: int, table: str, revision: Revision | None, condition: str = NEWER
    ) -> None:
        self._documents[id_] = items.tombstone(id_, version, table, revision), None, condition
        self.held[id_] = Held(version, table, deleted=True)

    def _fit(self) -> None:
        """Keep the largest documents as Ion where the transaction would be too large."""
        sizes = {id_: item_size(item) for id_, (item, _, _) in self._documents.items()}
        most = TRANSACTION_BYTES - BYTES_KEPT_FREE
        total = sum(sizes.values())
        for id_ in sorted(sizes, key=lambda each: -sizes[each]):
            if total <= most:
                return
            item, data, condition = self._documents[id_]
            if data is not None:
                smaller = items.with_ion(item, data)
                total -= sizes[id_] - item_size(smaller)
                self._documents[id_] = smaller, data, condition
        if total > most:
            raise UnitTooLargeError(f"{total:,} bytes are more than a transaction takes")

    def _put(
        self, item: Item, condition: str | None = None, values: Mapping[str, Any] | None = None
    ) -> None:
        self._writes.append(self._write(item, condition, values))

    def _write(
        self,
        item: Item,
        condition: str | None = None,
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> Write:
        put: dict[str, Any] = {"TableName": self._table, "Item": item}
        if condition is not None:
            put["ConditionExpression"] = condition
            put["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if values:
            put["ExpressionAttributeValues"] = values
        if names:
            put["ExpressionAttributeNames"] = names
        return Write({"Put": put}, item[items.KEY]["S"])


def _values(item: Item, condition: str) -> dict[str, Any]:
    return {":version": item["version"]} if condition == NEWER else {}


def _version_of(revision: Revision) -> int:
    assert revision.metadata is not None  # only revisions of documents are replayed
    return revision.metadata.version
