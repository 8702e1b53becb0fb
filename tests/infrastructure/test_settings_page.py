"""docs/settings.md has every setting of the stacks, with the value that it has by default."""

import json
import re
from pathlib import Path

import pytest

from stacks.settings import _KEYS

PROJECT = Path(__file__).resolve().parents[2]
TEXT = (PROJECT / "docs" / "settings.md").read_text()
ROWS = dict(
    re.findall(r"^\| `(\w+)` \| (.+?) \| .+ \|$", TEXT.partition("## The commands")[0], re.M)
)
CONTEXT = json.loads((PROJECT / "cdk.json").read_text())["context"]


def said(value) -> str:
    """A value as the page writes it."""
    if isinstance(value, list):
        return ", ".join(map(said, value))
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def test_every_setting_is_on_the_page_and_no_other() -> None:
    assert ROWS.keys() == _KEYS.keys()


@pytest.mark.parametrize("key", _KEYS)
def test_a_setting_has_the_default_that_the_page_says(key: str) -> None:
    value = CONTEXT[key]
    assert ROWS[key] in ({"none", "all"} if value is None else {said(value)})
