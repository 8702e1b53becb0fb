"""LIKE against a reference that tries everything."""

import time

import pytest
from amazon.ion import simpleion
from hypothesis import given
from hypothesis import strategies as st

from qldbkit.partiql.errors import EvaluationError, SemanticError
from qldbkit.partiql.patterns import compile_like, like, like_escaped
from qldbkit.partiql.values import MISSING


def reference(text, pattern, escape=None):
    if not pattern:
        return not text
    head, rest = pattern[0], pattern[1:]
    if head == escape:
        return bool(text) and text[0] == rest[0] and reference(text[1:], rest[1:], escape)
    if head == "%":
        return any(reference(text[start:], rest, escape) for start in range(len(text) + 1))
    return bool(text) and head in ("_", text[0]) and reference(text[1:], rest, escape)


@given(st.text("ab%_\n", max_size=7), st.text("ab%_\n", max_size=7))
def test_like_is_what_trying_everything_finds(text, pattern):
    assert like(text, pattern) is reference(text, pattern)


escaped = st.lists(st.sampled_from(["a", "%", "_", "!%", "!_", "!!"]), max_size=6).map("".join)


@given(st.text("a%_!", max_size=6), escaped)
def test_like_with_an_escape_is_what_trying_everything_finds(text, pattern):
    assert like(text, pattern, "!") is reference(text, pattern, "!")


@given(st.text(max_size=5))
def test_every_text_is_like_itself_escaped(text):
    pattern = "".join(f"!{c}" if c in "!%_" else c for c in text)
    assert like(text, pattern, "!") is True
    assert like(text, "%") is True


def test_many_wildcards_take_no_time():
    started = time.perf_counter()
    assert like("a" * 10_000, "%a" * 50 + "b") is False
    assert time.perf_counter() - started < 2


def test_symbols_are_texts_too():
    assert like(simpleion.loads("abc"), "a%") is True


def test_absent_operands():
    null = simpleion.loads("null.string")
    assert like(null, "a") is None
    assert like("a", MISSING) is MISSING
    assert like(None, MISSING) is MISSING
    assert like_escaped("a", "a", None) is None
    assert like_escaped("a", "a", MISSING) is MISSING


@pytest.mark.parametrize(
    ("value", "pattern", "escape"), [(1, "a", "!"), ("a", 1, "!"), ("a", "a", 1)]
)
def test_only_texts_are_compared(value, pattern, escape):
    with pytest.raises(EvaluationError, match="LIKE compares texts"):
        like(value, pattern, escape)


@pytest.mark.parametrize("escape", ["", "aa"])
def test_an_escape_is_one_character(escape):
    with pytest.raises(SemanticError, match="one character"):
        compile_like("a", escape)


@pytest.mark.parametrize("pattern", ["a!", "!a"])
def test_an_escape_escapes_something(pattern):
    with pytest.raises(EvaluationError, match="must be followed"):
        compile_like(pattern, "!")
