"""Statements about tables and indexes, and redaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from qldbkit.journal.model import BlockAddress
from qldbkit.partiql.compiler import Compiler
from qldbkit.partiql.database import Database
from qldbkit.partiql.errors import EvaluationError
from qldbkit.partiql.run import Evaluate, Row
from qldbkit.partiql.scopes import Scope
from qldbkit.partiql.statements import (
    CreateIndex,
    CreateTable,
    DropIndex,
    DropTable,
    Redact,
    UndropTable,
)
from qldbkit.partiql.values import TEXTS, Kind, field, kind, make_struct, text_of

Definition = CreateTable | DropTable | UndropTable | CreateIndex | DropIndex | Redact


def define(compiler: Compiler, statement: Definition) -> Callable[[Row], Iterator[Any]]:
    """The statement as a closure; it gives one row, with the table's id or the redaction."""
    if isinstance(statement, Redact):
        return _redaction(compiler, statement)
    change = _change(statement)
    return lambda row: iter([make_struct([("tableId", change(row[0].database))])])


def _change(
    statement: CreateTable | DropTable | UndropTable | CreateIndex | DropIndex,
) -> Callable[[Database], str]:
    match statement:
        case CreateTable(name=name):
            return lambda database: database.create_table(name)
        case DropTable(name=name):
            return lambda database: database.drop_table(name)
        case UndropTable(table_id=table_id):
            return lambda database: database.undrop_table(table_id)
        case CreateIndex(table=table, field=indexed):
            return lambda database: database.create_index(table, indexed)
        case DropIndex(table=table, index_id=index_id):
            return lambda database: database.drop_index(table, index_id)


def _redaction(compiler: Compiler, statement: Redact) -> Callable[[Row], Iterator[Any]]:
    scope = Scope()
    address = compiler.scalar(statement.address, scope)
    table_id = compiler.scalar(statement.table_id, scope)
    document_id = compiler.scalar(statement.document_id, scope)

    def run(row: Row) -> Iterator[Any]:
        where = _address(address(row))
        ids = _text(table_id, row, "table's id"), _text(document_id, row, "document's id")
        return iter([row[0].database.redact(where, *ids)])

    return run


def _address(value: Any) -> BlockAddress:
    """A block address as `REDACT_REVISION` takes it: ``{strandId: "...", sequenceNo: 17}``."""
    if kind(value) is Kind.STRUCT:
        strand, number = field(value, "strandId"), field(value, "sequenceNo")
        if kind(strand) in TEXTS and kind(number) is Kind.INT and number >= 0:
            return BlockAddress(text_of(strand), int(number))
    raise EvaluationError(
        "REDACT_REVISION takes a block address",
        hint='such as `{strandId: "JUJgrQeIeI64ZgvXIuqlZ1", sequenceNo: 17}`',
    )


def _text(evaluate: Evaluate, row: Row, what: str) -> str:
    value = evaluate(row)
    if kind(value) not in TEXTS:
        raise EvaluationError(f"REDACT_REVISION takes a {what} as a string")
    return text_of(value)
