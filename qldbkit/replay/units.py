"""Destination transactions: small disjoint blocks together, a large block in parts.

A destination ledger takes 40 documents a transaction, bookkeeping included. Blocks share one when
none of them touches another's documents, so that every revision still becomes one revision, and a
reader of the destination still sees a prefix of the source's journal. Only a block that does not
fit into one transaction is split, and the checkpoint then says how many of its steps are done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from qldbkit.journal.model import Block
from qldbkit.replay.checkpoint import Checkpoint, behind, within
from qldbkit.replay.errors import BlockDamagedError
from qldbkit.replay.fragments import Gap
from qldbkit.replay.plan import BlockPlan, RedactRevision, Step, WriteRevision

BOOKKEEPING_DOCUMENTS: Final = 2
"""The checkpoint, and the book of tables when it changes."""
_OF_A_DOCUMENT: Final = (WriteRevision, RedactRevision)


@dataclass(frozen=True, slots=True)
class UnitLimits:
    """What one destination transaction may hold.

    Attributes:
        documents: documents that it writes, bookkeeping included; QLDB's limit is 40.
        bytes: of documents; QLDB's limit is 4 MB with metadata and indexes, hence the margin.
        blocks: source blocks that share one.
        cautious: whether to reckon that every document is new to the destination, and so has to be
            entered in the map as well, also where its version says that it is not.
        new_document: what a new document costs, of ``documents``: a ledger writes it and its row
            in the map.
        repeats: whether a transaction may write a document several times. A ledger would make one
            revision of them; a view that keeps the source's own revisions keeps each.
    """

    documents: int = 40
    bytes: int = 2_000_000
    blocks: int = 40
    cautious: bool = False
    new_document: int = 2
    repeats: bool = False

    @classmethod
    def of(cls, documents: int) -> UnitLimits:
        """The limits of a destination that takes so many documents in a transaction."""
        return cls(documents=documents, blocks=documents)

    def cost(self, step: Step) -> int:
        """How many documents the step writes."""
        if not isinstance(step, WriteRevision):
            return 0
        return self.new_document if self.cautious or step.version == 0 else 1

    def cost_of(self, plan: BlockPlan) -> int:
        """How many documents the plan's steps write."""
        return plan.writes + (self.new_document - 1) * (plan.writes if self.cautious else plan.new)


class PlannedBlock(NamedTuple):
    """A block that may be applied.

    Attributes:
        plan: what it does.
        gap: the gap before it that is passed when it is applied; None for none.
        received_at: when something of it was first received, in seconds since 1970.
    """

    plan: BlockPlan
    gap: Gap | None = None
    received_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Unit:
    """What one destination transaction applies.

    Attributes:
        before: where the destination has to be; None for a strand that it does not know.
        after: where it then is.
        steps: in order.
        finished: the blocks that are wholly applied with it.
        gaps: the gaps that are passed with it.
    """

    before: Checkpoint | None
    after: Checkpoint
    steps: tuple[Step, ...]
    finished: tuple[Block, ...]
    gaps: tuple[Gap, ...]

    @property
    def lookups(self) -> tuple[str, ...]:
        """The source documents that the destination may already have: all but the new ones."""
        new = {
            each.document_id
            for each in self.steps
            if isinstance(each, WriteRevision) and each.version == 0
        }
        return tuple([each for each in touched_documents(self.steps) if each not in new])


def touched_documents(steps: Iterable[Step]) -> tuple[str, ...]:
    """The source documents that the steps touch, each once."""
    return tuple(
        dict.fromkeys([each.document_id for each in steps if isinstance(each, _OF_A_DOCUMENT)])
    )


def next_unit(
    planned: Sequence[PlannedBlock], before: Checkpoint | None, limits: UnitLimits
) -> Unit:
    """What to apply next: as many of the blocks as may share a transaction, or a part of the first.

    Args:
        planned: blocks in their order, at least one; the first is the next to be applied.
        before: how far the destination is.
        limits: what a transaction may hold.

    Raises:
        BlockDamagedError: the destination holds a part of another block than the first.
    """
    first = planned[0]
    done = _steps_done(first.plan, before)
    steps = list(_fitting(first.plan.steps[done:], limits))
    gaps = [] if first.gap is None or done else [first.gap]
    done += len(steps)
    summary = first.plan.block.summary
    if done < len(first.plan.steps):
        return Unit(before, within(before, summary, done), tuple(steps), (), tuple(gaps))
    finished = [first.plan.block]
    if not first.plan.alone:
        for each in _companions(planned[1 : limits.blocks], steps, limits):
            finished.append(each.plan.block)
            steps.extend(each.plan.steps)
            if each.gap is not None:
                gaps.append(each.gap)
    after = behind(finished[-1].summary)
    return Unit(before, after, tuple(steps), tuple(finished), tuple(gaps))


def chunks(steps: Sequence[Step], limits: UnitLimits) -> Iterator[tuple[Step, ...]]:
    """The steps in as many transactions as they need, in order."""
    at = 0
    while at < len(steps):
        chunk = tuple(_fitting(steps[at:], limits))
        yield chunk
        at += len(chunk)


def _steps_done(plan: BlockPlan, before: Checkpoint | None) -> int:
    part = None if before is None else before.part
    if part is None:
        return 0
    summary = plan.block.summary
    if (part.sequence_no, part.block_hash) != (summary.address.sequence_no, summary.block_hash):
        raise BlockDamagedError(
            "the destination holds a part of another block of this sequence number",
            position=str(summary.address),
        )
    return part.steps


def _fitting(steps: Sequence[Step], limits: UnitLimits) -> Iterator[Step]:
    """The first of the steps that fit into one transaction: at least one, if there is any."""
    documents, size = BOOKKEEPING_DOCUMENTS, 0
    for index, step in enumerate(steps):
        redaction = isinstance(step, RedactRevision)
        documents += limits.cost(step)
        size += _size(step)
        if index and (redaction or documents > limits.documents or size > limits.bytes):
            return
        yield step
        if redaction:  # QLDB takes one of them a transaction
            return


def _companions(
    planned: Sequence[PlannedBlock], steps: Sequence[Step], limits: UnitLimits
) -> Iterator[PlannedBlock]:
    """The blocks behind the first that may share its transaction."""
    documents = BOOKKEEPING_DOCUMENTS + sum(map(limits.cost, steps))
    size = sum(map(_size, steps))
    touched = set(touched_documents(steps))
    for each in planned:
        plan = each.plan
        documents += limits.cost_of(plan)
        size += plan.size
        if plan.alone or documents > limits.documents or size > limits.bytes:
            return
        if not limits.repeats:
            theirs = touched_documents(plan.steps)
            if not touched.isdisjoint(theirs):
                return
            touched.update(theirs)
        yield each


def _size(step: Step) -> int:
    return step.size if isinstance(step, WriteRevision) else 0
