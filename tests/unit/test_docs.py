"""What the README and docs/ show is there: commands and options, targets, files and links."""

import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from qldbkit.cli.reference import whole

PROJECT = Path(__file__).resolve().parents[2]
PAGES = {
    path.relative_to(PROJECT).as_posix(): path.read_text()
    for path in [*PROJECT.glob("*.md"), *sorted((PROJECT / "docs").glob("*.md"))]
}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
LINK = re.compile(r"\]\((?!\w+:)([^)#]*)(?:#([^)]*))?\)")
FILE = re.compile(r"`((?:docs|tests|qldbkit|stacks|lambdas|bench|\.ci)/[\w./-]+|[\w-]+\.md)`")

RUN_BY = {
    "README.md": "tests/integration/test_readme.py",
    "docs/adding-a-destination.md": "tests/unit/replay/test_destination_page.py",
    "docs/cli.md": "tests/integration/test_docs.py",
    "docs/getting-started.md": "tests/integration/test_docs.py",
    "docs/restore.md": "tests/integration/test_restore_page.py",
    "docs/views-postgresql.md": "tests/integration/test_view_postgresql_page.py",
}
"""Page: the test that runs its blocks of shell and Python, from the first to the last."""
NOT_RUN = {
    "docs/contributing.md": "its targets run whole test suites; they are checked to be there",
    "docs/operations.md": "its commands need a deployed replay that something has happened to;"
    " tests/integration/test_operator_commands.py runs them on one",
    "docs/console.md": "its commands are those of docs/getting-started.md",
}
"""Page with such blocks that are only looked at: why."""
LANGUAGES = {
    "js": "tests/drivers runs the driver, where it is installed",
    "java": "tests/drivers runs the driver, where it is installed",
    "go": "tests/drivers runs the driver, where it is installed",
    "json": "it is data",
    "sql": "it is for another program",
    "": "it is output, or commands that are checked one by one below",
}
"""Languages whose blocks are not run: why."""


described = cache(whole)


def blocks(page):
    return BLOCK.findall(PAGES[page])


def commands(program):
    """Every use of a program in blocks and in running text, with its page."""
    for page, text in PAGES.items():
        shown = [line for language, block in blocks(page) if language in {"", "sh"}
                 for line in block.replace("\\\n", " ").splitlines()]  # fmt: skip
        inline = [" ".join(each.split()) for each in INLINE.findall(BLOCK.sub("", text))]
        for line in (*shown, *inline):
            for part in re.split(r"[;|()]|&&", line.split(" #")[0].strip(" $")):
                if part.strip().startswith(f"{program} "):
                    yield page, part.strip()


def test_every_block_of_shell_and_python_is_run_by_a_test():
    for page in PAGES:
        languages = {language for language, _ in blocks(page)} - LANGUAGES.keys()
        assert languages <= {"sh", "python"}, page
        assert not languages or page in RUN_BY.keys() | NOT_RUN.keys(), page
    for page, test in RUN_BY.items():
        assert Path(page).name in (PROJECT / test).read_text()


@pytest.mark.parametrize(("page", "command"), sorted(set(commands("qldbkit"))))
def test_commands_and_their_options_are_there(page, command):
    group, known, found = described(), {"--help", "--version", "--install-completion"}, None
    for word in shlex.split(command.replace("…", ""))[1:]:
        if word.startswith("--"):
            assert word.partition("=")[0] in known, f"{page}: {command} has {word}"
        elif word in group:
            found, group = group[word], getattr(group[word], "commands", {})
            known |= {name for each in found.params for name in (*each.opts, *each.secondary_opts)}
        elif found is None:
            assert word == word.upper(), f"{page}: there is no command {word}"


@pytest.mark.parametrize(("page", "command"), sorted(set(commands("make"))))
def test_targets_are_there(page, command):
    makefile = (PROJECT / "Makefile").read_text()
    target = command.split()[1]
    if target.isalpha() or "-" in target:
        assert re.search(rf"^[\w -]*\b{target}\b[\w -]*:", makefile, re.MULTILINE), page


@pytest.mark.parametrize("page", PAGES)
def test_files_and_links_are_there(page):
    text = BLOCK.sub("", PAGES[page])
    for file, anchor in LINK.findall(text):
        target = (PROJECT / page).parent / file if file else PROJECT / page
        assert target.exists(), f"{page} links to {file}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            known = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
            assert anchor in known, f"{page} links to {file}#{anchor}"
    for file in FILE.findall(text):
        places = (PROJECT, (PROJECT / page).parent, PROJECT / "docs")
        assert any((place / file.rstrip("/")).exists() for place in places), f"{page} names {file}"


@pytest.mark.parametrize("page", sorted(each for each in PAGES if each.startswith("docs/")))
def test_every_page_is_in_the_index(page):
    if page != "docs/README.md":
        assert f"]({Path(page).name})" in PAGES["docs/README.md"]
