"""A view in OpenSearch: an index for each table, a document for each document.

OpenSearch has no transactions. What a transaction is to write, and the checkpoint, are committed by
one conditional write of one document (see `record`), and then carried out. So two appliers fence
each other before either has written anything, a crash at any point leaves all of a transaction or
none of it, and what is committed is carried out by whoever comes next.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.compare import DocumentDigest
from qldbkit.replay.destination import Decide, DocumentEntry, State
from qldbkit.replay.units import UnitLimits
from qldbkit.replay.views.opensearch import names, reading, schema
from qldbkit.replay.views.opensearch.cluster import Cluster, Stored
from qldbkit.replay.views.opensearch.commit import Draft
from qldbkit.replay.views.opensearch.documents import ENTRY_FIELDS, Standing, Write, standing
from qldbkit.replay.views.opensearch.errors import (
    OpenSearchUnavailableError,
    OpenSearchViewError,
    WriteConflictError,
)
from qldbkit.replay.views.opensearch.reading import Unindexed
from qldbkit.replay.views.opensearch.record import RECORD_ID, Record, decoded, encoded
from qldbkit.replay.views.opensearch.schema import Layout
from qldbkit.replay.views.opensearch.writing import Writer

LIMITS: Final = UnitLimits(
    documents=1000, bytes=2_000_000, blocks=1000, new_document=1, repeats=True
)
"""Of one transaction: with the Ion, and JSON beside it, some 6 MB in two requests or three. Of a
document's revisions in it, the last is written."""
CONFLICTS: Final = 5
"""How often a transaction is done again that another one was faster than."""
CATALOG_ATTEMPTS: Final = 5
"""How often the aliases are looked at again, when tables were changed meanwhile."""
STANDINGS_KNOWN: Final = 50_000
"""Documents of which a view remembers how they stand."""
PLACES_AT_ONCE: Final = 10_000
"""Documents that one request looks for: as many times as there are tables that may have them."""


@dataclass(frozen=True, slots=True)
class _Committed:
    """The record as it was read or written last.

    Attributes:
        record: what it says.
        stored: what a conditional write has to name; None if nothing was ever committed.
        carried_out: whether all that it writes elsewhere is known to be there.
    """

    record: Record
    stored: Stored | None
    carried_out: bool


class OpenSearchView:
    """Keeps `qldbkit.replay.views.view.View`'s contract."""

    def __init__(
        self,
        cluster: Cluster,
        name: str,
        *,
        layout: Layout | None = None,
        writer: Writer | None = None,
        close: Callable[[], None] = lambda: None,
    ):
        """Replay into a cluster.

        Args:
            cluster: where the indices are.
            name: begins their names.
            layout: of indices that are made from now on.
            writer: how commits are carried out.
            close: gives back the connections.
        """
        self._cluster, self._name = cluster, names.check_view_name(name)
        self._layout, self._close = layout or Layout(), close
        self._writer = writer or Writer(cluster)
        self._bookkeeping = names.bookkeeping_index(name)
        self._committed: _Committed | None = None
        self._standings: OrderedDict[str, Standing] = OrderedDict()

    @property
    def limits(self) -> UnitLimits:
        """What one of its transactions takes."""
        return LIMITS

    def prepare(self) -> None:
        """Make the template, the bookkeeping's index, and what the tables lack.

        Raises:
            OpenSearchViewError: indices of the name are there, and no bookkeeping of theirs.
            OpenSearchUnavailableError, OpenSearchRefusedError: see `Cluster`.
        """
        committed = self._read()
        if committed.stored is None:
            self._refuse_strangers()
        self._cluster.put_template(self._name, schema.template(self._name, self._layout))
        self._cluster.create_index(self._bookkeeping, schema.bookkeeping_body(self._layout))
        self._carry_out(committed)
        self._reconcile(committed.record)

    def checkpoint(self, strand_id: str) -> Checkpoint | None:
        """How far a journal was replayed; what is committed is carried out first.

        Raises:
            OpenSearchUnavailableError, OpenSearchRefusedError: see `Cluster`.
        """
        return self._carry_out(self._read()).record.checkpoint(strand_id)

    def checkpoints(self) -> list[Checkpoint]:
        """The checkpoint of every journal that was ever replayed into it.

        Raises:
            OpenSearchUnavailableError, OpenSearchRefusedError: see `Cluster`.
        """
        return [each.checkpoint for each in self._read().record.strands.values()]

    def transact(self, strand_id: str, documents: Sequence[str], decide: Decide) -> Checkpoint:
        """Commit what ``decide`` says, and carry it out.

        Raises:
            OpenSearchUnavailableError: OpenSearch does not answer, or others were faster each
                time. It may be committed: `checkpoint` says so.
            OpenSearchRefusedError: see `Cluster`.
            Exception: what ``decide`` raises of what is there.
        """
        for _ in range(1 + CONFLICTS):
            before = self._carry_out(self._committed or self._read())
            if before.stored is None:
                self.prepare()
            known = self._known(before.record, documents)
            try:
                changes = decide(_state(before.record, strand_id, known))
            except Exception:
                if self._read() is before:
                    raise
                continue  # it was told what is no longer so
            draft = Draft(self._name, before.record, known)
            after = self._commit(before, draft.finish(strand_id, changes), draft.standings)
            if after is not None:
                self._carry_out(after, fresh=True)
                return changes.checkpoint
        raise OpenSearchUnavailableError("other writers of the view were faster each time")

    def tables(self) -> frozenset[str]:
        """The names of the active tables."""
        return frozenset(each.name for each in self._read().record.tables if each.active)

    def digests(self) -> Iterator[DocumentDigest]:
        """Every current document once, by the Ion hash of what is kept."""
        return reading.digests(self._cluster, self._read().record)

    def unindexed(self) -> Iterator[Unindexed]:
        """The current documents that queries do not see."""
        return reading.unindexed(self._cluster, self._read().record)

    def unindexed_documents(self) -> int:
        """How many there are, as far as searches see them by now."""
        return reading.unindexed_documents(self._cluster, self._read().record)

    def index_again(self) -> int:
        """Have the documents indexed again that could not be; return how many still are not.

        A document that is changed meanwhile stays as it was changed.

        Raises:
            OpenSearchUnavailableError, OpenSearchRefusedError: see `Cluster`.
        """
        for commit, write in reading.indexable(self._cluster, self._read().record):
            self._writer.write(commit, [write])
        return sum(1 for _ in self.unindexed())

    def close(self) -> None:
        """Give back connections."""
        self._close()

    def _read(self) -> _Committed:
        """The record as it is now; what is remembered of another one is forgotten."""
        stored = self._cluster.get(self._bookkeeping, RECORD_ID)
        before = self._committed
        if before is not None and _place(before.stored) == _place(stored):
            return before
        self._forget()
        record = Record() if stored is None else decoded(stored.source)
        self._committed = _Committed(record, stored, carried_out=_is_whole(record))
        return self._committed

    def _commit(
        self, before: _Committed, record: Record, standings: Mapping[str, Standing]
    ) -> _Committed | None:
        """Write the record if it is still what was read; None if it is not."""
        try:
            place = self._cluster.put(self._bookkeeping, RECORD_ID, encoded(record), before.stored)
        except WriteConflictError:
            self._forget()
            return None
        except Exception:
            self._forget()  # whether it was written is not known
            raise
        stored = Stored(self._bookkeeping, RECORD_ID, record.commit, {}, place)
        self._committed = _Committed(record, stored, carried_out=_is_whole(record))
        self._remember(standings)
        return self._committed

    def _carry_out(self, committed: _Committed, *, fresh: bool = False) -> _Committed:
        """Write what a commit says is elsewhere, unless that is known to be done.

        Args:
            committed: what to carry out.
            fresh: whether it was committed just now, so that nothing of it can be there.
        """
        if committed.carried_out:
            return committed
        record = committed.record
        if record.catalog_changed:
            self._reconcile(record)
        writes: Sequence[Write] = record.writes
        self._writer.write(
            record.commit, writes if fresh else self._writer.missing(record.commit, writes)
        )
        done = replace(committed, carried_out=True)
        if self._committed is committed:
            self._committed = done
        return done

    def _reconcile(self, record: Record) -> None:
        """Bring indices and aliases to the tables, also if those change meanwhile."""
        for _ in range(CATALOG_ATTEMPTS):
            schema.reconcile(self._cluster, self._name, record)
            stored = self._cluster.get(self._bookkeeping, RECORD_ID)
            now = Record() if stored is None else decoded(stored.source)
            if now.tables == record.tables:
                return
            record = now
        raise OpenSearchUnavailableError("the view's tables change again and again")

    def _known(self, record: Record, ids: Sequence[str]) -> dict[str, Standing]:
        """How those of the documents stand that are there."""
        found = {each: self._standings[each] for each in ids if each in self._standings}
        unknown = [each for each in ids if each not in found]
        indices = [each.index for each in record.tables]
        at_once = max(1, PLACES_AT_ONCE // max(1, len(indices)))
        for at in range(0, len(unknown), at_once):
            places = [(index, id_) for id_ in unknown[at : at + at_once] for index in indices]
            for (index, id_), stored in self._cluster.many(places, ENTRY_FIELDS).items():
                stands = standing(index, stored.source)
                if stands is not None:
                    found[id_] = stands
        self._remember(found)
        return found

    def _remember(self, standings: Mapping[str, Standing]) -> None:
        for id_, each in standings.items():
            self._standings[id_] = each
            self._standings.move_to_end(id_)
        while len(self._standings) > STANDINGS_KNOWN:
            self._standings.popitem(last=False)

    def _refuse_strangers(self) -> None:
        if not self._cluster.aliases(names.table_pattern(self._name)):
            return
        if self._read().stored is None:
            raise OpenSearchViewError(
                f"there are indices {names.table_pattern(self._name)}, and no"
                f" {self._bookkeeping} that says how far they were replayed",
                hint="delete them, or give the view another name",
            )

    def _forget(self) -> None:
        self._committed = None
        self._standings.clear()


def _place(stored: Stored | None) -> tuple[int, int] | None:
    return None if stored is None else stored.place


def _is_whole(record: Record) -> bool:
    """Whether a commit writes nothing elsewhere."""
    return not record.writes and not record.catalog_changed


def _state(record: Record, strand_id: str, known: Mapping[str, Standing]) -> State:
    tables = record.by_index()
    entries = {}
    for id_, each in known.items():
        table = tables[each.index]
        alive = table.active and not each.deleted
        version = each.version if alive else None
        entries[id_] = DocumentEntry(id_, id_, table.name, 0, version)
    return State(record.checkpoint(strand_id), record.book(strand_id), entries)
