"""How a replay stands, as it is now: positions, lag, what waits, what is wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from itertools import islice
from math import inf
from typing import Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import BlockAddress
from qldbkit.replay.buffer import SettlingBuffer
from qldbkit.replay.checkpoint import Checkpoint, reached
from qldbkit.replay.interruptions import Interruptions
from qldbkit.replay.reading import StreamReading
from qldbkit.replay.reporting import CLOCK, FAILURE, HELD, RUNS

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
        held_by: which blocks will not be applied by waiting, as the clock or an order saw it last.
        clock_at: seconds since 1970 when the clock ran to its end last; None for never.
        failure: the last run that failed: ``at``, ``errorClass`` and ``reason``; None for none.
        paused_at: seconds since 1970 when an operator paused the replay; None if it is not paused.
        not_reading: how it is that the deployed functions are not called; None if they are, or if
            nobody asked.
        source_unknown: why the source's newest block is not known; None if it is, or if nobody
            asked.
    """

    destination: str
    strands: tuple[StrandStatus, ...]
    quarantined: int
    held_by: tuple[str, ...]
    clock_at: float | None
    failure: dict[str, Any] | None
    paused_at: float | None
    not_reading: str | None
    source_unknown: str | None

    @property
    def healthy(self) -> bool:
        """Whether nothing waits for a person."""
        stopped = self.paused_at is not None or self.not_reading is not None
        return not (self.held_by or self.quarantined or stopped)

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
    reading: StreamReading | None = None,
) -> ReplayStatus:
    """Look at the destination, the settling buffer and, if it can be reached, the source.

    Args:
        name: the destination's.
        destination: where the checkpoints are.
        buffer: what waits, what is quarantined, and how the last runs ended.
        now: seconds since 1970.
        control: boto3's client of the source's control plane.
        source: the source ledger's name.
        reading: whether the deployed functions are called; None if that is not known.

    Raises:
        Exception: the destination or the buffer cannot be read.
    """
    checkpoints = {each.strand_id: each for each in destination.checkpoints()}
    tip, unknown = _source_tip(control, source, checkpoints)
    strands = sorted({*checkpoints, *buffer.strands(), *([tip.strand_id] if tip else [])})
    notes = buffer.notes(RUNS)
    clock, held = json.loads(notes.get(CLOCK, "{}")), json.loads(notes.get(HELD, "{}"))
    pause = Interruptions(buffer, inf).paused()
    state = None if reading is None else reading.state()
    return ReplayStatus(
        destination=name,
        strands=tuple(_strand(each, checkpoints.get(each), buffer, tip, now) for each in strands),
        quarantined=sum(1 for _ in islice(buffer.quarantine_index(), COUNTED)),
        held_by=tuple(held.get("heldBy", ())),
        clock_at=clock.get("at"),
        failure=json.loads(notes[FAILURE]) if FAILURE in notes else None,
        paused_at=None if pause is None else pause.since,
        not_reading=None if state is None or state.reads else str(state),
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
