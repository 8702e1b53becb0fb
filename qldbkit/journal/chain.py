"""The blocks of one strand, checked against each other."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass

from qldbkit.journal.findings import Finding, FindingKind
from qldbkit.journal.model import BlockAddress
from qldbkit.journal.outcome import BlockFacts
from qldbkit.journal.peaks import Peaks


@dataclass(frozen=True, slots=True)
class StrandReport:
    """What was found of one strand.

    Attributes:
        strand_id: 22 characters.
        first: the lowest sequence number.
        last: the highest one.
        blocks: how many there are.
        revisions: how many they have.
        unproven: of JSON, revisions and transactions whose hashes prove nothing.
        digest: of all blocks from number 0 to the last; None when some are not known.
    """

    strand_id: str
    first: int
    last: int
    blocks: int
    revisions: int
    unproven: int
    digest: bytes | None

    @property
    def digest_text(self) -> str | None:
        """The digest in base64, as AWS prints it."""
        return None if self.digest is None else b64encode(self.digest).decode()


class Chain:
    """The check of a strand, block by block in sequence order.

    Args:
        strand_id: 22 characters.
        contiguous: whether a block that is not there is missing; a stream need not have them all.
    """

    def __init__(self, strand_id: str, contiguous: bool):
        self._strand_id = strand_id
        self._contiguous = contiguous
        self._first: BlockFacts | None = None
        self._last: BlockFacts | None = None
        self._peaks: Peaks | None = Peaks()
        self._blocks = self._revisions = self._unproven = 0

    def add(self, facts: BlockFacts) -> Iterator[Finding]:
        """Take the next block; give what is wrong between it and those before."""
        self._blocks += 1
        self._revisions += facts.revisions
        self._unproven += facts.unproven
        last = self._last
        if last is not None and facts.address.sequence_no <= last.address.sequence_no:
            if facts.block_hash != last.block_hash:
                yield self._finding(FindingKind.UNVERIFIABLE, "it does not come in order", facts)
            return
        yield from self._begun(facts) if last is None else self._continued(last, facts)
        if self._peaks is not None:
            self._peaks.add(facts.block_hash)
        self._first, self._last = self._first or facts, facts

    def report(self) -> StrandReport:
        """What the strand holds; after at least one block."""
        assert self._first is not None
        assert self._last is not None
        return StrandReport(
            self._strand_id,
            self._first.address.sequence_no,
            self._last.address.sequence_no,
            self._blocks,
            self._revisions,
            self._unproven,
            self.digest(),
        )

    def digest(self) -> bytes | None:
        """The digest of all blocks so far; None when some are not known."""
        return None if self._peaks is None else self._peaks.digest()

    def _begun(self, facts: BlockFacts) -> Iterator[Finding]:
        if facts.address.sequence_no == 1 and self._peaks is not None:
            self._peaks.add(facts.previous_block_hash)
        elif facts.address.sequence_no:
            self._peaks = None
        elif facts.previous_block_hash:
            reason = "a strand's first block has no previous block"
            yield self._finding(FindingKind.DAMAGED, reason, facts)

    def _continued(self, last: BlockFacts, facts: BlockFacts) -> Iterator[Finding]:
        absent = facts.address.sequence_no - last.address.sequence_no - 1
        if absent:
            yield from self._skipped(last, facts, absent)
        elif facts.previous_block_hash != last.block_hash:
            reason = "previousBlockHash is not the hash of the block before"
            yield self._finding(FindingKind.DAMAGED, reason, facts)
        if facts.time < last.time:
            reason = "its time, which QLDB covers by no known hash, is before the last block's"
            yield self._finding(FindingKind.UNVERIFIABLE, reason, facts)
        yield from self._unbound(last, facts)

    def _skipped(self, last: BlockFacts, facts: BlockFacts, absent: int) -> Iterator[Finding]:
        number = last.address.sequence_no + 1
        if absent == 1 and self._peaks is not None:
            self._peaks.add(facts.previous_block_hash)  # which is the absent block's own
        else:
            self._peaks = None
        end = number + absent - 1
        which = f"block {number} is" if absent == 1 else f"blocks {number} to {end} are"
        address = BlockAddress(self._strand_id, number)
        if self._contiguous:
            yield Finding(FindingKind.MISSING, f"{which} not there", address, facts.place)
        else:
            reason = f"{which} not in the archive; streams leave out blocks without revisions"
            yield Finding(FindingKind.UNVERIFIABLE, reason, address, facts.place)

    def _unbound(self, last: BlockFacts, facts: BlockFacts) -> Iterator[Finding]:
        """In a strand whose blocks bind their address, transaction and time, all later ones do.

        A ledger that was restored from Amazon QLDB's journal begins to bind them where it goes on.
        """
        bound = (last.binds_header, facts.binds_header), (last.binds_commit, facts.binds_commit)
        if (True, False) in bound:
            reason = "its address, transaction or time is not among its hashed entries"
            yield self._finding(FindingKind.DAMAGED, reason, facts)
        elif (False, True) in bound and last.address.sequence_no == 0:
            reason = "its address, transaction or time is not among its hashed entries"
            yield self._finding(FindingKind.UNVERIFIABLE, reason, last)

    def _finding(self, kind: FindingKind, reason: str, facts: BlockFacts) -> Finding:
        return Finding(kind, reason, facts.address, facts.place)
