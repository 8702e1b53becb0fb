"""The page is whole without the internet, and none of its code makes elements of text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qldbkit.console import files
from qldbkit.console.console import SECURITY_HEADERS
from qldbkit.console.files import page_files

TEXTS = {name: each.body.decode() for name, each in page_files().items()}
SCRIPTS = {name: text for name, text in TEXTS.items() if name.endswith(".js")}
FOLDER = Path(files.__file__).parent / "assets"


def test_every_file_is_served_and_comes_with_the_package() -> None:
    assert {each.name for each in FOLDER.iterdir()} == TEXTS.keys()
    settings = (FOLDER.parents[2] / "pyproject.toml").read_text()
    assert '"qldbkit.console" = ["assets/*"]' in settings


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_is_loaded_from_elsewhere(name: str) -> None:
    named = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", TEXTS[name]))
    assert named <= {"http://www.w3.org/2000/svg"}  # a namespace, which nothing loads
    assert not re.search(r"@import|url\(", TEXTS[name])


def test_what_the_page_names_is_there() -> None:
    named = re.findall(r'(?:href|src)="([^"#]+)"', TEXTS["index.html"])
    assert set(named) == {"icon.svg", "console.css", "main.js"}
    for text in SCRIPTS.values():
        for module in re.findall(r'from "([^"]+)"', text):
            assert module.startswith("./")
            assert module[2:] in SCRIPTS


def test_every_script_is_used() -> None:
    imported = {each for text in SCRIPTS.values() for each in re.findall(r'"\./([^"]+)"', text)}
    assert imported | {"main.js"} == SCRIPTS.keys()


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_makes_elements_or_code_of_text(name: str) -> None:
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc"
        r"|createContextualFragment|\beval\(|new Function|javascript:|cssText|\.style\b"
    )
    assert not re.search(forbidden, SCRIPTS[name])


def test_the_page_holds_no_script_or_style_of_its_own() -> None:
    page = TEXTS["index.html"]
    assert re.findall(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page) == []


def test_the_policy_allows_this_server_alone() -> None:
    policy = dict(
        each.strip().split(" ", 1)
        for each in SECURITY_HEADERS["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    sources = {source for each in policy.values() for source in each.split()}
    assert sources == {"'none'", "'self'", "'script'"}
