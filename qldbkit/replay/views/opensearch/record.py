"""The one document in which a view's replay keeps how far it is: its commits are writes of it.

OpenSearch writes one document atomically, and no more than one. So a transaction is one write of
this document, on the condition that nobody has written it since it was read. It holds, beside the
checkpoints, everything that the transaction writes elsewhere; what is elsewhere follows from it, as
from a redo log, and whoever finds a commit that is not yet carried out does so first.

For people, it tells the journals' positions and the tables in plain JSON::

    GET vehicles-bookkeeping/_doc/view?_source=commit,strands,tables
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from qldbkit.journal.ion import IonSpan
from qldbkit.replay.bookkeeping import (
    checkpoint_of,
    checkpoint_row,
    tables_of,
    tables_row,
)
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.tables import TableBook
from qldbkit.replay.views.opensearch.documents import Write
from qldbkit.replay.views.opensearch.errors import OpenSearchViewError

RECORD_ID: Final = "view"
FORMAT: Final = 1
"""Of this document and of the tables' documents; raised when an older one has to be migrated."""

_COMPRESSION: Final = 1  # fast: it is read again only after a crash


@dataclass(frozen=True, slots=True)
class Strand:
    """How far a journal was replayed, and its tables as the replay knows them."""

    checkpoint: Checkpoint
    tables: TableBook


@dataclass(frozen=True, slots=True)
class ViewTable:
    """A table of the view.

    Attributes:
        name: as in the source.
        index: where its documents are; no other table ever has it.
        active: whether it is there, rather than dropped.
    """

    name: str
    index: str
    active: bool


@dataclass(frozen=True, slots=True)
class Record:
    """All that is committed of a view, but the documents of earlier commits.

    Attributes:
        commit: how many commits there were; the version that OpenSearch gives to what they write.
        strands: by id.
        tables: all that ever were, in the order in which they were made.
        writes: what this commit writes elsewhere.
        catalog_changed: whether this commit makes, drops or undrops tables.
    """

    commit: int = 0
    strands: Mapping[str, Strand] = field(default_factory=dict)
    tables: tuple[ViewTable, ...] = ()
    writes: tuple[Write, ...] = ()
    catalog_changed: bool = False

    def active(self, name: str) -> ViewTable | None:
        """The table of that name that is there."""
        return next((each for each in self.tables if each.active and each.name == name), None)

    def by_index(self) -> dict[str, ViewTable]:
        """The tables by their indices."""
        return {each.index: each for each in self.tables}

    def checkpoint(self, strand_id: str) -> Checkpoint | None:
        """How far a journal was replayed."""
        strand = self.strands.get(strand_id)
        return None if strand is None else strand.checkpoint

    def book(self, strand_id: str) -> TableBook:
        """A journal's tables."""
        strand = self.strands.get(strand_id)
        return TableBook() if strand is None else strand.tables


def encoded(record: Record) -> str:
    """The record's document, as JSON text."""
    rows = [
        {
            "checkpoint": checkpoint_row(each.checkpoint, str(record.commit)),
            "tables": tables_row(strand_id, each.tables),
        }
        for strand_id, each in record.strands.items()
    ]
    strands = [
        {"strandId": strand_id, "sequenceNo": each.checkpoint.sequence_no}
        for strand_id, each in record.strands.items()
    ]
    return json.dumps(
        {
            "format": FORMAT,
            "commit": record.commit,
            "strands": strands,
            "tables": [
                {"name": each.name, "index": each.index, "active": each.active}
                for each in record.tables
            ],
            "ion": b64encode(IonSpan.of(rows).binary()).decode(),
            "catalogChanged": record.catalog_changed,
            "writes": _packed(record.writes),
        }
    )


def decoded(source: Mapping[str, Any]) -> Record:
    """The record of a document.

    Raises:
        OpenSearchViewError: a later version of qldbkit wrote it.
    """
    if source["format"] > FORMAT:
        raise OpenSearchViewError(
            "a later version of qldbkit has written to the view", hint="use that version"
        )
    rows = IonSpan.parse(b64decode(source["ion"])).value()
    strands = {
        str(each["checkpoint"]["strandId"]): Strand(
            checkpoint_of(each["checkpoint"]), tables_of(each["tables"])
        )
        for each in rows
    }
    return Record(
        commit=int(source["commit"]),
        strands=strands,
        tables=tuple(
            ViewTable(each["name"], each["index"], each["active"]) for each in source["tables"]
        ),
        writes=tuple(_unpacked(source["writes"])),
        catalog_changed=bool(source["catalogChanged"]),
    )


def _packed(writes: Iterable[Write]) -> str:
    rows = [[each.index, each.id, each.source] for each in writes]
    return b64encode(zlib.compress(json.dumps(rows).encode(), _COMPRESSION)).decode()


def _unpacked(text: str) -> Iterable[Write]:
    rows = json.loads(zlib.decompress(b64decode(text)))
    return (Write(index, id_, source) for index, id_, source in rows)
