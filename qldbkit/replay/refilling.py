"""Bringing a replay what its stream has lost, from an archive, an export or another ledger.

Blocks of a journal that is kept elsewhere go through the same intake as those of the stream: every
hash is checked, what is applied already is passed over, and what comes late is put into its gap.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import chain, groupby
from typing import Final

from qldbkit.journal.findings import Finding, FindingKind
from qldbkit.journal.ion import IonFormatError
from qldbkit.journal.model import Block, BlockAddress
from qldbkit.journal.outcome import Outcome as Proof
from qldbkit.journal.parallel import proven
from qldbkit.journal.proving import prove, reread
from qldbkit.journal.sources.stored import JournalSource, StoredBlock
from qldbkit.replay.ahead import Ahead
from qldbkit.replay.applier import Applier
from qldbkit.replay.checkpoint import Checkpoint, reached
from qldbkit.replay.gathering import encodings_of
from qldbkit.replay.intake import Intake
from qldbkit.replay.outcome import Outcome

BLOCKS_AT_ONCE: Final = 1000
"""Blocks that are handed to the replay at once, which may put them into one transaction.

As many more may be in memory, fetched ahead.
"""
BYTES_AT_ONCE: Final = 8 * 1024 * 1024
"""Bytes of their revisions at which they are fewer."""
BREAKS: Final = (FindingKind.DAMAGED, FindingKind.MISSING)


@dataclass(slots=True)
class Refilled:
    """What a refill came to.

    Attributes:
        offered: blocks that the replay did not have yet, as far as its checkpoints say.
        applied: blocks that were applied, late ones included.
        waiting: strands that still wait for something.
        quarantined: records that were refused.
        unreadable: what in the journal is damaged, and was left out.
    """

    offered: int = 0
    applied: int = 0
    waiting: int = 0
    quarantined: int = 0
    unreadable: int = 0

    def __str__(self) -> str:
        return (
            f"{self.offered} blocks were missing, {self.applied} were applied;"
            f" {self.waiting} strands still wait, {self.quarantined} records were refused,"
            f" {self.unreadable} could not be read"
        )


@dataclass(frozen=True, slots=True)
class _Offer:
    """Blocks for the replay.

    Attributes:
        blocks: in their order.
        gathered: the same, ready to be applied; None where they are not whole.
    """

    blocks: list[Block]
    gathered: Intake | None


Progress = Callable[[int, int], None]
"""Called with the blocks and revisions that have been offered."""


def refill(
    source: JournalSource,
    applier: Applier,
    checkpoints: Mapping[str, Checkpoint],
    *,
    wanted: Callable[[Block], bool] = lambda _: True,
    processes: int = 0,
    progress: Progress | None = None,
) -> Refilled:
    """Apply what the journal has and the destination has not.

    Args:
        source: the journal.
        applier: of the destination; it may run beside the deployed functions.
        checkpoints: how far the destination is, by strand.
        wanted: whether a block is to be applied at all.
        processes: how many others verify, while this one applies; 0 to do both in this one.
        progress: told how far it is.

    Raises:
        Exception: the destination or the settling buffer failed. It can be done again.
    """
    found = Refilled()
    waiting: set[str] = set()
    revisions = 0
    with (
        closing(_offered(source, checkpoints, found, wanted, processes)) as offered,
        _fetched_ahead(_batches(offered, applier), applier) as batches,
    ):
        for batch in batches:
            for offer in batch:
                outcome = _apply(offer, applier, found)
                found.applied += outcome.blocks + outcome.late
                found.quarantined += outcome.quarantined
                waiting.difference_update(each.address.strand_id for each in offer.blocks)
                waiting.update(outcome.holds)
                found.offered += len(offer.blocks)
                revisions += sum(len(each.revisions) for each in offer.blocks)
            if progress is not None:
                progress(found.offered, revisions)
    found.waiting = len(waiting)
    return found


@contextmanager
def _fetched_ahead(
    batches: Iterable[list[_Offer]], applier: Applier
) -> Iterator[Iterator[list[_Offer]]]:
    """The same batches; while the destination's server writes one, the next is made ready."""
    ahead = Ahead(batches)
    with applier.overlapped(ahead.fetch):
        yield ahead


def _apply(offer: _Offer, applier: Applier, found: Refilled) -> Outcome:
    if offer.gathered is not None:
        return applier.refill_blocks(offer.gathered)
    # What of them is sound is taken, and the rest is set aside record by record.
    return applier.refill(each for block in offer.blocks for each in _records(block, found))


def _records(block: Block, found: Refilled) -> Iterator[tuple[str, bytes]]:
    """The block's records; what is damaged so far that it cannot be one is counted."""
    for position, encoded in encodings_of(block):
        try:
            record = encoded()
        except IonFormatError:
            found.unreadable += 1
        else:
            yield position, record


def _batches(proofs: Iterable[Proof], applier: Applier) -> Iterator[list[_Offer]]:
    """Batches of bounded count and size."""
    batch: list[Proof] = []
    size = 0
    for each in proofs:
        batch.append(each)
        size += sum(revision.ion.end - revision.ion.start for revision in _block_of(each).revisions)
        if len(batch) >= BLOCKS_AT_ONCE or size >= BYTES_AT_ONCE:
            yield _offers(batch, applier)
            batch, size = [], 0
    if batch:
        yield _offers(batch, applier)


def _offers(batch: list[Proof], applier: Applier) -> list[_Offer]:
    """A batch, in its order, as offers of blocks that are all whole, or none of which is."""
    offers = []
    for whole, group in groupby(batch, key=lambda each: each.whole):
        proofs = list(group)
        gathered = applier.gathered(proofs) if whole else None
        offers.append(_Offer(list(map(_block_of, proofs)), gathered))
    return offers


def _block_of(proof: Proof) -> Block:
    assert proof.block is not None  # of those that are offered
    return proof.block


def _offered(
    source: JournalSource,
    checkpoints: Mapping[str, Checkpoint],
    found: Refilled,
    wanted: Callable[[Block], bool],
    processes: int,
) -> Generator[Proof, None, None]:
    """The blocks that the destination lacks; what of them cannot be read is counted."""
    stored = (each for each in source.stored_blocks() if _may_be_wanted(each, checkpoints))
    with closing(proven(stored, processes)) as proofs:
        for each, proof in chain.from_iterable(proofs):
            if isinstance(each, Finding):
                found.unreadable += each.kind in BREAKS
            elif proof.facts is None:
                found.unreadable += 1
            elif _wanted(proof.facts.address, checkpoints):
                with_block = _with_block(each, proof)
                if wanted(_block_of(with_block)):
                    yield with_block


def _with_block(stored: StoredBlock, proof: Proof) -> Proof:
    """The same with the block, which is not sent between processes."""
    if proof.block is not None:
        return proof
    return prove(stored) if proof.findings else replace(proof, block=reread(stored))


def _may_be_wanted(stored: StoredBlock | Finding, checkpoints: Mapping[str, Checkpoint]) -> bool:
    address = None if isinstance(stored, Finding) else stored.address
    return address is None or _wanted(address, checkpoints)


def _wanted(address: BlockAddress, checkpoints: Mapping[str, Checkpoint]) -> bool:
    checkpoint = checkpoints.get(address.strand_id)
    if address.sequence_no > reached(checkpoint):
        return True
    assert checkpoint is not None  # nothing is behind one that is not there
    return any(address.sequence_no in each for each in checkpoint.gaps)
