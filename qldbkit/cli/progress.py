"""How far a command is in a journal: blocks, revisions, rate and time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from qldbkit.journal.sources.stored import JournalSource

Told = Callable[[int, int], None]


@contextmanager
def journal_progress(source: JournalSource, *, quiet: bool) -> Iterator[Told]:
    """A bar on standard error, to be told of blocks and revisions; nothing when ``quiet``."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
        task = progress.add_task("reading", total=None, rate="")

        def told(blocks: int, revisions: int) -> None:
            elapsed = progress.tasks[0].elapsed or 0.0
            progress.update(
                task,
                completed=blocks,
                total=source.expected_blocks(),
                description=f"{blocks:,} blocks, {revisions:,} revisions",
                rate=f"{revisions / elapsed:,.0f} revisions/s" if elapsed else "",
            )

        yield told
