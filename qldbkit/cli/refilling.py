"""``qldbkit refill``: what the stream has lost, from a journal that is kept elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from qldbkit.cli.orders import print_order
from qldbkit.cli.replays import (
    STREAM_STACK,
    BucketOption,
    EndpointOption,
    FileOption,
    JsonOption,
    LedgerOption,
    RegionOption,
    StackOption,
    TableOption,
    ViewOption,
    operator_of,
)
from qldbkit.cli.sources import source_at


def add_to(application: typer.Typer) -> None:
    """Add the command."""
    application.command("refill")(refill)


def refill(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder or s3://BUCKET/PREFIX with an archive or an export, or a ledger's name"
            " or file."
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded.")] = "",
    stack: StackOption = STREAM_STACK,
    ledger: LedgerOption = None,
    view: ViewOption = None,
    table: TableOption = None,
    bucket: BucketOption = None,
    buffer: FileOption = None,
    endpoint_url: EndpointOption = None,
    region: RegionOption = "us-east-1",
    as_json: JsonOption = False,
) -> None:
    """Replay the blocks that SOURCE has and the destination has not, each into its place."""
    operator = operator_of(
        stack=stack,
        ledger=ledger,
        view=view,
        source=None,
        table=table,
        bucket=bucket,
        file=buffer,
        endpoint_url=endpoint_url,
        region=region,
    )
    order = operator.refill(source_at(source), source, reason)
    operator.look_again()
    print_order(order, order.result, as_json=as_json)
