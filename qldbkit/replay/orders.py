"""What operators order, on record.

Every order is written down in the settling buffer before it is carried out, with who gave it, when
and why, and afterwards with what became of it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from qldbkit.replay.buffer import SettlingBuffer
from qldbkit.replay.error_classes import sentence_of

ORDERS: Final = "order"
"""The topic of the notes about orders."""
UNDER_WAY: Final = "under way"


class Action(StrEnum):
    """What can be ordered."""

    REDRIVE = "redrive"
    DISCARD = "discard"
    REFILL = "refill"
    RESYNC = "resync"
    SKIP = "skip"
    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Order:
    """What an operator ordered.

    Attributes:
        at: when, in UTC, as ISO 8601 writes it.
        who: who gave the order.
        action: what was ordered.
        position: what it is about: a record's position, a block, tables, a function, or where a
            journal is.
        reason: why; it may be empty where nothing is given up.
        result: what became of it; `UNDER_WAY` until then, and for ever if the command was killed.
    """

    at: str
    who: str
    action: Action
    position: str
    reason: str
    result: str = UNDER_WAY


class Orders:
    """The orders of one replay's operators."""

    def __init__(
        self,
        buffer: SettlingBuffer,
        *,
        who: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ):
        """Record orders in a buffer.

        Args:
            buffer: where they are kept.
            who: who gives those that are given here.
            now: the time, in UTC.
        """
        self._buffer, self._who, self._now = buffer, who, now

    def given(self) -> Iterator[Order]:
        """All orders that were ever given, the oldest first."""
        for text in self._buffer.notes(ORDERS).values():
            found = json.loads(text)
            yield Order(**{**found, "action": Action(found["action"])})

    def carry_out(
        self, action: Action, position: str, reason: str, act: Callable[[], str]
    ) -> Order:
        """Do what is ordered, on record before and after.

        Args:
            action: what is ordered.
            position: what it is about.
            reason: why.
            act: does it, and says what became of it.

        Raises:
            Exception: whatever ``act`` raises; that is on record then.
        """
        at = self._now().isoformat(timespec="microseconds")
        order = Order(at, self._who, action, position, reason)
        name = f"{at} {secrets.token_hex(4)}"
        self._write(name, order)
        try:
            order = replace(order, result=act())
        except Exception as error:
            self._write(name, replace(order, result=f"failed: {sentence_of(error)}"))
            raise
        self._write(name, order)
        return order

    def _write(self, name: str, order: Order) -> None:
        self._buffer.note(ORDERS, name, json.dumps(asdict(order), separators=(",", ":")))
