"""How far a command is in a journal: blocks, revisions, rate and time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

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


def journal_progress(source: JournalSource, *, quiet: bool) -> AbstractContextManager[Told]:
    """A bar on standard error, to be told of blocks and revisions; nothing when ``quiet``."""
    return counting_progress(source.expected_blocks, quiet=quiet)


@contextmanager
def counting_progress(
    expected_blocks: Callable[[], int | None] | None, *, quiet: bool
) -> Iterator[Told]:
    """The same, of blocks of which it may be unknown how many there are."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=quiet or not console.is_terminal
    ) as progress:
        task = progress.add_task("reading", total=None, rate="")

        def told(blocks: int, revisions: int) -> None:
            elapsed = progress.tasks[0].elapsed or 0.0
            progress.update(
                task,
                completed=blocks,
                total=None if expected_blocks is None else expected_blocks(),
                description=f"{blocks:,} blocks, {revisions:,} revisions",
                rate=f"{revisions / elapsed:,.0f} revisions/s" if elapsed else "",
            )

        yield told


@contextmanager
def counting_documents(*, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A line on standard error, to be told of documents; nothing when ``quiet``."""
    with Console(stderr=True, quiet=quiet).status("reading") as line:
        yield lambda documents: line.update(f"{documents:,} documents")
