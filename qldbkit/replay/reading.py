"""Whether a deployed replay reads its stream, and how an operator stops it and lets it go on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from qldbkit.errors import QldbkitError

ENABLED: Final = "Enabled"
DISABLED: Final = "Disabled"
PATIENCE: Final = 180.0
"""Seconds that Lambda is given to begin or to stop reading a stream; it takes up to a minute."""
LOOK_EVERY: Final = 2.0


class ReadingError(QldbkitError):
    """The replay's functions cannot be told to read the stream, or to stop reading it."""


@dataclass(frozen=True, slots=True)
class ReadingState:
    """Whether the stream is read.

    Attributes:
        batches: the state of the event source mapping in Lambda's words, such as ``Enabled``.
        clock: whether the clock's rule is enabled.
    """

    batches: str
    clock: bool

    @property
    def reads(self) -> bool:
        """Whether both functions are called."""
        return self.batches == ENABLED and self.clock

    def __str__(self) -> str:
        return f"the event source mapping is {self.batches}, the clock's rule is " + (
            "enabled" if self.clock else "disabled"
        )


class StreamReading:
    """The two things that call a deployed replay: Lambda's reading of the stream, and a clock."""

    def __init__(
        self,
        functions: Any,
        events: Any,
        *,
        function: str,
        rule: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ):
        """Work on a deployed replay.

        Args:
            functions: boto3's Lambda client.
            events: boto3's EventBridge client.
            function: the name of the function that takes the stream's batches.
            rule: the name of the clock's rule.
            clock: seconds, for waiting.
            sleep: waits for so many seconds.
        """
        self._functions, self._events = functions, events
        self._function, self._rule = function, rule
        self._clock, self._sleep = clock, sleep

    def state(self) -> ReadingState:
        """How it is now.

        Raises:
            ReadingError: the function reads no stream.
            ClientError: AWS refuses.
        """
        rule = self._events.describe_rule(Name=self._rule)
        return ReadingState(self._mapping()["State"], rule["State"] == "ENABLED")

    def stop(self) -> None:
        """Stop both; a batch that is under way comes to its end first.

        Raises:
            ReadingError: it has not stopped after `PATIENCE`.
            ClientError: AWS refuses.
        """
        self._events.disable_rule(Name=self._rule)
        self._turn(DISABLED, on=False)

    def start(self) -> None:
        """Start both; Lambda goes on where it has stopped reading.

        Raises:
            ReadingError: it does not read after `PATIENCE`.
            ClientError: AWS refuses.
        """
        self._turn(ENABLED, on=True)
        self._events.enable_rule(Name=self._rule)

    def _turn(self, wanted: str, *, on: bool) -> None:
        mapping = self._mapping()
        if mapping["State"] != wanted:
            self._functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)
        deadline = self._clock() + PATIENCE
        while (state := self._mapping()["State"]) != wanted:
            if self._clock() >= deadline:
                raise ReadingError(
                    f"after {PATIENCE:.0f} seconds the event source mapping is still {state}",
                    hint="order it again",
                )
            self._sleep(LOOK_EVERY)

    def _mapping(self) -> Any:
        answer = self._functions.list_event_source_mappings(FunctionName=self._function)
        mappings = answer["EventSourceMappings"]
        if len(mappings) != 1:
            raise ReadingError(f"{self._function} reads {len(mappings)} streams, and not one")
        return mappings[0]
