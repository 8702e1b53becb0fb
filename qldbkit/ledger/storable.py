"""Blocks as what of them is stored, made ready before anybody knows the state that they meet.

Reading and encoding a block takes most of the time of restoring it and needs nothing but the block,
so other processes can do it (`StorableBlock` travels between them); folding it into a ledger comes
behind all blocks before it, in one process.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from qldbkit.journal.blocks import summary_alone
from qldbkit.journal.building import BlockDraft, form
from qldbkit.journal.encoding import standalone
from qldbkit.journal.model import Block, BlockAddress, present
from qldbkit.journal.moments import microseconds
from qldbkit.ledger.definitions import Definitions, definitions_of
from qldbkit.ledger.storage import (
    CURRENT,
    MAX_SEQUENCE_NO,
    StorageError,
    StoredRevision,
    revision_number,
)


@dataclass(frozen=True, slots=True)
class StorableBlock:
    """A block, ready to be folded.

    Attributes:
        address: where it stands.
        block_hash: 32 bytes.
        previous_block_hash: 32 bytes; empty in a strand's first block.
        block_time: its timestamp, milliseconds since 1970.
        transaction_time: its revisions' ``txTime``; without any, the block's time.
        summary: binary Ion with ``revisionSummaries``, without any of the revisions' data.
        definitions: what it does to tables and indexes.
        revisions: those of documents, each as its document's current one.
        redactions: sequence numbers and document ids of the revisions that it orders redacted.
    """

    address: BlockAddress
    block_hash: bytes
    previous_block_hash: bytes
    block_time: int
    transaction_time: int
    summary: bytes
    definitions: Definitions
    revisions: tuple[StoredRevision, ...]
    redactions: tuple[tuple[int, str], ...]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as plain tuples, in a fraction of the time that dataclasses take."""
        return _from_plain, (
            (self.address.strand_id, self.address.sequence_no),
            self.block_hash,
            self.previous_block_hash,
            self.block_time,
            self.transaction_time,
            self.summary,
            self.definitions.plain(),
            tuple(map(tuple, self.revisions)),
            self.redactions,
        )


def _from_plain(
    address: tuple[str, int],
    block_hash: bytes,
    previous_block_hash: bytes,
    block_time: int,
    transaction_time: int,
    summary: bytes,
    definitions: tuple[Any, ...],
    revisions: tuple[tuple[Any, ...], ...],
    redactions: tuple[tuple[int, str], ...],
) -> StorableBlock:
    return StorableBlock(
        BlockAddress(*address),
        block_hash,
        previous_block_hash,
        block_time,
        transaction_time,
        summary,
        Definitions(*definitions),
        tuple(map(StoredRevision._make, revisions)),
        redactions,
    )


def storable(block: Block) -> StorableBlock:
    """A block as what of it is stored.

    Args:
        block: whole; its hashes are not looked at.

    Raises:
        IonFormatError: a part of it is damaged.
        StorageError: it has too many revisions, or too large a sequence number.
    """
    summary = block.summary
    if summary.address.sequence_no > MAX_SEQUENCE_NO:
        raise StorageError(
            f"a block beyond sequence number {MAX_SEQUENCE_NO} cannot be stored",
            position=str(summary.address),
        )
    block_time = microseconds(summary.block_timestamp_ion) // 1000
    redactions = summary.redaction_info.revisions if summary.redaction_info is not None else ()
    return StorableBlock(
        address=summary.address,
        block_hash=summary.block_hash,
        previous_block_hash=summary.previous_block_hash,
        block_time=block_time,
        transaction_time=_transaction_time(block, block_time),
        summary=summary_alone(summary.ion, summary.revision_summaries),
        definitions=definitions_of(summary),
        revisions=tuple(_stored_revisions(block)),
        redactions=tuple((each.address.sequence_no, each.document_id) for each in redactions),
    )


def formed(draft: BlockDraft, block_time: int, transaction_time: int) -> StorableBlock:
    """The block of a transaction, as what of it is stored.

    Args:
        draft: its documents are over bytes that hold nothing else.
        block_time: the draft's in milliseconds since 1970.
        transaction_time: the same.

    Raises:
        StorageError: it has too many revisions.
    """
    block, sequence_no = form(draft), draft.address.sequence_no
    stored = [
        StoredRevision(
            revision_number(sequence_no, ordinal),
            written.table.table_id,
            written.document_id,
            written.version,
            CURRENT,
            each.hash,
            each.metadata.ion.data,
            None if each.data is None else each.data.data,
            None,
        )
        for ordinal, (each, written) in enumerate(
            zip(block.revisions, draft.revisions, strict=True)
        )
    ]
    return StorableBlock(
        address=draft.address,
        block_hash=block.summary.block_hash,
        previous_block_hash=draft.previous_block_hash,
        block_time=block_time,
        transaction_time=transaction_time if stored else block_time,
        summary=block.summary.ion.data,
        definitions=definitions_of(block.summary),
        revisions=tuple(stored),
        redactions=tuple((each.address.sequence_no, each.document_id) for each in draft.redactions),
    )


def _transaction_time(block: Block, block_time: int) -> int:
    for revision in block.revisions:
        if revision.metadata is not None:
            return microseconds(present(revision.metadata.tx_time_ion, "txTime")) // 1000
    return block_time


def _stored_revisions(block: Block) -> Iterator[StoredRevision]:
    ordinals = {
        each.document_id: ordinal for ordinal, each in enumerate(block.summary.revision_summaries)
    }
    for revision in block.revisions:
        table, metadata = block.table_of(revision), revision.metadata
        if metadata is None or table is None:
            continue  # internal to QLDB: its hash stays in the block's summary
        yield StoredRevision(
            revision_number(block.address.sequence_no, ordinals[metadata.id]),
            table.table_id,
            metadata.id,
            metadata.version,
            CURRENT,
            revision.hash,
            standalone(metadata.ion),
            None if revision.data is None else standalone(revision.data),
            revision.data_hash,
        )
