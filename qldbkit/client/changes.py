"""What changed in documents from version to version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from qldbkit.client.connection import look
from qldbkit.errors import QldbkitError
from qldbkit.journal import codec
from qldbkit.journal.hashes import ion_hash
from qldbkit.names import check_table_name

if TYPE_CHECKING:  # `qldbkit.driver` has to be imported before pyqldb is
    from pyqldb.driver.qldb_driver import QldbDriver

DEFAULT_LIMIT: Final = 1000
"""Versions of documents that are read."""


class NoHistoryError(QldbkitError):
    """The table has no document of that id, and never had one."""


class VersionKind(StrEnum):
    """What a version is to the one before."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    REDACTED = "redacted"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A value that is another one than in the version before.

    Attributes:
        path: where it is, e.g. ``Owners.PrimaryOwner`` or ``Tags[2]``; empty for all of it.
        before: as Ion text; None where there was nothing.
        after: as Ion text; None where there is nothing any more.
    """

    path: str
    before: str | None
    after: str | None

    def to_json(self) -> dict[str, str | None]:
        """The change with its values as Ion text."""
        return {"path": self.path, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a document.

    Attributes:
        document_id: the document.
        number: 0 for the first.
        committed_at: QLDB's transaction time, as Ion text.
        transaction_id: what wrote it.
        kind: what it is to the version before.
        changes: in the order of the fields; empty for one whose data is gone.
    """

    document_id: str
    number: int
    committed_at: str
    transaction_id: str
    kind: VersionKind
    changes: tuple[FieldChange, ...]

    def to_json(self) -> dict[str, Any]:
        """The version for programs."""
        return {
            "documentId": self.document_id,
            "version": self.number,
            "committedAt": self.committed_at,
            "transactionId": self.transaction_id,
            "kind": self.kind.value,
            "changes": [each.to_json() for each in self.changes],
        }


@dataclass(frozen=True, slots=True)
class History:
    """Versions of documents, each document's together and in order.

    Attributes:
        versions: what was read.
        complete: False when there are more than were asked for.
    """

    versions: tuple[Version, ...]
    complete: bool


def history(
    driver: QldbDriver, table: str, document_id: str | None = None, limit: int = DEFAULT_LIMIT
) -> History:
    """What changed in a table's documents, or in one of them.

    Args:
        driver: of the ledger.
        table: the table's name.
        document_id: one document; None for all.
        limit: versions that are read at most.

    Raises:
        NameRefusedError: that cannot be a table's name.
        NoHistoryError: there is no such document.
    """
    where = "" if document_id is None else " WHERE h.metadata.id = ?"
    parameters = () if document_id is None else (document_id,)
    statement = f"SELECT * FROM history({check_table_name(table)}) AS h{where}"  # noqa: S608
    rows = look(driver, statement, *parameters, most=limit + 1)
    if document_id is not None and not rows:
        raise NoHistoryError(
            f"table {table} has no document {document_id}",
            hint="qldbkit query LEDGER 'SELECT metadata.id FROM _ql_committed_TABLE' lists ids",
        )
    return History(tuple(versions(rows[:limit])), complete=len(rows) <= limit)


def versions(rows: Iterable[Any]) -> Iterator[Version]:
    """The versions that rows of ``history()`` are, in whatever order those come."""
    ordered = sorted(rows, key=lambda each: (str(each["metadata"]["id"]), _number(each)))
    for _, of_document in groupby(ordered, key=lambda each: str(each["metadata"]["id"])):
        before: Any = None
        for row in of_document:
            yield _version(before, row)
            before = row


def _number(row: Any) -> int:
    return int(row["metadata"]["version"])


def _version(before: Any, row: Any) -> Version:
    metadata, kind = row["metadata"], _kind(before, row)
    changes: tuple[FieldChange, ...] = ()
    if kind in {VersionKind.CREATED, VersionKind.CHANGED}:
        known = None if before is None else before.get("data")
        changes = tuple(differences("", known, row["data"]))
    return Version(
        str(metadata["id"]),
        _number(row),
        codec.write_text(metadata["txTime"]),
        str(metadata["txId"]),
        kind,
        changes,
    )


def _kind(before: Any, row: Any) -> VersionKind:
    if "data" in row:
        return VersionKind.CREATED if _number(row) == 0 or before is None else VersionKind.CHANGED
    return VersionKind.REDACTED if "dataHash" in row else VersionKind.DELETED


def differences(path: str, before: Any, after: Any) -> Iterator[FieldChange]:
    """Where two Ion values differ; None stands for no value, and Ion's null is no None."""
    if isinstance(before, Mapping | None) and isinstance(after, Mapping):
        known: Mapping[Any, Any] = before or {}
        for name in dict.fromkeys((*known, *after)):
            below = f"{path}.{name}" if path else str(name)
            yield from differences(below, known.get(name), after.get(name))
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            yield from differences(
                f"{path}[{index}]", _element(before, index), _element(after, index)
            )
    elif before is None or after is None or ion_hash(before) != ion_hash(after):
        yield FieldChange(path, _text(before), _text(after))


def _element(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else None


def _text(value: Any) -> str | None:
    return None if value is None else codec.write_text(value)
