"""Every type of Ion survives the replay into a ledger, while requests and answers are lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import hypothesis
import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st
from ion_strategies import documents
from simulation.delivery import kinesis_event
from simulation.source import Source, Write, records_of

from qldbkit.journal.ion import IonSpan
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.ledger_client import LedgerClient
from qldbkit.replay.ledger_destination import LedgerDestination
from qldbkit.replay.retrying import Backoff, RetryingDestination
from qldbkit.replay.session_wire import Answer, Request, SessionWire

LOST = 0.05
"""Chance of a request's not arriving, and of its answer's not arriving."""
PATIENT = Backoff(attempts=30)


class FailingWire(SessionWire):
    """Loses requests, which are then not worked on, and answers to requests that were."""

    random: Random
    lost: int

    def post(self, request: Request) -> None:
        if self._fails():
            raise ConnectionClosedError(endpoint_url=self._url)
        super().post(request)

    def answer(self, name: str) -> Answer:
        found = super().answer(name)
        if self._fails():
            raise ReadTimeoutError(endpoint_url=self._url)
        return found

    def _fails(self) -> bool:
        fails = self.random.random() < LOST
        self.lost += fails
        return fails


def history(written: Sequence[IonSpan], random: Random) -> Source:
    """Documents that are inserted, several at a time, and become other ones of them."""
    source = Source()
    source.create_table("Kept")
    left = list(written)
    while left:
        taken = [left.pop() for _ in range(min(len(left), random.randint(1, 4)))]
        source.insert("Kept", *taken)
    for id_ in random.sample(sorted(source.documents), len(source.documents) // 2):
        source.write("Kept", [Write(id_, random.choice(written))])
    return source


def revisions_of(source: Source) -> Counter[tuple[int, bytes]]:
    """Version and hash of the data of each revision."""
    return Counter(
        (revision.metadata.version, revision.data.hash())
        for block in source.blocks
        for revision in block.revisions
        if revision.metadata is not None and revision.data is not None
    )


def kept_revisions(ledger: Any) -> Counter[tuple[int, bytes]]:
    """The same of what a ledger's journal has of the table."""
    found: Counter[tuple[int, bytes]] = Counter()
    for block in ledger.blocks(0):
        for revision in block.revisions:
            table = block.table_of(revision)
            if table is not None and table.table_name == "Kept":
                found[revision.metadata.version, revision.data.hash()] += 1
    return found


@pytest.mark.parametrize("seed", range(5))
def test_each_document_arrives_once_as_it_was_written(user: Any, seed: int) -> None:
    made: list[str] = []
    lost = 0

    @hypothesis.seed(seed)
    @settings(max_examples=5, deadline=None, database=None)
    @given(st.lists(documents(), min_size=1, max_size=12))
    def replayed(written: list[IonSpan]) -> None:
        nonlocal lost
        made.append(f"copy{seed}of{len(made)}")
        user.create(made[-1])
        source = history(written, Random(seed))
        wire = FailingWire(
            user.server.endpoint_url, "us-east-1", user.aws_session.get_credentials()
        )
        wire.random, wire.lost = Random(seed), 0
        client = LedgerClient(made[-1], wire, PATIENT, pause=lambda _: None)
        destination = RetryingDestination(LedgerDestination(client), PATIENT, pause=lambda _: None)
        applier = Applier(destination, MemoryBuffer(), lambda: 2e9, ReplayPolicy())
        for block in source.blocks:
            assert applier.handle(kinesis_event(records_of(block))).problems() == []
        lost += wire.lost
        assert kept_revisions(user.server.service.ledger(made[-1])) == revisions_of(source)

    replayed()
    assert lost > 0
