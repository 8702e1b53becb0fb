"""The items of a view's table.

| ``pk`` | what |
|---|---|
| a document's id | the document, or what is left of it when it is deleted |
| ``_qldbkit_view`` | the view's format, its journals and its tables |
| ``_qldbkit_checkpoint#STRAND`` | how far the journal was applied |
| ``_qldbkit_tables#STRAND`` | the source's tables, as the replay knows them |
| ``_qldbkit_repair#...`` | what a repair did |

A document's id has letters and digits only. A document has ``version``, ``table`` (its table's
key), ``data`` and ``types`` (`qldbkit.replay.views.dynamodb.mapping`), and of its revision
``strandId``, ``sequenceNo``, ``txId``, ``txTime`` and ``hash``. One that is deleted has
``deleted`` and ``formerTable`` instead of its table and data, so that it leaves the index.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Revision
from qldbkit.replay import bookkeeping
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.destination import RecordRepair
from qldbkit.replay.tables import TableBook
from qldbkit.replay.views.dynamodb.catalog import Catalog, ViewTable
from qldbkit.replay.views.dynamodb.errors import TableUnfitError
from qldbkit.replay.views.dynamodb.mapping import (
    Attribute,
    Shape,
    kept_as_ion,
    mapped,
    shape_text,
    value_of,
)

Item = dict[str, Attribute]

KEY: Final = "pk"
INDEX: Final = "byTable"
OWN_PREFIX: Final = "_qldbkit_"
VIEW_KEY: Final = f"{OWN_PREFIX}view"
REPAIRS: Final = f"{OWN_PREFIX}repairs"
"""The index's key of the repairs, so that they are listed like a table."""
FORMAT: Final = 1
"""What is written in the table, as this version understands it."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the view holds of a document.

    Attributes:
        version: the source's.
        table: its table's key.
        deleted: whether only a tombstone is left.
    """

    version: int
    table: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class ViewRecord:
    """The item of the view itself.

    Attributes:
        revision: counts what was written to it.
        strands: the journals that were ever replayed.
        catalog: its tables.
    """

    revision: int = 0
    strands: tuple[str, ...] = ()
    catalog: Catalog = field(default_factory=Catalog)

    def with_strand(self, strand_id: str) -> ViewRecord:
        """The record of a view that a journal is replayed into."""
        if strand_id in self.strands:
            return self
        return replace(self, strands=(*self.strands, strand_id))


def key_of(pk: str) -> Item:
    """An item's key alone."""
    return {KEY: {"S": pk}}


def checkpoint_key(strand_id: str) -> str:
    """The key of a journal's checkpoint."""
    return f"{OWN_PREFIX}checkpoint#{strand_id}"


def tables_key(strand_id: str) -> str:
    """The key of a journal's book of tables."""
    return f"{OWN_PREFIX}tables#{strand_id}"


def document_item(
    document_id: str, version: int, table: str, data: IonSpan, revision: Revision | None
) -> Item:
    """A current document; without its revision where a repair wrote it."""
    return {
        **key_of(document_id),
        "version": _number(version),
        "table": {"S": table},
        **_content(mapped(data)),
        **_origin(revision),
    }


def with_ion(item: Item, data: IonSpan) -> Item:
    """The item of a document with its data as Ion, which takes less room."""
    rest = {name: each for name, each in item.items() if name not in ("data", "types")}
    return {**rest, **_content(kept_as_ion(data))}


def tombstone(document_id: str, version: int, table: str, revision: Revision | None) -> Item:
    """What is left of a deleted document, so that no older revision brings it back."""
    return {
        **key_of(document_id),
        "version": _number(version),
        "deleted": {"BOOL": True},
        "formerTable": {"S": table},
        **_origin(revision),
    }


def held_of(item: Item) -> Held:
    """What a document's item says of it.

    Raises:
        KeyError: it is none that this project wrote.
    """
    deleted = "deleted" in item
    table = item["formerTable" if deleted else "table"]["S"]
    return Held(int(item["version"]["N"]), table, deleted)


def is_ours(item: Item) -> bool:
    """Whether a current document's item is one that this project wrote."""
    return {"version", "table", "data"} <= item.keys() and bool(
        {"strandId", "repaired"} & item.keys()
    )


def data_of(item: Item) -> IonSpan:
    """A document's data.

    Raises:
        MappedFormError: nothing is mapped so.
    """
    return value_of(item.get("data", {}), item.get("types", {}).get("S"))


def checkpoint_item(checkpoint: Checkpoint, written_by: str) -> Item:
    """A checkpoint, and the transaction that wrote it."""
    row = bookkeeping.checkpoint_row(checkpoint, written_by)
    return _row_item(checkpoint_key(checkpoint.strand_id), row)


def checkpoint_of(item: Item) -> tuple[Checkpoint, str]:
    """The checkpoint that an item holds, and the transaction that wrote it."""
    row = data_of(item).value()
    return bookkeeping.checkpoint_of(row), str(row["writtenBy"])


def tables_item(strand_id: str, book: TableBook) -> Item:
    """The book of tables of a journal."""
    return _row_item(tables_key(strand_id), bookkeeping.tables_row(strand_id, book))


def tables_of(item: Item) -> TableBook:
    """The book of tables that an item holds."""
    return bookkeeping.tables_of(data_of(item).value())


def repair_item(repair: RecordRepair, checkpoint: Checkpoint, written_by: str) -> Item:
    """What a repair did, and at which position of the source."""
    pk = f"{OWN_PREFIX}repair#{repair.at}#{written_by}"
    row = bookkeeping.repair_row(repair, checkpoint)
    return {**_row_item(pk, row), "table": {"S": REPAIRS}}


def view_item(record: ViewRecord) -> Item:
    """The item of the view itself."""
    tables: list[Attribute] = [
        {
            "M": {
                "key": {"S": each.key},
                "name": {"S": each.name},
                "active": {"BOOL": each.active},
            }
        }
        for each in record.catalog
    ]
    return {
        **key_of(VIEW_KEY),
        "format": _number(FORMAT),
        "revision": _number(record.revision),
        "strands": {"L": [{"S": each} for each in record.strands]},
        "tables": {"L": tables},
    }


def view_of(item: Item) -> ViewRecord:
    """What the item of the view says.

    Raises:
        TableUnfitError: a later version of this project has made it.
    """
    found = int(item["format"]["N"])
    if found > FORMAT:
        raise TableUnfitError(
            f"the view has format {found}, and this version knows {FORMAT}",
            hint="use the version of qldbkit that made it, or a later one",
        )
    return ViewRecord(
        int(item["revision"]["N"]),
        tuple(each["S"] for each in item["strands"]["L"]),
        Catalog(tuple(_tables(item["tables"]["L"]))),
    )


def _tables(listed: Iterable[Attribute]) -> Iterable[ViewTable]:
    for each in listed:
        table = each["M"]
        yield ViewTable(table["key"]["S"], table["name"]["S"], table["active"]["BOOL"])


def _row_item(pk: str, row: dict[str, Any]) -> Item:
    return {**key_of(pk), **_content(mapped(IonSpan.of(row)))}


def _content(form: tuple[Attribute, Shape]) -> Item:
    attribute, shape = form
    types: Item = {} if shape is None else {"types": {"S": shape_text(shape)}}
    return {"data": attribute, **types}


def _origin(revision: Revision | None) -> Item:
    """Which revision it is."""
    if revision is None or revision.address is None or revision.metadata is None:
        return {"repaired": {"BOOL": True}}
    metadata = revision.metadata
    time = {} if metadata.tx_time_ion is None else {"txTime": mapped(metadata.tx_time_ion)[0]}
    return {
        "strandId": {"S": revision.address.strand_id},
        "sequenceNo": _number(revision.address.sequence_no),
        "txId": {"S": metadata.tx_id},
        **time,
        "hash": {"B": revision.hash},
    }


def _number(value: int) -> Attribute:
    return {"N": str(value)}
