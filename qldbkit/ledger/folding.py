"""What a block does to a ledger: the one way in which documents, tables and indexes come about.

A commit and a restore fold the same block to the same state; nothing but the journal decides it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from qldbkit.journal.encoding import written_part
from qldbkit.journal.hashes import dot
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.proofs import completed_nodes
from qldbkit.ledger.catalog import Catalog, IndexStatus, TableState
from qldbkit.ledger.conflicts import Part, document_part, key_part, table_part
from qldbkit.ledger.definitions import redefined
from qldbkit.ledger.storable import StorableBlock
from qldbkit.ledger.storage import (
    BlockChanges,
    IndexEntry,
    Redaction,
    StorageWriter,
    StoredRevision,
    Tip,
)
from qldbkit.partiql.values import index_key, is_absent
from qldbkit.partiql.written import written


@dataclass(frozen=True, slots=True)
class _Entries:
    """How the indexes change."""

    added: list[IndexEntry]
    ended: list[IndexEntry]


def fold(
    block: StorableBlock,
    catalog: Catalog,
    writer: StorageWriter,
    touched: set[Part] | None = None,
) -> tuple[BlockChanges, Catalog]:
    """What ``block`` does to the state that ``writer`` and ``catalog`` show.

    Args:
        block: continues that state.
        catalog: its tables.
        writer: its storage.
        touched: where to note which parts of the ledger it changed, for conflict checks; None if
            nobody asks.

    Returns:
        what is to be stored, and the tables behind the block.
    """
    defined, changed = redefined(block.definitions, catalog)
    entries = _Entries([], [])
    for revision in block.revisions:
        table = defined.tables[revision.table_id]
        if table.indexes:
            before = writer.current(revision.document_id) if revision.version else None
            _index(revision, before, table, entries, touched)
    after = _with_empty_indexes_online(defined, catalog, block.revisions, writer)
    sequence_no = block.address.sequence_no
    changes = BlockChanges(
        tip=Tip(sequence_no, block.block_hash, block.block_time),
        transaction_time=block.transaction_time,
        summary=block.summary,
        revisions=block.revisions,
        added_entries=tuple(entries.added),
        ended_entries=tuple(entries.ended),
        redactions=tuple(_redactions(block, writer)),
        nodes=tuple(_nodes(sequence_no, block.block_hash, writer)),
        catalog=None if after is catalog or after == catalog else after,
    )
    if touched is not None:
        touched |= changed
        touched.update(document_part(each.document_id) for each in block.revisions)
        touched.update(table_part(each.table_id) for each in block.revisions)
    return changes, after


def field_key(data: bytes | None, field: str) -> bytes | None:
    """The index key of a document's top-level field; None where there is nothing to look up.

    Of a name that the document holds twice, the first counts, as it does in paths.
    """
    return _key(_field(data, field))


def _field(data: bytes | None, field: str) -> IonSpan | None:
    if data is not None:
        for name, span in IonSpan.parse(data).field_pairs():
            if name == field:
                return span
    return None


def _key(value: IonSpan | None) -> bytes | None:
    return None if value is None else value_key(written(value))


def value_key(value: Any) -> bytes | None:
    """The index key of a value; None for null and MISSING, which equal nothing."""
    return None if is_absent(value) else index_key(value)


def _index(
    revision: StoredRevision,
    before: StoredRevision | None,
    table: TableState,
    entries: _Entries,
    touched: set[Part] | None,
) -> None:
    """Note how a revision changes its table's indexes, and the keys that it had and has."""
    for index in table.maintained:
        was = None if before is None else _field(before.data, index.field)
        value = _field(revision.data, index.field)
        if touched is None and _is_unchanged(was, value):
            continue
        old, new = _key(was), _key(value)
        if touched is not None:
            touched |= {key_part(index.index_id, key) for key in (old, new) if key is not None}
        if old == new:
            continue
        if old is not None:
            entries.ended.append(IndexEntry(index.index_id, old, revision.document_id))
        if new is not None:
            entries.added.append(IndexEntry(index.index_id, new, revision.document_id))


def _is_unchanged(was: IonSpan | None, value: IonSpan | None) -> bool:
    """Whether both are written with the same bytes under the same symbols."""
    if was is None or value is None:
        return was is value
    return written_part(was) == written_part(value) and was.context == value.context


def _with_empty_indexes_online(
    after: Catalog, before: Catalog, stored: Sequence[StoredRevision], writer: StorageWriter
) -> Catalog:
    """An index on a table without documents has nothing to be built from."""
    if after is before:
        return after
    written = {each.table_id for each in stored}
    for table, index in after.unfinished():
        if (
            index.status is IndexStatus.BUILDING
            and table.table_id not in written
            and not writer.current_after(table.table_id, -1, 1)
        ):
            after = after.with_index_status(index.index_id, IndexStatus.ONLINE)
    return after


def _redactions(block: StorableBlock, writer: StorageWriter) -> Iterator[Redaction]:
    for sequence_no, document_id in block.redactions:
        revision = writer.revision_at(sequence_no, document_id)
        # A restored journal may hold the revision as redacted already, or begin behind it.
        if revision is not None and revision.data is not None:
            data_hash = IonSpan.parse(revision.data).hash()
            yield Redaction(revision.revision_id, document_id, data_hash)


def _nodes(
    sequence_no: int, block_hash: bytes, writer: StorageWriter
) -> Iterator[tuple[int, int, bytes]]:
    """The tree nodes that this block completes; none above a hole in the journal."""
    hash_ = block_hash
    for level, index in completed_nodes(sequence_no):
        if level:
            left = writer.node(level - 1, 2 * index)
            if left is None:
                return
            hash_ = dot(left, hash_)
        yield level, index, hash_
