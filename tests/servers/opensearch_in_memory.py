"""The parts of OpenSearch's API that a view uses, in memory: a stand-in, not OpenSearch.

It lets hundreds of simulated runs fail at every request. What it answers is compared with what
OpenSearch itself answers to the same requests in ``tests/integration/test_view_opensearch.py``.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any
from urllib.parse import unquote

from opensearchpy import exceptions

PAGE = 3
"""Documents of a page of a search, whatever was asked for, so that there are several pages."""


@dataclass
class Kept:
    """A document, or what is remembered of a removed one (its source is None)."""

    version: int
    seq_no: int
    source: dict[str, Any] | None


@dataclass
class Index:
    documents: dict[str, Kept] = field(default_factory=dict)
    aliases: dict[str, Any] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)
    kinds: dict[str, bool] = field(default_factory=dict)
    """Whether a field of ``data`` is an object, by its path."""


class RefusedError(Exception):
    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status, self.error = status, error


_RAISED = {
    400: exceptions.RequestError,
    404: exceptions.NotFoundError,
    409: exceptions.ConflictError,
}


class InMemoryOpenSearch:
    """Answers as opensearch-py's transport does."""

    def __init__(self) -> None:
        self.indices: dict[str, Index] = {}
        self.templates: dict[str, Any] = {}
        self.scrolls: dict[str, list[dict[str, Any]]] = {}
        self._scroll_ids = count()

    def perform_request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        path = [unquote(each) for each in url.strip("/").split("/")]
        asked = json.loads(body) if isinstance(body, str) and path != ["_bulk"] else body
        try:
            return self._answer(method, path, dict(params or {}), asked)
        except RefusedError as error:
            raised = _RAISED.get(error.status, exceptions.TransportError)
            raise raised(error.status, error.error, {}) from error

    def _answer(self, method: str, path: list[str], params: dict[str, Any], body: Any) -> Any:
        match [method, *path]:
            case ["GET", name, "_doc", id_]:
                return self._get(name, id_, None)
            case ["POST", "_mget"]:
                fields = params["_source_includes"].split(",")
                return {
                    "docs": [self._get_leniently(each, fields) for each in body["docs"]],
                }
            case ["PUT", name, ("_create" | "_doc") as action, id_]:
                return self._put(name, id_, body, params, create=action == "_create")
            case ["POST", "_bulk"]:
                return {"items": list(self._bulk(body))}
            case ["GET", pattern, "_alias"]:
                return self._aliases(pattern)
            case ["POST", "_aliases"]:
                return self._change_aliases(body["actions"])
            case ["PUT", "_index_template", name]:
                self.templates[name] = body
                return {"acknowledged": True}
            case ["POST", _, "_refresh"]:
                return {}
            case ["POST", "_search", "scroll"]:
                return self._page(body["scroll_id"])
            case ["DELETE", "_search", "scroll"]:
                for each in body["scroll_id"]:
                    self.scrolls.pop(each, None)
                return {"succeeded": True}
            case ["POST", names, "_count"]:
                return {"count": sum(1 for _ in self._found(names, body["query"]))}
            case ["POST", names, "_search"]:
                return self._search(names, body["query"])
            case ["PUT", name]:
                if name in self.indices:
                    raise RefusedError(400, "resource_already_exists_exception")
                self.indices[name] = Index()
                return {"acknowledged": True}
        raise AssertionError(f"{method} {path} is not answered")

    def _get(self, name: str, id_: str, fields: list[str] | None) -> dict[str, Any]:
        if name not in self.indices:
            raise RefusedError(404, "index_not_found_exception")
        kept = self.indices[name].documents.get(id_)
        if kept is None or kept.source is None:
            if fields is None:
                raise RefusedError(404, "")
            return {"_index": name, "_id": id_, "found": False}
        return {
            **{"_index": name, "_id": id_, "found": True, "_version": kept.version},
            **{"_seq_no": kept.seq_no, "_primary_term": 1},
            "_source": _copy(kept.source if fields is None else _only(kept.source, fields)),
        }

    def _get_leniently(self, place: dict[str, str], fields: list[str]) -> dict[str, Any]:
        try:
            return self._get(place["_index"], place["_id"], fields)
        except RefusedError as error:
            return {**place, "error": {"type": error.error}}

    def _put(
        self, name: str, id_: str, body: dict[str, Any], params: dict[str, Any], *, create: bool
    ) -> dict[str, Any]:
        index = self.indices.setdefault(name, Index())
        _index_fields(kinds := dict(index.kinds), body.get("data"), "data")
        index.kinds = kinds
        kept = index.documents.get(id_)
        living = kept is not None and kept.source is not None
        if create and living:
            raise RefusedError(409, "version_conflict_engine_exception")
        if "if_seq_no" in params and (
            not living or (kept.seq_no, 1) != (params["if_seq_no"], params["if_primary_term"])
        ):
            raise RefusedError(409, "version_conflict_engine_exception")
        return self._write(index, id_, body, 1 if kept is None else kept.version + 1)

    def _write(
        self, index: Index, id_: str, source: dict[str, Any] | None, version: int
    ) -> dict[str, Any]:
        index.documents[id_] = Kept(version, next(index.numbers), _copy(source))
        return {"_seq_no": index.documents[id_].seq_no, "_primary_term": 1, "_version": version}

    def _bulk(self, lines: str) -> Iterator[dict[str, Any]]:
        waiting = iter(lines.splitlines())
        for line in waiting:
            ((action, place),) = json.loads(line).items()
            source = None if action == "delete" else json.loads(next(waiting), parse_float=Decimal)
            try:
                yield {action: {"status": self._bulk_item(action, place, source)}}
            except RefusedError as error:
                yield {action: {"status": error.status, "error": {"type": error.error}}}

    def _bulk_item(self, action: str, place: dict[str, Any], source: Any) -> int:
        name, id_, version = place["_index"], place["_id"], place.get("version")
        index = self.indices.setdefault(name, Index())
        if source is not None:  # what cannot be indexed is refused before its version is looked at
            kinds = dict(index.kinds)
            _index_fields(kinds, source.get("data"), "data")
            index.kinds = kinds
        kept = index.documents.get(id_)
        living = kept is not None and kept.source is not None
        if version is None:
            if living:
                raise RefusedError(409, "version_conflict_engine_exception")
            version = 1 if kept is None else kept.version + 1
        elif kept is not None and version < kept.version:
            raise RefusedError(409, "version_conflict_engine_exception")
        self._write(index, id_, source, version)
        if action == "delete":
            return 200 if living else 404
        return 200 if living else 201

    def _aliases(self, pattern: str) -> dict[str, Any]:
        found = {
            name: {"aliases": index.aliases}
            for name, index in self.indices.items()
            if fnmatch.fnmatchcase(name, pattern)
        }
        if not found and "*" not in pattern:
            raise RefusedError(404, "index_not_found_exception")
        return _copy(found)

    def _change_aliases(self, actions: list[dict[str, Any]]) -> dict[str, Any]:
        for each in actions:
            ((action, what),) = each.items()
            if what["index"] not in self.indices:
                raise RefusedError(404, "index_not_found_exception")
            aliases = self.indices[what["index"]].aliases
            if action == "add":
                aliases[what["alias"]] = {"filter": what["filter"]}
            else:
                aliases.pop(what["alias"], None)
        return {"acknowledged": True}

    def _search(self, names: str, query: dict[str, Any]) -> dict[str, Any]:
        found = list(self._found(names, query))
        id_ = f"scroll-{next(self._scroll_ids)}"
        self.scrolls[id_] = found
        return self._page(id_)

    def _found(self, names: str, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for name in dict.fromkeys(names.split(",")):
            for id_, kept in self.indices.get(name, Index()).documents.items():
                if kept.source is not None and matches(kept.source, query):
                    yield {"_index": name, "_id": id_, "_source": _copy(kept.source)}

    def _page(self, id_: str) -> dict[str, Any]:
        if id_ not in self.scrolls:
            raise RefusedError(404, "search_context_missing_exception")
        page, self.scrolls[id_] = self.scrolls[id_][:PAGE], self.scrolls[id_][PAGE:]
        return {"_scroll_id": id_, "hits": {"hits": page}}


def _index_fields(kinds: dict[str, bool], value: Any, path: str) -> None:
    """Refuse a scalar where other documents have an object, as dynamic mappings do."""
    if isinstance(value, list):
        for each in value:
            _index_fields(kinds, each, path)
    elif isinstance(value, dict):
        kinds.setdefault(path, True)
        for name, member in value.items():
            if not name or name.startswith("."):
                raise RefusedError(400, "mapper_parsing_exception")
            _index_fields(kinds, member, f"{path}.{name}")
    elif value is not None and kinds.setdefault(path, False):
        raise RefusedError(400, "mapper_parsing_exception")


def matches(source: dict[str, Any], query: dict[str, Any]) -> bool:
    ((kind, asked),) = query.items()
    if kind == "term":
        ((path, value),) = asked.items()
        return bool(_at(source, path) == value)
    if kind == "exists":
        return _at(source, asked["field"]) is not None
    assert kind == "bool"
    denied, wanted = asked.get("must_not", []), asked.get("filter", [])
    return all(matches(source, each) for each in _listed(wanted)) and not any(
        matches(source, each) for each in _listed(denied)
    )


def _listed(queries: Any) -> list[dict[str, Any]]:
    return queries if isinstance(queries, list) else [queries]


def _at(source: Any, path: str) -> Any:
    for name in path.split("."):
        source = source.get(name) if isinstance(source, dict) else None
    return source


def _only(source: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in fields:
        value = _at(source, path)
        if value is not None:
            *parents, name = path.split(".")
            inner = found
            for each in parents:
                inner = inner.setdefault(each, {})
            inner[name] = value
    return found


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(member) for name, member in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value
