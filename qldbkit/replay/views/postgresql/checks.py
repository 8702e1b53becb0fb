"""Whether what SQL users read is what the Ion beside it says.

The hashes prove the Ion. Columns and jsonb were made from it; somebody may have changed them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from qldbkit.errors import QldbkitError
from qldbkit.journal import decoding
from qldbkit.journal.findings import Finding, FindingKind, Place
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import BlockAddress
from qldbkit.replay.changes import REDACTED_FIELD
from qldbkit.replay.views.postgresql.catalog import ViewTable
from qldbkit.replay.views.postgresql.connecting import Connection
from qldbkit.replay.views.postgresql.copying import Column, Kind, without_ion
from qldbkit.replay.views.postgresql.mapping import MappedFormError, document_of
from qldbkit.replay.views.postgresql.rows import BLOCK, CURRENT, HISTORY, block_row, revision_rows
from qldbkit.replay.views.postgresql.statements import on

ROWS_AT_ONCE: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TOLD: Final = " OR ".join(
    f"shown.{each.name} IS DISTINCT FROM latest.{each.name}"
    for each in CURRENT
    if each.name not in ("id", "data")
)
_CURRENT: Final = f"""
SELECT coalesce(shown.id, latest.id), coalesce(latest.version, shown.version),
    coalesce(latest.strand_id, shown.strand_id), coalesce(latest.sequence_no, shown.sequence_no),
    shown.id IS NULL, latest.id IS NULL OR latest.deleted,
    EXISTS (
        SELECT FROM journal_repair, unnest(documents) AS repaired
        WHERE position(': ' || coalesce(shown.id, latest.id) || ' ' IN repaired) > 0
    )
FROM {{0}} AS shown FULL JOIN (
    SELECT DISTINCT ON (id) * FROM {{1}} ORDER BY id, version DESC
) AS latest ON latest.id = shown.id
WHERE CASE
    WHEN shown.id IS NULL THEN NOT latest.deleted
    WHEN latest.id IS NULL OR latest.deleted THEN true
    WHEN {_TOLD} THEN true
    WHEN latest.data IS NULL THEN shown.data IS DISTINCT FROM jsonb_build_object(
        '{REDACTED_FIELD}', jsonb_build_object('$blob', encode(latest.data_hash, 'base64')))
    ELSE shown.data::text <> latest.data::text
END
ORDER BY 1
"""  # noqa: S608 - of names that are written here


def current_findings(connection: Connection, schema: str, table: ViewTable) -> Iterator[Finding]:
    """Current documents that are not the latest revisions of their histories.

    A repair, which is on record, may have brought what the history does not have, because the block
    that wrote it was skipped.
    """
    with connection.cursor(name="current") as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(on(_CURRENT, schema, table.current, table.history))
        for id_, version, strand_id, sequence_no, absent, gone, repaired in cursor:
            if absent:
                reason = "a document is not among the current ones, and its history says it is"
            elif gone:
                reason = "a document is among the current ones, and its history says it is not"
            else:
                reason = "a current document is not the latest revision of its history"
            place = Place(f"{schema}.{table.current}, document {id_}, version {version}")
            address = None if strand_id is None else BlockAddress(strand_id, sequence_no)
            if repaired:
                reason = f"{reason}; a repair of it is on record"
            kind = FindingKind.UNVERIFIABLE if repaired else FindingKind.DAMAGED
            yield Finding(kind, reason, address, place)


def block_findings(row: Sequence[Any], place: Place) -> Iterator[Finding]:
    """Columns of a block's row that its Ion contradicts."""
    try:
        told = block_row(decoding.block_summary(IonSpan.parse(bytes(row[-1]))))
        expected = without_ion(BLOCK, told)
    except QldbkitError:
        return  # found when the block is proven
    yield from _differing(BLOCK[:-1], row, expected, place)


def revision_findings(row: Sequence[Any], place: Place) -> Iterator[Finding]:
    """Columns of a revision's row that its Ion contradicts."""
    try:
        revision = decoding.revision(IonSpan.parse(bytes(row[-1])))
        if revision.metadata is None or revision.address is None:
            return
        told, kept = revision_rows(revision)
        expected = without_ion(HISTORY, (*told, *kept))
    except QldbkitError:
        return  # found when the revision is proven
    yield from _differing(HISTORY[:-1], row, expected, place)


def _differing(
    columns: Sequence[Column], row: Sequence[Any], expected: Sequence[Any], place: Place
) -> Iterator[Finding]:
    names = [
        column.name
        for column, held, told in zip(columns, row, expected, strict=False)
        if not _same(column.kind, held, told)
    ]
    if names:
        which = f"column {names[0]} is" if len(names) == 1 else f"columns {', '.join(names)} are"
        yield Finding(FindingKind.DAMAGED, f"{which} not what the Ion of the row says", None, place)


def _same(kind: Kind, held: Any, told: Any) -> bool:
    if held is None or told is None:
        return held is told
    if kind is Kind.TIME:
        return bool((held - _EPOCH) // timedelta(microseconds=1) == told)
    if kind is Kind.JSONB:
        return same_json(held, told)
    return bool(held == told)


def same_json(held: str, told: str) -> bool:
    """Whether two texts of JSON are of one document, numbers with all their digits included."""
    if _literal(held) == _literal(told):
        return True
    try:
        return document_of(held).hash() == document_of(told).hash()
    except MappedFormError:
        return False


def _literal(text: str) -> Any:
    """JSON with its numbers as they are written."""
    return json.loads(text, parse_float=_number, parse_int=_number)


def _number(text: str) -> tuple[str]:
    return (text,)
