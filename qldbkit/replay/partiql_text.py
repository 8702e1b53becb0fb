"""The PartiQL that replay sends to a destination ledger."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from qldbkit.replay.bookkeeping_tables import CHECKPOINT_TABLE, DOCUMENT_TABLE

ACTIVE: Final = "ACTIVE"
"""The status of a table that is not dropped, and the one under which its name can be used."""
USER_TABLES: Final = "SELECT * FROM information_schema.user_tables"
STRAND_ROWS: Final = (
    f"SELECT rowId AS id, c AS content FROM {CHECKPOINT_TABLE} AS c BY rowId WHERE c.strandId = ?"  # noqa: S608
)
POSITIONS: Final = f"SELECT * FROM {CHECKPOINT_TABLE} AS c WHERE c.kind = 'position'"  # noqa: S608
"""The checkpoint of every strand."""

MAP: Final = f"SELECT m.destinationId, m.sourceId FROM {DOCUMENT_TABLE} AS m"  # noqa: S608


def quoted(name: str) -> str:
    """A name as a quoted identifier: it can then be nothing else, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


DOCUMENT_ROWS: Final = f"SELECT * FROM {DOCUMENT_TABLE} AS m WHERE m.sourceId IN ?"  # noqa: S608
"""The map's rows of the source ids in a list."""


def versions(table: str) -> str:
    """The current versions of the documents whose ids are in a list."""
    view = quoted(f"_ql_committed_{table}")
    return (
        f"SELECT c.metadata.id AS id, c.metadata.version AS version FROM {view} AS c"  # noqa: S608
        " WHERE c.metadata.id IN ?"
    )


def versions_of_several(tables: Iterable[str]) -> str:
    """The same of several tables at once, with a list for each. Not of QLDB's dialect."""
    return " UNION ALL ".join(map(versions, tables))


def documents(table: str) -> str:
    """All current documents with their ids."""
    return f"SELECT rowId AS id, d AS content FROM {quoted(table)} AS d BY rowId"  # noqa: S608


def insert(table: str) -> str:
    """Insert the documents of a list."""
    return f"INSERT INTO {quoted(table)} ?"


def replace(table: str) -> str:
    """Replace a document whole: parameters are the document and its id."""
    return f"UPDATE {quoted(table)} AS d BY rowId SET d = ? WHERE rowId = ?"  # noqa: S608


def replace_many(table: str) -> str:
    """Replace documents whole: the parameter is a list of ``{id, data}``.

    Not of QLDB's dialect, which has a parameter in FROM only behind a table.
    """
    return f"FROM ? AS new, {quoted(table)} AS d BY rowId WHERE rowId = new.id SET d = new.data"


REPLACE_IF_UNTOUCHED: Final = (
    f"UPDATE {CHECKPOINT_TABLE} AS c BY rowId SET c = ? WHERE rowId = ? AND c.writtenBy = ?"  # noqa: S608
)
"""Replace the checkpoint's row, if nobody else has since: row, its id, and who wrote the last."""


def delete(table: str) -> str:
    """Delete the documents whose ids are in a list."""
    return f"DELETE FROM {quoted(table)} AS d BY rowId WHERE rowId IN ?"  # noqa: S608


def rebase() -> str:
    """Change a row of the map: id and base version in the destination, history, source id."""
    return (
        f"UPDATE {DOCUMENT_TABLE} AS m SET m.destinationId = ?, m.baseVersion = ?, m.earlier = ?"  # noqa: S608
        " WHERE m.sourceId = ?"
    )


def history_of(table: str) -> str:
    """All revisions of a document: the parameter is its id."""
    return f"SELECT * FROM history({quoted(table)}) AS h WHERE h.metadata.id = ?"  # noqa: S608


def revision_address(table_id: str) -> str:
    """Where a revision is: parameters are the document's id and the version."""
    return (
        f"SELECT h.blockAddress AS address, h.dataHash AS dataHash FROM history('{table_id}') AS h"  # noqa: S608
        " WHERE h.metadata.id = ? AND h.metadata.version = ?"
    )


def redact(table_id: str, document_id: str) -> str:
    """Redact a revision: the parameter is its block address."""
    return f"EXEC REDACT_REVISION ?, '{table_id}', '{document_id}'"


def create_table(name: str) -> str:
    """Make a table."""
    return f"CREATE TABLE {quoted(name)}"


def drop_table(name: str) -> str:
    """Make a table inactive."""
    return f"DROP TABLE {quoted(name)}"


def undrop_table(table_id: str) -> str:
    """Make a table active again."""
    return f"UNDROP TABLE {quoted(table_id)}"


def create_index(table: str, field: str) -> str:
    """Make an index."""
    return f"CREATE INDEX ON {quoted(table)} ({quoted(field)})"


def drop_index(table: str, index_id: str) -> str:
    """Drop an index."""
    return f"DROP INDEX {quoted(index_id)} ON {quoted(table)} WITH (purge = true)"
