"""What a view's indices are like: how documents are indexed, and which aliases readers use.

The fields of documents are mapped as they are first seen, by their JSON: see `mapping`. Whatever a
field holds later is indexed as far as it fits: every scalar is searchable whole in ``.exact``, also
where it is no number or date as the others are. The few documents that cannot be indexed, such as
one with a text where others have a struct, are kept without ``data``; see `writing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from qldbkit.replay.views.opensearch import names
from qldbkit.replay.views.opensearch.cluster import Cluster
from qldbkit.replay.views.opensearch.record import Record, ViewTable

EXACT_CHARACTERS: Final = 8191
"""Longer texts are not found whole; the index takes 32,766 bytes, and a character has up to 4."""
TOTAL_FIELDS: Final = 2000
"""Fields of a table's documents; one that brings more is kept without ``data``."""
DATE_FORMAT: Final = "strict_date_optional_time"
CURRENT: Final[Mapping[str, Any]] = {"term": {"qldbkit.deleted": False}}
"""What readers are shown of an index."""

_KEYWORD: Final = {"type": "keyword"}


@dataclass(frozen=True, slots=True)
class Layout:
    """How a view's indices are spread.

    Attributes:
        shards: of each index.
        replicas: of each shard; None for one where there is another node, and none otherwise.
    """

    shards: int = 1
    replicas: int | None = None

    def settings(self, shards: int) -> dict[str, Any]:
        """The settings of an index of so many shards."""
        copies = (
            {"auto_expand_replicas": "0-1"}
            if self.replicas is None
            else {"number_of_replicas": self.replicas}
        )
        return {"number_of_shards": shards, **copies}


def template(view: str, layout: Layout) -> dict[str, Any]:
    """The template of the tables' indices."""
    settings = {
        **layout.settings(layout.shards),
        "index.mapping.ignore_malformed": True,
        "index.mapping.total_fields.limit": TOTAL_FIELDS,
    }
    return {
        "index_patterns": [names.table_pattern(view)],
        "template": {"settings": settings, "mappings": _table_mappings()},
        "_meta": {"description": "A qldbkit view of a ledger's documents"},
    }


def bookkeeping_body(layout: Layout) -> dict[str, Any]:
    """The index of the record and the repairs: nothing of it is searched by its fields."""
    mappings = {"dynamic": False, "properties": {"writes": {"type": "binary"}}}
    return {"settings": layout.settings(1), "mappings": mappings}


def reconcile(cluster: Cluster, view: str, record: Record) -> None:
    """Make the indices that are missing, and let each alias name the active table.

    Does nothing where all is as it should be, and can be done again.
    """
    found = cluster.aliases(names.table_pattern(view))
    for each in record.tables:
        if each.index not in found and cluster.create_index(each.index, {}):
            found[each.index] = frozenset()
    actions = [action for each in record.tables for action in _actions(view, each, found)]
    if actions:
        cluster.change_aliases(actions)


def _actions(
    view: str, table: ViewTable, found: Mapping[str, frozenset[str]]
) -> Iterator[dict[str, Any]]:
    alias = names.table_alias(view, table.name)
    has = alias in found.get(table.index, frozenset())
    if table.active and not has:
        yield {"add": {"index": table.index, "alias": alias, "filter": CURRENT}}
    elif has and not table.active:
        yield {"remove": {"index": table.index, "alias": alias}}


def _table_mappings() -> dict[str, Any]:
    whole = {"exact": {**_KEYWORD, "ignore_above": EXACT_CHARACTERS}}
    number = {"type": "double", "fields": whole}
    types = {
        "long": number,
        "double": number,
        "boolean": {"type": "boolean", "fields": whole},
        "date": {"type": "date", "format": DATE_FORMAT, "fields": whole},
        "string": {"type": "text", "fields": whole},
    }
    return {
        "dynamic": "strict",
        "date_detection": True,
        "dynamic_date_formats": [DATE_FORMAT],
        "dynamic_templates": [
            {name: {"match_mapping_type": name, "path_match": "data.*", "mapping": mapped}}
            for name, mapped in types.items()
        ],
        "properties": {
            "blockAddress": _object(strandId=_KEYWORD, sequenceNo={"type": "long"}),
            "hash": {**_KEYWORD, "index": False},
            "data": {"type": "object", "dynamic": True},
            "metadata": _object(
                id=_KEYWORD,
                version={"type": "long"},
                txTime={"type": "date", "format": DATE_FORMAT},
                txId=_KEYWORD,
            ),
            "qldbkit": _object(
                table=_KEYWORD,
                commit={"type": "long"},
                deleted={"type": "boolean"},
                unindexed=_KEYWORD,
                ion={"type": "binary"},
            ),
        },
    }


def _object(**fields: Any) -> dict[str, Any]:
    return {"properties": fields}
