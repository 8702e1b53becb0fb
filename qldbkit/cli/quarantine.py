"""``qldbkit quarantine``: records that could not be replayed."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

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
    operator_of,
)
from qldbkit.replay.operator import ReplayOperator

commands = typer.Typer(
    help="Records that could not be replayed: look at them, try them again, or give them up.",
    no_args_is_help=True,
)

PositionArgument = Annotated[
    str, typer.Argument(help="The record's position, as the list shows it.")
]


def add_to(application: typer.Typer) -> None:
    """Add the commands."""
    application.add_typer(commands, name="quarantine")


@commands.callback()
def open_replay(
    context: typer.Context,
    stack: StackOption = STREAM_STACK,
    ledger: LedgerOption = None,
    table: TableOption = None,
    bucket: BucketOption = None,
    buffer: FileOption = None,
    endpoint_url: EndpointOption = None,
    region: RegionOption = "us-east-1",
) -> None:
    """Find the replay whose quarantine it is; nothing is opened yet."""
    context.obj = lambda: operator_of(
        stack=stack,
        ledger=ledger,
        source=None,
        table=table,
        bucket=bucket,
        file=buffer,
        endpoint_url=endpoint_url,
        region=region,
    )


@commands.command("list")
def list_records(context: typer.Context, as_json: JsonOption = False) -> None:
    """List what is in quarantine."""
    entries = list(_operator(context).quarantine().entries())
    console = Console(highlight=False)
    if as_json:
        console.print_json(data=[asdict(each) for each in entries])
        return
    table = Table("position", "tried last", "attempts", "bytes", "reason", show_edge=False)
    for each in entries:
        tried = datetime.fromtimestamp(each.quarantined_at, UTC).isoformat(timespec="seconds")
        table.add_row(each.position, tried, str(each.attempts), f"{each.size:,}", each.reason)
    console.print(table if entries else "Nothing is in quarantine.")


@commands.command()
def show(context: typer.Context, position: PositionArgument) -> None:
    """Write a record's bytes, as they were received, to standard output."""
    sys.stdout.buffer.write(_operator(context).quarantine().payload(position))


@commands.command()
def redrive(
    context: typer.Context,
    position: PositionArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded.")] = "",
    payload: Annotated[
        Path | None,
        typer.Option("--payload", exists=True, dir_okay=False, help="A sound copy to take."),
    ] = None,
) -> None:
    """Feed a record to the replay again, which restores its place in the order."""
    data = None if payload is None else payload.read_bytes()
    order = _operator(context).quarantine().redrive(position, reason, data)
    typer.echo(f"{order.position}: {order.result}")


@commands.command()
def discard(
    context: typer.Context,
    position: PositionArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded.")],
) -> None:
    """Give a record up, so that replay goes on as if it had never come."""
    order = _operator(context).quarantine().discard(position, reason)
    typer.echo(f"{order.position}: {order.result}")


@commands.command()
def orders(context: typer.Context, as_json: JsonOption = False) -> None:
    """List what operators have ordered, and what became of it."""
    found = list(_operator(context).orders().given())
    console = Console(highlight=False)
    if as_json:
        console.print_json(data=[asdict(each) for each in found])
        return
    table = Table("when", "who", "what", "position", "why", "result", show_edge=False)
    for each in found:
        table.add_row(each.at, each.who, each.action, each.position, each.reason, each.result)
    console.print(table if found else "Nothing was ordered.")


def _operator(context: typer.Context) -> ReplayOperator:
    found = context.obj()
    assert isinstance(found, ReplayOperator)
    return found
