"""What the simulation puts to the test: a destination, and how to see what it holds.

To have another destination simulated, say how one is made and run the scenarios on it::

    SUBJECT = Subject(lambda interrupt: MyView(...), locks=True)

    @pytest.mark.parametrize("seed", seeds("0:5"))
    @pytest.mark.parametrize("scenario", SCENARIOS)
    def test_whatever_the_stream_does(scenario: str, seed: int) -> None:
        SCENARIOS[scenario](seed, SUBJECT)

Each run makes one destination, empty and its own; its documents are told by ``digests``, as
`qldbkit compare` reads them. Failures before a transaction, before its commit and after it come by
themselves; one that writes in several steps calls ``interrupt(name)`` between them as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from qldbkit.journal.ion import IonSpan
from qldbkit.replay.compare import DocumentDigest
from qldbkit.replay.destination import Destination
from qldbkit.replay.memory_destination import MemoryDestination

Interrupt = Callable[[str], None]


class SimulatedDestination(Destination, Protocol):
    """A destination whose documents can be looked at."""

    def digests(self) -> Iterator[DocumentDigest]:
        """Every current document once, by its table, its source id and its Ion hash."""


@dataclass(frozen=True)
class Subject:
    """A kind of destination.

    Attributes:
        make: gives an empty one; what its argument raises is what the destination fails with.
        atomic: whether a reader never sees a part of a transaction. If not, only its end is
            looked at, and not what is there after each failure.
        locks: whether a transaction waits for another one's end, so that one thread cannot begin a
            second one in the middle of the first.
        revision_counts: how many revisions it keeps of each document, by source id; of those that
            it does not keep, nothing.
    """

    make: Callable[[Interrupt], SimulatedDestination]
    atomic: bool = True
    locks: bool = False
    revision_counts: Callable[[Any], Mapping[str, int]] = lambda _: {}


@lru_cache(maxsize=2**14)
def _digest(binary: bytes) -> bytes:
    return IonSpan.parse(binary).hash()


def digest_of(document: IonSpan) -> bytes:
    """The document's Ion hash; a run looks at the same documents again and again."""
    return _digest(document.binary())


MEMORY = Subject(
    lambda _: MemoryDestination(digest_of), revision_counts=MemoryDestination.revision_counts
)
