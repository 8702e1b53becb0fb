"""The syntax tree of PartiQL's statements."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from qldbkit.partiql.syntax import Expression, From, Name, Node, Path


class StatementKind(Enum):
    """What a statement does."""

    SELECT = "SELECT"
    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CREATE_TABLE = "CREATE TABLE"
    DROP_TABLE = "DROP TABLE"
    UNDROP_TABLE = "UNDROP TABLE"
    CREATE_INDEX = "CREATE INDEX"
    DROP_INDEX = "DROP INDEX"
    REDACT = "REDACT"


@dataclass(frozen=True, slots=True)
class Query(Node):
    """A SELECT, or any other expression to be evaluated."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Insert(Node):
    """``INSERT INTO table VALUE document`` or ``INSERT INTO table documents``."""

    table: Name
    value: Expression
    single: bool


@dataclass(frozen=True, slots=True)
class Assign(Node):
    """``SET target = value``."""

    target: Name | Path
    value: Expression


@dataclass(frozen=True, slots=True)
class Put(Node):
    """``INSERT INTO target VALUE value AT key``; not ``single``: each element of ``value``."""

    target: Name | Path
    value: Expression
    single: bool
    key: Expression | None


@dataclass(frozen=True, slots=True)
class Remove(Node):
    """``REMOVE target``; of a document's alias, the document itself."""

    target: Name | Path


Change = Assign | Put | Remove


@dataclass(frozen=True, slots=True)
class Update(Node):
    """``UPDATE source changes WHERE where`` or ``FROM source WHERE where changes``."""

    source: From
    changes: tuple[Change, ...]
    where: Expression | None


@dataclass(frozen=True, slots=True)
class Delete(Node):
    """``DELETE FROM source WHERE where``."""

    source: From
    where: Expression | None


@dataclass(frozen=True, slots=True)
class CreateTable(Node):
    """``CREATE TABLE name``."""

    name: str


@dataclass(frozen=True, slots=True)
class DropTable(Node):
    """``DROP TABLE name``."""

    name: str


@dataclass(frozen=True, slots=True)
class UndropTable(Node):
    """``UNDROP TABLE "tableId"``."""

    table_id: str


@dataclass(frozen=True, slots=True)
class CreateIndex(Node):
    """``CREATE INDEX ON table (field)``."""

    table: str
    field: str


@dataclass(frozen=True, slots=True)
class DropIndex(Node):
    """``DROP INDEX "indexId" ON table WITH (purge = true)``."""

    table: str
    index_id: str


@dataclass(frozen=True, slots=True)
class Redact(Node):
    """``EXEC REDACT_REVISION address, tableId, documentId``."""

    address: Expression
    table_id: Expression
    document_id: Expression


Statement = (
    Query
    | Insert
    | Update
    | Delete
    | CreateTable
    | DropTable
    | UndropTable
    | CreateIndex
    | DropIndex
    | Redact
)

_KINDS: dict[type, StatementKind] = {
    Query: StatementKind.SELECT,
    Insert: StatementKind.INSERT,
    Update: StatementKind.UPDATE,
    Delete: StatementKind.DELETE,
    CreateTable: StatementKind.CREATE_TABLE,
    DropTable: StatementKind.DROP_TABLE,
    UndropTable: StatementKind.UNDROP_TABLE,
    CreateIndex: StatementKind.CREATE_INDEX,
    DropIndex: StatementKind.DROP_INDEX,
    Redact: StatementKind.REDACT,
}


def kind_of(statement: Statement) -> StatementKind:
    """What the statement does."""
    return _KINDS[type(statement)]
