"""Reading queries: SELECT and the operators between them."""

from __future__ import annotations

from dataclasses import replace

from qldbkit.partiql.errors import PartiqlSyntaxError
from qldbkit.partiql.parser_expressions import ExpressionParser
from qldbkit.partiql.syntax import (
    AllOf,
    Expression,
    From,
    Grouping,
    Item,
    Join,
    JoinKind,
    MembersStep,
    Name,
    OrderKey,
    Path,
    Pivot,
    Projection,
    Select,
    SelectAll,
    SelectList,
    SelectValue,
    SetOperation,
    Source,
    Window,
)
from qldbkit.partiql.tokens import TokenKind

ROW = Name("$row", quoted=True, local=True)
"""What a row is called in a query that only orders or limits another expression."""


class QueryParser(ExpressionParser):
    """The part of the parser that reads queries."""

    def query(self) -> Expression:
        """Take a query, or any other expression, with ORDER BY, LIMIT and OFFSET behind it.

        Raises:
            PartiqlSyntaxError: neither is next.
        """
        self.enter()
        found = self._set_operation(self._intersection(), "UNION", "EXCEPT")
        window = self._window()
        self.leave()
        return found if window == Window() else _windowed(found, window)

    def _intersection(self) -> Expression:
        return self._set_operation(self._query_term(), "INTERSECT")

    def _set_operation(self, left: Expression, *operators: str) -> Expression:
        while True:
            outer = self.is_keyword("OUTER")
            word = self.ahead(1 if outer else 0).word
            if word is None or word not in operators:
                return left
            at = self.token.start
            self.beyond_qldb(word, at)
            self.position += 2 if outer else 1
            keep = self.accept("ALL")
            if not keep:
                self.accept("DISTINCT")
            right = self._query_term() if word == "INTERSECT" else self._intersection()
            left = SetOperation(word, outer, keep, left, right, at=at)

    def _query_term(self) -> Expression:
        if self.is_keyword("SELECT"):
            return self._select()
        if self.is_keyword("PIVOT"):
            return self._pivot()
        return self.expression()

    def _select(self) -> Select:
        at = self.expect("SELECT").start
        distinct = False
        if self.is_keyword("DISTINCT"):
            self.beyond_qldb("DISTINCT", self.advance().start)
            distinct = True
        else:
            self.accept("ALL")
        projection = self._projection()
        return self._select_rest(projection, distinct, at)

    def _pivot(self) -> Select:
        at = self.expect("PIVOT").start
        self.beyond_qldb("PIVOT", at)
        value = self.expression()
        self.expect("AT")
        projection = Pivot(value, self.expression(), at=at)
        return self._select_rest(projection, False, at)

    def _select_rest(self, projection: Projection, distinct: bool, at: int) -> Select:
        source = self.from_items() if self.accept("FROM") else None
        return Select(
            projection,
            distinct,
            source,
            self._lets(),
            self.where(),
            self._grouping(),
            self._having(),
            Window(),
            at=at,
        )

    def _projection(self) -> Projection:
        at = self.token.start
        if self.accept_symbol("*"):
            return SelectAll(at=at)
        if self.accept("VALUE"):
            return SelectValue(self.query(), at=at)
        items = [self._item()]
        while self.accept_symbol(","):
            items.append(self._item())
        return SelectList(tuple(items), at=at)

    def _item(self) -> Item | AllOf:
        at = self.token.start
        found = self.expression()
        if isinstance(found, Path) and isinstance(found.steps[-1], MembersStep):
            rest = found.steps[:-1]
            return AllOf(replace(found, steps=rest) if rest else found.root, at=at)
        return Item(found, self._alias(), at=at)

    def _alias(self) -> Name | None:
        if self.accept("AS"):
            return self.field_name("an alias")
        return self.name() if self.is_name() else None

    def from_items(self) -> From:
        """Take what stands behind FROM.

        Raises:
            PartiqlSyntaxError: it is not a list of sources.
        """
        left = self._from_item()
        while True:
            at = self.token.start
            if self.accept_symbol(","):
                left = Join(JoinKind.INNER, left, self._from_item(), None, at=at)
                continue
            kind = self._join_kind()
            if kind is None:
                return left
            cross = self.accept("CROSS")
            if cross:
                self.beyond_qldb("CROSS JOIN", at)
            self.expect("JOIN")
            left = self._joined(kind, left, cross, at)

    def _joined(self, kind: JoinKind, left: From, cross: bool, at: int) -> Join:
        right = self._from_item()
        if cross:
            return Join(kind, left, right, None, at=at)
        self.expect("ON")
        return Join(kind, left, right, self.expression(), at=at)

    def _join_kind(self) -> JoinKind | None:
        if self.is_keyword("JOIN") or self.is_keyword("CROSS"):
            return JoinKind.INNER
        at = self.token.start
        for kind in JoinKind:
            if self.accept(kind.value):
                if kind is not JoinKind.INNER:
                    self.beyond_qldb(f"{kind.value} JOIN", at)
                    self.accept("OUTER")
                return kind
        return None

    def _from_item(self) -> From:
        if self.is_symbol("("):
            joined = self._parenthesized_join()
            if joined is not None:
                return joined
        return self.source()

    def _parenthesized_join(self) -> From | None:
        """A join in parentheses; None, with nothing taken, when it is an expression."""
        position, parameters, depth = self.position, self.parameter_count, self.depth
        try:
            self.enter()
            self.expect_symbol("(")
            inner = self.from_items()
            self.expect_symbol(")")
            self.leave()
        except PartiqlSyntaxError:
            inner = None
        if isinstance(inner, Join):
            return inner
        self.position, self.parameter_count, self.depth = position, parameters, depth
        return None

    def source(self) -> Source:
        """Take one source with its aliases.

        Raises:
            PartiqlSyntaxError: no source is next.
        """
        at = self.token.start
        if self.is_keyword("LATERAL") and self.ahead().kind is not TokenKind.SYMBOL:
            # Every source sees those before it already.
            self.beyond_qldb("LATERAL", self.advance().start)
        unpivot = self.accept("UNPIVOT")
        if unpivot:
            self.beyond_qldb("UNPIVOT", at)
        return self.aliased(self.expression(), unpivot, at)

    def aliased(self, expression: Expression, unpivot: bool, at: int) -> Source:
        """Take the aliases behind a source."""
        alias = self._alias()
        at_alias = self.field_name("an alias") if self.accept("AT") else None
        by_alias = self.field_name("an alias") if self.accept("BY") else None
        return Source(expression, alias, at_alias, by_alias, unpivot, at=at)

    def _lets(self) -> tuple[tuple[Expression, Name], ...]:
        if not self.is_keyword("LET"):
            return ()
        self.beyond_qldb("LET", self.advance().start)
        lets = [self._let()]
        while self.accept_symbol(","):
            lets.append(self._let())
        return tuple(lets)

    def _let(self) -> tuple[Expression, Name]:
        expression = self.expression()
        self.expect("AS")
        return expression, self.field_name("an alias")

    def where(self) -> Expression | None:
        """Take a WHERE clause, if one is next."""
        return self.expression() if self.accept("WHERE") else None

    def _grouping(self) -> Grouping | None:
        if not self.is_keyword("GROUP"):
            return None
        at = self.advance().start
        self.beyond_qldb("GROUP BY", at)
        if self.accept("ALL"):
            self.expect("AS")
            return Grouping((), self.field_name("an alias"), at=at)
        if self.accept("PARTIAL"):
            raise self.error(at, "GROUP PARTIAL BY is not supported")
        self.expect("BY")
        keys = [self._group_key()]
        while self.accept_symbol(","):
            keys.append(self._group_key())
        group_as = self.field_name("an alias") if self.accept("GROUP", "AS") else None
        return Grouping(tuple(keys), group_as, at=at)

    def _group_key(self) -> tuple[Expression, Name | None]:
        expression = self.expression()
        return expression, self.field_name("an alias") if self.accept("AS") else None

    def _having(self) -> Expression | None:
        if not self.is_keyword("HAVING"):
            return None
        self.beyond_qldb("HAVING", self.advance().start)
        return self.expression()

    def _window(self) -> Window:
        return Window(self._order(), self._bound("LIMIT"), self._bound("OFFSET"))

    def _bound(self, word: str) -> Expression | None:
        if not self.is_keyword(word):
            return None
        self.beyond_qldb(word, self.advance().start)
        return self.expression()

    def _order(self) -> tuple[OrderKey, ...]:
        if not self.is_keyword("ORDER"):
            return ()
        at = self.advance().start
        self.expect("BY")
        self.beyond_qldb("ORDER BY", at)
        keys = [self._order_key()]
        while self.accept_symbol(","):
            keys.append(self._order_key())
        return tuple(keys)

    def _order_key(self) -> OrderKey:
        expression = self.expression()
        descending = self.accept("DESC")
        if not descending:
            self.accept("ASC")
        nulls_first = None
        if self.accept("NULLS"):
            nulls_first = self.is_keyword("FIRST")
            if not nulls_first and not self.is_keyword("LAST"):
                self.fail("FIRST or LAST")
            self.advance()
        return OrderKey(expression, descending, nulls_first, at=expression.at)


def _windowed(query: Expression, window: Window) -> Select:
    if isinstance(query, Select) and query.window == Window():
        return replace(query, window=window)
    source = Source(query, ROW, None, None, at=query.at)
    return Select(
        SelectValue(ROW, at=query.at), False, source, (), None, None, None, window, at=query.at
    )
