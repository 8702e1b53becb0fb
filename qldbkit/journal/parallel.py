"""Proving blocks in several processes, in order and with a bound on what is in memory."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import Any, Final

from qldbkit.errors import QldbkitError
from qldbkit.journal.findings import Finding, FindingKind
from qldbkit.journal.garbage import COLLECTION_THRESHOLD, rare_collections
from qldbkit.journal.model import Block
from qldbkit.journal.outcome import Outcome
from qldbkit.journal.proving import prove
from qldbkit.journal.sources.stored import StoredBlock

BATCH: Final = 200
"""Blocks that are handed to another process at once."""
BATCH_BYTES: Final = 512 * 1024
"""Bytes of blocks at which a batch is full earlier."""
AHEAD: Final = 3
"""Batches that wait for every process, so that none is idle."""

Found = StoredBlock | Finding
Batch = list[Found]
Make = Callable[[Block], Any]


def proven(
    found: Iterator[Found], processes: int, make: Make | None = None
) -> Generator[list[tuple[Found, Outcome]], None, None]:
    """What was found with what became of it, in its order, batch by batch.

    Args:
        found: blocks, and what could not be read as one.
        processes: how many others share the work; their outcomes come without the blocks. 0 to
            do it in this one.
        make: what is made of each whole block where it is proven: a function of a module, whose
            result can be pickled.
    """
    with rare_collections():
        if processes:
            yield from _shared(found, processes, make)
        else:
            for batch in batches(found):
                yield list(zip(batch, outcomes_of(batch, make), strict=True))


def _shared(
    found: Iterator[Found], processes: int, make: Make | None
) -> Generator[list[tuple[Found, Outcome]], None, None]:
    # Forking is the quickest, but not safe with threads around; spawned processes always are. It
    # takes them a second to start, in which this process does the work.
    with ProcessPoolExecutor(
        processes, get_context("spawn"), gc.set_threshold, (COLLECTION_THRESHOLD,)
    ) as executor:
        starting = [executor.submit(outcomes_of, (), make) for _ in range(processes)]
        running: deque[tuple[Batch, Future[list[Outcome]]]] = deque()
        for batch in batches(found):
            if not running and are_starting(starting):
                yield list(zip(batch, outcomes_of(batch, make), strict=True))
                continue
            running.append((batch, executor.submit(outcomes_of, batch, make)))
            if len(running) > processes * AHEAD:
                yield _finished(running.popleft())
        while running:
            yield _finished(running.popleft())


def are_starting(begun: Sequence[Future[Any]]) -> bool:
    """Whether none of the processes has done anything yet."""
    return not any(each.done() for each in begun)


def _finished(work: tuple[Batch, Future[list[Outcome]]]) -> list[tuple[Found, Outcome]]:
    batch, future = work
    return list(zip(batch, future.result(), strict=True))


def outcome_of(found: Found) -> Outcome:
    """What became of a block; of what could not be read as one, that."""
    return (
        Outcome(None, None, (found,), whole=False) if isinstance(found, Finding) else prove(found)
    )


def outcomes_of(batch: Sequence[Found], make: Make | None = None) -> list[Outcome]:
    """What became of each, with what is to be made of those that are whole."""
    outcomes = list(map(outcome_of, batch))
    return outcomes if make is None else [_with_made(each, make) for each in outcomes]


def _with_made(outcome: Outcome, make: Make) -> Outcome:
    block = outcome.block
    if block is None or not outcome.whole:
        return outcome
    try:
        return Outcome(block, outcome.facts, outcome.findings, True, make(block))
    except QldbkitError as error:
        place = None if outcome.facts is None else outcome.facts.place
        reason = f"it cannot be taken over: {error.message}"
        finding = Finding(FindingKind.DAMAGED, reason, block.address, place)
        findings = (*outcome.findings, finding)
        return replace(outcome, findings=findings, whole=False)


def batches(found: Iterator[Found]) -> Iterator[Batch]:
    """Batches of bounded count and size."""
    batch: Batch = []
    size = 0
    for each in found:
        batch.append(each)
        if isinstance(each, StoredBlock):
            size += sum(len(part.data) for part in each.parts)
        if len(batch) >= BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
