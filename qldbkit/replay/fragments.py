"""What waits: parts of blocks as they were received, gaps that were passed, and quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from qldbkit.journal.model import BlockAddress

LENGTH_SIZE: Final = 4


@dataclass(frozen=True, slots=True)
class Fragment:
    """Stream records of one block that were received together.

    Attributes:
        address: the block's.
        received_at: seconds since 1970; the settle window is counted from here.
        records: each record's binary Ion, as the stream carried it.
    """

    address: BlockAddress
    received_at: float
    records: tuple[bytes, ...]

    @property
    def digest(self) -> str:
        """Names the contents, so that what is received twice is kept once; 32 digits."""
        return sha256(framed(self.records)).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Gap:
    """Sequence numbers that were passed over because their blocks had not come.

    Attributes:
        strand_id: 22 characters.
        first: the first sequence number of the gap.
        last: the last one.
        passed_at: seconds since 1970.
    """

    strand_id: str
    first: int
    last: int
    passed_at: float

    def __contains__(self, sequence_no: int) -> bool:
        return self.first <= sequence_no <= self.last

    def without(self, sequence_no: int) -> list[Gap]:
        """What is left of the gap when one of its blocks has come: nothing, one gap, or two."""
        sides = (
            replace(self, last=sequence_no - 1),
            replace(self, first=sequence_no + 1),
        )
        return [each for each in sides if each.first <= each.last]


@dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    """A record that cannot be replayed, kept whole.

    Attributes:
        position: where it was found; names the record, so that a second delivery replaces it.
        reason: what is wrong with it.
        payload: the record's bytes as they were received.
        quarantined_at: seconds since 1970, when it was tried last.
        attempts: how often it was tried. The buffer counts; equality ignores it.
    """

    position: str
    reason: str
    payload: bytes
    quarantined_at: float
    attempts: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """What the quarantine's index says of a record, without its payload.

    Attributes:
        position: names the record.
        reason: what is wrong with it.
        quarantined_at: seconds since 1970, when it was tried last.
        attempts: how often it was tried, at least 1.
        size: bytes of the payload.
    """

    position: str
    reason: str
    quarantined_at: float
    attempts: int
    size: int


def framed(records: Iterable[bytes]) -> bytes:
    """Records in a row, each with its length (4 bytes, big-endian) before it."""
    return b"".join(len(each).to_bytes(LENGTH_SIZE, "big") + each for each in records)


def unframed(data: bytes) -> tuple[bytes, ...]:
    """The records that `framed` put in a row.

    Raises:
        ValueError: the bytes end in the middle of a record.
    """
    return tuple(_frames(data))


def _frames(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        begin = at + LENGTH_SIZE
        at = begin + int.from_bytes(data[begin - LENGTH_SIZE : begin], "big")
        if at > len(data):
            raise ValueError("the bytes end in the middle of a record")
        yield data[begin:at]
