"""Tables and indexes as a journal tells of them: by the statements that defined them.

A block says that a transaction ran ``CREATE TABLE Person``, but not which id the table got. In a
journal of this ledger the id follows from the transaction; in a journal that QLDB wrote, it is
learnt from the first document that names the table. Until then a foreign journal's index and table
ids in DROP INDEX and UNDROP TABLE are matched where only one can be meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Final

from qldbkit.journal.model import BlockSummary
from qldbkit.ledger.catalog import Catalog, TableState
from qldbkit.ledger.conflicts import CATALOG, Part, indexes_part, name_part
from qldbkit.ledger.errors import BadRequestError
from qldbkit.ledger.identifiers import derived_identifier
from qldbkit.partiql.errors import PartiqlError
from qldbkit.partiql.parser import parse
from qldbkit.partiql.statements import (
    CreateIndex,
    CreateTable,
    DropIndex,
    DropTable,
    Statement,
    UndropTable,
)

_DEFINITION: Final = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:CREATE|DROP|UNDROP)\b", re.IGNORECASE | re.DOTALL
)


def table_identifier(transaction_id: str, statement: int) -> str:
    """The id of the table that a transaction's CREATE TABLE makes; statements count from 0."""
    return derived_identifier("table", transaction_id, statement)


def index_identifier(transaction_id: str, statement: int) -> str:
    """The id of the index that a transaction's CREATE INDEX makes; statements count from 0."""
    return derived_identifier("index", transaction_id, statement)


@dataclass(frozen=True, slots=True)
class Definitions:
    """What a block tells of tables and indexes.

    Attributes:
        transaction_id: the transaction's.
        statements: those that define something, by their positions among all.
        tables: names and ids of the tables whose documents it wrote, each once.
    """

    transaction_id: str
    statements: tuple[tuple[int, str], ...] = ()
    tables: tuple[tuple[str, str], ...] = ()

    def plain(self) -> tuple[Any, ...]:
        """The fields' values."""
        return self.transaction_id, self.statements, self.tables


def definitions_of(summary: BlockSummary) -> Definitions:
    """What a block tells of tables and indexes."""
    info = summary.transaction_info
    if info is None:
        return Definitions(summary.transaction_id)
    tables = {(each.table_name, each.table_id): None for each in info.documents.values()}
    return Definitions(
        summary.transaction_id,
        tuple(
            (position, each.statement)
            for position, each in enumerate(info.statements)
            if _DEFINITION.match(each.statement)
        ),
        tuple(tables),
    )


def redefined(definitions: Definitions, catalog: Catalog) -> tuple[Catalog, set[Part]]:
    """The catalog behind a block, and what of it the block changed.

    A definition that the catalog cannot follow (a table that a journal without its beginning never
    made) leaves it as it is.
    """
    changed: set[Part] = set()
    for position, statement in definitions.statements:
        catalog, parts = _followed(catalog, statement, definitions.transaction_id, position)
        changed |= parts
    for name, table_id in definitions.tables:
        catalog, parts = _confirmed(catalog, name, table_id)
        changed |= parts
    return catalog, changed


def _followed(
    catalog: Catalog, text: str, transaction_id: str, position: int
) -> tuple[Catalog, set[Part]]:
    try:
        statement = parse(text)
        after = _defined(catalog, statement, transaction_id, position)
    except (PartiqlError, BadRequestError):
        return catalog, set()
    return after, _parts(catalog, after)


def _defined(catalog: Catalog, statement: Statement, transaction_id: str, position: int) -> Catalog:
    match statement:
        case CreateTable():
            id_ = table_identifier(transaction_id, position)
            return catalog.create_table(statement.name, id_)
        case DropTable():
            return catalog.drop_table(statement.name)
        case UndropTable():
            return _undropped(catalog, statement.table_id)
        case CreateIndex():
            id_ = index_identifier(transaction_id, position)
            return catalog.create_index(statement.table, statement.field, id_)
        case DropIndex():
            return _index_dropped(catalog, statement.table, statement.index_id)
    return catalog


def _undropped(catalog: Catalog, table_id: str) -> Catalog:
    if table_id not in catalog.tables:
        candidates = [
            each for each in catalog.tables.values() if not each.active and not each.confirmed
        ]
        if len(candidates) == 1:
            catalog = catalog.with_identifier(candidates[0], table_id)
    return catalog.undrop_table(table_id)


def _index_dropped(catalog: Catalog, table_name: str, index_id: str) -> Catalog:
    maintained = catalog.required(table_name).maintained
    if len(maintained) == 1:
        index_id = maintained[0].index_id
    return catalog.drop_index(table_name, index_id)


def _confirmed(catalog: Catalog, name: str, table_id: str) -> tuple[Catalog, set[Part]]:
    """The catalog in which the table of a journalled document has the document's table id."""
    table = catalog.tables.get(table_id)
    if table is not None:
        if table.confirmed:
            return catalog, set()
        return catalog.with_table(replace(table, confirmed=True)), set()
    namesake = catalog.active(name)
    if namesake is not None and not namesake.confirmed:
        after = catalog.with_identifier(namesake, table_id)
    else:
        if namesake is not None:
            catalog = catalog.with_table(replace(namesake, active=False))
        after = catalog.with_table(TableState(table_id, name, confirmed=True))
    return after, _parts(catalog, after)


def _parts(before: Catalog, after: Catalog) -> set[Part]:
    """What changed between two catalogs."""
    changed: set[Part] = set()
    for id_ in before.tables.keys() | after.tables.keys():
        old, new = before.tables.get(id_), after.tables.get(id_)
        if old == new:
            continue
        changed |= {CATALOG, indexes_part(id_)}
        if old is None or new is None or old.active != new.active:
            changed |= {name_part(each.name) for each in (old, new) if each is not None}
    return changed
