"""``qldbkit serve``: the embedded ledger alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from qldbkit.cli.ledger_options import JsonOption
from qldbkit.console.console import console
from qldbkit.console.settings import ConsoleSettings, console_url, new_token
from qldbkit.ledger.access import load_keys
from qldbkit.ledger.limits import Limits
from qldbkit.ledger.server import LOOPBACK, run_server
from qldbkit.local.settings import folder_from_environment
from qldbkit.names import check_ledger_name
from qldbkit.partiql.dialect import Dialect

DEFAULT_PORT = 8080

ConsoleWriteOption = Annotated[
    bool,
    typer.Option(
        "--console-write", help="Let the console run statements that write; it only reads without."
    ),
]


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
    transaction_documents: Annotated[
        int,
        typer.Option(
            "--transaction-documents",
            min=1,
            help="Documents that a transaction may write; QLDB's limit by default.",
        ),
    ] = Limits().transaction_documents,
    aws_endpoint: Annotated[
        str | None,
        typer.Option(
            "--aws-endpoint", help="Kinesis and S3 for streams and exports; AWS's by default."
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host", help="Further host name that it is reached by; may be repeated."
        ),
    ] = None,
    with_console: Annotated[
        bool | None,
        typer.Option(
            "--console/--no-console",
            help="Serve the web console too; by default unless --auth is given.",
        ),
    ] = None,
    console_write: ConsoleWriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Serve the embedded ledger, which speaks both of QLDB's APIs, until Ctrl-C.

    It answers only this machine unless --auth is given and --host says otherwise. It prints the
    address of a web console, with the token that opens it.
    """
    wanted = auth is None or console_write if with_console is None else with_console
    opened = ConsoleSettings(new_token(), writable=console_write) if wanted else None
    run_server(
        folder or folder_from_environment() / "serve",
        host,
        port,
        keys=None if auth is None else load_keys(auth),
        ledger_limits=Limits(transaction_documents=transaction_documents),
        region=region,
        dialect=dialect,
        dialects=dict(_dialect_of(each) for each in ledger_dialect or ()),
        aws_endpoint_url=aws_endpoint,
        allowed_hosts=allow_host or (),
        publish=None if opened is None else console(opened),
        on_ready=_announcing(opened, as_json=as_json),
    )


def _dialect_of(choice: str) -> tuple[str, Dialect]:
    name, _, dialect = choice.partition("=")
    try:
        return check_ledger_name(name), Dialect(dialect)
    except ValueError:
        raise typer.BadParameter(f"{choice!r} is not NAME=full or NAME=qldb") from None


def _announcing(opened: ConsoleSettings | None, *, as_json: bool) -> Callable[[str], None]:
    """What says where the server is, and where its console."""

    def announce(endpoint_url: str) -> None:
        at_console = None if opened is None else console_url(endpoint_url, opened.token)
        if as_json:
            found = {"endpointUrl": endpoint_url, "consoleUrl": at_console}
            Console().print_json(data=found, indent=None)
            return
        lines = [f"QLDB at {endpoint_url}: give it to every client as its endpoint."]
        if at_console is not None:
            lines.append(f"Console: {at_console}")
        for each in lines:
            Console().print(each, highlight=False, soft_wrap=True)

    return announce
