"""``qldbkit serve``: the embedded ledger alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from qldbkit.ledger.server import LOOPBACK, run_server
from qldbkit.local.settings import folder_from_environment

DEFAULT_PORT = 8080


def add_to(application: typer.Typer) -> None:
    """Add the command."""
    application.command("serve")(serve)


def serve(
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Where the ledgers are kept; by default .qldbkit/serve."),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; only this machine by default.")
    ] = LOOPBACK,
    port: Annotated[
        int,
        typer.Option(
            "--port", min=0, max=65535, envvar="QLDBKIT_PORT", help="TCP port; 0 for a free one."
        ),
    ] = DEFAULT_PORT,
    region: Annotated[
        str, typer.Option("--region", envvar="AWS_REGION", help="Region that it stands for.")
    ] = "us-east-1",
) -> None:
    """Serve the embedded ledger, which speaks both of QLDB's APIs, until Ctrl-C."""
    run_server(
        folder or folder_from_environment() / "serve", host, port, region=region, on_ready=_announce
    )


def _announce(endpoint_url: str) -> None:
    Console().print(
        f"QLDB at {endpoint_url}: give it to every client as its endpoint.", highlight=False
    )
