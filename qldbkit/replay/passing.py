"""Whether a gap may be passed once its settle window is over."""

from __future__ import annotations

from functools import cached_property

from qldbkit.replay.buffer import SettlingBuffer
from qldbkit.replay.fragments import Gap
from qldbkit.replay.interruptions import Interruptions
from qldbkit.replay.settle import HoldReason
from qldbkit.replay.skips import Skips, let_pass


class Passing:
    """What the settling buffer says about passing a strand's gaps.

    It is asked only where there is a gap whose window is over, and then reads each thing once.
    """

    def __init__(
        self,
        buffer: SettlingBuffer,
        strand_id: str,
        *,
        now: float,
        window: float,
        interruptions: Interruptions,
    ):
        """Decide for one strand.

        Args:
            buffer: has the quarantine and the orders.
            strand_id: the strand.
            now: seconds since 1970.
            window: seconds that what is behind a gap waits.
            interruptions: when the stream was not read.
        """
        self._buffer, self._strand_id = buffer, strand_id
        self._now, self._window = now, window
        self._interruptions = interruptions

    def obstacle(self, gap: Gap, behind: int, before_at: float | None) -> HoldReason | None:
        """What keeps a gap from being passed; None for nothing.

        Args:
            gap: what has not come.
            behind: the sequence number of the block behind it.
            before_at: when the block before it was committed, in seconds since 1970; None if that
                was not seen.
        """
        if let_pass(self._skipped, gap, behind):
            return None
        if not self._quarantine_empty:
            return HoldReason.QUARANTINE
        if self._just_paused:
            return HoldReason.GAP
        if self._interruptions.may_have_expired(gap, before_at, self._now):
            return HoldReason.EXPIRED
        return None

    @cached_property
    def _skipped(self) -> frozenset[int]:
        return Skips(self._buffer).numbers(self._strand_id)

    @cached_property
    def _quarantine_empty(self) -> bool:
        return next(self._buffer.quarantine_index(), None) is None

    @cached_property
    def _just_paused(self) -> bool:
        """Whether the stream is not read, or not for long enough again."""
        pause = self._interruptions.last_pause()
        return pause is not None and (pause.until is None or self._now - pause.until < self._window)
