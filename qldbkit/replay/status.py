"""How a replay stands, as it is now: positions, lag, what waits, what is wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from itertools import islice
from typing import Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import BlockAddress
from qldbkit.replay.buffer import SettlingBuffer
from qldbkit.replay.checkpoint import Checkpoint, reached
from qldbkit.replay.reporting import CLOCK, FAILURE, RUNS

COUNTED: Final = 10_000
"""Up to how many blocks or records are counted."""


@dataclass(frozen=True, slots=True)
class SourceTip:
    """The newest block of the source.

    Attributes:
        strand_id: its strand.
        sequence_no: its number.
        next_at: seconds since 1970 when the first block was committed that is not applied; None if
            there is none, or it cannot be read.
    """

    strand_id: str
    sequence_no: int
    next_at: float | None


@dataclass(frozen=True, slots=True)
class OpenGap:
    """Sequence numbers that were passed over, and are still missing."""

    first: int
    last: int
    passed_at: float


@dataclass(frozen=True, slots=True)
class StrandStatus:
    """How far one strand is.

    Attributes:
        strand_id: 22 characters.
        applied: sequence number of the last block that is applied; -1 for none.
        blocks_behind: blocks of the source that are not applied; None if the source is unknown.
        seconds_behind: how long the first block that is not applied has been committed, or, if the
            source is unknown, received; 0 if none is known.
        waiting: blocks that the settling buffer has something of.
        next_waiting: the lowest of their sequence numbers; None for none.
        gaps: what was passed over, and is still missing.
    """

    strand_id: str
    applied: int
    blocks_behind: int | None
    seconds_behind: float
    waiting: int
    next_waiting: int | None
    gaps: tuple[OpenGap, ...]


@dataclass(frozen=True, slots=True)
class ReplayStatus:
    """How a replay stands.

    Attributes:
        destination: its name.
        strands: each strand that anything is known of.
        quarantined: records in quarantine.
        held_by: which blocks will not be applied by waiting, as the clock saw it last.
        clock_at: seconds since 1970 when the clock ran to its end last; None for never.
        failure: the last run that failed: ``at``, ``errorClass`` and ``reason``; None for none.
        source_unknown: why the source's newest block is not known; None if it is, or if nobody
            asked.
    """

    destination: str
    strands: tuple[StrandStatus, ...]
    quarantined: int
    held_by: tuple[str, ...]
    clock_at: float | None
    failure: dict[str, Any] | None
    source_unknown: str | None

    @property
    def healthy(self) -> bool:
        """Whether nothing waits for a person."""
        return not self.held_by and not self.quarantined

    def as_dict(self) -> dict[str, Any]:
        """The status as JSON has it."""
        return {**asdict(self), "healthy": self.healthy}


class Positions(Protocol):
    """A destination that can say how far it is."""

    def checkpoints(self) -> Sequence[Checkpoint]:
        """The checkpoint of every strand; writes nothing."""


def replay_status(
    name: str,
    destination: Positions,
    buffer: SettlingBuffer,
    *,
    now: float,
    control: Any = None,
    source: str | None = None,
) -> ReplayStatus:
    """Look at the destination, the settling buffer and, if it can be reached, the source.

    Args:
        name: the destination's.
        destination: where the checkpoints are.
        buffer: what waits, what is quarantined, and how the last runs ended.
        now: seconds since 1970.
        control: boto3's client of the source's control plane.
        source: the source ledger's name.

    Raises:
        Exception: the destination or the buffer cannot be read.
    """
    checkpoints = {each.strand_id: each for each in destination.checkpoints()}
    tip, unknown = _source_tip(control, source, checkpoints)
    strands = sorted({*checkpoints, *buffer.strands(), *([tip.strand_id] if tip else [])})
    notes = buffer.notes(RUNS)
    clock = json.loads(notes.get(CLOCK, "{}"))
    return ReplayStatus(
        destination=name,
        strands=tuple(_strand(each, checkpoints.get(each), buffer, tip, now) for each in strands),
        quarantined=sum(1 for _ in islice(buffer.quarantine_index(), COUNTED)),
        held_by=tuple(clock.get("heldBy", ())),
        clock_at=clock.get("at"),
        failure=json.loads(notes[FAILURE]) if FAILURE in notes else None,
        source_unknown=unknown,
    )


def _strand(
    strand_id: str,
    checkpoint: Checkpoint | None,
    buffer: SettlingBuffer,
    tip: SourceTip | None,
    now: float,
) -> StrandStatus:
    applied = reached(checkpoint)
    first = next(buffer.fragments(strand_id, 0), None)
    since = None if first is None else first.received_at
    behind = None
    if tip is not None and tip.strand_id == strand_id:
        behind = max(0, tip.sequence_no - applied)
        since = tip.next_at if behind else since
    gaps = () if checkpoint is None else checkpoint.gaps
    return StrandStatus(
        strand_id=strand_id,
        applied=applied,
        blocks_behind=behind,
        seconds_behind=0.0 if since is None else round(max(0.0, now - since), 3),
        waiting=buffer.waiting(strand_id, 0, COUNTED),
        next_waiting=None if first is None else first.address.sequence_no,
        gaps=tuple(OpenGap(each.first, each.last, each.passed_at) for each in gaps),
    )


def _source_tip(
    control: Any, source: str | None, checkpoints: dict[str, Checkpoint]
) -> tuple[SourceTip | None, str | None]:
    """The source's newest block, or why it is not known."""
    if control is None or source is None:
        return None, None
    try:
        digest = control.get_digest(Name=source)
        tip = _address(digest["DigestTipAddress"]["IonText"])
        following = reached(checkpoints.get(tip.strand_id)) + 1
        committed = None
        if following <= tip.sequence_no:
            committed = _committed_at(control, source, BlockAddress(tip.strand_id, following))
    except (ClientError, BotoCoreError) as error:
        return None, str(error)
    return SourceTip(tip.strand_id, tip.sequence_no, committed), None


def _address(text: str) -> BlockAddress:
    fields = IonSpan.from_text(text).fields()
    return BlockAddress(fields["strandId"].text(), fields["sequenceNo"].integer())


def _committed_at(control: Any, source: str, address: BlockAddress) -> float:
    text = f'{{strandId: "{address.strand_id}", sequenceNo: {address.sequence_no}}}'
    block = control.get_block(Name=source, BlockAddress={"IonText": text})["Block"]["IonText"]
    moment = IonSpan.from_text(block).fields()["blockTimestamp"].timestamp()
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return float(aware.timestamp())
