"""The command line, and what a person reads when a command cannot be done."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from qldbkit.cli.commands import CommandGroup
from qldbkit.cli.exit_codes import FAILED

application = typer.Typer(
    name="qldbkit",
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        from qldbkit.journal.kernel import COMPILED  # noqa: PLC0415 - no other option needs it

        hashed = "C" if COMPILED else "Python: python -m qldbkit.journal.compiling makes it faster"
        typer.echo(f"qldbkit {version('qldbkit')}; journals are walked in {hashed}")
        raise typer.Exit


@application.callback()
def qldbkit(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Stream, archive, replay and restore Amazon QLDB journals; an embedded ledger with its API."""


def main() -> None:
    """Run the command line; what qldbkit or an AWS service refuses is said in a sentence."""
    try:
        application(prog_name="qldbkit")
    except Exception as error:
        from qldbkit.cli.sentences import describe, is_expected  # noqa: PLC0415 - boto3 is slow

        if not is_expected(error):
            raise
        sys.stderr.write(f"qldbkit: {describe(error)}\n")
        sys.exit(FAILED)
