"""What a check of a journal found, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from qldbkit.journal.model import BlockAddress


class FindingKind(StrEnum):
    """What is the matter with a part of a journal.

    `DAMAGED`: it is not what its hashes say, or cannot be read. `MISSING`: something else proves
    that it existed. `UNVERIFIABLE`: nothing wrong was found, but nothing proves it either.
    `REDACTED`: its data was removed on order; what is left is proven.
    """

    DAMAGED = "damaged"
    MISSING = "missing"
    UNVERIFIABLE = "unverifiable"
    REDACTED = "redacted"


class Place(NamedTuple):
    """Where something stands in a store of objects; a tuple, since every record has one.

    Attributes:
        object_name: the object's name below the source's location.
        offset: bytes from its beginning, after decompression; None for the object as a whole.
        part: its number in an aggregated record at that offset; None where there is none.
    """

    object_name: str
    offset: int | None = None
    part: int | None = None

    def __str__(self) -> str:
        offset = "" if self.offset is None else f", byte {self.offset}"
        return self.object_name + offset + ("" if self.part is None else f", part {self.part}")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Attributes:
        kind: what is the matter.
        reason: one sentence.
        address: the block that it concerns, as far as it is known.
        place: where it was read.
    """

    kind: FindingKind
    reason: str
    address: BlockAddress | None = None
    place: Place | None = None

    @property
    def position(self) -> str:
        """Block and place in one line; empty when neither is known."""
        return ", in ".join(str(each) for each in (self.address, self.place) if each is not None)

    def __str__(self) -> str:
        position = self.position
        return f"{self.kind.value}: {self.reason}" + (f" (at {position})" if position else "")

    def to_json(self) -> dict[str, Any]:
        """The finding as JSON members; those that are not known are left out."""
        found: dict[str, Any] = {"kind": self.kind.value, "reason": self.reason}
        if self.address is not None:
            found |= {"strandId": self.address.strand_id, "sequenceNo": self.address.sequence_no}
        if self.place is not None:
            found["object"] = self.place.object_name
            if self.place.offset is not None:
                found["byte"] = self.place.offset
            if self.place.part is not None:
                found["part"] = self.place.part
        return found
