"""What an operator does about records in quarantine: look, try again, or give up.

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

from qldbkit.replay.applier import Applier
from qldbkit.replay.buffer import SettlingBuffer, not_quarantined
from qldbkit.replay.error_classes import sentence_of
from qldbkit.replay.errors import OrderRefusedError
from qldbkit.replay.fragments import QuarantineEntry
from qldbkit.replay.outcome import Outcome

ORDERS: Final = "order"
"""The topic of the notes about orders."""
UNDER_WAY: Final = "under way"


class Action(StrEnum):
    """What can be ordered."""

    REDRIVE = "redrive"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class Order:
    """What an operator ordered.

    Attributes:
        at: when, in UTC, as ISO 8601 writes it.
        who: who gave the order.
        action: what was ordered.
        position: the record's.
        reason: why; empty only for a redrive.
        result: what became of it; `UNDER_WAY` until then, and for ever if the command was killed.
    """

    at: str
    who: str
    action: Action
    position: str
    reason: str
    result: str = UNDER_WAY


class Quarantine:
    """The quarantine of one replay, for an operator."""

    def __init__(
        self,
        buffer: SettlingBuffer,
        applier: Applier,
        *,
        who: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ):
        """Operate on a buffer's quarantine.

        Args:
            buffer: where the records and the orders are kept.
            applier: what a record is fed to again; it may run beside the deployed functions, which
                the destination's checkpoint fences it against.
            who: who gives the orders.
            now: the time, in UTC.
        """
        self._buffer, self._applier, self._who, self._now = buffer, applier, who, now

    def entries(self) -> Iterator[QuarantineEntry]:
        """What is in quarantine."""
        return self._buffer.quarantine_index()

    def payload(self, position: str) -> bytes:
        """A record's bytes.

        Raises:
            NotQuarantinedError: there is none at that position.
        """
        return self._buffer.quarantined_payload(position)

    def redrive(self, position: str, reason: str = "", payload: bytes | None = None) -> Order:
        """Feed a record to the replay again, which puts it in its place in the order.

        It leaves quarantine when it is applied, waits in the settling buffer for what precedes it,
        or turns out to be known already. One that is refused again stays.

        Args:
            position: the record's.
            reason: why, if that is worth saying.
            payload: bytes to take in the place of those that are kept, such as a sound copy.

        Raises:
            NotQuarantinedError: there is none at that position.
            Exception: the destination or the buffer failed; the record stays.
        """
        kept = self._buffer.quarantined_payload(position)

        def feed() -> str:
            outcome = self._applier.redrive(kept if payload is None else payload, position)
            refused = dict(outcome.set_aside)
            if position not in refused:
                self._buffer.discard(position)
            return _became_of(outcome, position)

        return self._carry_out(Action.REDRIVE, position, reason, feed)

    def discard(self, position: str, reason: str) -> Order:
        """Give a record up: replay goes on as if it had never come.

        Raises:
            OrderRefusedError: no reason is given.
            NotQuarantinedError: there is none at that position.
        """
        if not reason.strip():
            raise OrderRefusedError(
                "a record is not given up without a reason", hint="give one with --reason"
            )
        if all(each.position != position for each in self.entries()):
            raise not_quarantined(position)

        def drop() -> str:
            self._buffer.discard(position)
            return "discarded"

        return self._carry_out(Action.DISCARD, position, reason, drop)

    def orders(self) -> Iterator[Order]:
        """All orders that were ever given, the oldest first."""
        for text in self._buffer.notes(ORDERS).values():
            found = json.loads(text)
            yield Order(**{**found, "action": Action(found["action"])})

    def _carry_out(
        self, action: Action, position: str, reason: str, act: Callable[[], str]
    ) -> Order:
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


def _became_of(outcome: Outcome, position: str) -> str:
    refused = dict(outcome.set_aside)
    if position in refused:
        return f"still in quarantine: {refused[position]}"
    if refused:
        return f"{len(refused)} of its records are in quarantine, each at its own position"
    if outcome.blocks or outcome.late:
        return f"replayed: {outcome.blocks + outcome.late} blocks were applied"
    if outcome.buffered:
        return "waits in the settling buffer for what precedes or completes it"
    return "was known already"
