"""What a run has to put up with."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from qldbkit.replay.routing import ALL_TABLES, TableRouting


@dataclass(frozen=True)
class Conditions:
    """What a run has to put up with.

    Attributes:
        blocks: in the source's journal.
        first: the sequence number that the stream begins with.
        shards: at the beginning.
        reshards: whether the number of shards changes.
        delay: seconds by which a record may come late.
        doubled: chance of a record's being in the stream twice.
        redelivered: chance of a batch's being delivered again although it succeeded.
        failing: chance of a failure at each point.
        lost: chance of a record's not being in the stream.
        damaged: chance of a record's being damaged in the stream, beside a sound one.
        interleaved: chance of another function's running in the middle of a commit.
        drops: whether tables are dropped.
        tables: which are replayed, and as what.
        paused: chance of a pause, at each step of the time.
        retention: seconds that the stream keeps a record, if the replay is ever away for longer.
    """

    blocks: int = 24
    first: int = 0
    shards: int = 1
    reshards: bool = False
    delay: float = 0.0
    doubled: float = 0.0
    redelivered: float = 0.0
    failing: float = 0.0
    lost: float = 0.0
    damaged: float = 0.0
    interleaved: float = 0.0
    drops: bool = True
    tables: TableRouting = ALL_TABLES
    paused: float = 0.0
    retention: float = inf
