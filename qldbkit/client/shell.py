"""The PartiQL shell: what is typed, run, and shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from qldbkit.client.catalog import TableEntry
from qldbkit.client.rendering import OutputFormat, write_rows
from qldbkit.client.scripts import PendingText, ShellCommand, command_of, format_of
from qldbkit.client.transactions import Statements
from qldbkit.errors import QldbkitError

HELP: Final = """\
Statements end with a semicolon and may take several lines. Tab completes keywords, tables and
fields; the arrow keys bring back what was typed.

  start            start a transaction (QLDB ends it after 30 seconds)
  commit           commit it
  abort            give it up; so does a statement that fails
  tables           list the tables
  format FORMAT    show results as ion, json or table
  help             this
  exit             leave; so does Ctrl-D. Ctrl-C drops what is being typed.
"""


class Lines(Protocol):
    """Where lines come from."""

    typed_before: str

    def read(self, prompt: str) -> str:
        """The next line; EOFError when there are no more."""

    def remember(self, statement: str) -> None:
        """Add to the history."""


class Shell:
    """Reads statements and runs them until told to exit.

    Args:
        ledger: its name, for the prompt.
        statements: runs statements.
        tables: lists the ledger's tables.
        changed: called after each statement.
        describe: a person's sentence for an error.
        form: how results are shown.
        console: where results are shown.
        notes: where everything else is shown.
    """

    def __init__(
        self,
        ledger: str,
        statements: Statements,
        tables: Callable[[], Sequence[TableEntry]],
        changed: Callable[[], None],
        describe: Callable[[Exception], str],
        form: OutputFormat,
        console: Console,
        notes: Console,
    ):
        self._ledger = ledger
        self._statements = statements
        self._tables = tables
        self._changed = changed
        self._describe = describe
        self._form = form
        self._console = console
        self._notes = notes
        self._pending = PendingText()

    def run(self, lines: Lines) -> None:
        """Read and run until there are no more lines, or one says exit."""
        while True:
            lines.typed_before = self._pending.text
            try:
                line = lines.read(self._prompt())
            except EOFError:
                break
            except KeyboardInterrupt:
                self._pending.clear()
                self._say("")
                continue
            if not self._take(line, lines):
                break
        self._leave()

    def _prompt(self) -> str:
        mark = "*" if self._statements.in_transaction else ""
        if self._pending.empty:
            return f"{self._ledger}{mark}> "
        return f"{'-':>{len(self._ledger) + len(mark)}}> "

    def _take(self, line: str, lines: Lines) -> bool:
        """Run what a line completes and say what went wrong; False when it says exit."""
        try:
            return self._run_line(line, lines)
        except KeyboardInterrupt:
            self._say("interrupted; whether the statement was committed is not known")
        except (QldbkitError, ClientError, BotoCoreError) as error:
            self._say(f"error: {self._describe(error)}")
        return True

    def _run_line(self, line: str, lines: Lines) -> bool:
        if self._pending.empty:
            self._pending.clear()
            if _is_own(line):
                lines.remember(line.strip())
                return self._own(line)
        typed = f"{self._pending.text}\n{line}".strip()
        try:
            found = self._pending.add(line)
        finally:
            if typed and self._pending.empty:
                lines.remember(typed)
        for statement in found:
            if not _is_own(statement):
                self._show(statement)
            elif not self._own(statement):
                return False
        return True

    def _show(self, statement: str) -> None:
        was_open, started = self._statements.in_transaction, perf_counter()
        try:
            rows = self._statements.execute(statement)
        finally:
            if was_open and not self._statements.in_transaction:
                self._say("the transaction was aborted")
        seconds = perf_counter() - started
        write_rows(rows, self._form, self._console)
        self._say(f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'} in {seconds:.3f} s")
        self._changed()

    def _own(self, text: str) -> bool:
        """Run one of the shell's commands; False when it is exit."""
        if (form := format_of(text)) is not None:
            self._choose(form)
            return True
        command = command_of(text)
        if command is not None and command is not ShellCommand.EXIT:
            self._command(command)
        return command is not ShellCommand.EXIT

    def _command(self, command: ShellCommand) -> None:
        match command:
            case ShellCommand.START:
                self._say(f"transaction {self._statements.start()}")
            case ShellCommand.COMMIT:
                self._statements.commit()
                self._say("committed")
            case ShellCommand.ABORT:
                self._statements.abort()
                self._say("aborted")
            case ShellCommand.TABLES:
                for each in self._tables():
                    if each.active:
                        self._console.out(each.name, highlight=False)
            case ShellCommand.HELP:
                self._console.out(HELP, highlight=False, end="")

    def _choose(self, name: str) -> None:
        try:
            self._form = OutputFormat(name)
        except ValueError:
            self._say(f"error: there is no format {name}\nhint: ion, json or table")

    def _leave(self) -> None:
        if not self._statements.in_transaction:
            return
        try:
            self._statements.abort()
            self._say("the open transaction was aborted")
        except (QldbkitError, ClientError, BotoCoreError) as error:
            self._say(f"error: {self._describe(error)}")

    def _say(self, text: str) -> None:
        self._notes.out(text, highlight=False)


def _is_own(text: str) -> bool:
    return command_of(text) is not None or format_of(text) is not None
