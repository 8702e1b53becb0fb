"""A stream, its shards, the functions that read them, and everything that can go wrong between.

The replay's own code runs unchanged; the clock, the stream, the service that calls the functions,
the destination and the settling buffer are simulated. All chance comes from one seed.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from random import Random
from typing import Any

from aws_kinesis_agg import MAGIC
from simulation.conditions import Conditions
from simulation.delivery import kinesis_event
from simulation.faults import CrashError, Faults, FaultyBuffer, InterruptedDestination
from simulation.histories import history, read_once
from simulation.source import SPACING, START, Documents, Source, is_streamed
from simulation.subject import MEMORY, Subject, digest_of

from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.errors import RetryableError
from qldbkit.replay.fragments import Fragment
from qldbkit.replay.interruptions import Interruptions
from qldbkit.replay.outcome import Outcome
from qldbkit.replay.retrying import RetryingDestination
from qldbkit.replay.settle import Hold
from qldbkit.replay.skipping import go_on_over
from qldbkit.replay.units import UnitLimits

WINDOW = 120.0
ROUNDS = 20_000
"""More than any run takes; one that takes more has stopped moving."""

Digests = dict[tuple[str, str], bytes]
"""The hashes of documents, by table and source id."""


@dataclass
class Shard:
    """Records in the order in which the shard has them, each with when it can be read."""

    records: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    parents: tuple[Shard, ...] = ()
    batch: list[dict[str, Any]] = field(default_factory=list)


class Simulation:
    """One run, decided by its seed and its conditions."""

    def __init__(
        self,
        seed: int,
        conditions: Conditions,
        subject: Subject = MEMORY,
        crash_at: int | None = None,
    ):
        self.random = Random(seed)
        self.conditions, self.subject = conditions, subject
        self.history = history(seed, conditions.blocks, drops=conditions.drops)
        self.source: Source = self.history.source
        self.faults = Faults(Random(seed + 1), at=crash_at)
        self.inner = subject.make(self.faults.interrupt)
        self.destination = InterruptedDestination(self.inner, self.faults.point)
        self.retrying = RetryingDestination(
            self.destination, pause=self._wait, chance=self.faults.random.random
        )
        self.buffer = FaultyBuffer(self.faults)
        self.now = START.timestamp()
        self.policy = ReplayPolicy(
            settle_window=WINDOW,
            limits=UnitLimits(
                documents=self.random.choice((4, 12, 40)), blocks=self.random.choice((1, 5, 40))
            ),
            tables=conditions.tables,
            retention=conditions.retention,
        )
        self.missing: list[tuple[str, bytes]] = []
        self.expired: list[dict[str, Any]] = []
        self.shards: list[Shard] = []
        self.appliers: dict[int, Applier] = {}
        self.crashes = self.retries = self.pauses = self.skips = 0
        self.gaps = self.late = self.fenced = self.quarantined = self.held = 0
        self.nested = False
        self.recent: list[list[dict[str, Any]]] = []
        self.looked_at = -1
        """Transactions that there were when the documents were last looked at."""

    def run(self, after_each: Callable[[Simulation], None] = lambda _: None) -> None:
        """Deliver the whole stream, whatever fails, then let everything settle."""
        with read_once():
            self._run(after_each)

    def _run(self, after_each: Callable[[Simulation], None]) -> None:
        self._fill_shards()
        self.faults.chance = self.conditions.failing
        self.faults.interleave = self._interleave
        rounds, next_drain = 0, self.now + 60.0
        may_be_away = self.conditions.retention < inf
        away_from = self.now + self.random.uniform(130.0, 180.0) if may_be_away else inf
        while any(shard.records or shard.batch for shard in self.shards):
            rounds += 1
            assert rounds < ROUNDS, "the stream is not being read"
            self.now += self.random.random() * 4
            if self.now >= away_from and self.checkpoint() is not None:
                away_from = inf
                self._be_away()
            if self.random.random() < self.conditions.paused:
                self._pause()
            self._deliver_somewhere()
            if self.now >= next_drain:
                next_drain = self.now + 60.0
                self._drain()
            after_each(self)
        self._settle()
        after_each(self)

    def repair(self) -> None:
        """Deliver what was not in the stream, as from the archive."""
        with read_once():
            for strand_record in self.missing:
                self._call(0, kinesis_event([strand_record]))
            self.missing.clear()
            for record in self.expired:
                self._call(0, {"Records": [record]})
            self.expired.clear()
            for each in list(self.buffer.quarantine_index()):
                self.buffer.discard(each.position)
            self._settle()

    def last_drain(self) -> Outcome:
        """What the next drain reports."""
        return self._applier(-1).drain()

    def checkpoint(self) -> Checkpoint | None:
        """How far the destination is."""
        with self.faults.paused():
            return self.destination.checkpoint(self.source.strand_id)

    def found(self) -> Digests:
        """The documents that the destination has."""
        with self.faults.paused():
            found = list(self.inner.digests())
        return {(each.table, each.document_id): each.digest for each in found}

    def expected(self) -> Digests:
        """What the replayed documents of the source were at the destination's checkpoint."""
        checkpoint = self.checkpoint()
        return self.replayed(
            {} if checkpoint is None else self.source.after[checkpoint.sequence_no]
        )

    def replayed(self, documents: Documents) -> Digests:
        """Those of the source's documents that the destination is to have, as it names them."""
        name_of = self.conditions.tables.name_of
        named = {(name_of(table), id_): data for (table, id_), data in documents.items()}
        return {
            (name, id_): digest_of(data) for (name, id_), data in named.items() if name is not None
        }

    def revision_counts(self) -> dict[str, int]:
        """How many revisions the destination has of each document, if it keeps them."""
        return dict(self.subject.revision_counts(self.inner))

    def has_changed(self) -> bool:
        """Whether anything can have been written since this was last asked."""
        before, self.looked_at = self.looked_at, self.destination.transactions
        return before != self.looked_at

    def whole_blocks_are_lost(self) -> bool:
        """Whether nothing of some block came, and no later revision says that it was there.

        A stream cannot tell such a block from one that only read: comparing the ledgers can.
        """
        lost = {data for _, data in self.missing}
        return any(
            records and all(data in lost for _, data in records) for records in self.history.records
        )

    def ends_with_what_expired(self) -> bool:
        """Whether nothing came behind what expired, so that nobody can know of it yet."""
        checkpoint = self.checkpoint()
        at = -1 if checkpoint is None else checkpoint.sequence_no
        return not any(each.address.sequence_no > at for each in self.kept())

    def kept(self) -> list[Fragment]:
        """What the settling buffer has."""
        return list(self.buffer.fragments(self.source.strand_id, 0))

    def go_on(self) -> None:
        """Order to go on over whatever is held, until nothing is; what fails is ordered again."""
        self.faults.chance = self.conditions.failing * 5
        for _ in range(ROUNDS):
            self.now += WINDOW
            try:
                outcome = self.last_drain()
                if not outcome.holds:
                    break
                for hold in outcome.holds.values():
                    go_on_over(hold, self._applier(-1), self.destination, self.buffer)
                    self.skips += 1
            except (CrashError, RetryableError):
                self.appliers.clear()
        self._settle()  # what an interrupted drain has left is cleared by the next

    def last_written_by_sound_blocks(self) -> set[str]:
        """The documents whose last revision is of a block of which nothing was lost."""
        lost, sound = {data for _, data in self.missing}, set[str]()
        for block, records in zip(self.source.blocks, self.history.records, strict=True):
            written = {each.metadata.id for each in block.revisions if each.metadata is not None}
            is_whole = not any(data in lost for _, data in records)
            sound = sound | written if is_whole else sound - written
        return sound

    def is_phantom(self, hold: Hold) -> bool:
        """Whether what a strand waits for is a block that was never in the stream."""
        at = hold.address.sequence_no
        return at >= len(self.source.blocks) or not is_streamed(self.source.blocks[at])

    def _pause(self) -> None:
        """Nobody reads for a while, by an operator's order."""
        interruptions = Interruptions(self.buffer, self.conditions.retention)
        with self.faults.paused():
            interruptions.pause(self.now)
            self.now += self.random.random() * 2 * WINDOW
            interruptions.resume(self.now)
        self.pauses += 1

    def _be_away(self) -> None:
        """Nobody reads for longer than the stream keeps its records."""
        retention = self.conditions.retention
        self.now += retention * self.random.uniform(1.0, 1.1)
        for shard in self.shards:
            kept = [each for each in shard.records if each[0] >= self.now - retention]
            self.expired += [each for at, each in shard.records if at < self.now - retention]
            self.expired += shard.batch
            shard.records, shard.batch = kept, []

    def _fill_shards(self) -> None:
        times = self._arrivals()
        count = self.conditions.shards
        self.shards = [Shard() for _ in range(count)]
        open_shards = list(self.shards)
        pack: dict[int, list[tuple[str, bytes]]] = {}
        last = 0.0
        for arrival, record in times:
            if self.conditions.reshards and self.random.random() < 0.02:
                self._flush(pack, open_shards, last)
                open_shards = self._reshard(open_shards)
            index = self.random.randrange(len(open_shards))
            pack.setdefault(index, []).append(record)
            last = arrival
            if self.random.random() < 0.5:
                self._flush({index: pack.pop(index)}, open_shards, arrival)
        self._flush(pack, open_shards, last)

    def _reshard(self, shards: list[Shard]) -> list[Shard]:
        """One shard is split in two, or two are merged into one."""
        parents = shards[: self.random.choice((1, 2))]
        children = [Shard(parents=tuple(parents)) for _ in range(3 - len(parents))]
        self.shards.extend(children)
        return [each for each in shards if each not in parents] + children

    def _flush(
        self, packs: dict[int, list[tuple[str, bytes]]], shards: list[Shard], arrival: float
    ) -> None:
        for index, records in packs.items():
            for each in kinesis_event(records)["Records"]:
                each["kinesis"]["approximateArrivalTimestamp"] = arrival
                shards[index].records.append((arrival, each))
                if self.random.random() < self.conditions.damaged:
                    shards[index].records.append((arrival, self._damaged_pack(each)))
        packs.clear()

    def _arrivals(self) -> list[tuple[float, tuple[str, bytes]]]:
        """All stream records by when they come."""
        conditions, found = self.conditions, []
        for block in self.source.blocks[conditions.first :]:
            for record in self.history.records[block.address.sequence_no]:
                if self.random.random() < conditions.lost:
                    self.missing.append(record)
                    continue
                at = self.now + block.address.sequence_no * SPACING
                if self.random.random() < conditions.damaged:
                    found.append((at, self._damaged(record)))
                for _ in range(1 + (self.random.random() < conditions.doubled)):
                    found.append((at + self.random.random() * conditions.delay, record))
        return sorted(found, key=lambda each: each[0])

    def _damaged(self, record: tuple[str, bytes]) -> tuple[str, bytes]:
        key, data = record
        at = self.random.randrange(4, len(data))
        return key, data[:at] + bytes([data[at] ^ (1 << self.random.randrange(8))]) + data[at + 1 :]

    def _damaged_pack(self, record: dict[str, Any]) -> dict[str, Any]:
        """A Kinesis record with everything that is packed in it, damaged behind its magic bytes."""
        body = record["kinesis"]
        data = b64decode(body["data"])
        at = self.random.randrange(len(MAGIC), len(data))
        wrong = data[:at] + bytes([data[at] ^ (1 << self.random.randrange(8))]) + data[at + 1 :]
        name = f"{body['sequenceNumber']}0000"
        return {
            "eventID": f"shardId-000000000000:{name}",
            "kinesis": {**body, "sequenceNumber": name, "data": b64encode(wrong).decode()},
        }

    def _deliver_somewhere(self) -> None:
        ready = [
            index
            for index, shard in enumerate(self.shards)
            if (shard.batch or (shard.records and shard.records[0][0] <= self.now))
            and not any(parent.records or parent.batch for parent in shard.parents)
        ]
        if ready:
            self._deliver(self.random.choice(ready))

    def _deliver(self, index: int) -> None:
        """What is due of a shard, or the batch that failed, once more and exactly the same."""
        shard = self.shards[index]
        if not shard.batch:
            size = self.random.randint(1, 6)
            while shard.records and shard.records[0][0] <= self.now and len(shard.batch) < size:
                shard.batch.append(shard.records.pop(0)[1])
        batch = shard.batch
        self.recent = [*self.recent[-3:], list(batch)]
        if self._call(index, {"Records": batch}):
            if self.random.random() >= self.conditions.redelivered:
                shard.batch = []
            elif self.random.random() < 0.5:
                self.appliers.pop(index, None)

    def _interleave(self) -> None:
        """Another function's batch, in the middle of a commit."""
        interleaved = 0.0 if self.subject.locks else self.conditions.interleaved
        if self.nested or self.random.random() >= interleaved:
            return
        self.nested = True
        try:
            self._call(-2, {"Records": self._some_batch()})
        finally:
            self.nested = False

    def _some_batch(self) -> list[dict[str, Any]]:
        """What another function is given: a batch that is under way or was, a second time."""
        return self.random.choice(self.recent) if self.recent else []

    def _call(self, index: int, event: dict[str, Any]) -> bool:
        """Call a function; return whether it succeeded. One that failed has lost its memory."""
        try:
            outcome = self._applier(index).handle(event)
        except (CrashError, RetryableError):
            self.crashes += 1
            self.appliers.pop(index, None)
            return False
        self._count(outcome)
        return True

    def _wait(self, seconds: float) -> None:
        self.now += seconds
        self.retries += 1

    def _drain(self) -> None:
        try:
            self._count(self._applier(-1).drain())
        except (CrashError, RetryableError):
            self.crashes += 1
            self.appliers.pop(-1, None)

    def _count(self, outcome: Outcome) -> None:
        self.gaps += outcome.gaps
        self.late += outcome.late
        self.fenced += outcome.fenced
        self.quarantined += outcome.quarantined
        self.held += len(outcome.overdue)

    def _settle(self) -> None:
        self.faults.stop()
        for _ in range(3):
            self.now += WINDOW
            self._drain()

    def _applier(self, index: int) -> Applier:
        if index not in self.appliers:
            self.appliers[index] = Applier(
                self.retrying, self.buffer, lambda: self.now, self.policy
            )
        return self.appliers[index]
