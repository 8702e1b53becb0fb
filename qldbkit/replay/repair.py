"""Bringing a destination's documents to the source's, where a comparison found them different.

A repair writes what the source's documents were at the destination's checkpoint, so that replay
goes on behind it as if they had never been different, and changes nothing that only lags. What
the source knows has to reach as far as the checkpoint: it would undo what came later. It is
recorded in the transactions that make it, and fenced like a replay by the checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from qldbkit.journal.hashes import ion_hash
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.compare import UNMAPPED, Comparison, Difference
from qldbkit.replay.destination import (
    Change,
    Changes,
    DeleteDocument,
    Destination,
    DocumentEntry,
    InsertDocument,
    RecordRepair,
    RepairDocument,
    ReviveDocument,
    State,
)
from qldbkit.replay.errors import CheckpointMovedError, ReplayError
from qldbkit.replay.plan import CreateTable
from qldbkit.replay.repair_source import RepairSource, SourceRevision

DOCUMENTS_AT_ONCE: Final = 15
"""Documents that one transaction repairs; each has a row in the map, and QLDB takes 40."""
BYTES_AT_ONCE: Final = 1_000_000
"""Bytes of documents at which a transaction is full earlier."""
FENCED_ATTEMPTS: Final = 5
"""How often documents are looked up again when replay has gone on meanwhile."""


class RepairRefusedError(ReplayError):
    """The destination cannot be repaired from this source."""


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What a repair did.

    Attributes:
        checkpoint: the position of the source that documents were brought to.
        repaired: what was written, each as ``table: id at version``.
        left: differences that were left: what only lags, and what the source says nothing of.
    """

    checkpoint: Checkpoint
    repaired: tuple[str, ...]
    left: tuple[Difference, ...]

    def to_json(self) -> dict[str, Any]:
        """The report as JSON members."""
        return {
            "strandId": self.checkpoint.strand_id,
            "sequenceNo": self.checkpoint.sequence_no,
            "repaired": list(self.repaired),
            "left": [each.to_json() for each in self.left],
        }


@dataclass(frozen=True, slots=True)
class _Case:
    """A document that differs, and what it was in the source."""

    difference: Difference
    revisions: Sequence[SourceRevision]

    @property
    def unmapped_id(self) -> str | None:
        """The destination's id of a document that did not come from the source."""
        id_ = self.difference.document_id
        return id_.removeprefix(UNMAPPED) if id_.startswith(UNMAPPED) else None

    @property
    def size(self) -> int:
        """Bytes of its largest revision."""
        sizes = (each.data.end - each.data.start for each in self.revisions if each.data)
        return max(sizes, default=0)

    def at(self, checkpoint: Checkpoint) -> SourceRevision | None:
        """The revision that was current at the checkpoint; None if there was none."""
        reached = [
            each for each in self.revisions if each.address.sequence_no <= checkpoint.sequence_no
        ]
        return reached[-1] if reached else None


def repair(
    source: RepairSource,
    destination: Destination,
    strand_id: str,
    comparison: Comparison,
    *,
    who: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> RepairReport:
    """Bring the documents that a comparison names to what they are in the source.

    Tables that are missing are made; tables that only the destination has are left, with all that
    is in them.

    Args:
        source: the source's side of the comparison.
        destination: where to write.
        strand_id: the source's journal.
        comparison: what differs; at most `MAX_DIFFERENCES` documents are named, so that a
            comparison has to be made again afterwards in any case.
        who: who ordered it.
        now: the time, in UTC.

    Raises:
        RepairRefusedError: nothing was replayed of the source, a block is applied in part, or the
            source is another journal.
        Exception: a side cannot be read, or the destination not be written.
    """
    checkpoint = _within_reach(source, destination.checkpoint(strand_id))
    _make_tables(destination, strand_id, comparison)
    repaired: list[str] = []
    strange = frozenset(comparison.extra_tables)
    left = [each for each in comparison.differences if each.table in strange]
    ours = [each for each in comparison.differences if each.table not in strange]
    for differences in _batches(ours):
        chosen = _repair_batch(source, destination, strand_id, differences, (who, now))
        repaired += chosen.done
        left += chosen.left
        checkpoint = chosen.at
    return RepairReport(checkpoint, tuple(repaired), tuple(left))


def _repair_batch(
    source: RepairSource,
    destination: Destination,
    strand_id: str,
    differences: Sequence[Difference],
    order: tuple[str, Callable[[], datetime]],
) -> _Chosen:
    """Repair documents by what the source says after the checkpoint was read."""
    for _ in range(FENCED_ATTEMPTS):
        at = _within_reach(source, destination.checkpoint(strand_id))
        cases = [_case(source, each, strand_id) for each in differences]
        chosen = _Chosen(cases, at, source.name(), order)
        try:
            for part in _fitting(cases):
                chosen.transact(destination, strand_id, part)
        except CheckpointMovedError:
            continue
        return chosen
    raise RepairRefusedError(
        "the destination is replayed into all the time", hint="pause the replay, and repair again"
    )


class _Chosen:
    """What is repaired at a checkpoint: decided anew each time that a transaction is done again."""

    def __init__(
        self,
        cases: Sequence[_Case],
        at: Checkpoint,
        source: str,
        order: tuple[str, Callable[[], datetime]],
    ):
        self.at = at
        self.done: list[str] = []
        self.left: list[Difference] = []
        self._cases, self._source = cases, source
        self._who, self._now = order

    def transact(self, destination: Destination, strand_id: str, cases: Sequence[_Case]) -> None:
        """Repair some of the documents in one transaction."""
        documents = [each.difference.document_id for each in cases if each.unmapped_id is None]
        done: list[str] = []
        left: list[Difference] = []

        def decide(state: State) -> Changes:
            done.clear()
            left.clear()
            return self._decide(state, cases, done, left)

        destination.transact(strand_id, documents, decide)
        self.done += done
        self.left += left

    def _decide(
        self, state: State, cases: Sequence[_Case], done: list[str], left: list[Difference]
    ) -> Changes:
        if state.checkpoint != self.at:
            raise CheckpointMovedError("replay has gone on", position=str(state.checkpoint))
        checkpoint, changes = _checked(state.checkpoint), list[Change]()
        tables = state.tables
        for each in cases:
            target = each.at(checkpoint)
            change = _change(each, target, state)
            if change is None:
                left.append(each.difference)
                continue
            if isinstance(change, InsertDocument) and tables != tables.created(change.table):
                tables = tables.created(change.table)  # it was left out until now
                changes.append(CreateTable(change.table))
            changes.append(change)
            done.append(_sentence(each.difference, change, target))
        if changes:
            at = self._now().isoformat(timespec="microseconds")
            changes.append(RecordRepair(at, self._who, self._source, tuple(done)))
        return Changes(tuple(changes), checkpoint, None if tables == state.tables else tables)


def _change(case: _Case, target: SourceRevision | None, state: State) -> Change | None:
    """What brings a document to the source's revision; None if nothing is to be done."""
    difference = case.difference
    entry = state.documents.get(difference.document_id)
    if case.unmapped_id is not None:
        return DeleteDocument(DocumentEntry("", case.unmapped_id, difference.table, 0, 0))
    if target is None:
        return None
    if target.data is None:
        alive = entry is not None and entry.version is not None
        return DeleteDocument(entry) if entry is not None and alive else None
    if ion_hash(target.data) == difference.destination_digest:
        return None
    if entry is None:
        return InsertDocument(difference.table, difference.document_id, target.version, target.data)
    if entry.version is None:
        return ReviveDocument(entry, target.version, target.data)
    return RepairDocument(entry, target.version, target.data)


def _sentence(difference: Difference, change: Change, target: SourceRevision | None) -> str:
    named = f"{difference.table}: {difference.document_id}"
    if isinstance(change, DeleteDocument) or target is None:
        return f"{named} deleted"
    return f"{named} at version {target.version}"


def _make_tables(destination: Destination, strand_id: str, comparison: Comparison) -> None:
    """Make the tables that are missing though the replay made them."""
    missing = set(comparison.missing_tables)
    if not missing:
        return

    def decide(state: State) -> Changes:
        made = [each.name for each in state.tables if each.active and each.name in missing]
        changes = tuple(CreateTable(each) for each in made)
        return Changes(changes, _checked(state.checkpoint), None)

    destination.transact(strand_id, (), decide)


def _batches(differences: Sequence[Difference]) -> Iterator[Sequence[Difference]]:
    for at in range(0, len(differences), DOCUMENTS_AT_ONCE):
        yield differences[at : at + DOCUMENTS_AT_ONCE]


def _case(source: RepairSource, difference: Difference, strand_id: str) -> _Case:
    known = not difference.document_id.startswith(UNMAPPED)
    revisions = source.revisions(difference.table, difference.document_id) if known else ()
    _check_strand(revisions, strand_id)
    return _Case(difference, revisions)


def _fitting(cases: Sequence[_Case]) -> Iterator[list[_Case]]:
    """The documents in as many transactions as their bytes need."""
    part: list[_Case] = []
    size = 0
    for each in cases:
        if part and size + each.size > BYTES_AT_ONCE:
            yield part
            part, size = [], 0
        part.append(each)
        size += each.size
    if part:
        yield part


def _check_strand(revisions: Sequence[SourceRevision], strand_id: str) -> None:
    for each in revisions:
        if each.address.strand_id != strand_id:
            raise RepairRefusedError(
                f"the source is journal {each.address.strand_id}, and the destination replays"
                f" {strand_id}"
            )


def _within_reach(source: RepairSource, checkpoint: Checkpoint | None) -> Checkpoint:
    """The checkpoint, if the source knows all that was replayed."""
    checked, reach = _checked(checkpoint), source.reach()
    if reach is not None and checked.sequence_no > reach:
        raise RepairRefusedError(
            f"the destination is ahead of the source, which ends at block {reach}",
            position=str(checked),
            hint="repair from a journal that has everything that was replayed, or pause the replay"
            " until it has",
        )
    return checked


def _checked(checkpoint: Checkpoint | None) -> Checkpoint:
    if checkpoint is None:
        raise RepairRefusedError(
            "nothing of the source was replayed into the destination",
            hint="fill it with qldbkit restore --into-destination",
        )
    if checkpoint.part is not None:
        raise RepairRefusedError(
            "a block is applied in part", position=str(checkpoint), hint="let replay finish it"
        )
    return checkpoint
