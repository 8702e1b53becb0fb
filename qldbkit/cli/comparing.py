"""``qldbkit compare``: two ledgers, document by document."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from qldbkit.cli.exit_codes import DIFFERENT
from qldbkit.driver import qldb_driver
from qldbkit.local.comparison_report import show_comparison
from qldbkit.replay.compare import compare_ledgers


def add_to(application: typer.Typer) -> None:
    """Add the command."""
    application.command("compare")(compare)


def compare(
    source: Annotated[str, typer.Argument(help="Name of the ledger that was replicated.")],
    destination: Annotated[str, typer.Argument(help="Name of the ledger that it went to.")],
    endpoint_url: Annotated[
        str,
        typer.Option("--endpoint-url", envvar="AWS_ENDPOINT_URL", help="Where the ledgers are."),
    ],
    region: Annotated[
        str, typer.Option("--region", envvar="AWS_REGION", help="The region to sign for.")
    ] = "us-east-1",
) -> None:
    """Compare the documents of two ledgers; exit code 3 if they differ."""
    with (
        qldb_driver(source, endpoint_url=endpoint_url, region=region) as left,
        qldb_driver(destination, endpoint_url=endpoint_url, region=region) as right,
    ):
        comparison = compare_ledgers(left, right)
    show_comparison(comparison, Console())
    if not comparison.equal:
        raise typer.Exit(DIFFERENT)
