"""How the replay stands, again and again, for a page that shows it live."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from qldbkit.console.asked import Answer, Asked
from qldbkit.console.settings import ConsoleLimits
from qldbkit.errors import QldbkitError
from qldbkit.replay.buffer import SettlingBuffer
from qldbkit.replay.fragments import QuarantineEntry
from qldbkit.replay.status import Positions, ReplayStatus, replay_status


@dataclass(frozen=True, slots=True)
class ReplayParts:
    """What a replay's state is read from.

    Attributes:
        source: the source ledger's name; None if it is not known.
        destination: the destination ledger's name.
        positions: says how far the destination is.
        buffer: the settling buffer.
        control: boto3's client of the source's control plane.
    """

    source: str | None
    destination: str
    positions: Positions
    buffer: SettlingBuffer
    control: Any


class FindReplay(Protocol):
    """Finds the deployed replay."""

    def __call__(self) -> ReplayParts:
        """Its parts, as they are deployed now.

        Raises:
            QldbkitError: nothing is deployed.
        """


@dataclass(frozen=True, slots=True)
class Sample:
    """How the replay stood at one moment.

    Attributes:
        at: seconds since 1970.
        seconds_behind: of the strand that is furthest behind.
        blocks_behind: of all strands; None if the source is unknown.
        waiting: blocks in the settling buffer.
    """

    at: float
    seconds_behind: float
    blocks_behind: int | None
    waiting: int


class ReplayPages:
    """Looks at the replay when somebody asks, and remembers what it saw.

    However many ask, it looks at most once every ``sample_seconds``, and one look at a time.

    Args:
        find: finds the deployed replay.
        limits: how much is kept, and how often it looks.
        clock: seconds since 1970.
    """

    def __init__(
        self, find: FindReplay, limits: ConsoleLimits, clock: Callable[[], float] = time.time
    ):
        self._find = find
        self._limits = limits
        self._clock = clock
        self._looking = threading.Lock()
        self._samples: deque[Sample] = deque(maxlen=limits.samples)
        self._seen: Answer = {"status": None, "unknown": "Nobody has looked yet.", "hint": None}
        self._looked_at: float | None = None

    def replay(self, asked: Asked) -> Answer:
        """The state as it was seen last, and the samples behind ``since`` (seconds since 1970)."""
        since = float(asked.number("since") or 0)
        # Who has something to show does not wait for somebody else's look
        patience = self._limits.look_seconds if self._looked_at is None else 0
        if self._looking.acquire(timeout=patience):
            try:
                if self._is_due():
                    self._look()
            finally:
                self._looking.release()
        return {
            **self._seen,
            "at": self._looked_at,
            "samples": [asdict(each) for each in list(self._samples) if each.at > since],
        }

    def _is_due(self) -> bool:
        last = self._looked_at
        return last is None or self._clock() - last >= self._limits.sample_seconds

    def _look(self) -> None:
        now = self._clock()
        try:
            parts = self._find()
            status = replay_status(
                parts.destination,
                parts.positions,
                parts.buffer,
                now=now,
                control=parts.control,
                source=parts.source,
            )
            quarantined = list(islice(parts.buffer.quarantine_index(), self._limits.quarantined))
        except (QldbkitError, ClientError, BotoCoreError) as error:
            hint = error.hint if isinstance(error, QldbkitError) else None
            self._seen = {"status": None, "unknown": _sentence(error), "hint": hint}
        else:
            self._samples.append(_sample(status, now))
            self._seen = {
                "status": {**status.as_dict(), "source": parts.source},
                "quarantine": [_entry(each) for each in quarantined],
                "unknown": None,
                "hint": None,
            }
        self._looked_at = self._clock()


def _sample(status: ReplayStatus, now: float) -> Sample:
    behind = [each.blocks_behind for each in status.strands]
    return Sample(
        at=now,
        seconds_behind=max((each.seconds_behind for each in status.strands), default=0.0),
        blocks_behind=sum(each or 0 for each in behind) if set(behind) - {None} else None,
        waiting=sum(each.waiting for each in status.strands),
    )


def _entry(entry: QuarantineEntry) -> Answer:
    return {
        "position": entry.position,
        "reason": entry.reason,
        "at": entry.quarantined_at,
        "attempts": entry.attempts,
        "size": entry.size,
    }


def _sentence(error: Exception) -> str:
    if isinstance(error, QldbkitError):
        return error.message
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Message") or error)
    return str(error)
