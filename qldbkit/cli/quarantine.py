"""``qldbkit quarantine``: records that could not be replayed."""

from __future__ import annotations

import sys
from base64 import b64encode
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

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
    view: ViewOption = None,
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
        view=view,
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
    for each in entries:
        tried = datetime.fromtimestamp(each.quarantined_at, UTC).isoformat(timespec="seconds")
        _say(console, each.position)
        _say(console, f"  tried {each.attempts} times, last {tried}; {each.size:,} bytes")
        _say(console, f"  {each.reason}")
    _say(
        console, f"{len(entries)} records in quarantine" if entries else "Nothing is in quarantine."
    )


@commands.command()
def show(context: typer.Context, position: PositionArgument, as_json: JsonOption = False) -> None:
    """Write a record's bytes, as they were received, to standard output; in JSON, as base64."""
    payload = _operator(context).quarantine().payload(position)
    if as_json:
        shown = {"position": position, "payload": b64encode(payload).decode()}
        Console().print_json(data=shown)
    else:
        sys.stdout.buffer.write(payload)


@commands.command()
def redrive(
    context: typer.Context,
    position: PositionArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded.")] = "",
    payload: Annotated[
        Path | None,
        typer.Option("--payload", exists=True, dir_okay=False, help="A sound copy to take."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Feed a record to the replay again, which restores its place in the order."""
    data = None if payload is None else payload.read_bytes()
    operator = _operator(context)
    order = operator.quarantine().redrive(position, reason, data)
    operator.look_again()
    print_order(order, f"{order.position}: {order.result}", as_json=as_json)


@commands.command()
def discard(
    context: typer.Context,
    position: PositionArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded.")],
    as_json: JsonOption = False,
) -> None:
    """Give a record up, so that replay goes on as if it had never come."""
    operator = _operator(context)
    order = operator.quarantine().discard(position, reason)
    operator.look_again()
    print_order(order, f"{order.position}: {order.result}", as_json=as_json)


@commands.command()
def orders(context: typer.Context, as_json: JsonOption = False) -> None:
    """List what operators have ordered, and what became of it."""
    found = list(_operator(context).orders().given())
    console = Console(highlight=False)
    if as_json:
        console.print_json(data=[asdict(each) for each in found])
        return
    for each in found:
        _say(console, f"{each.at} {each.who}")
        _say(console, f"  {each.action} {each.position}")
        _say(console, f"  because: {each.reason or 'no reason given'}")
        _say(console, f"  result: {each.result}")
    if not found:
        _say(console, "Nothing was ordered.")


def _say(console: Console, line: str) -> None:
    """Print a line whole: positions are there to be copied, and may hold any character."""
    console.print(line, soft_wrap=True, markup=False)


def _operator(context: typer.Context) -> ReplayOperator:
    found = context.obj()
    assert isinstance(found, ReplayOperator)
    return found
