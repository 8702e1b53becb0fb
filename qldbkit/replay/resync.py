"""Bringing some tables to what they are in the source, while replay goes on with all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from qldbkit.replay.compare import Side, compare
from qldbkit.replay.destination import Destination
from qldbkit.replay.repair import repair
from qldbkit.replay.repair_source import RepairSource

DIFFERENCES_AT_ONCE: Final = 10_000
"""Differences that are held in memory; the tables are compared again for the next ones."""
ROUNDS: Final = 1_000
"""How often they are compared at most."""


@dataclass(frozen=True, slots=True)
class Resynchronised:
    """What became of it.

    Attributes:
        written: documents that were written or deleted.
        different: documents that still differ: what replay has not come to yet, mostly.
    """

    written: int
    different: int

    def __str__(self) -> str:
        still = f"; {self.different} still differ, which replay may bring" if self.different else ""
        return f"{self.written} documents were brought to what they are in the source{still}"


def resynchronise(
    source: RepairSource,
    destination: Destination,
    side: Callable[[], Side],
    strand_id: str,
    *,
    who: str,
) -> Resynchronised:
    """Compare and repair, until nothing is left that can be repaired.

    Each transaction is fenced by the checkpoint, and brings documents to what they were there: so
    replay may go on, as long as the source knows all that it has replayed.

    Args:
        source: the source's side, with nothing but the tables that are meant, as the destination
            names them.
        destination: where to write.
        side: the destination's side with the same tables, as it is when it is called.
        strand_id: the source's journal.
        who: who ordered it.

    Raises:
        RepairRefusedError: as `qldbkit.replay.repair.repair` does.
        Exception: a side cannot be read, or the destination not be written. It can be done again.
    """
    written = 0
    for _ in range(ROUNDS):
        found = compare(source, side(), most=DIFFERENCES_AT_ONCE)
        if found.equal:
            return Resynchronised(written, 0)
        report = repair(source, destination, strand_id, found, who=who)
        written += len(report.repaired)
        if not report.repaired:
            break
    return Resynchronised(written, found.different_documents)
