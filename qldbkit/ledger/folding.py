"""What a block does to a ledger: the one way in which documents, tables and indexes come about.

A commit and a restore fold the same block to the same state; nothing but the journal decides it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from qldbkit.journal.encoding import standalone
from qldbkit.journal.hashes import dot
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block, Revision, present
from qldbkit.journal.moments import microseconds
from qldbkit.journal.proofs import completed_nodes
from qldbkit.ledger.catalog import Catalog, IndexStatus, TableState
from qldbkit.ledger.conflicts import Part, document_part, key_part, table_part
from qldbkit.ledger.definitions import redefined
from qldbkit.ledger.storage import (
    CURRENT,
    BlockChanges,
    IndexEntry,
    Redaction,
    StorageWriter,
    StoredRevision,
    Tip,
    revision_number,
)
from qldbkit.ledger.stored_blocks import summary_form
from qldbkit.partiql.values import index_key, is_absent
from qldbkit.partiql.written import written


@dataclass(frozen=True, slots=True)
class Folded:
    """A block's effect.

    Attributes:
        changes: what is to be stored.
        catalog: the tables behind the block.
        touched: what of the ledger it changed, for conflict checks.
    """

    changes: BlockChanges
    catalog: Catalog
    touched: frozenset[Part]


@dataclass(frozen=True, slots=True)
class _Entries:
    """How the indexes change."""

    added: list[IndexEntry]
    ended: list[IndexEntry]


def fold(
    block: Block, catalog: Catalog, writer: StorageWriter, *, own_bytes: bool = False
) -> Folded:
    """What ``block`` does to the state that ``writer`` and ``catalog`` show.

    Args:
        block: continues that state.
        catalog: its tables.
        writer: its storage.
        own_bytes: whether each value of the block is over bytes that hold nothing else, as those
            are that the ledger itself has written.
    """
    summary = summary_form(block)
    defined, touched = redefined(summary, catalog)
    write = _own_bytes if own_bytes else standalone
    stored = list(_stored_revisions(block, write))
    entries = _Entries([], [])
    for revision in stored:
        touched |= {document_part(revision.document_id), table_part(revision.table_id)}
        table = defined.tables[revision.table_id]
        if table.maintained:
            before = writer.current(revision.document_id) if revision.version else None
            touched |= _index(revision, before, table, entries)
    after = _with_empty_indexes_online(defined, catalog, stored, writer)
    block_time = microseconds(summary.block_timestamp_ion) // 1000
    changes = BlockChanges(
        tip=Tip(summary.address.sequence_no, summary.block_hash, block_time),
        transaction_time=_transaction_time(block, block_time),
        summary=write(summary.ion),
        revisions=tuple(stored),
        added_entries=tuple(entries.added),
        ended_entries=tuple(entries.ended),
        redactions=tuple(_redactions(block, writer)),
        nodes=tuple(_nodes(summary.address.sequence_no, summary.block_hash, writer)),
        catalog=None if after == catalog else after,
    )
    return Folded(changes, after, frozenset(touched))


def field_key(data: bytes | None, field: str) -> bytes | None:
    """The index key of a document's top-level field; None where there is nothing to look up.

    Of a name that the document holds twice, the first counts, as it does in paths.
    """
    if data is None:
        return None
    for name, span in IonSpan.parse(data).field_pairs():
        if name == field:
            return value_key(written(span))
    return None


def value_key(value: Any) -> bytes | None:
    """The index key of a value; None for null and MISSING, which equal nothing."""
    return None if is_absent(value) else index_key(value)


def _own_bytes(span: IonSpan) -> bytes:
    return span.data


def _stored_revisions(block: Block, write: Callable[[IonSpan], bytes]) -> Iterator[StoredRevision]:
    ordinals = {
        each.document_id: ordinal for ordinal, each in enumerate(block.summary.revision_summaries)
    }
    for revision in block.revisions:
        table = block.table_of(revision)
        if revision.metadata is None or table is None:
            continue  # internal to QLDB: its hash stays in the block's summary
        yield StoredRevision(
            revision_number(block.address.sequence_no, ordinals[revision.metadata.id]),
            table.table_id,
            revision.metadata.id,
            revision.metadata.version,
            CURRENT,
            revision.hash,
            write(revision.metadata.ion),
            None if revision.data is None else write(revision.data),
            revision.data_hash,
        )


def _index(
    revision: StoredRevision, before: StoredRevision | None, table: TableState, entries: _Entries
) -> set[Part]:
    """Note how a revision changes its table's indexes; give the keys that it had and has."""
    touched: set[Part] = set()
    for index in table.maintained:
        old = None if before is None else field_key(before.data, index.field)
        new = field_key(revision.data, index.field)
        touched |= {key_part(index.index_id, key) for key in (old, new) if key is not None}
        if old == new:
            continue
        if old is not None:
            entries.ended.append(IndexEntry(index.index_id, old, revision.document_id))
        if new is not None:
            entries.added.append(IndexEntry(index.index_id, new, revision.document_id))
    return touched


def _with_empty_indexes_online(
    after: Catalog, before: Catalog, stored: list[StoredRevision], writer: StorageWriter
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


def _transaction_time(block: Block, block_time: int) -> int:
    """When the block's revisions say that they were made; without revisions, the block's time."""
    return next(map(_revision_time, filter(_has_metadata, block.revisions)), block_time)


def _has_metadata(revision: Revision) -> bool:
    return revision.metadata is not None


def _revision_time(revision: Revision) -> int:
    assert revision.metadata is not None  # filtered by _has_metadata
    return microseconds(present(revision.metadata.tx_time_ion, "txTime")) // 1000


def _redactions(block: Block, writer: StorageWriter) -> Iterator[Redaction]:
    info = block.summary.redaction_info
    for each in () if info is None else info.revisions:
        revision = writer.revision_at(each.address.sequence_no, each.document_id)
        # A restored journal may hold the revision as redacted already, or begin behind it.
        if revision is not None and revision.data is not None:
            data_hash = IonSpan.parse(revision.data).hash()
            yield Redaction(revision.revision_id, revision.document_id, data_hash)


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
