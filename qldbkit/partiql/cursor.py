"""A reader of tokens, which the parser's parts share."""

from __future__ import annotations

from typing import NoReturn

from qldbkit.partiql.dialect import Dialect, DialectError
from qldbkit.partiql.errors import PartiqlSyntaxError
from qldbkit.partiql.syntax import Name
from qldbkit.partiql.tokens import (
    FIELD_KEYWORDS,
    Token,
    TokenKind,
    line_and_column,
    syntax_error,
    tokenize,
)

MAX_DEPTH = 100
"""Nested expressions that a statement may have, so that none can exhaust the stack."""


class Cursor:
    """A place among a statement's tokens.

    Args:
        text: the statement.
        dialect: what it may be written in.
    """

    def __init__(self, text: str, dialect: Dialect):
        self.text = text
        self.dialect = dialect
        self.tokens = tokenize(text)
        self.position = 0
        self.parameter_count = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        """The next token."""
        return self.tokens[self.position]

    def ahead(self, distance: int = 1) -> Token:
        """The token that is ``distance`` behind the next."""
        return self.tokens[min(self.position + distance, len(self.tokens) - 1)]

    def advance(self) -> Token:
        """Take the next token."""
        token = self.tokens[self.position]
        if token.kind is not TokenKind.END:
            self.position += 1
        return token

    def is_keyword(self, word: str, *more: str) -> bool:
        """Whether the next tokens are these words; a word need not be a keyword."""
        if self.tokens[self.position].word != word:
            return False
        return all(self.ahead(i).word == each for i, each in enumerate(more, 1))

    def is_symbol(self, symbol: str) -> bool:
        """Whether the next token is this symbol."""
        token = self.tokens[self.position]
        return token.kind is TokenKind.SYMBOL and token.text == symbol

    def accept(self, word: str, *more: str) -> bool:
        """Take these words if they are next."""
        found = self.is_keyword(word, *more)
        if found:
            self.position += 1 + len(more)
        return found

    def accept_symbol(self, symbol: str) -> bool:
        """Take this symbol if it is next."""
        found = self.is_symbol(symbol)
        if found:
            self.position += 1
        return found

    def expect(self, word: str, *more: str) -> Token:
        """Take these words, of which the first is returned.

        Raises:
            PartiqlSyntaxError: something else is next.
        """
        token = self.token
        if not self.accept(word, *more):
            self.fail(" ".join((word, *more)))
        return token

    def expect_symbol(self, symbol: str) -> Token:
        """Take this symbol.

        Raises:
            PartiqlSyntaxError: something else is next.
        """
        token = self.token
        if not self.accept_symbol(symbol):
            self.fail(f"'{symbol}'")
        return token

    def fail(self, expected: str) -> NoReturn:
        """Refuse the next token.

        Raises:
            PartiqlSyntaxError: always.
        """
        token = self.token
        raise syntax_error(self.text, token.start, f"expected {expected}, found {token.describe()}")

    def error(self, at: int, message: str) -> PartiqlSyntaxError:
        """A syntax error at an offset, to be raised."""
        return syntax_error(self.text, at, message)

    def beyond_qldb(self, what: str, at: int) -> None:
        """Note that the statement uses what Amazon QLDB did not have.

        Raises:
            DialectError: only QLDB's dialect is accepted.
        """
        if self.dialect is Dialect.QLDB:
            line, column = line_and_column(self.text, at)
            raise DialectError(
                f"{what} is not supported by Amazon QLDB",
                line=line,
                column=column,
                hint="the ledger accepts it in its full dialect",
            )

    def is_name(self) -> bool:
        """Whether the next token can be a variable's name."""
        return self.token.kind in (TokenKind.NAME, TokenKind.QUOTED_NAME)

    def name(self, expected: str = "a name") -> Name:
        """Take a name that nothing announced: no keyword can be one."""
        if not self.is_name():
            self.fail(expected)
        return self._name()

    def field_name(self, expected: str) -> Name:
        """Take a name where only a name can stand, so that some keywords can be one."""
        token = self.token
        if token.kind is TokenKind.KEYWORD and token.text in FIELD_KEYWORDS:
            self.advance()
            return Name(self.text[token.start : token.end], at=token.start)
        return self.name(expected)

    def _name(self) -> Name:
        token = self.advance()
        return Name(token.text, token.kind is TokenKind.QUOTED_NAME, at=token.start)

    def enter(self) -> None:
        """Go one expression deeper.

        Raises:
            PartiqlSyntaxError: the statement is nested too deeply.
        """
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(self.token.start, f"more than {MAX_DEPTH} nested expressions")

    def leave(self) -> None:
        """Come back from one expression."""
        self.depth -= 1
