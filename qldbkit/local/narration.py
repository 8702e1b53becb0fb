"""Tells a person what a long command is doing, on a terminal and in a plain log alike."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.status import Status

_LOG_INTERVAL = 5.0


@dataclass(slots=True)
class Step:
    """One step of the command while it runs.

    Attributes:
        title: what is done.
        result: what came out, shown when the step is done.
    """

    title: str
    result: str = ""
    _console: Console = field(default_factory=Console, repr=False)
    _status: Status | None = field(default=None, repr=False)
    _shown: float = field(default_factory=time.monotonic, repr=False)

    def progress(self, text: str) -> None:
        """Show how far the step is: at once on a terminal, every few seconds in a log."""
        if not text.strip():
            return
        if self._status is not None:
            self._status.update(f"{self.title}: {text}")
        elif time.monotonic() - self._shown > _LOG_INTERVAL:
            self._shown = time.monotonic()
            self._console.print(
                f"        {text.strip()}", markup=False, highlight=False, soft_wrap=True
            )


class Narrator:
    """Prints each step of a command as it begins and ends.

    Args:
        console: where to.
    """

    def __init__(self, console: Console):
        self.console = console

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show ``title`` while the ``with`` block runs, then how long it took."""
        started = time.monotonic()
        with self._running(title) as step:
            try:
                yield step
            except BaseException:
                self._print(f"[red]failed[/]  {title}", started)
                raise
        result = f": {step.result}" if step.result else ""
        self._print(f"[green]done[/]    {title}{result}", started)

    @contextmanager
    def _running(self, title: str) -> Iterator[Step]:
        if not self.console.is_terminal:
            self.console.print(f"begin   {title}", highlight=False, soft_wrap=True)
            yield Step(title, _console=self.console)
            return
        with self.console.status(title) as status:
            yield Step(title, _console=self.console, _status=status)

    def _print(self, text: str, started: float) -> None:
        seconds = time.monotonic() - started
        self.console.print(f"{text} [dim]({seconds:.1f} s)[/]", highlight=False, soft_wrap=True)
