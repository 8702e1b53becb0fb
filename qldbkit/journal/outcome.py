"""What became of one block: values that other processes send back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qldbkit.journal.findings import Finding, Place
from qldbkit.journal.model import Block, BlockAddress


@dataclass(frozen=True, slots=True)
class BlockFacts:
    """What the check of a whole journal needs of one block.

    Attributes:
        address: where it stands.
        block_hash: 32 bytes.
        previous_block_hash: 32 bytes; empty in a strand's first block.
        time: microseconds since 1970.
        revisions: how many it has.
        unproven: how many of them, and of its transactions, JSON leaves without proof.
        binds_header: whether an entry is the hash of its address, transaction and time.
        binds_commit: whether an entry is its transaction's commit digest.
        place: where its summary was read.
    """

    address: BlockAddress
    block_hash: bytes
    previous_block_hash: bytes
    time: int
    revisions: int
    unproven: int
    binds_header: bool
    binds_commit: bool
    place: Place | None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the fields' values, in a third of the time that dataclasses take."""
        return BlockFacts, (
            self.address,
            self.block_hash,
            self.previous_block_hash,
            self.time,
            self.revisions,
            self.unproven,
            self.binds_header,
            self.binds_commit,
            self.place,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one stored block.

    Attributes:
        block: the block, if its summary could be read; with the revisions that are its own.
        facts: of that block.
        findings: what is the matter with it.
        whole: whether there is a sound copy of all of it, maybe beside damaged ones.
        made: what was made of the whole block where it was proven, if that was asked for.
    """

    block: Block | None
    facts: BlockFacts | None
    findings: tuple[Finding, ...]
    whole: bool
    made: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process gets everything but the block, of which it has the parts."""
        return Outcome, (None, self.facts, self.findings, self.whole, self.made)
