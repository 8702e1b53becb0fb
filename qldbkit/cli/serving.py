"""``qldbkit serve``: the embedded ledger alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from qldbkit.cli.ledger_options import JsonOption
from qldbkit.ledger.access import load_keys
from qldbkit.ledger.server import LOOPBACK, run_server
from qldbkit.local.settings import folder_from_environment
from qldbkit.names import check_ledger_name
from qldbkit.partiql.dialect import Dialect

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
    auth: Annotated[
        Path | None,
        typer.Option(
            "--auth", help="JSON file of access keys; requests must then be signed by one of them."
        ),
    ] = None,
    dialect: Annotated[
        Dialect, typer.Option("--dialect", help="qldb refuses what QLDB's PartiQL refused.")
    ] = Dialect.FULL,
    ledger_dialect: Annotated[
        list[str] | None,
        typer.Option("--ledger-dialect", help="NAME=DIALECT, for one ledger; may be repeated."),
    ] = None,
    aws_endpoint: Annotated[
        str | None,
        typer.Option(
            "--aws-endpoint", help="Kinesis and S3 for streams and exports; AWS's by default."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Serve the embedded ledger, which speaks both of QLDB's APIs, until Ctrl-C.

    It answers only this machine unless --auth is given and --host says otherwise.
    """
    run_server(
        folder or folder_from_environment() / "serve",
        host,
        port,
        keys=None if auth is None else load_keys(auth),
        region=region,
        dialect=dialect,
        dialects=dict(_dialect_of(each) for each in ledger_dialect or ()),
        aws_endpoint_url=aws_endpoint,
        on_ready=_announce_as_json if as_json else _announce,
    )


def _dialect_of(choice: str) -> tuple[str, Dialect]:
    name, _, dialect = choice.partition("=")
    try:
        return check_ledger_name(name), Dialect(dialect)
    except ValueError:
        raise typer.BadParameter(f"{choice!r} is not NAME=full or NAME=qldb") from None


def _announce_as_json(endpoint_url: str) -> None:
    Console().print_json(data={"endpointUrl": endpoint_url}, indent=None)


def _announce(endpoint_url: str) -> None:
    Console().print(
        f"QLDB at {endpoint_url}: give it to every client as its endpoint.", highlight=False
    )
