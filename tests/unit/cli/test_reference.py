"""docs/cli.md says what the commands say of themselves, and they share their options."""

from pathlib import Path

import pytest

from qldbkit.cli.commands import MODULES
from qldbkit.cli.reference import MARKER, reference, whole

PAGE = Path(__file__).resolve().parents[3] / "docs" / "cli.md"
WITHOUT_JSON = {"quarantine show"}
"""It writes a record's bytes as they are."""


def commands(found, path=""):
    for name, command in found.items():
        named = f"{path} {name}".strip()
        if hasattr(command, "commands"):
            yield from commands(command.commands, named)
        else:
            yield named, command


COMMANDS = dict(commands(whole()))


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


def test_every_module_of_commands_is_in_the_list():
    """A module whose `add_to` nobody calls would be a command that nobody finds."""
    package = Path(__file__).resolve().parents[3] / "qldbkit" / "cli"
    adding = {each.stem for each in package.glob("*.py") if "\ndef add_to(" in each.read_text()}
    assert adding == {module for module, _ in MODULES.values()}
