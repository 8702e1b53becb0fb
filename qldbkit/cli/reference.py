"""The commands' reference, written from what they say of themselves.

    python -m qldbkit.cli.reference docs/cli.md

puts it behind the marker in the page; what is before the marker is written by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Final

import typer

from qldbkit.cli.application import application
from qldbkit.cli.commands import CommandGroup

MARKER: Final = "<!-- From here on: make cli-docs -->\n"


def reference() -> str:
    """Markdown of every command, its arguments and its options."""
    return "\n".join(line for each in sorted(whole().items()) for line in _section(*each))


def whole() -> dict[str, Any]:
    """Every command, loaded, by its name."""
    group = typer.main.get_command(application)
    assert isinstance(group, CommandGroup)
    return {name: group.load(name) for name in group.commands}


def _section(path: str, command: Any) -> Iterator[str]:
    yield from _command(f"qldbkit {path}", command)
    below = getattr(command, "commands", {})
    for name in sorted(below):
        yield from _section(f"{path} {name}", below[name])


def _command(path: str, command: Any) -> Iterator[str]:
    yield f"## {path}\n"
    yield f"{_paragraphs(command.help)}\n"
    for each in command.params:
        if each.name != "help" and not getattr(each, "hidden", False):
            yield f"- {_parameter(each)}"
    yield ""


def _paragraphs(text: str | None) -> str:
    return "\n\n".join(" ".join(each.split()) for each in (text or "").split("\n\n")).strip()


def _parameter(parameter: Any) -> str:
    option = parameter.param_type_name == "option"
    names = parameter.opts if option else [parameter.metavar or str(parameter.name).upper()]
    told = ", ".join(f"`{each}`" for each in (*names, *parameter.secondary_opts))
    notes = "; ".join(_notes(parameter, option=option))
    return f"{told}: {parameter.help or ''}" + (f" ({notes})" if notes else "")


def _notes(parameter: Any, *, option: bool) -> Iterator[str]:
    kind = parameter.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        yield "one of " + ", ".join(f"`{each.value}`" for each in kind)
    if option and parameter.required:
        yield "required"
    named = parameter.envvar
    if named:
        names = [named] if isinstance(named, str) else named
        yield "or " + ", ".join(f"`{each}`" for each in names)
    if option and (default := _default(parameter)):
        yield f"default {default}"


def _default(parameter: Any) -> str:
    """What an option says of its default; of one that depends on the machine, its words."""
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    value = parameter.default
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not value:
        return ""
    return f"`{value.value if isinstance(value, Enum) else value}`"


def main() -> None:
    """Bring a page up to date."""
    page = Path(sys.argv[1])
    head, _, _ = page.read_text(encoding="utf-8").partition(MARKER)
    page.write_text(f"{head}{MARKER}\n{reference().strip()}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
