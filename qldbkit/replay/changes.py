"""Whether steps may be applied to what a destination holds, and as which changes.

Everything here is a pure function of what the destination's transaction has read, so that it may
run again when the transaction has to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import BlockSummary, Revision, TableInfo
from qldbkit.replay.checkpoint import Checkpoint, without
from qldbkit.replay.destination import (
    Change,
    Changes,
    Decide,
    DeleteDocument,
    DocumentEntry,
    EnterDeletion,
    InsertDocument,
    RedactDocument,
    RepairDocument,
    ReplaceDocument,
    State,
    UndropTableById,
)
from qldbkit.replay.errors import (
    CatalogOrderError,
    CheckpointMovedError,
    DestinationChangedError,
    ReplayError,
    RevisionMissingError,
    UnitTooLargeError,
)
from qldbkit.replay.fragments import Gap
from qldbkit.replay.plan import (
    CatalogStep,
    CreateTable,
    DropIndex,
    DropTable,
    RedactRevision,
    Step,
    UndropTable,
    WriteRevision,
)
from qldbkit.replay.skips import NOTHING_FORGIVEN, Forgiven
from qldbkit.replay.tables import TableBook
from qldbkit.replay.units import Unit, UnitLimits

REDACTED_FIELD = "_qldbkit_redacted"
"""The only field of a document whose revision came without its data; holds the data's hash."""


def in_order(
    unit: Unit,
    limits: UnitLimits,
    leaving: Sequence[Gap] = (),
    forgiven: Forgiven = NOTHING_FORGIVEN,
) -> Decide:
    """How to apply the unit that follows the checkpoint.

    A revision has to be the next of its document. The documents of a table whose CREATE TABLE was
    replayed begin at version 0; others may have begun before the stream did, and are inserted at
    the version they are first seen with.

    Args:
        unit: what to apply.
        limits: what the transaction may write.
        leaving: passed gaps that the checkpoint need not hold any longer.
        forgiven: documents that may go on over a hole, by an operator's order.

    The function raises:
        CheckpointMovedError: the destination is not at ``unit.before``.
        RevisionMissingError: a document's earlier revision is missing.
        DestinationChangedError: a document is at a version that only another writer can have made.
        UnitTooLargeError: more documents would be written than a transaction takes.
    """

    def decide(state: State) -> Changes:
        if state.checkpoint != unit.before:
            raise CheckpointMovedError(
                "another applier has moved the checkpoint", position=str(state.checkpoint)
            )
        held = () if state.checkpoint is None else state.checkpoint.gaps
        late = 0 if state.checkpoint is None else state.checkpoint.late
        gaps = (*(each for each in held if each not in leaving), *unit.gaps)
        writer = _Writer(state, forgiven)
        for each in unit.steps:
            writer.add(each)
        finished = tuple(each.summary for each in unit.finished)
        return writer.result(replace(unit.after, gaps=gaps, late=late), limits, finished)

    return decide


def after_the_fact(
    steps: Sequence[Step], limits: UnitLimits, finished: BlockSummary | None = None
) -> Decide:
    """How to apply steps of a block that came after what follows it had been applied.

    Args:
        steps: what to apply.
        limits: what the transaction may write.
        finished: the block, if these are the last of its steps.

    A revision that the destination already has, or is beyond, is left alone: a late block never
    takes a document back, and never brings a deleted one to life.

    The function raises:
        RevisionMissingError: a document's earlier revision is missing too.
        CatalogOrderError: the block drops or undrops a table, or writes to one that was dropped.
        UnitTooLargeError: more documents would be written than a transaction takes.
    """

    def decide(state: State) -> Changes:
        if state.checkpoint is None:
            raise CheckpointMovedError("the strand's checkpoint is gone")
        writer = _Writer(state, NOTHING_FORGIVEN)
        for each in steps:
            if _is_not_replayed(each, state.tables):
                continue
            _refuse_late_drop(each, state.tables)
            if not _has(state, each):
                writer.add(each)
        checkpoint, gaps = state.checkpoint, state.checkpoint.gaps
        if finished is not None:
            gaps = without(gaps, finished.address.sequence_no)
        return writer.result(
            replace(checkpoint, gaps=gaps, late=checkpoint.late + 1),
            limits,
            () if finished is None else (finished,),
        )

    return decide


def _refuse_late_drop(step: Step, tables: TableBook) -> None:
    dropped = {each.source_id for each in tables if not each.active}
    if isinstance(step, DropTable | UndropTable | DropIndex) or (
        isinstance(step, WriteRevision) and step.table.table_id in dropped
    ):
        raise CatalogOrderError(
            "a block that came too late drops a table or an index, or writes to a dropped table",
            hint="make the destination's tables what the source's are, then discard the block",
        )


def _is_not_replayed(step: Step, tables: TableBook) -> bool:
    """Whether the step undrops a table that may be left out, as no document of it was replayed."""
    return isinstance(step, UndropTable) and step.only_known and not tables.knows(step.source_id)


def _has(state: State, step: Step) -> bool:
    """Whether the destination has the step's revision, or is beyond it."""
    if not isinstance(step, WriteRevision):
        return False
    entry = state.documents.get(step.document_id)
    if entry is None:
        return False
    return entry.version is None or entry.version >= step.version


class _Writer:
    """Turns steps into changes, one after the other."""

    def __init__(self, state: State, forgiven: Forgiven) -> None:
        self._documents, self._forgiven = dict(state.documents), forgiven
        self._tables = self._first_tables = state.tables
        self._seen: set[str] = set()
        """Ids of tables that documents have named since a table was dropped or made."""
        self._changes: list[Change] = []

    def add(self, step: Step) -> None:
        """Take the next step."""
        if isinstance(step, WriteRevision):
            self._write(step)
        elif isinstance(step, RedactRevision):
            self._redact(step)
        elif not _is_not_replayed(step, self._tables):
            self._change_catalog(step)

    def result(
        self, checkpoint: Checkpoint, limits: UnitLimits, finished: tuple[BlockSummary, ...]
    ) -> Changes:
        """All changes, the checkpoint, and the book of tables if it has changed."""
        tables = None if self._tables == self._first_tables else self._tables
        documents = 1 + (tables is not None) + _documents_of(self._changes, limits)
        if documents > limits.documents and len(self._changes) > 1:
            raise UnitTooLargeError(f"{documents} documents are more than a transaction takes")
        return Changes(tuple(self._changes), checkpoint, tables, finished)

    def _change_catalog(self, step: CatalogStep) -> None:
        self._seen.clear()
        if isinstance(step, UndropTable):
            self._tables, table = self._tables.undropped(step.source_id)
            assert table.destination_id is not None  # `undropped` gives no other
            self._changes.append(UndropTableById(table.destination_id))
            return
        if isinstance(step, CreateTable):
            self._tables = self._tables.created(step.name)
        elif isinstance(step, DropTable):
            self._tables = self._tables.dropped(step.name)
        self._changes.append(step)

    def _write(self, step: WriteRevision) -> None:
        if step.table.table_id not in self._seen:
            self._see(step.table)
        entry = self._documents.get(step.document_id)
        if entry is None:
            self._first_seen(step)
            return
        held = entry.version
        if held == step.version - 1:
            self._revise(entry, step)
        elif self._goes_over(held, step):
            self._repair(entry, step)
        else:
            raise _out_of_order(held, step)

    def _see(self, table: TableInfo) -> None:
        """A document names its table."""
        self._tables, new = self._tables.seen(table)
        if new:
            self._changes.append(CreateTable(table.table_name))
        self._seen.add(table.table_id)

    def _first_seen(self, step: WriteRevision) -> None:
        table, id_, version, revision = step
        if (
            version > 0
            and self._tables.observed(table.table_id)
            and not self._forgiven.has(id_, None)
        ):
            raise _missing(step, "none")
        name, shown = table.table_name, None if revision.deleted else version
        self._changes.append(
            EnterDeletion(name, id_, version, revision)
            if shown is None
            else InsertDocument(name, id_, version, content(revision), revision)
        )
        # Met again only where the destination keeps the source's ids and versions: see
        # `UnitLimits.repeats`.
        self._documents[id_] = DocumentEntry(id_, id_, name, 0, shown)

    def _revise(self, entry: DocumentEntry, step: WriteRevision) -> None:
        revision = step.revision
        if revision.deleted:
            self._changes.append(DeleteDocument(entry, revision))
            self._documents[step.document_id] = entry.at(None)
        else:
            self._changes.append(ReplaceDocument(entry, content(revision), revision))
            self._documents[step.document_id] = entry.at(step.version)

    def _goes_over(self, held: int | None, step: WriteRevision) -> bool:
        """Whether revisions before this one are missing, and the document may go on without."""
        return (
            held is not None
            and held < step.version - 1
            and self._forgiven.has(step.document_id, held)
        )

    def _repair(self, entry: DocumentEntry, step: WriteRevision) -> None:
        """Write a revision of which earlier ones are missing."""
        a_view = entry.destination_id == entry.source_id  # which keeps the source's versions
        if a_view or step.revision.deleted:
            self._revise(entry, step)
            return
        change = RepairDocument(entry, step.version, content(step.revision))
        self._changes.append(change)
        self._documents[step.document_id] = change.repaired

    def _redact(self, step: RedactRevision) -> None:
        entry = self._documents.get(step.document_id)
        held = None if entry is None else entry.version
        if entry is None or (held is not None and held <= step.version):
            forgiven = self._forgiven.has(step.document_id, held)
            if not forgiven and (entry is not None or self._tables.observed(step.table_id)):
                raise _missing(step, "none" if held is None else f"version {held}")
        elif (place := entry.place_of(step.version)) is not None:
            destination_id, version = place
            redacted = entry._replace(destination_id=destination_id)
            self._changes.append(RedactDocument(redacted, version))


def _out_of_order(held: int | None, step: WriteRevision) -> ReplayError:
    """Why a revision cannot follow the version that the destination holds of its document."""
    if held is not None and held < step.version - 1:
        return _missing(step, f"version {held}")
    return DestinationChangedError(
        f"document {step.document_id} should be at version {step.version - 1} of the source"
        f" and is {'deleted' if held is None else f'at version {held}'}",
        position=str(step.revision.address),
        hint="compare the ledgers; the destination has another writer",
    )


def _missing(step: WriteRevision | RedactRevision, held: str) -> RevisionMissingError:
    if isinstance(step, RedactRevision):
        return RevisionMissingError(
            f"version {step.version} of document {step.document_id} is to be redacted, but it or"
            f" the one after it is missing; the destination has {held}"
        )
    return RevisionMissingError(
        f"version {step.version} of document {step.document_id} has come, but the one before it is"
        f" missing; the destination has {held}",
        position=str(step.revision.address),
    )


def _documents_of(changes: Iterable[Change], limits: UnitLimits) -> int:
    """How many documents are written, the map's included."""
    kinds = Counter(map(type, changes))
    new = kinds[InsertDocument] + kinds[RepairDocument]
    others = kinds[EnterDeletion] + kinds[ReplaceDocument] + kinds[DeleteDocument]
    return limits.new_document * new + others


def content(revision: Revision) -> IonSpan:
    """What the destination's document is to be.

    Of a revision that was redacted before it was streamed, only the data's hash is known: the
    document is then a tombstone ``{_qldbkit_redacted: hash}``, until its next revision comes. A
    redacted revision is not a deletion.
    """
    if revision.data is not None:
        return revision.data
    return IonSpan.of({REDACTED_FIELD: revision.data_hash})
