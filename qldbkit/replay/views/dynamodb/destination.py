"""A table of DynamoDB as a destination and a view."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.compare import UNMAPPED, DocumentDigest
from qldbkit.replay.destination import Decide, DocumentEntry, State
from qldbkit.replay.errors import DestinationChangedError, ReplayError
from qldbkit.replay.tables import TableBook
from qldbkit.replay.units import UnitLimits
from qldbkit.replay.views.dynamodb import items
from qldbkit.replay.views.dynamodb.catalog import Catalog
from qldbkit.replay.views.dynamodb.errors import TableBusyError
from qldbkit.replay.views.dynamodb.items import Held, Item, ViewRecord
from qldbkit.replay.views.dynamodb.mapping import MappedFormError
from qldbkit.replay.views.dynamodb.preparing import prepared
from qldbkit.replay.views.dynamodb.requests import ConditionsFailedError, ViewTableRequests
from qldbkit.replay.views.dynamodb.sizes import TRANSACTION_ITEMS
from qldbkit.replay.views.dynamodb.writing import Writing

CONFLICTS: Final = 5
"""How often a transaction is decided again because others have written what it had read."""
HELD_KNOWN: Final = 50_000
"""Documents of which a view remembers what it holds."""
LIMITS: Final = UnitLimits(
    documents=TRANSACTION_ITEMS - 1,
    bytes=1_000_000,
    blocks=TRANSACTION_ITEMS - 1,
    new_document=1,
    repeats=True,
)
"""A transaction's items, of which the view's own may be one; and bytes of Ion that stay far below
4 MB also when names are written out in every item."""
_HELD: Final = {
    "ProjectionExpression": "pk, version, deleted, #table, formerTable",
    "ExpressionAttributeNames": {"#table": "table"},
}
_UNREADABLE: Final = b""
"""The digest of what no document is: equal to none."""


class _StaleError(Exception):
    """Another writer has changed what was read."""


@dataclass(frozen=True, slots=True)
class _Strand:
    """What is known of a journal's items.

    Attributes:
        checkpoint: None for a journal that the view does not know.
        written_by: the transaction that wrote the checkpoint; None if there is none.
        tables: the source's tables.
        record: the view's own item.
        record_known: whether it is there.
        read: whether it was just read, rather than remembered.
    """

    checkpoint: Checkpoint | None
    written_by: str | None
    tables: TableBook
    record: ViewRecord
    record_known: bool
    read: bool


class DynamoDbView:
    """Keeps `qldbkit.replay.views.view.View`'s contract with DynamoDB's transactions.

    A unit is one TransactWriteItems: the documents, each unless a newer one is there, and the
    checkpoint, if it is the one that was read. So two appliers fence each other, and nothing is
    seen of a unit that was not written whole.

    What a transaction wrote is remembered when it has been written, and not read again by the next
    one. Where the checkpoint is another one by then, that fails, and everything is read anew.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        *,
        key: str | None = None,
        pause: Callable[[float], None] = time.sleep,
    ):
        """Use a table.

        Args:
            client: boto3's client of DynamoDB.
            table: its name.
            key: the KMS key that `prepare` encrypts a new table with; AWS's own if None.
            pause: waits for so many seconds.
        """
        self._client, self._table, self._key, self._pause = client, table, key, pause
        self._requests = ViewTableRequests(client, table, pause=pause)
        self._strands: dict[str, _Strand] = {}
        self._held: OrderedDict[str, Held] = OrderedDict()

    @property
    def limits(self) -> UnitLimits:
        """What one of its transactions takes."""
        return LIMITS

    def prepare(self) -> None:
        """Make the table, unless it is there, and the view's own item in it.

        Raises:
            TableUnfitError: the table was not made for a view, or by a later version.
        """
        prepared(self._requests, self._key, self._pause)

    def checkpoint(self, strand_id: str) -> Checkpoint | None:
        """How far the journal has been applied."""
        item = self._requests.get(items.checkpoint_key(strand_id))
        return None if item is None else items.checkpoint_of(item)[0]

    def checkpoints(self) -> list[Checkpoint]:
        """The checkpoint of every journal."""
        keys = [items.checkpoint_key(each) for each in self._record().strands]
        return [items.checkpoint_of(each)[0] for each in self._requests.get_many(keys)]

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        """Read, decide, and write all in one request.

        Raises:
            TableBusyError: nothing was written, because others write the same items.
            DestinationChangedError: a document is there that nothing replayed can have written.
            WriteRefusedError: DynamoDB refuses what is to be written.
            ClientError: DynamoDB failed; it may have been written or not.
            Exception: whatever ``decide`` raises.
        """
        for _ in range(CONFLICTS):
            strand = self._strands.pop(strand_id, None) or self._read(strand_id)
            try:
                return self._transact(strand_id, strand, documents, decide)
            except _StaleError:
                self._forget()
            except ReplayError:
                # It may be due to what is remembered, or was written between two of the reads
                self._forget()
                if strand.read and not self._has_moved(strand_id, strand):
                    raise
        raise TableBusyError("other appliers have moved the checkpoint each time")

    def tables(self) -> frozenset[str]:
        """The names of the active tables."""
        return frozenset(each.name for each in self._record().catalog if each.active)

    def digests(self) -> Iterator[DocumentDigest]:
        """Every current document, page by page in no order."""
        catalog = self._record().catalog
        for item in self._requests.scan():
            pk = item[items.KEY]["S"]
            if pk.startswith(items.OWN_PREFIX) or "deleted" in item:
                continue
            name = _table_name(catalog, item)
            if name is not None:
                id_ = pk if items.is_ours(item) else f"{UNMAPPED}{pk}"
                yield DocumentDigest(name, id_, _digest(item))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _record(self) -> ViewRecord:
        item = self._requests.get(items.VIEW_KEY)
        return ViewRecord() if item is None else items.view_of(item)

    def _read(self, strand_id: str) -> _Strand:
        self._held.clear()  # what is remembered is as old as the checkpoint that was forgotten
        checkpoint, tables, view = self._requests.get_together(
            [items.checkpoint_key(strand_id), items.tables_key(strand_id), items.VIEW_KEY]
        )
        position, written_by = (
            (None, None) if checkpoint is None else items.checkpoint_of(checkpoint)
        )
        return _Strand(
            position,
            written_by,
            TableBook() if tables is None else items.tables_of(tables),
            ViewRecord() if view is None else items.view_of(view),
            record_known=view is not None,
            read=True,
        )

    def _has_moved(self, strand_id: str, strand: _Strand) -> bool:
        item = self._requests.get(items.checkpoint_key(strand_id))
        return (None if item is None else items.checkpoint_of(item)[1]) != strand.written_by

    def _transact(
        self, strand_id: str, strand: _Strand, documents: Sequence[str], decide: Decide
    ) -> Checkpoint:
        held = self._held_of(documents)
        catalog = strand.record.catalog
        entries = {id_: _entry(id_, each, catalog) for id_, each in held.items()}
        changes = decide(State(strand.checkpoint, strand.tables, entries))
        token = uuid4().hex
        writing = Writing(self._table, strand.record, held)
        writing.add(changes, strand_id, token)
        self._write(strand_id, strand, writing, changes.checkpoint, token)
        self._strands[strand_id] = _Strand(
            changes.checkpoint,
            token,
            strand.tables if writing.book is None else writing.book,
            writing.record,
            record_known=True,
            read=False,
        )
        self._remember(writing.held)
        return changes.checkpoint

    def _write(
        self,
        strand_id: str,
        strand: _Strand,
        writing: Writing,
        checkpoint: Checkpoint,
        token: str,
    ) -> None:
        writes = writing.writes(checkpoint, token, strand.written_by, known=strand.record_known)
        for each in writing.held:  # until it is known what was written
            self._held.pop(each, None)
        try:
            self._requests.write(writes, token)
        except ConditionsFailedError as failed:
            fence = failed.found.get(items.checkpoint_key(strand_id))
            if fence is not None and items.checkpoint_of(fence)[1] == token:
                return  # an earlier attempt of this request was written, though nobody heard of it
            if any(each.startswith(items.OWN_PREFIX) for each in failed.found):
                raise _StaleError from failed
            raise _overtaken(failed.found) from failed

    def _held_of(self, documents: Sequence[str]) -> dict[str, Held]:
        """What the view holds of the documents: as remembered, or read."""
        found = {each: self._held[each] for each in documents if each in self._held}
        unknown = [each for each in documents if each not in found]
        for item in self._requests.get_many(unknown, **_HELD):
            try:
                found[item[items.KEY]["S"]] = items.held_of(item)
            except (KeyError, ValueError) as error:
                raise _overtaken({item[items.KEY]["S"]: item}) from error
        return found

    def _remember(self, held: Mapping[str, Held | None]) -> None:
        for id_, each in held.items():
            if each is not None:
                self._held[id_] = each
        while len(self._held) > HELD_KNOWN:
            self._held.popitem(last=False)

    def _forget(self) -> None:
        self._held.clear()
        self._strands.clear()


def _entry(id_: str, held: Held, catalog: Catalog) -> DocumentEntry:
    table = catalog.table_of(held.table)
    if table is None:
        raise _overtaken({id_: None})
    alive = table.active and not held.deleted
    return DocumentEntry(id_, id_, table.name, 0, held.version if alive else None)


def _table_name(catalog: Catalog, item: Item) -> str | None:
    """The name of a document's table; None if that was dropped."""
    key = item.get("table", {}).get("S", "")
    table = catalog.table_of(key)
    if table is None:
        return str(key)
    return table.name if table.active else None


def _digest(item: Item) -> bytes:
    try:
        return items.data_of(item).hash()
    except MappedFormError:
        return _UNREADABLE


def _overtaken(found: Mapping[str, Item | None]) -> DestinationChangedError:
    id_ = min(found)
    return DestinationChangedError(
        f"document {id_} is not what the replay left there",
        hint="compare the view with its source; it has another writer",
    )
