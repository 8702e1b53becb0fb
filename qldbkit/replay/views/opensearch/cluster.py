"""The requests that a view makes, over opensearch-py.

What its errors say of a document may quote it, so that of a refusal only the type is passed on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol
from urllib.parse import quote

from opensearchpy import exceptions
from opensearchpy.serializer import JSONSerializer

from qldbkit.replay.views.opensearch.errors import (
    NotThereError,
    OpenSearchRefusedError,
    OpenSearchUnavailableError,
    WriteConflictError,
)

Json = Any

CONFLICT: Final = 409
NOT_FOUND: Final = 404
TOO_MANY_REQUESTS: Final = 429
SERVER_FAILED: Final = 500

_PRIMARY: Final = {"preference": "_primary"}


class Transport(Protocol):
    """What opensearch-py's transport does; it raises opensearch-py's exceptions."""

    def perform_request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        """Ask, and return the answer's JSON."""


class ExactSerializer(JSONSerializer):
    """Reads numbers with every digit, so that JSON can be compared with what it should be."""

    def loads(self, s: str) -> Any:
        """The value of JSON text."""
        try:
            return json.loads(s, parse_float=Decimal)
        except ValueError as error:
            raise exceptions.SerializationError(s[:0], error) from error


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as OpenSearch has it.

    Attributes:
        index: where it is.
        id: what it is called.
        version: OpenSearch's count of its writes, or what an external version set it to.
        source: its fields; those that were asked for.
        place: its sequence number and primary term, which a conditional write has to name.
    """

    index: str
    id: str
    version: int
    source: Mapping[str, Json]
    place: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """What became of one item of a bulk request.

    Attributes:
        status: as of HTTP.
        error: the error's type; None for a success.
    """

    status: int
    error: str | None


class Cluster:
    """OpenSearch, as far as a view needs it.

    Every request raises:
        OpenSearchUnavailableError: no answer, 429 or 5xx; whether it was done is not known.
        OpenSearchRefusedError: another refusal.
    """

    def __init__(self, transport: Transport):
        self._transport = transport

    def get(self, index: str, id_: str) -> Stored | None:
        """A document as it was written last; None if it is not there, or its index is not."""
        try:
            return _stored(self._ask("GET", f"/{_path(index)}/_doc/{_path(id_)}", params=_PRIMARY))
        except NotThereError:
            return None

    def many(
        self, places: Sequence[tuple[str, str]], fields: Sequence[str]
    ) -> dict[tuple[str, str], Stored]:
        """Some fields of those of the documents that are there, as they were written last.

        Args:
            places: index and id of each.
            fields: paths in the source.
        """
        if not places:
            return {}
        docs = [{"_index": index, "_id": id_} for index, id_ in places]
        params = {**_PRIMARY, "_source_includes": ",".join(fields)}
        answer = self._ask("POST", "/_mget", params=params, body={"docs": docs})
        found = (_stored(each) for each in answer["docs"] if "error" not in each)
        return {(each.index, each.id): each for each in found if each is not None}

    def put(self, index: str, id_: str, source: str, after: Stored | None) -> tuple[int, int]:
        """Write a document if nothing else has since; return its new place.

        Args:
            index: where.
            id_: its name.
            source: JSON text.
            after: what it was; None if it was not there.

        Raises:
            WriteConflictError: something else has.
        """
        path = f"/{_path(index)}/_{'create' if after is None else 'doc'}/{_path(id_)}"
        params = {}
        if after is not None:
            params = {"if_seq_no": after.place[0], "if_primary_term": after.place[1]}
        answer = self._ask("PUT", path, params=params, body=source)
        return int(answer["_seq_no"]), int(answer["_primary_term"])

    def bulk(self, lines: str) -> list[ItemAnswer]:
        """Do many things, each by itself; what became of each, in order.

        Args:
            lines: as the bulk API takes them.
        """
        answer = self._ask("POST", "/_bulk", params={"filter_path": _BULK_ANSWER}, body=lines)
        return [_item_answer(each) for item in answer["items"] for each in item.values()]

    def aliases(self, pattern: str) -> dict[str, frozenset[str]]:
        """The indices that match a pattern, each with its aliases."""
        try:
            answer = self._ask("GET", f"/{_path(pattern)}/_alias")
        except NotThereError:
            return {}
        return {index: frozenset(each["aliases"]) for index, each in answer.items()}

    def change_aliases(self, actions: Sequence[Json]) -> None:
        """Change aliases, all at once."""
        self._ask("POST", "/_aliases", body={"actions": list(actions)})

    def create_index(self, index: str, body: Json) -> bool:
        """Make an index; return whether it was not there."""
        try:
            self._ask("PUT", f"/{_path(index)}", body=body)
        except OpenSearchRefusedError:
            if index not in self.aliases(index):
                raise
            return False
        return True

    def put_template(self, name: str, body: Json) -> None:
        """Say what indices of a pattern are like that are made from now on."""
        self._ask("PUT", f"/_index_template/{_path(name)}", body=body)

    def refresh(self, indices: Iterable[str]) -> None:
        """Have searches see all that was written; of indices that are not there, nothing."""
        self._ask("POST", f"/{_joined(indices)}/_refresh", params=_LENIENT)

    def count(self, indices: Iterable[str], query: Json) -> int:
        """How many documents a query finds."""
        answer = self._ask(
            "POST", f"/{_joined(indices)}/_count", params=_LENIENT, body={"query": query}
        )
        return int(answer["count"])

    def begin_scroll(self, indices: Iterable[str], body: Json, keep: str) -> Json:
        """The first page of all that a query finds, at one moment; ``keep`` such as ``5m``."""
        params = {**_LENIENT, "scroll": keep, "allow_partial_search_results": "false"}
        return self._ask("POST", f"/{_joined(indices)}/_search", params=params, body=body)

    def scroll(self, id_: str, keep: str) -> Json:
        """The next page."""
        return self._ask("POST", "/_search/scroll", body={"scroll_id": id_, "scroll": keep})

    def end_scroll(self, id_: str) -> None:
        """Give back what keeps the moment."""
        try:
            self._ask("DELETE", "/_search/scroll", body={"scroll_id": [id_]})
        except NotThereError:
            return  # its time was over

    def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Json:
        try:
            return self._transport.perform_request(method, path, params=params or {}, body=body)
        except exceptions.SSLError as error:
            raise OpenSearchRefusedError(
                "the certificate of OpenSearch cannot be verified",
                hint="name the authority's file in the URL, as ?ca=/path/ca.pem",
            ) from error
        except exceptions.ConnectionError as error:
            raise OpenSearchUnavailableError(
                f"OpenSearch does not answer: {type(error).__name__}",
                hint="look at the URL's host and port, and whether it runs",
            ) from error
        except exceptions.TransportError as error:
            raise _refusal(error, f"{method} {path}") from error
        except exceptions.OpenSearchException as error:
            raise OpenSearchRefusedError(
                "what answers is not OpenSearch", hint="look at the URL's host and port"
            ) from error


_LENIENT: Final = {"ignore_unavailable": "true"}
_BULK_ANSWER: Final = "items.*.status,items.*.error.type"


def _refusal(error: exceptions.TransportError, request: str) -> Exception:
    status = int(error.status_code)
    if status == NOT_FOUND:
        return NotThereError(f"{request}: it is not there")
    if status == CONFLICT:
        return WriteConflictError(f"{request}: something else has written meanwhile")
    if status == TOO_MANY_REQUESTS or status >= SERVER_FAILED:
        return OpenSearchUnavailableError(f"OpenSearch answered {status} {_type(error)}")
    hint = None
    if status in {401, 403}:
        hint = "let the function's role, or the user, use the view's indices"
    return OpenSearchRefusedError(f"{request} was refused: {status} {_type(error)}", hint=hint)


def _type(error: exceptions.TransportError) -> str:
    """The error's type, such as ``mapper_parsing_exception``; its reason may quote a document."""
    return error.error if isinstance(error.error, str) and error.error.isidentifier() else ""


def _stored(answer: Json) -> Stored | None:
    if not answer.get("found"):
        return None
    return Stored(
        index=answer["_index"],
        id=answer["_id"],
        version=int(answer["_version"]),
        source=answer.get("_source", {}),
        place=(int(answer["_seq_no"]), int(answer["_primary_term"])),
    )


def _item_answer(answer: Json) -> ItemAnswer:
    return ItemAnswer(int(answer["status"]), answer.get("error", {}).get("type"))


def _path(text: str) -> str:
    return quote(text, safe="*.-_=")


def _joined(indices: Iterable[str]) -> str:
    return ",".join(map(_path, indices))
