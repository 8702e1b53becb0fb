"""What docs/guarantees.md says is shown by tests that are there."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"\| (\d+) \| (.+?) \| (\d) \| (.*?) ?\|")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ROWS = [
    ROW.fullmatch(line)
    for line in (PROJECT / "docs" / "guarantees.md").read_text().splitlines()
    if re.match(r"\| \d", line)
]


def test_all_requirements_are_there_in_order() -> None:
    assert all(ROWS)
    assert [int(each[1]) for each in ROWS if each] == list(range(1, 35))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_a_level_is_shown_by_tests_that_exist(row: re.Match[str]) -> None:
    level, cited = int(row[3]), TEST.findall(row[4])
    assert 0 <= level <= 3
    assert bool(cited) == (level >= 2)
    for path, name in cited:
        assert f"def {name}(" in (PROJECT / path).read_text(), f"{path} has no {name}"
    assert level < 3 or any(is_seeded(path, name) for path, name in cited)


def is_seeded(path: str, name: str) -> bool:
    text = (PROJECT / path).read_text()
    signature = text[text.index(f"def {name}(") :].partition(") -> ")[0]
    return path.startswith("tests/simulation/") or "seed" in signature
