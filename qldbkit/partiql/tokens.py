"""A PartiQL statement's text as tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from qldbkit.partiql.errors import PartiqlSyntaxError, UnendedTokenError


class TokenKind(Enum):
    """What a token is."""

    KEYWORD = "keyword"
    NAME = "name"
    QUOTED_NAME = "quoted name"
    STRING = "string"
    NUMBER = "number"
    ION = "Ion literal"
    PARAMETER = "parameter"
    SYMBOL = "symbol"
    END = "end of the statement"


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: what it is.
        text: a keyword in capitals, a string or a quoted name without its quotes, an Ion literal
            without its backticks, and anything else as it was written.
        start: offset of its first character in the statement.
        end: offset behind its last character.
        word: in capitals, if it is a keyword or a name without quotes.
    """

    kind: TokenKind
    text: str
    start: int
    end: int
    word: str | None = None

    def describe(self) -> str:
        """The token as an error message names it."""
        if self.kind is TokenKind.END:
            return str(self.kind.value)
        return f"{self.kind.value} '{self.text}'"


# What cannot stand for a variable unless it is quoted. SQL-92 reserves far more words; the ones
# that only name functions, types or parts of a date stay free, since documents use them as fields.
_KEYWORDS = """
    ALL AND ANY AS ASC AT BETWEEN BOTH BY CASE CAST CAN_CAST CAN_LOSSLESS_CAST CREATE CROSS
    DATE DELETE DESC DISTINCT DROP ELSE END ESCAPE EVERY EXCEPT EXEC EXISTS FALSE FETCH FOR
    FROM FULL GROUP HAVING IN INNER INSERT INTERSECT INTO IS JOIN LEADING LEFT LET LIKE
    LIMIT MISSING NATURAL NOT NULL NULLS OFFSET ON OR ORDER OUTER PIVOT REMOVE RIGHT SELECT
    SET SOME TABLE THEN TIME TIMESTAMP TRAILING TRUE UNDROP UNION UNPIVOT UPDATE VALUE
    VALUES WHEN WHERE WITH
"""
KEYWORDS = frozenset(re.findall(r"\w+", _KEYWORDS))

# Keywords that documents also have as fields: after a dot, or AS, nothing else could be meant.
_FIELD_KEYWORDS = """
    ANY BOTH CAST DATE EVERY EXEC FETCH FULL INNER LEADING LET LIMIT MISSING NATURAL OFFSET
    OUTER REMOVE SOME TIME TIMESTAMP TRAILING UNDROP VALUE VALUES PIVOT UNPIVOT
"""
FIELD_KEYWORDS = frozenset(re.findall(r"\w+", _FIELD_KEYWORDS))

_PATTERN = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)
    | (?P<word>(?:[^\W\d]|\$)[\w$]*)
    | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<string>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<ion>`(?>"(?:[^"\\]|\\.)*"|'''(?:[^\\]|\\.)*?'''|'(?:[^'\\]|\\.)*'
             |//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/|\{\{[^`"']*\}\}|[^`"'])*+`)
    | (?P<parameter>\?)
    | (?P<symbol><<|>>|<=|>=|<>|!=|\|\||[-+*/%=<>()\[\]{},.:;@])
    """,
    re.VERBOSE | re.DOTALL,
)

_UNENDED = {
    "'": "the string has no end",
    '"': "the quoted name has no end",
    "`": "the Ion literal has no end",
    "/": "the comment has no end",
}


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """The line and column, both from 1, of a character of a statement."""
    line = text.count("\n", 0, offset) + 1
    return line, offset - text.rfind("\n", 0, offset)


def syntax_error(text: str, offset: int, message: str) -> PartiqlSyntaxError:
    """A syntax error at a character of a statement."""
    line, column = line_and_column(text, offset)
    return PartiqlSyntaxError(message, line=line, column=column)


def _unended(text: str, offset: int) -> UnendedTokenError:
    line, column = line_and_column(text, offset)
    return UnendedTokenError(_UNENDED[text[offset]], line=line, column=column)


def tokenize(text: str) -> list[Token]:
    """The statement's tokens, with one of kind END behind the last.

    Raises:
        PartiqlSyntaxError: a character does not begin any token.
        UnendedTokenError: a quote or a comment is not closed.
    """
    tokens: list[Token] = []
    offset = 0
    while offset < len(text):
        match = _PATTERN.match(text, offset)
        if match is None:
            if text[offset] in _UNENDED:
                raise _unended(text, offset)
            raise syntax_error(text, offset, f"unexpected character '{text[offset]}'")
        if match.lastgroup == "symbol" and match[0] == "/" and text.startswith("/*", offset):
            raise _unended(text, offset)
        if match.lastgroup != "space":
            tokens.append(_token(match))
        offset = match.end()
    tokens.append(Token(TokenKind.END, "", len(text), len(text)))
    return tokens


def _token(match: re.Match[str]) -> Token:
    text, start, end = match[0], match.start(), match.end()
    match match.lastgroup:
        case "word":
            upper = text.upper()
            if upper in KEYWORDS:
                return Token(TokenKind.KEYWORD, upper, start, end, upper)
            return Token(TokenKind.NAME, text, start, end, upper)
        case "number":
            return Token(TokenKind.NUMBER, text, start, end)
        case "string":
            return Token(TokenKind.STRING, text[1:-1].replace("''", "'"), start, end)
        case "quoted":
            return Token(TokenKind.QUOTED_NAME, text[1:-1].replace('""', '"'), start, end)
        case "ion":
            return Token(TokenKind.ION, text[1:-1], start, end)
        case "parameter":
            return Token(TokenKind.PARAMETER, text, start, end)
        case _:
            return Token(TokenKind.SYMBOL, text, start, end)


def statements(text: str) -> list[str]:
    """The statements of a script, which are separated by semicolons; empty ones are left out.

    Raises:
        PartiqlSyntaxError: the script cannot be read as tokens.
    """
    found: list[str] = []
    start: int | None = None
    end = 0
    for token in tokenize(text):
        if token.kind is TokenKind.END or (token.kind is TokenKind.SYMBOL and token.text == ";"):
            if start is not None:
                found.append(text[start:end])
            start = None
        else:
            start = token.start if start is None else start
            end = token.end
    return found
