"""Reading statements: the whole of the parser, and its one entrance."""

from __future__ import annotations

from collections.abc import Callable

from qldbkit.partiql.dialect import Dialect
from qldbkit.partiql.parser_queries import QueryParser
from qldbkit.partiql.statements import (
    Assign,
    Change,
    CreateIndex,
    CreateTable,
    Delete,
    DropIndex,
    DropTable,
    Insert,
    Put,
    Query,
    Redact,
    Remove,
    Statement,
    UndropTable,
    Update,
)
from qldbkit.partiql.syntax import Expression, Name, Path, Source
from qldbkit.partiql.tokens import TokenKind


def parse(text: str, dialect: Dialect = Dialect.FULL) -> Statement:
    """The syntax tree of one statement, which may end with a semicolon.

    Raises:
        PartiqlSyntaxError: it is not a statement of the dialect; the error says where, and what
            was expected there. Where only QLDB's dialect refuses it, it is a `DialectError`.
    """
    return parse_with_parameters(text, dialect)[0]


def parse_with_parameters(text: str, dialect: Dialect) -> tuple[Statement, int]:
    """As `parse`, with the number of parameters in the statement."""
    parser = StatementParser(text, dialect)
    statement = parser.statement()
    parser.accept_symbol(";")
    if parser.token.kind is not TokenKind.END:
        parser.fail("the end of the statement")
    return statement, parser.parameter_count


class StatementParser(QueryParser):
    """The parser of one statement."""

    def statement(self) -> Statement:
        """Take a statement.

        Raises:
            PartiqlSyntaxError: none is next.
        """
        token = self.token
        reader = _READERS.get(token.text) if token.kind is TokenKind.KEYWORD else None
        if reader is not None:
            return reader(self)
        return Query(self.query(), at=token.start)

    def _create(self) -> CreateTable | CreateIndex:
        at = self.expect("CREATE").start
        if self.accept("TABLE"):
            name = self.name("a table's name")
            self._options()
            return CreateTable(name.name, at=name.at)
        if not self.is_keyword("INDEX"):
            self.fail("TABLE or INDEX")
        self.advance()
        self.expect("ON")
        table = self.name("a table's name")
        self.expect_symbol("(")
        field = self.field_name("the name of a top-level field")
        self.expect_symbol(")")
        return CreateIndex(table.name, field.name, at=at)

    def _options(self) -> None:
        """``WITH (name = value, ...)``: tags or flags, which change nothing of what is stored."""
        if not self.accept("WITH"):
            return
        self.expect_symbol("(")
        while True:
            self.name("an option")
            self.expect_symbol("=")
            if self.literal() is None:
                self.fail("a literal")
            if not self.accept_symbol(","):
                break
        self.expect_symbol(")")

    def _drop(self) -> DropTable | DropIndex:
        at = self.expect("DROP").start
        if self.accept("TABLE"):
            name = self.name("a table's name")
            return DropTable(name.name, at=name.at)
        if not self.is_keyword("INDEX"):
            self.fail("TABLE or INDEX")
        self.advance()
        index = self.name("an index's id")
        self.expect("ON")
        table = self.name("a table's name")
        self._options()
        return DropIndex(table.name, index.name, at=at)

    def _undrop(self) -> UndropTable:
        at = self.expect("UNDROP").start
        self.expect("TABLE")
        return UndropTable(self.name("a table's id").name, at=at)

    def _execute(self) -> Redact:
        at = self.expect("EXEC").start
        if not self.is_keyword("REDACT_REVISION"):
            self.fail("REDACT_REVISION")
        self.advance()
        address = self.expression()
        self.expect_symbol(",")
        table_id = self.expression()
        self.expect_symbol(",")
        return Redact(address, table_id, self.expression(), at=at)

    def _insert(self) -> Insert:
        at = self.expect("INSERT").start
        self.expect("INTO")
        table = self.name("a table's name")
        single = self.accept("VALUE")
        value = self.query()
        if self.is_keyword("AT"):
            raise self.error(self.token.start, "a document has no place in a table to be put AT")
        return Insert(table, value, single, at=at)

    def _delete(self) -> Delete:
        at = self.expect("DELETE").start
        self.expect("FROM")
        return Delete(self._target_source(), self.where(), at=at)

    def _update(self) -> Update:
        at = self.expect("UPDATE").start
        source = self._target_source()
        changes = self._changes()
        return Update(source, changes, self.where(), at=at)

    def _from_update(self) -> Update:
        at = self.expect("FROM").start
        source = self.from_items()
        where = self.where()
        return Update(source, self._changes(), where, at=at)

    def _target_source(self) -> Source:
        at = self.token.start
        return self.aliased(self.target(), False, at)

    def target(self) -> Name | Path:
        """Take a variable or a path from one.

        Raises:
            PartiqlSyntaxError: neither is next.
        """
        found = self._steps(self.name())
        if not isinstance(found, Name | Path):
            self.fail("a path")
        return found

    def _changes(self) -> tuple[Change, ...]:
        changes: list[Change] = []
        while True:
            if self.accept("SET"):
                changes.append(self._assignment())
                while self.accept_symbol(","):
                    changes.append(self._assignment())
            elif self.is_keyword("INSERT"):
                changes.append(self._put())
            elif self.is_keyword("REMOVE"):
                at = self.advance().start
                changes.append(Remove(self.target(), at=at))
            elif not changes:
                self.fail("SET, INSERT INTO or REMOVE")
            else:
                return tuple(changes)

    def _assignment(self) -> Assign:
        at = self.token.start
        target = self.target()
        self.expect_symbol("=")
        return Assign(target, self.query(), at=at)

    def _put(self) -> Put:
        at = self.expect("INSERT").start
        self.expect("INTO")
        target = self.target()
        key = self._key()
        single = self.accept("VALUE")
        value: Expression = self.query()
        return Put(target, value, single, key or self._key(), at=at)

    def _key(self) -> Expression | None:
        return self.expression() if self.accept("AT") else None


_READERS: dict[str, Callable[[StatementParser], Statement]] = {
    "CREATE": StatementParser._create,
    "DROP": StatementParser._drop,
    "UNDROP": StatementParser._undrop,
    "EXEC": StatementParser._execute,
    "INSERT": StatementParser._insert,
    "DELETE": StatementParser._delete,
    "UPDATE": StatementParser._update,
    "FROM": StatementParser._from_update,
}
