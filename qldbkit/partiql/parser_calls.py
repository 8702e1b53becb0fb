"""Reading function calls, many of which SQL gives a syntax of their own."""

from __future__ import annotations

from collections.abc import Callable

from qldbkit.partiql.functions import FUNCTIONS
from qldbkit.partiql.parser_literals import LiteralParser
from qldbkit.partiql.syntax import (
    Aggregate,
    Call,
    Case,
    Cast,
    Expression,
    Literal,
    Name,
    SequenceMaker,
)
from qldbkit.partiql.tokens import TokenKind

AGGREGATES = frozenset({"COUNT", "SUM", "AVG", "MIN", "MAX", "EVERY", "ANY", "SOME"})
_QLDB_AGGREGATES = frozenset({"COUNT", "SUM", "AVG", "MIN", "MAX"})
_CASTS = ("CAST", "CAN_CAST", "CAN_LOSSLESS_CAST")
_TRIM_SIDES = ("LEADING", "TRAILING", "BOTH")
_DATE_PARTS = frozenset(
    {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TIMEZONE_HOUR", "TIMEZONE_MINUTE"}
)
# Keywords that may be called as functions; any other name may be, too.
_CALLABLE_KEYWORDS = frozenset({"EXISTS"})


class CallParser(LiteralParser):
    """The part of the parser that reads calls, CASE and CAST."""

    def expression(self) -> Expression:
        """Take an expression."""
        raise NotImplementedError

    def query(self) -> Expression:
        """Take a query or an expression."""
        raise NotImplementedError

    def call(self) -> Expression | None:
        """The call that is next, or None when something else is."""
        token = self.token
        word = token.text.upper()
        if token.kind is TokenKind.KEYWORD and word == "CASE":
            return self._case()
        if token.kind not in (TokenKind.KEYWORD, TokenKind.NAME) or self.ahead().text != "(":
            return None
        special = _SPECIAL.get(word)
        if special is not None:
            return special(self)
        if word in AGGREGATES:
            return self._aggregate()
        if token.kind is TokenKind.KEYWORD and word not in _CALLABLE_KEYWORDS:
            return None
        return self._plain_call()

    def _begin(self) -> tuple[str, int]:
        token = self.advance()
        self.expect_symbol("(")
        return token.text.lower(), token.start

    def _made_call(self, name: str, arguments: list[Expression], at: int) -> Call:
        known = FUNCTIONS.get(name.upper())
        if known is not None and not known.qldb:
            self.beyond_qldb(f"the function {name.upper()}", at)
        return Call(name, tuple(arguments), at=at)

    def _plain_call(self) -> Call:
        name, at = self._begin()
        arguments: list[Expression] = []
        if name.startswith("coll_"):
            return self._collection_aggregate(name, at)
        if not self.is_symbol(")"):
            arguments = self.arguments()
        self.expect_symbol(")")
        return self._made_call(name, arguments, at)

    def arguments(self) -> list[Expression]:
        """Take expressions between commas."""
        found = [self.query()]
        while self.accept_symbol(","):
            found.append(self.query())
        return found

    def _quantifier(self) -> bool:
        distinct = self.accept("DISTINCT")
        if not distinct:
            self.accept("ALL")
        return distinct

    def _aggregate(self) -> Aggregate:
        word = self.token.text.upper()
        name, at = self._begin()
        if word not in _QLDB_AGGREGATES:
            self.beyond_qldb(f"the aggregate {word}", at)
        if word == "COUNT" and self.accept_symbol("*"):
            self.expect_symbol(")")
            return Aggregate(name, None, False, at=at)
        distinct = self._quantifier()
        if distinct:
            self.beyond_qldb("DISTINCT", at)
        argument = self.query()
        self.expect_symbol(")")
        return Aggregate(name, argument, distinct, at=at)

    def _collection_aggregate(self, name: str, at: int) -> Call:
        self.beyond_qldb(f"the function {name.upper()}", at)
        if name == "coll_count" and self.is_symbol("*"):
            star = self.advance()
            self.expect_symbol(")")
            return Call(name, (Name("*", at=star.start),), at=at)
        distinct = self._quantifier()
        argument = self.query()
        self.expect_symbol(")")
        if distinct:
            argument = Call("distinct", (argument,), at=argument.at)
        return Call(name, (argument,), at=at)

    def _case(self) -> Case:
        at = self.expect("CASE").start
        self.beyond_qldb("CASE", at)
        subject = None if self.is_keyword("WHEN") else self.expression()
        branches = []
        while self.accept("WHEN"):
            condition = self.expression()
            self.expect("THEN")
            branches.append((condition, self.expression()))
        if not branches:
            self.fail("WHEN")
        otherwise = self.expression() if self.accept("ELSE") else None
        self.expect("END")
        return Case(subject, tuple(branches), otherwise, at=at)

    def _cast(self) -> Cast:
        name, at = self._begin()
        if name != "cast":
            self.beyond_qldb(f"the function {name.upper()}", at)
        value = self.query()
        self.expect("AS")
        type_name = self.type_name()
        self.expect_symbol(")")
        return Cast(name, value, type_name, at=at)

    def _date_part(self) -> Literal:
        token = self.token
        if token.kind is not TokenKind.NAME or token.text.upper() not in _DATE_PARTS:
            self.fail("a part of a date, such as YEAR")
        self.advance()
        return Literal(token.text.lower(), token.text.lower(), at=token.start)

    def _extract(self) -> Call:
        name, at = self._begin()
        part = self._date_part()
        self.expect("FROM")
        value = self.expression()
        self.expect_symbol(")")
        return self._made_call(name, [part, value], at)

    def _date_arithmetic(self) -> Call:
        name, at = self._begin()
        arguments: list[Expression] = [self._date_part()]
        self.expect_symbol(",")
        arguments += self.arguments()
        self.expect_symbol(")")
        return self._made_call(name, arguments, at)

    def _substring(self) -> Call:
        name, at = self._begin()
        arguments = [self.expression()]
        if self.accept("FROM"):
            arguments.append(self.expression())
            if self.accept("FOR"):
                arguments.append(self.expression())
        elif self.accept_symbol(","):
            arguments += self.arguments()
        self.expect_symbol(")")
        return self._made_call(name, arguments, at)

    def _trim(self) -> Call:
        """``TRIM([side] [characters FROM] text)``: the call has side, characters and text."""
        name, at = self._begin()
        side = next((s for s in _TRIM_SIDES if self.accept(s)), None)
        characters: Expression = Literal(" ", "' '", at=at)
        if side is not None and self.accept("FROM"):
            text = self.expression()
        else:
            text = self.expression()
            if self.accept("FROM"):
                characters, text = text, self.expression()
            elif side is not None:
                self.fail("FROM")
        self.expect_symbol(")")
        chosen = (side or "BOTH").lower()
        return self._made_call(name, [Literal(chosen, chosen, at=at), characters, text], at)

    def _position(self) -> Call:
        name, at = self._begin()
        arguments = [self.concatenation()]
        if not self.accept("IN"):
            self.expect_symbol(",")
        arguments.append(self.expression())
        self.expect_symbol(")")
        return self._made_call(name, arguments, at)

    def concatenation(self) -> Expression:
        """Take an expression that ends before a predicate such as IN."""
        raise NotImplementedError

    def _overlay(self) -> Call:
        name, at = self._begin()
        arguments = [self.expression()]
        if self.accept("PLACING"):
            arguments.append(self.expression())
            self.expect("FROM")
            arguments.append(self.expression())
            if self.accept("FOR"):
                arguments.append(self.expression())
        elif self.accept_symbol(","):
            arguments += self.arguments()
        self.expect_symbol(")")
        return self._made_call(name, arguments, at)

    def _sequence(self) -> SequenceMaker:
        name, at = self._begin()
        elements = [] if self.is_symbol(")") else self.arguments()
        self.expect_symbol(")")
        kind = "LIST" if name == "row" else name.upper()
        return SequenceMaker(kind, tuple(elements), at=at)


_SPECIAL: dict[str, Callable[[CallParser], Expression]] = {
    **dict.fromkeys(_CASTS, CallParser._cast),
    "EXTRACT": CallParser._extract,
    "DATE_ADD": CallParser._date_arithmetic,
    "DATE_DIFF": CallParser._date_arithmetic,
    "SUBSTRING": CallParser._substring,
    "TRIM": CallParser._trim,
    "POSITION": CallParser._position,
    "OVERLAY": CallParser._overlay,
    "LIST": CallParser._sequence,
    "SEXP": CallParser._sequence,
    "BAG": CallParser._sequence,
    "ROW": CallParser._sequence,
}
