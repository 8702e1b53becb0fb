"""Batches are fetched while a destination's server writes, and nobody can tell but by the clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from generate_journal import blocks, write_export

from qldbkit.journal import parallel
from qldbkit.journal.sources.opening import open_source
from qldbkit.replay import refilling
from qldbkit.replay.ahead import Ahead
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.destination import Decide, Work
from qldbkit.replay.logical_restore import restore_into
from qldbkit.replay.memory_destination import MemoryDestination


def breaking(items: Sequence[str], error: BaseException, asked: list[str]) -> Iterator[str]:
    for each in items:
        asked.append(each)
        yield each
    raise error


def test_one_item_and_no_more_is_fetched_ahead() -> None:
    asked: list[str] = []
    items = Ahead(breaking("ab", OSError(), asked))
    items.fetch()
    items.fetch()
    assert asked == ["a"]
    assert next(items) == "a"
    assert asked == ["a"]


def test_what_cannot_be_fetched_is_raised_when_it_is_asked_for() -> None:
    items = Ahead(breaking("a", OSError("gone"), []))
    assert next(items) == "a"
    items.fetch()
    with pytest.raises(OSError, match="gone"):
        next(items)
    items.fetch()
    assert list(items) == []


def test_an_interruption_is_not_put_off() -> None:
    items = Ahead(breaking("", KeyboardInterrupt(), []))
    with pytest.raises(KeyboardInterrupt):
        items.fetch()


class Overlapped(MemoryDestination):
    """Does the work in each of its transactions, and may then be interrupted."""

    def __init__(self) -> None:
        super().__init__()
        self.work: Work | None = None
        self.transactions, self.interrupted_at = 0, -1

    @contextmanager
    def overlapped(self, work: Work) -> Iterator[None]:
        self.work = work
        yield
        self.work = None

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        self.transactions += 1
        if self.work is not None:
            self.work()
        if self.transactions == self.interrupted_at:
            raise KeyboardInterrupt
        return super().transact(strand_id, documents, decide)


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(parallel, "BATCH", 10)
    monkeypatch.setattr(refilling, "BLOCKS_AT_ONCE", 20)
    write_export(tmp_path, blocks(300), "ION_BINARY")
    return tmp_path


def restored(export: Path, destination: MemoryDestination, **options: Any) -> Any:
    return restore_into(open_source(str(export)), destination, MemoryBuffer(), **options)


@pytest.mark.parametrize("processes", [0, 1])
def test_a_restore_that_fetches_ahead_gives_the_same(export: Path, processes: int) -> None:
    plain, ahead = MemoryDestination(), Overlapped()
    told: list[tuple[int, int]] = []
    expected = restored(export, plain, progress=lambda *done: told.append(done))
    told_ahead: list[tuple[int, int]] = []
    found = restored(
        export, ahead, processes=processes, progress=lambda *done: told_ahead.append(done)
    )
    assert found == expected
    assert told_ahead == told
    assert ahead.documents() == plain.documents() != {}
    assert ahead.work is None


def test_what_precedes_a_source_that_fails_is_applied(
    export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_source(str(export))
    stored = list(source.stored_blocks())

    def failing() -> Iterator[Any]:
        yield from stored[:50]
        raise OSError("the disk is gone")

    monkeypatch.setattr(source, "stored_blocks", failing)
    destination = Overlapped()
    with pytest.raises(OSError, match="the disk is gone"):
        restore_into(source, destination, MemoryBuffer())
    (checkpoint,) = destination.checkpoints()
    assert checkpoint.sequence_no == 39


def test_an_interrupted_restore_goes_on_where_it_ended(export: Path) -> None:
    destination = Overlapped()
    destination.interrupted_at = 5
    with pytest.raises(KeyboardInterrupt):
        restored(export, destination)
    report = restored(export, destination)
    plain = MemoryDestination()
    restored(export, plain)
    assert report.exit_status == 0
    assert destination.documents() == plain.documents()
