"""A document of a view: what is written of a revision, and what is read back of it.

It has the parts of QLDB's committed view, so that what was ``metadata.txTime`` there is so here::

    {
      "blockAddress": {"strandId": "…", "sequenceNo": 7},
      "hash": "…base64…",
      "data": {"Name": "…"},
      "metadata": {"id": "…", "version": 2, "txTime": "2020-…Z", "txId": "…"},
      "qldbkit": {"table": "Person", "commit": 31, "deleted": false, "ion": "…base64…"}
    }

A deleted document stays, without ``data`` and ``ion``: a tombstone. One that OpenSearch will not
index as it is has no ``data`` either, and says why in ``qldbkit.unindexed``. A document that was
repaired has no block address, hash or transaction, since the source may not tell them.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from qldbkit.journal import codec
from qldbkit.journal.ion import IonFormatError, IonSpan
from qldbkit.journal.model import Revision
from qldbkit.replay.views.opensearch import mapping

ENTRY_FIELDS: Final = ("metadata.version", "qldbkit.commit", "qldbkit.deleted")
"""What is read to know how a document stands."""
UNREADABLE: Final = "unreadable"
"""Why a document is not indexed that the Ion library cannot decode; OpenSearch names the others."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a document stands in the view.

    Attributes:
        index: where it is.
        version: the source's version that it was brought to.
        deleted: whether that was its deletion.
    """

    index: str
    version: int
    deleted: bool


@dataclass(frozen=True, slots=True)
class Write:
    """A document to be written, or to be removed without a trace.

    Attributes:
        index: where.
        id: its name.
        source: JSON text; None removes it.
    """

    index: str
    id: str
    source: str | None


@dataclass(frozen=True, slots=True)
class Name:
    """Which version of which document, and which commit writes it."""

    table: str
    id: str
    version: int
    commit: int


def living(name: Name, data: IonSpan, revision: Revision | None) -> str:
    """The JSON text of a current document; of a repaired one, the revision is not known."""
    own = {"table": name.table, "commit": name.commit, "deleted": False, "ion": mapping.kept(data)}
    try:
        found = mapping.searchable(data)
    except IonFormatError:
        return _source(name, revision, None, {**own, "unindexed": UNREADABLE})
    return _source(name, revision, found, own)


def tombstone(name: Name, revision: Revision | None) -> str:
    """The JSON text of what stays of a deleted document."""
    own = {"table": name.table, "commit": name.commit, "deleted": True}
    return _source(name, revision, None, own)


def without_index(source: str, reason: str) -> str | None:
    """The document without what OpenSearch refuses to index; None if it has nothing of that."""
    fields = json.loads(source, parse_float=Decimal)
    if "data" not in fields:
        return None
    del fields["data"]
    fields["qldbkit"]["unindexed"] = reason
    return json.dumps(fields)


def with_index(source: Mapping[str, Any]) -> str | None:
    """The document with what `without_index` took away; None if it cannot be decoded."""
    own = {name: value for name, value in source["qldbkit"].items() if name != "unindexed"}
    try:
        data = mapping.searchable(mapping.document_of(own["ion"]))
    except IonFormatError:
        return None
    return f'{json.dumps({**source, "qldbkit": own})[:-1]},"data":{data}}}'


def standing(index: str, source: Mapping[str, Any]) -> Standing | None:
    """How a document stands; None if it was not replayed."""
    own = source.get("qldbkit")
    if not isinstance(own, dict) or "commit" not in own:
        return None
    return Standing(index, int(source["metadata"]["version"]), bool(own["deleted"]))


def commit_of(source: Mapping[str, Any]) -> int:
    """The number of the commit that wrote a document; -1 if it was not replayed."""
    own = source.get("qldbkit")
    return int(own["commit"]) if isinstance(own, dict) and "commit" in own else -1


def digest(source: Mapping[str, Any]) -> bytes:
    """The Ion hash of a current document as it can be read back, with what queries see of it.

    If ``data`` is not what the Ion says, or there is no Ion, it is a hash that no document has.
    """
    try:
        document = mapping.document_of(source["qldbkit"]["ion"])
        if "unindexed" in source["qldbkit"] or _same(document, source.get("data")):
            return document.hash()
    except (KeyError, TypeError, ValueError, IonFormatError):
        pass  # somebody else's, or damaged
    return sha256(b"not replayed" + repr(source).encode()).digest()


def _same(document: IonSpan, data: Any) -> bool:
    return bool(json.loads(mapping.searchable(document), parse_float=Decimal) == data)


def _source(name: Name, revision: Revision | None, data: str | None, own: Mapping[str, Any]) -> str:
    """The parts in the order of the committed view; ``data`` is JSON text already."""
    before: dict[str, Any] = {}
    metadata: dict[str, Any] = {"id": name.id, "version": name.version}
    if revision is not None and revision.metadata is not None:
        address, told = revision.address, revision.metadata
        if address is not None:
            place = {"strandId": address.strand_id, "sequenceNo": address.sequence_no}
            before["blockAddress"] = place
        before["hash"] = b64encode(revision.hash).decode()
        if told.tx_time_ion is not None:
            metadata["txTime"] = codec.write_text(told.tx_time_ion.value())
        metadata["txId"] = told.tx_id
    parts = [] if data is None else [f'"data":{data}']
    for each in (before, {"metadata": metadata, "qldbkit": own}):
        parts.append(json.dumps(each)[1:-1])
    return f"{{{','.join(filter(None, parts))}}}"
