"""What a destination ledger holds of a replay, as its transactions read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from qldbkit.replay import partiql_text as partiql
from qldbkit.replay.bookkeeping import POSITION, Row, checkpoint_of, earlier_of, tables_of
from qldbkit.replay.bookkeeping_tables import BOOKKEEPING_TABLES, INDEXED_FIELDS
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.destination import DocumentEntry
from qldbkit.replay.ledger_client import Transaction
from qldbkit.replay.tables import TableBook

REFUSED: Final = "BadRequestException"

Wanted = dict[str, list[str]]
"""Ids of documents in the destination, by the names of their tables."""


class OneByOneError(Exception):
    """The destination's PartiQL cannot replace several documents by one statement."""


@dataclass(frozen=True, slots=True)
class Strand:
    """What is known of a strand's rows.

    Attributes:
        checkpoint: None for a strand that the destination does not know.
        tables: the source's tables.
        row_ids: the ids of the rows, by their kind.
        written_by: the transaction that wrote the checkpoint's row; None if it has been read, and
            need not be compared.
    """

    checkpoint: Checkpoint | None
    tables: TableBook
    row_ids: Mapping[str, str]
    written_by: str | None = None


def lacks_bookkeeping(transaction: Transaction) -> bool:
    """Whether a bookkeeping table, or its index, is missing."""
    tables = active_tables(transaction)
    return any(
        INDEXED_FIELDS[name] not in indexed_fields(tables.get(name, {}))
        for name in BOOKKEEPING_TABLES
    )


def make_bookkeeping(transaction: Transaction) -> None:
    """Make the bookkeeping tables and their indexes where they are missing."""
    tables = active_tables(transaction)
    for name in sorted(BOOKKEEPING_TABLES):
        if name not in tables:
            transaction.execute_statement(partiql.create_table(name))
        if INDEXED_FIELDS[name] not in indexed_fields(tables.get(name, {})):
            transaction.execute_statement(partiql.create_index(name, INDEXED_FIELDS[name]))


def active_tables(transaction: Transaction) -> dict[str, Row]:
    """The ledger's active tables by name, as ``information_schema.user_tables`` has them."""
    rows = transaction.execute_statement(partiql.USER_TABLES)
    return {str(each["name"]): each for each in rows if str(each["status"]) == partiql.ACTIVE}


def indexed_fields(table: Row) -> dict[str, str]:
    """A table's indexes: their ids by field. An index's ``expr`` is ``[field]``."""
    return {str(each["expr"])[1:-1]: str(each["indexId"]) for each in table.get("indexes", ())}


def read_strand(transaction: Transaction, strand_id: str) -> Strand:
    """A strand's rows."""
    checkpoint, tables, row_ids = None, TableBook(), {}
    for each in transaction.execute_statement(partiql.STRAND_ROWS, strand_id):
        content = each["content"]
        row_ids[str(content["kind"])] = str(each["id"])
        if content["kind"] == POSITION:
            checkpoint = checkpoint_of(content)
        else:
            tables = tables_of(content)
    return Strand(checkpoint, tables, row_ids)


def entries_of(
    found: Iterable[Row], tables: TableBook, versions_of: Callable[[Wanted], Iterable[Row]]
) -> dict[str, DocumentEntry]:
    """What the map says of documents, with their versions, by their ids in the source.

    Args:
        found: the map's rows.
        tables: the source's tables.
        versions_of: reads the versions of documents that are there.
    """
    rows = list(found)
    active = {each.name for each in tables if each.active}
    wanted: Wanted = {}
    for each in rows:
        table, id_ = str(each["tableName"]), str(each["destinationId"])
        if id_ and table in active:
            wanted.setdefault(table, []).append(id_)
    versions = {str(each["id"]): int(each["version"]) for each in versions_of(wanted)}
    return {str(each["sourceId"]): _entry(each, versions) for each in rows}


def _entry(row: Row, versions: Mapping[str, int]) -> DocumentEntry:
    id_ = str(row["destinationId"])
    return DocumentEntry(
        source_id=str(row["sourceId"]),
        destination_id=id_,
        table=str(row["tableName"]),
        base_version=int(row["baseVersion"]),
        destination_version=versions.get(id_),
        earlier=earlier_of(row),
    )


def beyond_qldb(transaction: Transaction, statement: str, *given: Any) -> list[Row]:
    """The result of a statement that is not of QLDB's dialect.

    Raises:
        OneByOneError: the destination refuses it.
    """
    try:
        return list(transaction.execute_statement(statement, *given))
    except ClientError as error:
        if error.response["Error"].get("Code") == REFUSED:
            raise OneByOneError from error
        raise
