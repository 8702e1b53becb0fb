"""Reading a view's documents: all of them for a comparison, and those that are not indexed.

What the last commit writes is taken from the record where it has not been carried out, so that what
is read is always what is committed. Nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
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


def digests(
    cluster: Cluster, record: Record, missing: Mapping[tuple[str, str], Write]
) -> Iterator[DocumentDigest]:
    """Every current document of the active tables.

    Args:
        cluster: where they are.
        record: what is committed.
        missing: what of it is not carried out, by index and id.
    """
    tables = [each for each in record.tables if each.active]
    for table in tables:
        for id_, source in _documents(cluster, table, _NOT_DELETED):
            if (table.index, id_) not in missing:
                yield _digest(table, id_, source)
    indices = {each.index: each for each in tables}
    for (index, id_), write in missing.items():
        if index in indices and write.source is not None:
            source = json.loads(write.source, parse_float=Decimal)
            if not source["qldbkit"]["deleted"]:
                yield _digest(indices[index], id_, source)


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
