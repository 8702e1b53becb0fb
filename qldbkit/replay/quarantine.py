"""What an operator does about records in quarantine: look, try again, or give up; all on record."""

from __future__ import annotations

from collections.abc import Iterator

from qldbkit.replay.applier import Applier
from qldbkit.replay.buffer import SettlingBuffer, not_quarantined
from qldbkit.replay.errors import OrderRefusedError
from qldbkit.replay.fragments import QuarantineEntry
from qldbkit.replay.orders import Action, Order, Orders
from qldbkit.replay.outcome import Outcome


class Quarantine:
    """The quarantine of one replay, for an operator."""

    def __init__(self, buffer: SettlingBuffer, applier: Applier, orders: Orders):
        """Operate on a buffer's quarantine.

        Args:
            buffer: where the records are kept.
            applier: what a record is fed to again; it may run beside the deployed functions, which
                the destination's checkpoint fences it against.
            orders: where what is ordered is recorded.
        """
        self._buffer, self._applier, self._orders = buffer, applier, orders

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

        return self._orders.carry_out(Action.REDRIVE, position, reason, feed)

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

        return self._orders.carry_out(Action.DISCARD, position, reason, drop)


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
