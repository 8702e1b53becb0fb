"""LIKE: text matched against a pattern of `_` (one character) and `%` (any number of them)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from qldbkit.partiql.errors import EvaluationError, SemanticError
from qldbkit.partiql.kinds import (
    MISSING,
    TEXTS,
    Kind,
    is_absent,
    kind,
    text_of,
    type_name,
)

CACHED_PATTERNS = 256
"""How many compiled patterns are kept."""

Matcher = Callable[[str], bool]


def like(value: Any, pattern: Any, escape: Any = None) -> Any:
    """Whether a text matches; None where one operand is null, MISSING where one is MISSING.

    Args:
        value: a string or symbol.
        pattern: a string or symbol.
        escape: a string of one character that takes the meaning from the `_`, `%` or escape
            character after it; None for none. (A null escape is an Ion null, never None: use
            `like_escaped` where it comes from an expression.)

    Raises:
        EvaluationError: an operand is of another kind, or the pattern ends in its escape.
        SemanticError: the escape is not one character.
    """
    operands = (value, pattern) if escape is None else (value, pattern, escape)
    return _like(operands)


def like_escaped(value: Any, pattern: Any, escape: Any) -> Any:
    """`like` with an ESCAPE that was evaluated: null makes the answer null."""
    return _like((value, pattern, escape))


def _like(operands: tuple[Any, ...]) -> Any:
    for operand in operands:
        if kind(operand) not in TEXTS and not is_absent(operand):
            raise EvaluationError(f"LIKE compares texts, not {type_name(operand)}")
    if any(operand is MISSING for operand in operands):
        return MISSING
    if any(kind(operand) is Kind.NULL for operand in operands):
        return None
    texts = [text_of(operand) for operand in operands]
    return compile_like(texts[1], texts[2] if len(texts) > 2 else None)(texts[0])


@lru_cache(maxsize=CACHED_PATTERNS)
def compile_like(pattern: str, escape: str | None = None) -> Matcher:
    """A function that tells whether a text matches the pattern.

    It takes time proportional to the text's length times the pattern's: it never backtracks
    over more than the last `%`.

    Raises:
        EvaluationError: the pattern ends in its escape, or escapes what has no meaning.
        SemanticError: the escape is not one character.
    """
    segments = _segments(pattern, escape)
    if len(segments) == 1:
        whole = re.compile(segments[0], re.DOTALL)
        return lambda text: whole.fullmatch(text) is not None
    return _anchored(segments)


def _segments(pattern: str, escape: str | None) -> list[str]:
    """The pieces between the `%`s, each as a regular expression of fixed length."""
    if escape is not None and len(escape) != 1:
        raise SemanticError(f"ESCAPE needs one character, not '{escape}'")
    segments = [""]
    characters = iter(pattern)
    for character in characters:
        if character == escape:
            segments[-1] += re.escape(_escaped(characters, pattern, character))
        elif character == "%":
            segments.append("")
        else:
            segments[-1] += "." if character == "_" else re.escape(character)
    return segments


def _escaped(characters: Any, pattern: str, escape: str) -> str:
    following = str(next(characters, ""))
    if following not in {"%", "_", escape}:
        raise EvaluationError(
            f"'{escape}' in the pattern '{pattern}' must be followed by '%', '_' or itself"
        )
    return following


def _anchored(segments: list[str]) -> Matcher:
    first = re.compile(segments[0], re.DOTALL)
    middle = [re.compile(segment, re.DOTALL) for segment in segments[1:-1] if segment]
    last = re.compile(f"(?:{segments[-1]})\\Z", re.DOTALL)

    def matches(text: str) -> bool:
        head = first.match(text)
        if head is None:
            return False
        # The leftmost place of every middle piece leaves the most for those that follow.
        position = head.end()
        for piece in middle:
            found = piece.search(text, position)
            if found is None:
                return False
            position = found.end()
        return last.search(text, position) is not None

    return matches
