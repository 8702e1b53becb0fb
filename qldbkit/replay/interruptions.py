"""When nothing was read from the stream: pauses that were ordered, and outages that were noticed.

While nothing is read, what is waited for cannot come: the settle window begins anew when a pause
ends. And what a stream had to drop unread, because an interruption was longer than its retention,
never comes: a gap of blocks that may have been committed before the end of such an outage is not
passed by waiting.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from math import inf
from typing import Any, Final

from qldbkit.replay.buffer import SettlingBuffer
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.fragments import Gap

READING: Final = "reading"
"""The topic of the notes about when the stream is read."""
BEAT: Final = "beat"
PAUSE: Final = "pause"
OUTAGE: Final = "outage"
APPLIED: Final = "applied"
NEARLY: Final = 0.95
"""The part of the retention at which a record is so old that one before it may have expired."""


@dataclass(frozen=True, slots=True)
class Pause:
    """An ordered pause.

    Attributes:
        since: seconds since 1970.
        until: the same; None while it lasts.
    """

    since: float
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """A time that was long enough for records to expire unread.

    Attributes:
        since: seconds since 1970, when the replay is known to have run last.
        until: when it ran again.
        strands: those that had been replayed before.
    """

    since: float
    until: float
    strands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Beat:
    """That the clock has run.

    Attributes:
        at: seconds since 1970.
        retention: seconds that the stream keeps a record.
    """

    at: float
    retention: float

    def silent_too_long(self, now: float) -> bool:
        """Whether records may have expired since then."""
        return now - self.at >= self.retention


class Interruptions:
    """What the settling buffer says of when the stream was not read."""

    def __init__(self, buffer: SettlingBuffer, retention: float):
        """Work with a buffer's notes.

        Args:
            buffer: where they are kept.
            retention: seconds that the stream keeps a record; infinite for what the clock's
                function was told, which is noted.
        """
        self._buffer, self._told = buffer, retention
        self._noted: dict[str, int] = {}

    def pause(self, now: float) -> None:
        """The stream is not read from now on; one that is paused stays so."""
        if self.paused() is None:
            self._write(PAUSE, asdict(Pause(now)))

    def resume(self, now: float) -> None:
        """The stream is read again."""
        pause = self.paused()
        if pause is not None:
            self._write(PAUSE, asdict(Pause(pause.since, now)))

    def paused(self) -> Pause | None:
        """The pause that lasts; None if there is none."""
        last = self.last_pause()
        return None if last is None or last.until is not None else last

    def last_pause(self) -> Pause | None:
        """The last pause, whether it lasts or not; None if there never was one."""
        found = self._read(PAUSE)
        return None if found is None else Pause(**found)

    def outage(self) -> Outage | None:
        """The last outage that was noticed."""
        found = self._read(OUTAGE)
        return None if found is None else Outage(**{**found, "strands": tuple(found["strands"])})

    def begin(self, now: float, checkpoints: Callable[[], Iterable[Checkpoint]]) -> None:
        """The clock begins a run: note an outage, if there was one since its last.

        Args:
            now: seconds since 1970.
            checkpoints: how far the destination is; asked only after an outage.
        """
        beat = self._beat()
        if beat is not None and beat.silent_too_long(now):
            self._note_outage(beat.at, now, checkpoints())

    def end(self, now: float) -> None:
        """The clock has come to the end of a run: the destination and the buffer answer."""
        before = self._beat()
        told = before.retention if before is not None and self._told == inf else self._told
        self._write(BEAT, {"at": now, "retention": None if told == inf else told})

    def read_from(
        self, arrived: float, now: float, checkpoints: Callable[[], Iterable[Checkpoint]]
    ) -> None:
        """Records are read of which the oldest arrived at that time.

        One that was about to expire says that those before it may have.
        """
        if now - arrived < self._told * NEARLY:
            return
        known = self.outage()
        if known is None or now - known.until >= self._told:
            self._note_outage(arrived, now, checkpoints())

    def may_have_expired(self, gap: Gap, before_at: float | None, now: float) -> bool:
        """Whether the stream may have dropped blocks of the gap before they were read.

        Args:
            gap: what has not come.
            before_at: when the block before it was committed; None for what `applied` noted of it.
            now: seconds since 1970.
        """
        beat = self._beat()
        if beat is not None and beat.silent_too_long(now):
            return True  # the clock has not noticed yet
        outage = self.outage()
        if outage is None or gap.strand_id not in outage.strands:
            return False
        at = self._applied_at(gap.strand_id, gap.first - 1) if before_at is None else before_at
        return at is None or at < outage.until

    def applied(self, strand_id: str, sequence_no: int, committed_at: float) -> None:
        """Something waits behind a block, which was committed at that time."""
        if self._noted.get(strand_id) != sequence_no:
            self._write(f"{APPLIED} {strand_id}", {"block": sequence_no, "at": committed_at})
            self._noted[strand_id] = sequence_no

    def _applied_at(self, strand_id: str, sequence_no: int) -> float | None:
        found = self._read(f"{APPLIED} {strand_id}")
        return float(found["at"]) if found is not None and found["block"] == sequence_no else None

    def _beat(self) -> Beat | None:
        """When the clock is known to have run last; None if it never has."""
        found = self._read(BEAT)
        if found is None:
            return None
        noted = inf if found["retention"] is None else float(found["retention"])
        return Beat(float(found["at"]), noted if self._told == inf else self._told)

    def _note_outage(self, since: float, until: float, checkpoints: Iterable[Checkpoint]) -> None:
        strands = tuple(each.strand_id for each in checkpoints)
        self._write(OUTAGE, asdict(Outage(since, until, strands)))

    def _read(self, name: str) -> dict[str, Any] | None:
        text = self._buffer.notes(READING).get(name)
        return None if text is None else json.loads(text)

    def _write(self, name: str, facts: Mapping[str, Any]) -> None:
        self._buffer.note(READING, name, json.dumps(facts, separators=(",", ":")))
