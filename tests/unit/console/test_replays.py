"""The replay as it is seen: never oftener than it may be, and in a sentence where it is not."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from qldbkit.console.replays import ReplayPages, ReplayParts
from qldbkit.console.settings import ConsoleLimits
from qldbkit.errors import QldbkitError
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.fragments import QuarantinedRecord

STRAND = "BlFTjlSXze9BIh1KOszcE3"
LIMITS = ConsoleLimits(samples=5, sample_seconds=1.0, quarantined=2, look_seconds=5.0)


class Source:
    """The control plane of a source, of which a test moves the tip."""

    def __init__(self, tip: int) -> None:
        self.tip = tip

    def get_digest(self, **_asked: Any) -> Any:
        address = f'{{strandId: "{STRAND}", sequenceNo: {self.tip}}}'
        return {"Digest": b"", "DigestTipAddress": {"IonText": address}}

    def get_block(self, **_asked: Any) -> Any:
        return {"Block": {"IonText": "{blockTimestamp: 1970-01-01T00:16:30.000Z}"}}


class Watched:
    """A replay, how often it was looked for, and a clock that a test moves."""

    def __init__(self) -> None:
        self.now, self.looks = 1_000.0, 0
        self.applied = 7
        self.source, self.buffer = Source(9), MemoryBuffer()
        self.error: Exception | None = None
        self.pages = ReplayPages(self.find, LIMITS, lambda: self.now)

    def checkpoints(self) -> list[Checkpoint]:
        return [Checkpoint(STRAND, self.applied, b"h" * 32)]

    def find(self) -> ReplayParts:
        self.looks += 1
        if self.error is not None:
            raise self.error
        return ReplayParts("Source", "Destination", self, self.buffer, self.source)


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_it_says_how_far_source_and_destination_are(watched: Watched, ask: Any) -> None:
    found = watched.pages.replay(ask())
    (strand,) = found["status"]["strands"]
    assert (strand["applied"], strand["blocks_behind"]) == (7, 2)
    assert strand["seconds_behind"] == 10.0
    (sample,) = found["samples"]
    assert sample == {"at": 1_000.0, "seconds_behind": 10.0, "blocks_behind": 2, "waiting": 0}


def test_however_many_ask_it_looks_once_in_a_while(watched: Watched, ask: Any) -> None:
    for _ in range(5):
        watched.pages.replay(ask())
    assert watched.looks == 1
    watched.now += 1.0
    watched.pages.replay(ask())
    assert watched.looks == 2


def test_only_so_many_moments_are_kept_and_each_is_told_once(watched: Watched, ask: Any) -> None:
    for _ in range(8):
        watched.now += 2.0
        found = watched.pages.replay(ask())
    assert [each["at"] for each in found["samples"]] == [
        1_008.0,
        1_010.0,
        1_012.0,
        1_014.0,
        1_016.0,
    ]
    assert [each["at"] for each in watched.pages.replay(ask(since=1_014))["samples"]] == [1_016.0]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (QldbkitError("nothing is deployed", hint="cdk deploy"), "nothing is deployed"),
        (ClientError({"Error": {"Code": "X", "Message": "table is gone"}}, "Query"), "gone"),
    ],
)
def test_what_cannot_be_seen_is_said_and_looked_for_again(
    watched: Watched, ask: Any, error: Exception, sentence: str
) -> None:
    watched.error = error
    found = watched.pages.replay(ask())
    assert found["status"] is None
    assert sentence in found["unknown"]
    assert found["samples"] == []
    watched.error = None
    watched.now += 2.0
    assert watched.pages.replay(ask())["status"]["destination"] == "Destination"


def test_the_quarantine_is_listed_up_to_a_bound_without_its_payloads(
    watched: Watched, ask: Any
) -> None:
    watched.buffer.quarantine(
        [QuarantinedRecord(f"shard, {each}", "damaged", b"secret", 900.0) for each in range(3)]
    )
    found = watched.pages.replay(ask())
    assert len(found["quarantine"]) == LIMITS.quarantined
    assert found["status"]["quarantined"] == 3
    assert found["status"]["healthy"] is False
    assert "secret" not in str(found)


def test_two_who_ask_at_once_do_not_look_twice(watched: Watched, ask: Any) -> None:
    slow, go_on = threading.Event(), threading.Event()
    find = watched.find

    def find_slowly() -> ReplayParts:
        slow.set()
        assert go_on.wait(10)
        return find()

    watched.pages = ReplayPages(find_slowly, LIMITS, lambda: watched.now)
    answers: list[Any] = []
    asking = [
        threading.Thread(target=lambda: answers.append(watched.pages.replay(ask())))
        for _ in range(3)
    ]
    for each in asking:
        each.start()
    assert slow.wait(10)
    go_on.set()
    for each in asking:
        each.join(10)
    assert watched.looks == 1
    assert [each["status"]["destination"] for each in answers] == ["Destination"] * 3
