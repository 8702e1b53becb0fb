"""Carrying out what was committed: the documents of one commit, by bulk requests.

Each document is written with the commit's number as its external version, so that whatever is done
again, by whomever and however late, leaves the latest commit's document there. A bulk request's
items succeed and fail each by itself:

| Answer | What it means | What is done |
|---|---|---|
| 2xx | it is written | |
| 409 | a later commit was faster | nothing |
| 409 | another writer has touched the document | it is written over what is there |
| 429, 5xx | too much to do | the item is sent again, after a pause |
| 400 | OpenSearch will not index the document | it is written without ``data``, and says why |
| other | the item is refused | `OpenSearchRefusedError` |
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from qldbkit.replay.retrying import Backoff
from qldbkit.replay.views.opensearch.cluster import (
    CONFLICT,
    NOT_FOUND,
    SERVER_FAILED,
    TOO_MANY_REQUESTS,
    Cluster,
    ItemAnswer,
)
from qldbkit.replay.views.opensearch.documents import Write, commit_of, without_index
from qldbkit.replay.views.opensearch.errors import (
    OpenSearchRefusedError,
    OpenSearchUnavailableError,
)

BULK_BYTES: Final = 4_000_000
"""Of one request, unless one document is larger; small instances in AWS take 10 MB."""
BULK_ITEMS: Final = 1000
BAD_REQUEST: Final = 400
COMMIT_FIELD: Final = ("qldbkit.commit",)


@dataclass(frozen=True, slots=True)
class _Item:
    """A write on its way.

    Attributes:
        write: what.
        version: the external version; None to write it only where nothing is, since OpenSearch
            remembers the version of what was removed for a while.
    """

    write: Write
    version: int | None

    def lines(self) -> str:
        """What the bulk API takes for it."""
        place: dict[str, object] = {"_index": self.write.index, "_id": self.write.id}
        if self.version is not None:
            place |= {"version": self.version, "version_type": "external_gte"}
        if self.write.source is None:
            return f"{json.dumps({'delete': place})}\n"
        action = "create" if self.version is None else "index"
        return f"{json.dumps({action: place})}\n{self.write.source}\n"


class Writer:
    """Writes the documents of commits."""

    def __init__(
        self,
        cluster: Cluster,
        backoff: Backoff | None = None,
        *,
        pause: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ):
        """Write to a cluster.

        Args:
            cluster: where to.
            backoff: how often an item is sent, and how long to wait between.
            pause: waits for so many seconds.
            chance: a number from 0 up to 1.
        """
        self._cluster, self._backoff = cluster, backoff or Backoff()
        self._pause, self._chance = pause, chance

    def missing(self, commit: int, writes: Sequence[Write]) -> list[Write]:
        """Those of a commit's writes that have not been carried out."""
        places = [(each.index, each.id) for each in writes]
        found = self._cluster.many(places, COMMIT_FIELD)

        def done(write: Write) -> bool:
            stored = found.get((write.index, write.id))
            if stored is None:
                return write.source is None
            return commit_of(stored.source) >= commit

        return [each for each in writes if not done(each)]

    def write(self, commit: int, writes: Iterable[Write]) -> None:
        """Carry out a commit's writes; can be done again.

        Raises:
            OpenSearchUnavailableError: something is not written after all attempts.
            OpenSearchRefusedError: something is refused.
        """
        waiting = [_Item(each, commit) for each in writes]
        for pause in self._backoff.pauses(self._chance):
            waiting = self._sent(commit, waiting)
            if not waiting:
                return
            self._pause(pause)
        waiting = self._sent(commit, waiting)
        if waiting:
            raise OpenSearchUnavailableError(
                f"OpenSearch does not take {len(waiting)} of the documents of commit {commit}"
            )

    def _sent(self, commit: int, items: Sequence[_Item]) -> list[_Item]:
        """Send the items, and return those that have to be sent again."""
        again: list[_Item] = []
        conflicts: list[_Item] = []
        for request in _requests(items):
            answers = self._cluster.bulk("".join(each.lines() for each in request))
            for item, answer in zip(request, answers, strict=True):
                if answer.status == CONFLICT:
                    conflicts.append(item)
                elif (following := _following(item, answer)) is not None:
                    again.append(following)
        return again + list(self._overwriting(commit, conflicts))

    def _overwriting(self, commit: int, conflicts: Sequence[_Item]) -> Iterator[_Item]:
        """How to write those that another writer stands against, and not a later commit."""
        places = [(each.write.index, each.write.id) for each in conflicts]
        found = self._cluster.many(places, COMMIT_FIELD)
        for item in conflicts:
            stored = found.get((item.write.index, item.write.id))
            if stored is not None and commit_of(stored.source) < commit:
                yield replace(item, version=stored.version)
            elif stored is None and item.write.source is not None:
                yield replace(item, version=None)


def _following(item: _Item, answer: ItemAnswer) -> _Item | None:
    """What is to be sent after an answer; None if the item is dealt with."""
    status = answer.status
    if status == TOO_MANY_REQUESTS or status >= SERVER_FAILED:
        return item
    if status < BAD_REQUEST or (status == NOT_FOUND and item.write.source is None):
        return None
    if status == BAD_REQUEST and item.write.source is not None:
        plain = without_index(item.write.source, answer.error or str(status))
        if plain is not None:
            return replace(item, write=replace(item.write, source=plain))
    raise OpenSearchRefusedError(
        f"OpenSearch refuses a document: {status} {answer.error or ''}".rstrip(),
        position=f"document {item.write.id} in {item.write.index}",
    )


def _requests(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """The items in as many requests as they need, in order."""
    request: list[_Item] = []
    size = 0
    for each in items:
        more = len(each.write.source or "") + len(each.write.index) + len(each.write.id)
        if request and (size + more > BULK_BYTES or len(request) == BULK_ITEMS):
            yield request
            request, size = [], 0
        request.append(each)
        size += more
    if request:
        yield request
