"""Histories that several runs share, and reading of records that is done once for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from unittest.mock import patch

from simulation.source import Source, random_history, records_of

from qldbkit.journal.integrity import IntegrityError
from qldbkit.journal.records import RecordError, StreamRecord
from qldbkit.replay import gathering, intake

_verified = gathering.verified


@dataclass(frozen=True)
class History:
    """A source, which nobody changes any more, and the stream records of each of its blocks."""

    source: Source
    records: tuple[tuple[tuple[str, bytes], ...], ...]


@lru_cache(maxsize=4)
def history(seed: int, blocks: int, *, drops: bool) -> History:
    """The history of a seed; the scenarios of one seed follow each other, so that few are kept."""
    source = random_history(Random(seed), blocks, drops=drops)
    return History(source, tuple(tuple(records_of(each)) for each in source.blocks))


@lru_cache(maxsize=2**13)
def _sound(data: bytes) -> StreamRecord:
    return _verified(data)


def _read(data: bytes, position: str | None = None) -> StreamRecord:
    try:
        return _sound(data)
    except (RecordError, IntegrityError):
        return _verified(data, position)  # says where it is


@contextmanager
def read_once() -> Iterator[None]:
    """Records are read and verified once for each content, and not for each delivery.

    What is read follows from the bytes alone, and a run reads each record many times: fresh, from
    the settling buffer, and after each failure.
    """
    with patch.object(gathering, "verified", _read), patch.object(intake, "verified", _read):
        yield
