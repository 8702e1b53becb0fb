"""Running a script of statements from its first to its last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from amazon.ion.exceptions import IonException

from qldbkit.client.scripts import ShellCommand, command_of
from qldbkit.client.transactions import Statements
from qldbkit.errors import QldbkitError
from qldbkit.journal import codec
from qldbkit.partiql.tokens import statements


class ScriptError(QldbkitError):
    """A script cannot be run as it stands."""


def parameters_of(texts: Sequence[str]) -> tuple[Any, ...]:
    """Values for a statement's question marks.

    Raises:
        ScriptError: one of them is no Ion text.
    """
    try:
        return tuple(map(codec.read_text, texts))
    except (IonException, ValueError) as error:
        raise ScriptError(
            f"a parameter is not Ion text: {str(error).strip()}",
            hint="""write a string as '"text"'""",
        ) from error


def run_script(
    runner: Statements, script: str, parameters: Sequence[Any] = (), *, in_one: bool = False
) -> Iterator[list[Any]]:
    """The rows of every statement, as soon as it has run; the first that fails ends the script.

    Args:
        runner: runs them.
        script: statements parted by semicolons, with ``start``, ``commit`` and ``abort``.
        parameters: for the one statement that the script then must be.
        in_one: have all of them in one transaction.

    Raises:
        ScriptError: there is no statement, or several beside parameters, or a transaction was not
            ended.
        PartiqlSyntaxError: the script cannot be read.
        ClientError: the ledger refuses a statement.
    """
    found = statements(script)
    if not found:
        raise ScriptError("there is no statement to run")
    if parameters and len(found) > 1:
        raise ScriptError("parameters go with one statement", hint=f"there are {len(found)}")
    if in_one:
        runner.start()
    for number, each in enumerate(found, 1):
        try:
            rows = _run(runner, each, parameters)
        except Exception as error:
            if len(found) > 1:
                error.add_note(f"it stopped at statement {number} of {len(found)}")
            raise
        if rows is not None:
            yield rows
    if in_one:
        runner.commit()
    elif runner.in_transaction:
        runner.abort()
        raise ScriptError("the script ends inside a transaction, which was aborted")


def _run(runner: Statements, statement: str, parameters: Sequence[Any]) -> list[Any] | None:
    """The rows of a statement; None of what is none, but begins or ends a transaction."""
    command = command_of(statement)
    if command is None:
        return runner.execute(statement, parameters)
    _run_command(runner, command)
    return None


def _run_command(runner: Statements, command: ShellCommand) -> None:
    match command:
        case ShellCommand.START:
            runner.start()
        case ShellCommand.COMMIT:
            runner.commit()
        case ShellCommand.ABORT:
            runner.abort()
        case _:
            raise ScriptError(f"{command.value} is a command of the shell only")
