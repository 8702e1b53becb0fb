"""Reading literals and types."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from amazon.ion.exceptions import IonException

from qldbkit.journal import codec
from qldbkit.partiql.cursor import Cursor
from qldbkit.partiql.kinds import MISSING
from qldbkit.partiql.syntax import Literal, TypedLiteral, TypeName
from qldbkit.partiql.tokens import Token, TokenKind

MAX_NUMBER_DIGITS = 4_000
"""Digits of a number literal: above it, reading and computing take longer than a statement may."""

_CONSTANTS: dict[str, Any] = {"NULL": None, "MISSING": MISSING, "TRUE": True, "FALSE": False}

# Types of more than one word. The values are how casts and IS know them.
_LONG_TYPES = {
    ("DOUBLE", "PRECISION"): "DOUBLE PRECISION",
    ("CHARACTER", "VARYING"): "VARCHAR",
    ("CHAR", "VARYING"): "VARCHAR",
}
_TYPE_KEYWORDS = frozenset({"NULL", "MISSING", "DATE", "TIME", "TIMESTAMP", "ANY"})
_INTERVAL_FIELDS = frozenset({"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"})
_ZONED = frozenset({"TIME", "TIMESTAMP"})


class LiteralParser(Cursor):
    """The part of the parser that reads literals and types."""

    def literal(self) -> Literal | TypedLiteral | None:
        """The literal that is next, or None when something else is."""
        token = self.token
        match token.kind:
            case TokenKind.STRING:
                self.advance()
                return Literal(token.text, f"'{token.text}'", at=token.start)
            case TokenKind.NUMBER:
                self.advance()
                return Literal(self._number(token), token.text, at=token.start)
            case TokenKind.ION:
                self.advance()
                return Literal(self._ion(token), f"`{token.text}`", at=token.start)
            case TokenKind.KEYWORD if token.text in _CONSTANTS:
                self.advance()
                return Literal(_CONSTANTS[token.text], token.text, at=token.start)
        return self._typed_literal(token)

    def _number(self, token: Token) -> int | Decimal:
        if len(token.text) > MAX_NUMBER_DIGITS:
            raise self.error(token.start, f"a number of more than {MAX_NUMBER_DIGITS} digits")
        return int(token.text) if token.text.isdigit() else Decimal(token.text)

    def _ion(self, token: Token) -> Any:
        try:
            return codec.read_text(token.text)
        except (IonException, ValueError, TypeError, IndexError, OverflowError) as problem:
            raise self.error(token.start, f"not an Ion value: {problem}") from problem

    def _typed_literal(self, token: Token) -> TypedLiteral | None:
        interval = self.is_keyword("INTERVAL") and self.ahead().kind is TokenKind.STRING
        if not interval and not self.is_keyword("DATE") and token.text not in _ZONED:
            return None
        if token.kind not in (TokenKind.KEYWORD, TokenKind.NAME):
            return None
        self.beyond_qldb(f"a literal of type {token.text.upper()}", token.start)
        if not interval:
            type_name = self.type_name()
            return TypedLiteral(type_name, self._string(), at=token.start)
        self.advance()
        text = self._string()
        return TypedLiteral(self._interval(token), text, at=token.start)

    def _string(self) -> str:
        if self.token.kind is not TokenKind.STRING:
            self.fail("a string")
        return self.advance().text

    def type_name(self) -> TypeName:
        """Take a type with its arguments.

        Raises:
            PartiqlSyntaxError: no type is next.
        """
        token = self.token
        named = token.kind is TokenKind.NAME or (
            token.kind is TokenKind.KEYWORD and token.text in _TYPE_KEYWORDS
        )
        if not named:
            self.fail("a type")
        name = self.advance().text.upper()
        if name == "INTERVAL":
            return self._interval(token)
        for words, long_name in _LONG_TYPES.items():
            if name == words[0] and self.accept(*words[1:]):
                name = long_name
        arguments = self._type_arguments()
        if name in _ZONED:
            name += self._zone()
        return TypeName(name, arguments, at=token.start)

    def _type_arguments(self) -> tuple[int, ...]:
        if not self.accept_symbol("("):
            return ()
        arguments = [self._type_argument()]
        while self.accept_symbol(","):
            arguments.append(self._type_argument())
        self.expect_symbol(")")
        return tuple(arguments)

    def _type_argument(self) -> int:
        if self.token.kind is not TokenKind.NUMBER or not self.token.text.isdigit():
            self.fail("a whole number")
        return int(self.advance().text)

    def _zone(self) -> str:
        if self.accept("WITH"):
            self.expect("TIME", "ZONE")
            return " WITH TIME ZONE"
        if self.accept("WITHOUT"):
            self.expect("TIME", "ZONE")
            return " WITHOUT TIME ZONE"
        return ""

    def _interval(self, token: Token) -> TypeName:
        first, arguments = self._interval_field()
        name = f"INTERVAL {first}"
        if self.accept("TO"):
            last, more = self._interval_field()
            name += f" TO {last}"
            # A first field without digits, before a last one with some, has the usual two.
            arguments = arguments if not more else (*(arguments or (2,)), *more)
        return TypeName(name, arguments, at=token.start)

    def _interval_field(self) -> tuple[str, tuple[int, ...]]:
        word = self.token.text.upper()
        if self.token.kind is not TokenKind.NAME or word not in _INTERVAL_FIELDS:
            self.fail("a field of an interval")
        self.advance()
        return word, self._type_arguments()
