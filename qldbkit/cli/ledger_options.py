"""What the commands that talk to a ledger have in common."""

from __future__ import annotations

from typing import Annotated

import typer

from qldbkit.client.connection import LedgerConnection, default_endpoint

LedgerArgument = Annotated[str, typer.Argument(help="The ledger's name.")]
EndpointOption = Annotated[
    str | None,
    typer.Option(
        "--endpoint-url",
        envvar=["LEDGER_ENDPOINT_URL", "AWS_ENDPOINT_URL"],
        help="Where the ledgers are; by default where `qldbkit serve` listens.",
    ),
]
RegionOption = Annotated[
    str,
    typer.Option(
        "--region",
        envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
        help="The region that requests are signed for.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def connection_of(endpoint_url: str | None, region: str) -> LedgerConnection:
    """The connection that the options name."""
    return LedgerConnection(endpoint_url or default_endpoint(), region)
