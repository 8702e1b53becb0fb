"""The rows that replay keeps in a destination ledger, and the tables they are in.

The tables are those of `qldbkit.replay.bookkeeping_tables`.

``_qldbkit_checkpoint`` has two rows for each strand, both with its ``strandId``:
``{kind: "position", sequenceNo, blockHash, bound, gaps: [{first, last, passedAt}], late,
writtenBy, part: {sequenceNo, blockHash, steps}}`` and
``{kind: "tables", tables: [{name, sourceId, destinationId, observed, active}]}``.

``_qldbkit_document`` has a row for each document that was ever inserted:
``{sourceId, destinationId, tableName, baseVersion}``. It is only read by its index, and never
changed but by a repair, which adds ``earlier: [{destinationId, baseVersion, end}]``.

``_qldbkit_repair`` has a row for each transaction of a repair, written in it:
``{strandId, sequenceNo, blockHash, at, who, source, documents: [text]}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from qldbkit.replay.checkpoint import Checkpoint, Part
from qldbkit.replay.destination import (
    DocumentEntry,
    EarlierVersions,
    EnterDeletion,
    InsertDocument,
    RecordRepair,
)
from qldbkit.replay.fragments import Gap
from qldbkit.replay.tables import SourceTable, TableBook

POSITION: Final = "position"
TABLES: Final = "tables"

Row = Mapping[str, Any]


def checkpoint_row(checkpoint: Checkpoint, written_by: str) -> dict[str, Any]:
    """The row of a checkpoint; ``written_by`` is the destination's transaction."""
    row: dict[str, Any] = {
        "strandId": checkpoint.strand_id,
        "kind": POSITION,
        "sequenceNo": checkpoint.sequence_no,
        "blockHash": checkpoint.block_hash,
        "bound": checkpoint.bound,
        "gaps": [
            {"first": each.first, "last": each.last, "passedAt": each.passed_at}
            for each in checkpoint.gaps
        ],
        "late": checkpoint.late,
        "writtenBy": written_by,
    }
    part = checkpoint.part
    if part is not None:
        row["part"] = {
            "sequenceNo": part.sequence_no,
            "blockHash": part.block_hash,
            "steps": part.steps,
        }
    return row


def checkpoint_of(row: Row) -> Checkpoint:
    """The checkpoint that a row holds."""
    strand_id, part = str(row["strandId"]), row.get("part")
    return Checkpoint(
        strand_id=strand_id,
        sequence_no=int(row["sequenceNo"]),
        block_hash=bytes(row["blockHash"]),
        part=None
        if part is None
        else Part(int(part["sequenceNo"]), bytes(part["blockHash"]), int(part["steps"])),
        bound=bool(row["bound"]),
        gaps=tuple(
            Gap(strand_id, int(each["first"]), int(each["last"]), float(each["passedAt"]))
            for each in row["gaps"]
        ),
        late=int(row["late"]),
    )


def tables_row(strand_id: str, book: TableBook) -> dict[str, Any]:
    """The row of the book of tables."""
    return {"strandId": strand_id, "kind": TABLES, "tables": list(map(_table_row, book))}


def tables_of(row: Row) -> TableBook:
    """The book of tables that a row holds."""
    return TableBook(tuple(map(_table_of, row["tables"])))


def document_rows(
    inserted: Iterable[InsertDocument | EnterDeletion], destination_ids: Iterable[str]
) -> list[dict[str, Any]]:
    """The rows of documents that were just inserted, in the same order as their new ids.

    A document that was never here, because it was first seen when it was deleted, has an empty id.
    """
    return [
        {
            "sourceId": each.source_id,
            "destinationId": id_,
            "tableName": each.table,
            "baseVersion": each.base_version,
        }
        for each, id_ in zip(inserted, destination_ids, strict=True)
    ]


def earlier_rows(entry: DocumentEntry) -> list[dict[str, Any]]:
    """What a document's row says of its versions before its repairs."""
    rows = [
        {"destinationId": each.destination_id, "baseVersion": each.base_version, "end": each.end}
        for each in entry.earlier
    ]
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def earlier_of(row: Row) -> tuple[EarlierVersions, ...]:
    """The versions before its repairs that a document's row tells of."""
    return tuple(
        EarlierVersions(
            str(each["destinationId"]),
            int(each["baseVersion"]),
            int(each["end"]) if "end" in each else None,
        )
        for each in row.get("earlier", ())
    )


def repair_row(repair: RecordRepair, checkpoint: Checkpoint) -> dict[str, Any]:
    """The row of a repair, and of the position of the source that it was made at."""
    return {
        "strandId": checkpoint.strand_id,
        "sequenceNo": checkpoint.sequence_no,
        "blockHash": checkpoint.block_hash,
        "at": repair.at,
        "who": repair.who,
        "source": repair.source,
        "documents": list(repair.documents),
    }


def _table_row(table: SourceTable) -> dict[str, Any]:
    row = {
        "name": table.name,
        "sourceId": table.source_id,
        "destinationId": table.destination_id,
        "observed": table.observed,
        "active": table.active,
    }
    return {name: value for name, value in row.items() if value is not None}


def _table_of(row: Row) -> SourceTable:
    return SourceTable(
        name=str(row["name"]),
        source_id=_text(row, "sourceId"),
        destination_id=_text(row, "destinationId"),
        observed=bool(row["observed"]),
        active=bool(row["active"]),
    )


def _text(row: Row, name: str) -> str | None:
    return str(row[name]) if name in row else None
