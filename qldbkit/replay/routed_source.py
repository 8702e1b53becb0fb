"""The source's side of a comparison, as far as it is replayed and under the destination's names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from qldbkit.replay.compare import DocumentDigest
from qldbkit.replay.repair_source import RepairSource, SourceRevision
from qldbkit.replay.routing import TableRouting


class RoutedSource:
    """A source whose tables are filtered and renamed as the replay does it."""

    def __init__(self, source: RepairSource, routing: TableRouting):
        self._source, self._routing = source, routing

    def name(self) -> str:
        """What it is called in the record of a repair."""
        return self._source.name()

    def reach(self) -> int | None:
        """The sequence number of the last block that it knows; None if it knows every one."""
        return self._source.reach()

    def tables(self) -> frozenset[str]:
        """The destination's names of the tables that are replayed.

        Raises:
            TableNameTakenError: two tables would be one.
        """
        names = map(self._routing.name_of, self._source.tables())
        return frozenset(each for each in names if each is not None)

    def digests(self) -> Iterator[DocumentDigest]:
        """Every current document of those tables."""
        for each in self._source.digests():
            name = self._routing.name_of(each.table)
            if name is not None:
                yield replace(each, table=name)

    def revisions(self, table: str, document_id: str) -> Sequence[SourceRevision]:
        """All revisions of a document; the table is named as in the destination."""
        source = self._routing.source_of(table)
        if self._routing.name_of(source) != table:
            return ()
        return self._source.revisions(source, document_id)
