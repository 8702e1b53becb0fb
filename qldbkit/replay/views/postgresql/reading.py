"""What a view holds, read back."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from qldbkit.journal import decoding
from qldbkit.journal.integrity import verify_revision
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import BlockAddress
from qldbkit.replay.changes import content
from qldbkit.replay.compare import UNMAPPED, DocumentDigest
from qldbkit.replay.repair_source import SourceRevision
from qldbkit.replay.views.postgresql import statements
from qldbkit.replay.views.postgresql.catalog import Catalog, ViewTable
from qldbkit.replay.views.postgresql.connecting import Connection
from qldbkit.replay.views.postgresql.mapping import MappedFormError, document_of

ROWS_AT_ONCE: Final = 1000
"""Rows that are fetched, and held in memory."""
UNREADABLE: Final = b""
"""The digest of what no document is written as; no document has it."""
_DOCUMENTS: Final = """
SELECT shown.id, shown.data::text, known.table_key FROM {} AS shown
LEFT JOIN journal_document AS known ON known.id = shown.id
"""
_REVISIONS: Final = "SELECT ion FROM {} WHERE id = %s ORDER BY version"


def digests(connection: Connection, schema: str) -> Generator[DocumentDigest, None, None]:
    """Every current document of the active tables, by the Ion hash of its jsonb."""
    for table in Catalog.read(connection, schema):
        if not table.active:
            continue
        with connection.cursor(name="digests") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(statements.on(_DOCUMENTS, schema, table.current))
            for id_, text, key in cursor:
                known = id_ if key == table.key else f"{UNMAPPED}{id_}"
                yield DocumentDigest(table.name, known, _digest(text))


def revisions(
    connection: Connection, schema: str, table: ViewTable, document_id: str
) -> list[SourceRevision]:
    """All revisions of a document, by ascending version, each with its hash checked.

    Raises:
        IntegrityError: one of them is not what its hash says.
    """
    found = []
    for (ion,) in connection.execute(
        statements.on(_REVISIONS, schema, table.history), (document_id,)
    ):
        revision = decoding.revision(IonSpan.parse(ion))
        verify_revision(revision)
        assert revision.metadata is not None  # the history keeps no other
        address = revision.address or BlockAddress("", -1)
        data = None if revision.deleted else content(revision)
        found.append(SourceRevision(address, revision.metadata.version, data))
    return found


def _digest(text: str) -> bytes:
    try:
        return document_of(text).hash()
    except MappedFormError:
        return UNREADABLE
