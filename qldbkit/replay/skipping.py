"""An operator's order to go on over a block that a strand waits for.

Nothing is skipped but by such an order, and what is skipped is known: the order names it, the
documents are noted with the versions that the destination had, and `qldbkit compare` shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NoReturn

from qldbkit.journal.model import BlockAddress
from qldbkit.replay.applier import Applier
from qldbkit.replay.buffer import SettlingBuffer
from qldbkit.replay.checkpoint import reached
from qldbkit.replay.destination import Destination, State
from qldbkit.replay.errors import OrderRefusedError
from qldbkit.replay.gathering import GatheredBlock, gathered, user_revisions
from qldbkit.replay.outcome import Outcome
from qldbkit.replay.settle import Hold, HoldReason
from qldbkit.replay.skips import Skips

FOR_ANOTHER: Final = frozenset({HoldReason.QUARANTINE, HoldReason.EXPIRED, HoldReason.HOLE})
"""What a block waits for that is itself whole: it is applied, without what it waits for."""


class _Looked(Exception):  # noqa: N818 - nothing has gone wrong
    """Ends a transaction that only reads."""

    def __init__(self, state: State):
        super().__init__()
        self.state = state


def held_at(outcome: Outcome, sequence_no: int, strand_id: str | None) -> Hold:
    """What waits at a sequence number.

    Args:
        outcome: of a drain.
        sequence_no: the block's.
        strand_id: its strand; None if it has to be the only one.

    Raises:
        OrderRefusedError: nothing waits there, or it is not clear in which strand.
    """
    found = [each for each in outcome.holds.values() if each.address.sequence_no == sequence_no]
    if strand_id is not None:
        found = [each for each in found if each.address.strand_id == strand_id]
    if len(found) == 1:
        return found[0]
    waiting = ", ".join(str(each.address) for each in outcome.holds.values())
    raise OrderRefusedError(
        f"replay does not wait for block {sequence_no}"
        if not found
        else f"block {sequence_no} is waited for in {len(found)} strands",
        hint=f"it waits for {waiting}" if waiting else "it waits for nothing",
    )


def go_on_over(
    hold: Hold, applier: Applier, destination: Destination, buffer: SettlingBuffer
) -> str:
    """Let a strand go on over the block that it waits for, and say what became of it.

    A block that is whole is applied, without what it waits for. Of one that is not, or that the
    destination refuses, what has come is dropped from the settling buffer, so that it is a gap; if
    it comes again, it is applied into that gap.

    Args:
        hold: what the strand waits for.
        applier: of the destination; it may run beside the deployed functions.
        destination: what the block's documents are looked up in.
        buffer: where the block waits.

    Raises:
        OrderRefusedError: what it waits for may still come, or the block is applied in part.
        Exception: the destination or the buffer failed. It can be ordered again.
    """
    address = hold.address
    if hold.reason is HoldReason.GAP:
        raise OrderRefusedError(
            "what the block waits for may still come", position=str(address), hint="wait for it"
        )
    checkpoint = destination.checkpoint(address.strand_id)
    if checkpoint is not None and checkpoint.part is not None:
        _refuse_part(address)
    at = address.sequence_no
    kept = buffer.fragments(address.strand_id, at, at)
    documents = _documents_of(gathered(address, kept))
    if at > reached(checkpoint):
        Skips(buffer).add(address, versions_of(destination, address.strand_id, documents))
    if hold.reason not in FOR_ANOTHER or at <= reached(checkpoint):
        buffer.remove(address.strand_id, [at])
    return _became_of(hold, applier.drain(), documents)


def versions_of(
    destination: Destination, strand_id: str, documents: Sequence[str]
) -> Mapping[str, int | None]:
    """The source's versions of documents that a destination has; None for one that it has not.

    Raises:
        Exception: the destination failed.
    """

    def look(state: State) -> NoReturn:
        raise _Looked(state)

    try:
        destination.transact(strand_id, documents, look)
    except _Looked as looked:
        entries = looked.state.documents
    return {each: entries[each].version if each in entries else None for each in documents}


def _documents_of(block: GatheredBlock) -> tuple[str, ...]:
    named = (each.document_id for one, _ in block.summaries for each in user_revisions(one))
    come = (each.metadata.id for each in block.revisions.values() if each.metadata is not None)
    return tuple(dict.fromkeys(each for each in (*named, *come) if each is not None))


def _refuse_part(address: BlockAddress) -> NoReturn:
    raise OrderRefusedError(
        "a block is applied in part, and has to be finished",
        position=str(address),
        hint="qldbkit refill brings it from an archive or an export",
    )


def _became_of(hold: Hold, outcome: Outcome, documents: Iterable[str]) -> str:
    named = ", ".join(documents) or "none that is known"
    still = outcome.holds.get(hold.address.strand_id)
    now = "replay goes on" if still is None else f"replay now waits for {still.address}"
    return f"{now}; it was {hold.reason.value}: {hold.message}; documents: {named}"
