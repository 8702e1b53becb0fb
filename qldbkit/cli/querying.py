"""``qldbkit query``: PartiQL, in a shell or once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console

from qldbkit.cli.ledger_options import (
    EndpointOption,
    LedgerArgument,
    RegionOption,
    connection_of,
)
from qldbkit.cli.sentences import describe
from qldbkit.client.catalog import tables
from qldbkit.client.completion import Completer
from qldbkit.client.connection import DEFAULT_REGION, LedgerConnection
from qldbkit.client.line_editing import LineEditor, editing, read_history, write_history
from qldbkit.client.rendering import OutputFormat, write_rows
from qldbkit.client.running import parameters_of, run_script
from qldbkit.client.shell import Shell
from qldbkit.client.transactions import Statements
from qldbkit.local.settings import folder_from_environment

HISTORY_FILE = "query_history"


def add_to(application: typer.Typer) -> None:
    """Add the command."""
    application.command("query")(query)


def query(
    ledger: LedgerArgument,
    statement: Annotated[
        str | None,
        typer.Argument(help="PartiQL, several statements parted by semicolons; a shell without."),
    ] = None,
    file: Annotated[
        typer.FileText | None,
        typer.Option("--file", encoding="utf-8", help="Run a file's; - is stdin."),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", help="Ion text for a ? of the one statement; repeatable."),
    ] = None,
    in_one: Annotated[
        bool, typer.Option("--transaction", help="Run all statements in one transaction.")
    ] = False,
    form: Annotated[
        OutputFormat | None,
        typer.Option("--output", help="By default ion; in JSON, documents lose their types."),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option("--history", help="The shell's history; by default .qldbkit/query_history."),
    ] = None,
    endpoint_url: EndpointOption = None,
    region: RegionOption = DEFAULT_REGION,
    as_json: Annotated[
        bool, typer.Option("--json", help="As --output json: a value to a line.")
    ] = False,
) -> None:
    """Run PartiQL on a ledger: in a shell, or a statement, a file or standard input.

    Statements commit one by one, unless `start` and `commit` or --transaction put them together.
    """
    chosen = OutputFormat.JSON if as_json else form or OutputFormat.ION
    connection = connection_of(endpoint_url, region)
    if statement is not None and file is not None:
        raise typer.BadParameter("give a statement or --file, not both")
    script = _script(statement, file)
    if script is None:
        _run_shell(connection, ledger, chosen, history)
        return
    console = Console(soft_wrap=True)
    with connection.driver(ledger) as driver:
        for rows in run_script(
            Statements(driver), script, parameters_of(parameter or ()), in_one=in_one
        ):
            write_rows(rows, chosen, console)


def _script(statement: str | None, file: TextIO | None) -> str | None:
    """What is to be run; None when a person is to be asked."""
    if statement is not None:
        return statement
    if file is not None:
        return file.read()
    return None if sys.stdin.isatty() else sys.stdin.read()


def _run_shell(
    connection: LedgerConnection, ledger: str, form: OutputFormat, history: Path | None
) -> None:
    kept = history or folder_from_environment() / HISTORY_FILE
    with connection.driver(ledger) as driver:
        tables(driver)  # a ledger that is not there is said before anything is typed
        completer = Completer(driver)
        editor = LineEditor(completer.suggestions, read_history(kept))
        shell = Shell(
            ledger,
            Statements(driver),
            lambda: tables(driver),
            completer.forget,
            describe,
            form,
            Console(highlight=False),
            Console(stderr=True, highlight=False),
        )
        try:
            with editing(editor):
                shell.run(editor)
        finally:
            write_history(kept, editor.entries)
