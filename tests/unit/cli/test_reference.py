"""docs/cli.md says what the commands say of themselves, and they share their options."""

from pathlib import Path

import pytest
import typer

from qldbkit.cli.application import application
from qldbkit.cli.reference import MARKER, reference

PAGE = Path(__file__).resolve().parents[3] / "docs" / "cli.md"
WITHOUT_JSON = {"quarantine show"}
"""It writes a record's bytes as they are."""


def commands(group=None, path=""):
    group = group or typer.main.get_command(application)
    for name, command in group.commands.items():
        whole = f"{path} {name}".strip()
        if hasattr(command, "commands"):
            yield from commands(command, whole)
        else:
            yield whole, command


COMMANDS = dict(commands())


def test_the_page_has_every_command_as_its_help_says_it():
    assert PAGE.read_text().partition(MARKER)[2].strip() == reference().strip(), (
        "run: make cli-docs"
    )


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_is_on_the_page_with_its_words(path):
    _, _, section = PAGE.read_text().partition(f"\n## qldbkit {path}\n")
    section = section.partition("\n## ")[0]
    assert COMMANDS[path].help.split("\n")[0] in section
    for parameter in COMMANDS[path].params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            assert f"`{parameter.opts[0]}`" in section
            assert parameter.help
            assert parameter.help in section


@pytest.mark.parametrize("path", sorted(COMMANDS.keys() - WITHOUT_JSON))
def test_every_command_prints_json(path):
    assert any("--json" in each.opts for each in COMMANDS[path].params)


def test_help_of_the_installed_command_lists_every_command():
    listed = typer.main.get_command(application).commands
    assert {path.split()[0] for path in COMMANDS} == set(listed)
