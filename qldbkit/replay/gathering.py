"""Records gathered into blocks: a block is complete when nothing of it is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from qldbkit.journal.integrity import IntegrityError, verify_revision, verify_summary
from qldbkit.journal.model import Block, BlockAddress, BlockSummary, Revision
from qldbkit.journal.records import (
    BlockSummaryRecord,
    ControlRecord,
    RecordError,
    RevisionDetailsRecord,
    StreamRecord,
    decode_record,
)
from qldbkit.replay.errors import BlockDamagedError
from qldbkit.replay.fragments import Fragment


def verified(data: bytes, position: str | None = None) -> StreamRecord:
    """Read a stream record and check every hash that it carries.

    Raises:
        RecordError: it cannot be read.
        IntegrityError: a hash is not that of its contents.
    """
    record = decode_record(data, position)
    if isinstance(record, BlockSummaryRecord):
        verify_summary(record.summary)
    elif isinstance(record, RevisionDetailsRecord):
        verify_revision(record.revision)
    return record


@dataclass(slots=True)
class GatheredBlock:
    """What has been received of one block so far.

    Revisions are kept by their hash, which the summary names: a revision that came twice is one,
    and one that the block never committed is not taken for a part of it.

    Attributes:
        address: the block's.
        received_at: when its first record came, in seconds since 1970.
        summary: None until it has come.
        revisions: by hash.
        fresh: records that came in this batch, for the settling buffer.
        buffered: whether some of it is in the settling buffer.
        damage: what is wrong with what the settling buffer has of it; None for nothing.
    """

    address: BlockAddress
    received_at: float
    summary: BlockSummary | None = None
    revisions: dict[bytes, Revision] = field(default_factory=dict)
    fresh: list[bytes] = field(default_factory=list)
    buffered: bool = False
    damage: str | None = None

    def add(self, record: BlockSummaryRecord | RevisionDetailsRecord) -> bool:
        """Take a record in; return whether it said anything new.

        Raises:
            BlockDamagedError: the block has another summary already.
        """
        if isinstance(record, RevisionDetailsRecord):
            before = len(self.revisions)
            self.revisions.setdefault(record.revision.hash, record.revision)
            return len(self.revisions) > before
        if self.summary is None:
            self.summary = record.summary
            return True
        if self.summary.ion != record.summary.ion:
            raise BlockDamagedError(
                "the stream has two different summaries of one block", position=str(self.address)
            )
        return False

    def add_buffered(self, fragment: Fragment) -> None:
        """Take in what the settling buffer has kept, checked again; notes what is wrong with it."""
        self.buffered = True
        self.received_at = min(self.received_at, fragment.received_at)
        self.fresh = [each for each in self.fresh if each not in fragment.records]
        try:
            for each in fragment.records:
                record = verified(each, f"settling buffer, {fragment.address}")
                assert not isinstance(record, ControlRecord)  # control records belong to no block
                self.add(record)
        except (RecordError, IntegrityError, BlockDamagedError) as error:
            self.damage = str(error)

    @property
    def complete(self) -> bool:
        """Whether the summary and a revision for each document that it names have come."""
        return self.summary is not None and all(
            each.hash in self.revisions
            for each in self.summary.revision_summaries
            if each.document_id is not None
        )

    def block(self) -> Block:
        """The block, its revisions in the summary's order.

        Raises:
            BlockDamagedError: a revision is of another document or transaction than it should be,
                or the settling buffer's part of it is damaged.
        """
        if self.damage is not None:
            raise BlockDamagedError(self.damage)
        assert self.summary is not None and self.complete
        named = [each for each in self.summary.revision_summaries if each.document_id is not None]
        block = Block(self.summary, tuple(self.revisions[each.hash] for each in named))
        for summary, revision in zip(named, block.revisions, strict=True):
            metadata = revision.metadata
            if (
                metadata is None
                or metadata.id != summary.document_id
                or metadata.tx_id != self.summary.transaction_id
                or revision.address != self.address
            ):
                raise BlockDamagedError(
                    "a block names a revision of another document, block or transaction",
                    position=str(self.address),
                )
        return block

    def unkept(self) -> Fragment | None:
        """What of it is not in the settling buffer; None for nothing."""
        if not self.fresh:
            return None
        return Fragment(self.address, self.received_at, tuple(self.fresh))


Gathering = dict[int, GatheredBlock]
"""The blocks of one strand that something has been received of, by sequence number."""


def gathered(address: BlockAddress, fragments: Iterable[Fragment]) -> GatheredBlock:
    """One block, from what the settling buffer has of it."""
    block = GatheredBlock(address, float("inf"))
    for each in fragments:
        block.add_buffered(each)
    return block
