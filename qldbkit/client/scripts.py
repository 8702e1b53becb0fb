"""Taking typed text apart into statements and the shell's own commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from qldbkit.partiql.errors import UnendedTokenError
from qldbkit.partiql.tokens import TokenKind, statements, tokenize


class ShellCommand(Enum):
    """What the shell does itself."""

    START = "start"
    COMMIT = "commit"
    ABORT = "abort"
    TABLES = "tables"
    HELP = "help"
    EXIT = "exit"


COMMANDS: Final = {
    "start": ShellCommand.START,
    "start transaction": ShellCommand.START,
    "begin": ShellCommand.START,
    "commit": ShellCommand.COMMIT,
    "abort": ShellCommand.ABORT,
    "rollback": ShellCommand.ABORT,
    "tables": ShellCommand.TABLES,
    "show tables": ShellCommand.TABLES,
    "help": ShellCommand.HELP,
    "exit": ShellCommand.EXIT,
    "quit": ShellCommand.EXIT,
}
"""What is typed, to what it means; none of it can be a PartiQL statement."""
FORMAT: Final = "format "
"""Begins the command that chooses the output's format."""


def command_of(text: str) -> ShellCommand | None:
    """The shell's command that a text is, with or without a semicolon; None for a statement."""
    return COMMANDS.get(" ".join(text.rstrip("; \t\n").lower().split()))


def format_of(text: str) -> str | None:
    """The name behind ``format``; None for any other text."""
    words = text.rstrip("; \t\n").lower().split()
    return words[1] if len(words) == 2 and words[0] == FORMAT.strip() else None


@dataclass(slots=True)
class PendingText:
    """Lines that are typed until a semicolon ends their last statement."""

    lines: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether nothing was typed yet."""
        return not any(each.strip() for each in self.lines)

    @property
    def text(self) -> str:
        """What was typed so far."""
        return "\n".join(self.lines)

    def add(self, line: str) -> list[str]:
        """Take a line; return the statements, once the last of them has its semicolon.

        Raises:
            PartiqlSyntaxError: a character cannot be in a statement; all that was typed is dropped.
        """
        self.lines.append(line)
        try:
            tokens = tokenize(self.text)
        except UnendedTokenError:
            return []
        except Exception:
            self.clear()
            raise
        if len(tokens) < 2 or tokens[-2].kind is not TokenKind.SYMBOL or tokens[-2].text != ";":
            return []
        found = statements(self.text)
        self.clear()
        return found

    def clear(self) -> None:
        """Drop what was typed."""
        self.lines.clear()
