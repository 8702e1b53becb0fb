"""A view as the source's side of a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from qldbkit.replay.checkpoint import NOTHING_APPLIED
from qldbkit.replay.compare import UNMAPPED, DocumentDigest
from qldbkit.replay.repair import RepairRefusedError
from qldbkit.replay.repair_source import SourceRevision
from qldbkit.replay.views.view import HistoryKeeper, View


class ViewSource:
    """Keeps `qldbkit.replay.repair_source.RepairSource`'s contract with what a view holds."""

    def __init__(self, view: View, url: str):
        """A side.

        Args:
            view: what was replicated further.
            url: its URL, for the record of a repair; without a secret.
        """
        self._view, self._url = view, url

    def name(self) -> str:
        """What it is called in the record of a repair."""
        return f"view {self._url}"

    def tables(self) -> frozenset[str]:
        """The names of the active tables."""
        return self._view.tables()

    def digests(self) -> Iterator[DocumentDigest]:
        """Every current document by the id that it has in the view, known to its map or not."""
        for each in self._view.digests():
            yield replace(each, document_id=each.document_id.removeprefix(UNMAPPED))

    def reach(self) -> int | None:
        """The last block that was replayed into the view.

        Raises:
            RepairRefusedError: several journals were replayed into it.
        """
        checkpoints = self._view.checkpoints()
        if len(checkpoints) > 1:
            raise RepairRefusedError(
                f"{len(checkpoints)} journals were replayed into the view; it can be repaired from"
                " if it is one"
            )
        return checkpoints[0].sequence_no if checkpoints else NOTHING_APPLIED

    def revisions(self, table: str, document_id: str) -> Sequence[SourceRevision]:
        """All revisions of a document, by ascending version.

        Raises:
            RepairRefusedError: the view keeps only current documents.
            IntegrityError: a revision is not what its hash says.
        """
        if not isinstance(self._view, HistoryKeeper):
            raise RepairRefusedError(
                "the view keeps current documents and no history, which a repair needs",
                hint="repair from a ledger, an archive, an export or a PostgreSQL view",
            )
        return self._view.revisions(table, document_id)
