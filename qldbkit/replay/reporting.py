"""What a run tells the outside: metrics through the log, positions in the log, notes in the buffer.

A line of the log names positions and counts, and says what is wrong; it never holds what a document
does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics

from qldbkit.replay.buffer import SettlingBuffer
from qldbkit.replay.error_classes import class_of, sentence_of
from qldbkit.replay.metric_names import DIMENSION, NAMESPACE, UNITS, Metric
from qldbkit.replay.outcome import Figures, Outcome

RUNS: Final = "run"
"""The topic of the notes about runs."""
CLOCK: Final = "clock"
FAILURE: Final = "failure"
HELD: Final = "held"


def metrics_line(figures: Figures, destination: str) -> str:
    """One line of CloudWatch's embedded metric format, which Lambda's log turns into metrics."""
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_dimension(name=DIMENSION, value=destination)
    for name, value in figures.items():
        metrics.add_metric(name=name, unit=UNITS[Metric(name)], value=value)
    return json.dumps(metrics.serialize_metric_set(), separators=(",", ":"))


class Reports:
    """Reports what the runs of one process came to."""

    def __init__(
        self,
        destination: str,
        buffer: SettlingBuffer,
        *,
        clock: Callable[[], float],
        emit: Callable[[str], None] = print,
        logger: Logger | None = None,
    ):
        """Report about a destination.

        Args:
            destination: its name, the metrics' dimension.
            buffer: where the notes for `qldbkit.replay.status` are kept.
            clock: seconds since 1970.
            emit: takes each line of metrics; in Lambda, what is printed is logged.
            logger: takes the lines for people; its level is ``LOG_LEVEL``'s.
        """
        self._destination, self._buffer = destination, buffer
        self._clock, self._emit = clock, emit
        self._logger = logger or Logger(service="replay", location=None)

    def finished(self, outcome: Outcome) -> Figures:
        """A run came to an end; return its figures."""
        figures = outcome.figures()
        self._emit(metrics_line(figures, self._destination))
        if outcome.blocks or outcome.late:
            self._logger.info("applied", appliedTo=outcome.applied_to, blocks=outcome.blocks)
        for position, reason in outcome.set_aside:
            self._logger.error("quarantined", position=position, reason=reason)
        for hold in outcome.holds.values():
            overdue = hold.address.strand_id in outcome.overdue
            report = self._logger.error if overdue else self._logger.info
            report(hold.reason.value, position=str(hold.address), reason=hold.message)
        if outcome.standing is not None:
            self._note(CLOCK, figures=figures)
            note_held(self._buffer, outcome, self._clock())
        return figures

    def failed(self, error: Exception) -> None:
        """A run could not come to an end. Its error is raised by the caller all the same."""
        kind, sentence = class_of(error), sentence_of(error)
        self._logger.error("failed", errorClass=kind.value, reason=sentence)
        try:
            self._note(FAILURE, errorClass=kind.value, reason=sentence)
        except Exception as unnoted:
            # The first error is what the caller has to see; that it could not be noted is logged
            self._logger.warning("not noted", reason=sentence_of(unnoted))

    def _note(self, name: str, **facts: Any) -> None:
        text = json.dumps({"at": self._clock(), **facts}, separators=(",", ":"))
        self._buffer.note(RUNS, name, text)


def note_held(buffer: SettlingBuffer, outcome: Outcome, now: float) -> None:
    """Note what a drain found that replay is held by, for `qldbkit.replay.status`."""
    facts = {"at": now, "heldBy": outcome.held_by()}
    buffer.note(RUNS, HELD, json.dumps(facts, separators=(",", ":")))
