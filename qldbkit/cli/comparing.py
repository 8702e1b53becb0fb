"""``qldbkit compare``: two ledgers, document by document."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from qldbkit.cli.exit_codes import DIFFERENT
from qldbkit.driver import qldb_driver
from qldbkit.local.catching_up import wait_until_equal
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
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds that the destination may be behind.")
    ] = 0,
) -> None:
    """Compare the documents of two ledgers; exit code 3 if they differ."""
    console = Console()
    with (
        qldb_driver(source, endpoint_url=endpoint_url, region=region) as left,
        qldb_driver(destination, endpoint_url=endpoint_url, region=region) as right,
    ):
        comparison = wait_until_equal(lambda: compare_ledgers(left, right), console.print, wait)
    show_comparison(comparison, console)
    if not comparison.equal:
        raise typer.Exit(DIFFERENT)
