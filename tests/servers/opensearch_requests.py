"""Requests at random, asked of two servers: both have to answer the same, as a view reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from qldbkit.errors import QldbkitError
from qldbkit.replay.views.opensearch.cluster import Cluster, Stored
from qldbkit.replay.views.opensearch.documents import ENTRY_FIELDS
from qldbkit.replay.views.opensearch.reading import _documents
from qldbkit.replay.views.opensearch.record import ViewTable
from qldbkit.replay.views.opensearch.schema import CURRENT

Request = Callable[[Cluster], Any]

DATA = ("{}", '{"a":1}', '{"a":"x"}', '{"b":{"c":1}}', '{"b":7}', '{"":1}', '{"c":{"d":{"e":1}}}')
KINDS = ("get", "many", "put", "bulk", "bulk", "aliases", "make", "scan", "count")


class RandomRequests:
    """Requests for documents of a few names in a few indices, so that they meet."""

    def __init__(self, random: Random, view: str) -> None:
        self._random, self._view = random, view

    def next(self) -> tuple[str, Request]:
        """A request, and what it is called."""
        kind = self._random.choice(KINDS)
        request: Request = getattr(self, f"_{kind}")()
        return kind, request

    def _index(self) -> str:
        return f"{self._view}.-t.{self._random.randint(1, 3)}"

    def _id(self) -> str:
        return f"D{self._random.randint(1, 5)}"

    def _source(self) -> str:
        number, deleted = self._random.randint(0, 9), self._random.random() < 0.3
        own = {"table": "T", "commit": number, "deleted": deleted}
        plain = json.dumps({"metadata": {"id": "D", "version": number}, "qldbkit": own})
        return f'{plain[:-1]},"data":{self._random.choice(DATA)}}}'

    def _get(self) -> Request:
        index, id_ = self._index(), self._id()
        return lambda cluster: cluster.get(index, id_)

    def _many(self) -> Request:
        places = [(self._index(), self._id()) for _ in range(4)]
        return lambda cluster: cluster.many(places, ENTRY_FIELDS)

    def _put(self) -> Request:
        index, id_, source = self._index(), self._id(), self._source()
        place = self._random.choice((None, *((each, 1) for each in range(12))))
        after = None if place is None else Stored(index, id_, 1, {}, place)
        return lambda cluster: cluster.put(index, id_, source, after)

    def _bulk(self) -> Request:
        lines = "".join(self._item() for _ in range(self._random.randint(1, 5)))
        return lambda cluster: cluster.bulk(lines)

    def _item(self) -> str:
        place: dict[str, Any] = {"_index": self._index(), "_id": self._id()}
        action = self._random.choice(("index", "index", "create", "delete"))
        if action != "create":
            version = self._random.randint(1, 12)
            place |= {"version": version, "version_type": "external_gte"}
        source = "" if action == "delete" else f"{self._source()}\n"
        return f"{json.dumps({action: place})}\n{source}"

    def _aliases(self) -> Request:
        index, alias = self._index(), f"{self._view}.-t"
        added = {"add": {"index": index, "alias": alias, "filter": CURRENT}}
        action = self._random.choice((added, {"remove": {"index": index, "alias": alias}}))
        pattern = f"{self._view}.*"

        def ask(cluster: Cluster) -> Any:
            name = next(iter(action))
            if name == "add" or alias in cluster.aliases(index).get(index, ()):
                cluster.change_aliases([action])
            return cluster.aliases(pattern)

        return ask

    def _make(self) -> Request:
        index = self._index()
        return lambda cluster: cluster.create_index(index, {})

    def _scan(self) -> Request:
        table = ViewTable("T", self._index(), active=True)
        denied = {"bool": {"must_not": {"term": {"qldbkit.deleted": True}}}}
        query = self._random.choice((denied, CURRENT))

        def ask(cluster: Cluster) -> Any:
            return sorted(_documents(cluster, table, query), key=lambda each: each[0])

        return ask

    def _count(self) -> Request:
        indices = [self._index(), self._index()]

        def ask(cluster: Cluster) -> Any:
            cluster.refresh(indices)
            return cluster.count(indices, CURRENT)

        return ask


def outcome(request: Request, cluster: Cluster) -> Any:
    """What a request answers, or the name of what it raises."""
    try:
        return request(cluster)
    except QldbkitError as error:
        return type(error).__name__
