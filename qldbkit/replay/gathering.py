"""Records gathered into blocks: a block is complete when nothing of it is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from qldbkit.journal.integrity import IntegrityError, verify_readable_summary, verify_revision
from qldbkit.journal.ion import IonFormatError
from qldbkit.journal.model import Block, BlockAddress, BlockSummary, Revision, RevisionSummary
from qldbkit.journal.records import (
    BlockSummaryRecord,
    ControlRecord,
    RecordError,
    RevisionDetailsRecord,
    StreamRecord,
    decode_record,
    encode_block_summary,
    encode_revision_details,
)
from qldbkit.replay.errors import BlockDamagedError, PlanError
from qldbkit.replay.fragments import Fragment
from qldbkit.replay.plan import BlockPlan, plan_block

NO_STREAM: Final = "arn:aws:qldb:::stream/refill"
"""The stream of records that none has carried; nothing reads it."""
SUMMARIES_KEPT: Final = 4
"""Different summaries that are kept of one block, until it is seen which one fits."""


class Verified(NamedTuple):
    """A record in which every hash holds; a tuple, as there is one for each record.

    Attributes:
        record: what was read.
        bound: whether it is the summary of a block that binds its address, transaction and time
            by a hash.
    """

    record: StreamRecord
    bound: bool = False


class ReceivedSummary(NamedTuple):
    """What came as a block's summary.

    Attributes:
        summary: the summary.
        bound: whether it binds the block's address, transaction and time by a hash.
    """

    summary: BlockSummary
    bound: bool


def verified(data: bytes, position: object = None) -> Verified:
    """Read a stream record and check every hash that it carries.

    Args:
        data: the record's binary Ion.
        position: where the record was found, for the error; what says so as text.

    Raises:
        RecordError: it cannot be read.
        IntegrityError: a hash is not that of its contents.
    """
    record = decode_record(data, position)
    try:
        if isinstance(record, BlockSummaryRecord):
            return Verified(record, verify_readable_summary(record.summary))
        if isinstance(record, RevisionDetailsRecord):
            verify_revision(record.revision)
    except IonFormatError as error:  # decoding does not look into everything; hashing does
        raise RecordError(
            f"a stream record cannot be read: {error.message}",
            position=", ".join(
                str(each) for each in (position, error.position) if each is not None
            ),
        ) from error
    return Verified(record)


def user_revisions(summary: BlockSummary) -> list[RevisionSummary]:
    """The revisions of a block that come as records: those that are not internal to QLDB."""
    return [each for each in summary.revision_summaries if each.document_id is not None]


def _is_same(one: BlockSummary, other: BlockSummary) -> bool:
    """Whether both say the same; mostly they are a record that came twice."""
    return one.ion.binary() == other.ion.binary() or one.ion == other.ion


@dataclass(slots=True)
class GatheredBlock:
    """What has been received of one block so far.

    Revisions are kept by their hash, which the summary names: a revision that came twice is one,
    and one that the block never committed is not taken for a part of it.

    Attributes:
        address: the block's.
        received_at: when its first record came, in seconds since 1970.
        summaries: what came as its summary; more than one when what no hash covers is damaged.
        revisions: by hash.
        fresh: records that came in this batch, for the settling buffer.
        buffered: whether some of it is in the settling buffer.
        damage: what is wrong with what the settling buffer has of it; None for nothing.
        proven: the block, if it was taken from a journal that is kept, and not from the stream.
        bound: whether that one binds its address, transaction and time by a hash.
        plan: what that one does, where it can be told.
    """

    address: BlockAddress
    received_at: float
    summaries: list[ReceivedSummary] = field(default_factory=list)
    revisions: dict[bytes, Revision] = field(default_factory=dict)
    fresh: list[bytes] = field(default_factory=list)
    buffered: bool = False
    damage: str | None = None
    proven: Block | None = None
    bound: bool = False
    plan: BlockPlan | None = None

    @classmethod
    def of(cls, block: Block, now: float, *, bound: bool) -> GatheredBlock:
        """A block that was proven whole, and did not come as records.

        It is planned at once: that is done while the destination's server is at work.
        """
        try:
            plan = plan_block(block)
        except PlanError:  # it is refused when it is its turn
            plan = None
        return cls(block.summary.address, now, proven=block, bound=bound, plan=plan)

    def add(
        self, record: BlockSummaryRecord | RevisionDetailsRecord, *, bound: bool = False
    ) -> bool:
        """Take a record in; return whether it said anything new.

        Args:
            record: what has come.
            bound: as `Verified` says it.

        Raises:
            BlockDamagedError: the block has `SUMMARIES_KEPT` other summaries already.
        """
        if isinstance(record, RevisionDetailsRecord):
            before = len(self.revisions)
            self.revisions.setdefault(record.revision.hash, record.revision)
            return len(self.revisions) > before
        if any(_is_same(each, record.summary) for each, _ in self.summaries):
            return False
        if len(self.summaries) == SUMMARIES_KEPT:
            raise BlockDamagedError(
                f"the stream has {SUMMARIES_KEPT} other summaries of the block",
                position=str(self.address),
            )
        self.summaries.append(ReceivedSummary(record.summary, bound))
        return True

    def add_buffered(self, fragment: Fragment) -> None:
        """Take in what the settling buffer has kept, checked again; notes what is wrong with it."""
        self.buffered = True
        self.received_at = min(self.received_at, fragment.received_at)
        self.fresh = [each for each in self.fresh if each not in fragment.records]
        try:
            for each in fragment.records:
                record, bound = verified(each, f"settling buffer, {fragment.address}")
                assert not isinstance(record, ControlRecord)  # control records belong to no block
                self.add(record, bound=bound)
        except (RecordError, IntegrityError, BlockDamagedError) as error:
            self.damage = str(error)

    @property
    def complete(self) -> bool:
        """Whether a summary and a revision for each document that it names have come."""
        return self.proven is not None or any(
            self._revisions_of(each) is not None for each, _ in self.summaries
        )

    def block(self, *, bound: bool = False) -> Block:
        """The likeliest of what the block may be; see `blocks`.

        Raises:
            BlockDamagedError: it may be nothing.
        """
        return self.blocks(bound=bound)[0][0]

    def blocks(self, *, bound: bool) -> tuple[list[Block], bool]:
        """What the block may be: one, unless a summary is damaged where no hash covers it.

        Args:
            bound: whether the strand's blocks bind their address, transaction and time by a hash,
                so that one that does not is damaged.

        Returns:
            them, and whether they bind these.

        Raises:
            BlockDamagedError: no summary fits the revisions, or none is bound, or the settling
                buffer's part of the block is damaged.
        """
        if self.damage is not None:
            raise BlockDamagedError(self.damage)
        whole, binding = self._whole()
        if not whole:
            raise BlockDamagedError(
                "no summary of the block fits its revisions", position=str(self.address)
            )
        if bound and not binding:
            raise BlockDamagedError(
                "the block does not bind its address, as those before it do",
                position=str(self.address),
            )
        return binding or whole, bool(binding)

    def _whole(self) -> tuple[list[Block], list[Block]]:
        """The blocks whose revisions fit their summaries, and those of them that are bound."""
        if self.proven is not None:
            return [self.proven], [self.proven] if self.bound else []
        whole, binding = [], []
        for summary, bound in self.summaries:
            revisions = self._revisions_of(summary)
            if revisions is not None and _fits(summary, revisions):
                block = Block(summary, revisions)
                whole.append(block)
                if bound:
                    binding.append(block)
        return whole, binding

    def _revisions_of(self, summary: BlockSummary) -> tuple[Revision, ...] | None:
        """The revisions that a summary names, in its order; None if one has not come."""
        try:
            return tuple([self.revisions[each.hash] for each in user_revisions(summary)])
        except KeyError:
            return None

    def unkept(self) -> Fragment | None:
        """What of it is not in the settling buffer; None for nothing."""
        records = (
            self.fresh if self.proven is None else [data for _, data in records_of(self.proven)]
        )
        if not records:
            return None
        return Fragment(self.address, self.received_at, tuple(records))


def records_of(block: Block) -> Iterator[tuple[str, bytes]]:
    """A block as a stream would carry it, each record with a name for its position."""
    for position, encoded in encodings_of(block):
        yield position, encoded()


def encodings_of(block: Block) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """The same, with what makes each record.

    That raises:
        IonFormatError: of a damaged part, which cannot be written at all.
    """
    position = f"refill of {block.address}"
    yield f"{position}, summary", partial(encode_block_summary, NO_STREAM, block.summary)
    for number, revision in enumerate(block.revisions):
        table = block.table_of(revision)
        if table is not None:
            encoded = partial(encode_revision_details, NO_STREAM, table, revision)
            yield f"{position}, revision {number}", encoded


def _fits(summary: BlockSummary, revisions: Iterable[Revision]) -> bool:
    """Whether revisions are of the documents and the transaction that their summary names."""
    named = [(id_, summary.transaction_id) for id_ in summary.document_ids]
    found = [each.metadata for each in revisions]
    return named == [each and (each.id, each.tx_id) for each in found]


Gathering = dict[int, GatheredBlock]
"""The blocks of one strand that something has been received of, by sequence number."""


def gathered(address: BlockAddress, fragments: Iterable[Fragment]) -> GatheredBlock:
    """One block, from what the settling buffer has of it."""
    block = GatheredBlock(address, float("inf"))
    for each in fragments:
        block.add_buffered(each)
    return block
