"""The settling buffer: what cannot be applied yet is kept here before its batch is acknowledged."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from qldbkit.replay.fragments import Fragment, Gap, QuarantinedRecord


class SettlingBuffer(Protocol):
    """Keeps fragments of blocks, passed gaps and quarantined records, durably and by block.

    Any number of processes share one buffer; none of them has to be told of the others. What a
    method wrote is durable when it returns, and writing it again changes nothing but times.
    """

    def put(self, fragments: Sequence[Fragment]) -> None:
        """Keep fragments, each in full, however large."""

    def fragments(self, strand_id: str, first: int, last: int | None = None) -> Iterator[Fragment]:
        """The strand's fragments from block ``first`` to ``last``, by ascending sequence number.

        A block may have several. They are read lazily: who stops early has not read the rest.
        """

    def remove(self, strand_id: str, sequence_numbers: Collection[int]) -> None:
        """Forget all fragments of those blocks."""

    def strands(self) -> Sequence[str]:
        """The strands that fragments were ever kept for."""

    def record_gaps(self, gaps: Sequence[Gap]) -> None:
        """Remember that those sequence numbers were passed over, when a checkpoint lets go of them.

        They are kept for at least as long as the stream can still deliver their blocks.
        """

    def gaps(self, strand_id: str, first: int, last: int) -> Sequence[Gap]:
        """The gaps that hold a sequence number between ``first`` and ``last``, both inclusive."""

    def fill_gap(self, gap: Gap, sequence_no: int) -> None:
        """Take a block that has come late out of the gap that it was in.

        Several processes may fill one gap at once: more may then be left of it than should be, and
        never less.
        """

    def quarantine(self, records: Sequence[QuarantinedRecord]) -> None:
        """Set records aside, whole."""

    def quarantined(self) -> Iterator[QuarantinedRecord]:
        """The records that are set aside, lazily."""

    def discard(self, position: str) -> None:
        """Drop a quarantined record, by an operator's order."""


class MemoryBuffer:
    """A settling buffer that lasts as long as the process: for tests and simulations."""

    def __init__(self) -> None:
        self._fragments: dict[str, dict[int, dict[str, Fragment]]] = {}
        self._gaps: set[Gap] = set()
        self._quarantine: dict[str, QuarantinedRecord] = {}

    def put(self, fragments: Sequence[Fragment]) -> None:
        """Keep fragments."""
        for each in fragments:
            blocks = self._fragments.setdefault(each.address.strand_id, {})
            blocks.setdefault(each.address.sequence_no, {})[each.digest] = each

    def fragments(self, strand_id: str, first: int, last: int | None = None) -> Iterator[Fragment]:
        """The strand's fragments, by ascending sequence number."""
        blocks = self._fragments.get(strand_id, {})
        for sequence_no in sorted(blocks):
            if first <= sequence_no and (last is None or sequence_no <= last):
                yield from list(blocks.get(sequence_no, {}).values())

    def remove(self, strand_id: str, sequence_numbers: Collection[int]) -> None:
        """Forget all fragments of those blocks."""
        blocks = self._fragments.get(strand_id, {})
        for each in sequence_numbers:
            blocks.pop(each, None)

    def strands(self) -> Sequence[str]:
        """The strands that fragments were ever kept for."""
        return sorted(self._fragments)

    def record_gaps(self, gaps: Sequence[Gap]) -> None:
        """Remember passed gaps."""
        self._gaps.update(gaps)

    def gaps(self, strand_id: str, first: int, last: int) -> Sequence[Gap]:
        """The gaps that hold a sequence number of the range."""
        return [
            each
            for each in sorted(self._gaps, key=lambda each: each.first)
            if each.strand_id == strand_id and each.first <= last and each.last >= first
        ]

    def fill_gap(self, gap: Gap, sequence_no: int) -> None:
        """Take a block out of a gap."""
        self._gaps.update(gap.without(sequence_no))
        self._gaps.discard(gap)

    def quarantine(self, records: Sequence[QuarantinedRecord]) -> None:
        """Set records aside."""
        self._quarantine.update((each.position, each) for each in records)

    def quarantined(self) -> Iterator[QuarantinedRecord]:
        """The records that are set aside."""
        yield from list(self._quarantine.values())

    def discard(self, position: str) -> None:
        """Drop a quarantined record."""
        self._quarantine.pop(position, None)
