"""The settling buffer: what cannot be applied yet is kept here before its batch is acknowledged."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Protocol

from qldbkit.replay.errors import NotQuarantinedError
from qldbkit.replay.fragments import Fragment, Gap, QuarantinedRecord, QuarantineEntry


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

    def waiting(self, strand_id: str, first: int, most: int) -> int:
        """How many blocks from ``first`` on something is kept of; ``most`` if there are more."""

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
        """Set records aside, whole. One that is there already has been tried once more."""

    def quarantine_index(self) -> Iterator[QuarantineEntry]:
        """What is set aside, lazily and without the payloads."""

    def quarantined_payload(self, position: str) -> bytes:
        """The bytes of a record that is set aside.

        Raises:
            NotQuarantinedError: there is none at that position.
        """

    def discard(self, position: str) -> None:
        """Drop a quarantined record, by an operator's order."""

    def note(self, topic: str, name: str, text: str) -> None:
        """Write down an operator's order, or how a run ended, in the place of the last text."""

    def notes(self, topic: str) -> Mapping[str, str]:
        """What was written down on a topic, by name, in the order of the names."""


def quarantined(buffer: SettlingBuffer) -> Iterator[QuarantinedRecord]:
    """The records that are set aside, whole, read one by one."""
    for each in buffer.quarantine_index():
        payload = buffer.quarantined_payload(each.position)
        yield QuarantinedRecord(
            each.position, each.reason, payload, each.quarantined_at, each.attempts
        )


def not_quarantined(position: str) -> NotQuarantinedError:
    """The error for a position that nothing is set aside at."""
    return NotQuarantinedError(
        "no record is in quarantine", position=position, hint="qldbkit quarantine list"
    )


class MemoryBuffer:
    """A settling buffer that lasts as long as the process: for tests and simulations."""

    def __init__(self) -> None:
        self._fragments: dict[str, dict[int, dict[str, Fragment]]] = {}
        self._gaps: set[Gap] = set()
        self._quarantine: dict[str, QuarantinedRecord] = {}
        self._notes: dict[str, dict[str, str]] = {}

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

    def waiting(self, strand_id: str, first: int, most: int) -> int:
        """How many blocks from ``first`` on something is kept of."""
        kept = (at for at, each in self._fragments.get(strand_id, {}).items() if each)
        return len(list(islice((at for at in kept if at >= first), most)))

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
        for each in records:
            before = self._quarantine.get(each.position)
            attempts = each.attempts if before is None else before.attempts + 1
            self._quarantine[each.position] = replace(each, attempts=attempts)

    def quarantine_index(self) -> Iterator[QuarantineEntry]:
        """What is set aside."""
        for each in list(self._quarantine.values()):
            yield QuarantineEntry(
                each.position, each.reason, each.quarantined_at, each.attempts, len(each.payload)
            )

    def quarantined_payload(self, position: str) -> bytes:
        """The bytes of a record that is set aside."""
        if position not in self._quarantine:
            raise not_quarantined(position)
        return self._quarantine[position].payload

    def discard(self, position: str) -> None:
        """Drop a quarantined record."""
        self._quarantine.pop(position, None)

    def note(self, topic: str, name: str, text: str) -> None:
        """Write something down."""
        self._notes.setdefault(topic, {})[name] = text

    def notes(self, topic: str) -> Mapping[str, str]:
        """What was written down."""
        return dict(sorted(self._notes.get(topic, {}).items()))
