"""The colours can be told apart by whoever sees less well, by day and by night (WCAG 2.2, AA)."""

from __future__ import annotations

import re

import pytest

from qldbkit.console.files import page_files

TEXT = 4.5
"""The least contrast of text of the usual size."""
SHAPES = 3.0
"""The least contrast of what is no text: curves, rings around the focus, edges of fields."""

CSS = page_files()["console.css"].body.decode()
DAY, NIGHT = (
    dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))
    for block in re.findall(r":root \{(.*?)\n *\}", CSS, re.DOTALL)
)
PAIRS = [
    *((text, ground) for text in ("ink", "soft", "accent") for ground in ("paper", "panel")),
    *((kind, "panel") for kind in ("good", "bad", "warn")),
    *((kind, f"{kind}-tint") for kind in ("good", "bad", "warn")),
    *(("ink", f"{kind}-tint") for kind in ("good", "bad", "warn")),
    ("on-accent", "accent"),
]


def contrast(first: str, second: str) -> float:
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast_is_computed_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_every_colour_of_the_day_has_one_for_the_night() -> None:
    assert DAY.keys() == NIGHT.keys()
    assert len(DAY) > 10


@pytest.mark.parametrize("palette", [DAY, NIGHT], ids=["day", "night"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_is_read_on_its_ground(palette: dict[str, str], text: str, ground: str) -> None:
    assert contrast(palette[text], palette[ground]) >= TEXT


@pytest.mark.parametrize("palette", [DAY, NIGHT], ids=["day", "night"])
@pytest.mark.parametrize("ground", ["paper", "panel"])
def test_the_focus_and_the_edges_of_fields_are_seen(palette: dict[str, str], ground: str) -> None:
    for shape in ("accent", "soft"):
        assert contrast(palette[shape], palette[ground]) >= SHAPES


def test_no_colour_is_chosen_beside_the_palette() -> None:
    rules = re.sub(r":root \{.*?\n *\}", "", CSS, flags=re.DOTALL)
    assert re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(", rules) == []
