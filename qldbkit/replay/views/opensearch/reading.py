"""Reading a view's documents: all of them for a comparison, and those that are not indexed.

They are read as they are there: what is committed and not yet carried out is missing, as it is for
every other reader. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from qldbkit.replay.compare import UNMAPPED, DocumentDigest
from qldbkit.replay.views.opensearch import documents
from qldbkit.replay.views.opensearch.cluster import Cluster
from qldbkit.replay.views.opensearch.documents import Write
from qldbkit.replay.views.opensearch.record import Record, ViewTable

PAGE_DOCUMENTS: Final = 200
"""Of one request; QLDB's documents have at most 128 KB, so that a page has at most some 60 MB."""
PAGE_KEPT: Final = "5m"
"""How long OpenSearch keeps the moment that is read, from page to page."""

_NOT_DELETED: Final = {"bool": {"must_not": {"term": {"qldbkit.deleted": True}}}}
_UNINDEXED: Final = {
    "bool": {
        "filter": [{"exists": {"field": "qldbkit.unindexed"}}],
        "must_not": [{"term": {"qldbkit.deleted": True}}],
    }
}


@dataclass(frozen=True, slots=True)
class Unindexed:
    """A current document that is kept whole, and that queries do not see.

    Attributes:
        table: the table's name.
        id: the document's.
        version: the source's.
        sequence_no: of its block; None if it was repaired.
        reason: OpenSearch's name of the error.
    """

    table: str
    id: str
    version: int
    sequence_no: int | None
    reason: str

    def to_json(self) -> dict[str, Any]:
        """The document as JSON members."""
        return {
            "table": self.table,
            "documentId": self.id,
            "version": self.version,
            "sequenceNo": self.sequence_no,
            "reason": self.reason,
        }


def digests(cluster: Cluster, record: Record) -> Iterator[DocumentDigest]:
    """Every current document of the active tables, as readers find it."""
    for table in (each for each in record.tables if each.active):
        for id_, source in _documents(cluster, table, _NOT_DELETED):
            yield _digest(table, id_, source)


def unindexed(cluster: Cluster, record: Record) -> Iterator[Unindexed]:
    """The current documents that OpenSearch did not index, in the active tables."""
    for table in (each for each in record.tables if each.active):
        for id_, source in _documents(cluster, table, _UNINDEXED):
            yield Unindexed(
                table.name,
                id_,
                int(source["metadata"]["version"]),
                source.get("blockAddress", {}).get("sequenceNo"),
                source["qldbkit"]["unindexed"],
            )


def unindexed_documents(cluster: Cluster, record: Record) -> int:
    """How many they are, without waiting for what was written last to be seen."""
    indices = [each.index for each in record.tables if each.active]
    return cluster.count(indices, _UNINDEXED) if indices else 0


def indexable(cluster: Cluster, record: Record) -> Iterator[tuple[int, Write]]:
    """The same documents as they would be indexed, each with the commit that wrote it."""
    for table in (each for each in record.tables if each.active):
        for id_, source in _documents(cluster, table, _UNINDEXED):
            text = documents.with_index(source)
            if text is not None:
                yield documents.commit_of(source), Write(table.index, id_, text)


def _digest(table: ViewTable, id_: str, source: Mapping[str, Any]) -> DocumentDigest:
    replayed = documents.standing(table.index, source) is not None
    name = id_ if replayed else f"{UNMAPPED}{id_}"
    return DocumentDigest(table.name, name, documents.digest(source))


def _documents(
    cluster: Cluster, table: ViewTable, query: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a query finds in a table, at one moment; nothing if its index is not there."""
    cluster.refresh([table.index])
    body = {"size": PAGE_DOCUMENTS, "query": query, "sort": ["_doc"]}
    page = cluster.begin_scroll([table.index], body, PAGE_KEPT)
    try:
        while page["hits"]["hits"]:
            for each in page["hits"]["hits"]:
                yield each["_id"], each["_source"]
            page = cluster.scroll(page["_scroll_id"], PAGE_KEPT)
    finally:
        if "_scroll_id" in page:
            cluster.end_scroll(page["_scroll_id"])
