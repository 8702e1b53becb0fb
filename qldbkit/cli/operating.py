"""``qldbkit pause``, ``resume``, ``skip`` and ``resync``: orders to a replay, each on record."""

from __future__ import annotations

from contextlib import ExitStack
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
    SourceOption,
    StackOption,
    TableOption,
    ViewOption,
    operator_of,
)
from qldbkit.cli.sides import Sides
from qldbkit.replay.errors import OrderRefusedError
from qldbkit.replay.operator import ReplayOperator, only_strand
from qldbkit.replay.orders import Order

ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is recorded.")]


def add_to(application: typer.Typer) -> None:
    """Add the commands."""
    application.command("pause")(pause)
    application.command("resume")(resume)
    application.command("skip")(skip)
    application.command("resync")(resync)


def pause(
    reason: ReasonOption = "",
    stack: StackOption = STREAM_STACK,
    view: ViewOption = None,
    region: RegionOption = "us-east-1",
    as_json: JsonOption = False,
) -> None:
    """Stop a deployed replay: neither the stream nor the clock calls it any more.

    The stream keeps its records for as long as it retains them; resume before that.
    """
    order = _deployed(stack, view, region).pause(reason)
    _print(order, as_json=as_json)


def resume(
    reason: ReasonOption = "",
    stack: StackOption = STREAM_STACK,
    view: ViewOption = None,
    region: RegionOption = "us-east-1",
    as_json: JsonOption = False,
) -> None:
    """Let a paused replay go on where it stopped."""
    order = _deployed(stack, view, region).resume(reason)
    _print(order, as_json=as_json)


def skip(
    block: Annotated[
        int,
        typer.Argument(min=0, help="Sequence number of the block that replay waits for."),
    ],
    reason: ReasonOption,
    strand: Annotated[
        str | None, typer.Option("--strand", help="Its strand, where several wait.")
    ] = None,
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
    """Go on over a block that is held, without what it waits for: only if nothing can bring that.

    A block that is whole is applied; one that is not is left out. What is then missing differs
    from the source, as `qldbkit compare` shows, until a later revision brings the whole document.
    """
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
    order = operator.skip(block, strand, reason)
    operator.look_again()
    _print(order, as_json=as_json)


def resync(
    tables: Annotated[list[str], typer.Argument(help="The source's names of the tables.")],
    origin: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="A ledger's name, or a path or s3://BUCKET/PREFIX with an archive or an export;"
            " the source ledger without it.",
        ),
    ] = None,
    reason: ReasonOption = "",
    stack: StackOption = STREAM_STACK,
    ledger: LedgerOption = None,
    view: ViewOption = None,
    source: SourceOption = None,
    table: TableOption = None,
    bucket: BucketOption = None,
    buffer: FileOption = None,
    endpoint_url: EndpointOption = None,
    region: RegionOption = "us-east-1",
    as_json: JsonOption = False,
) -> None:
    """Bring some tables to what they are in the source, while replay goes on.

    An archive or an export has to reach as far as the replay: pause it first if it does not.
    """
    operator = operator_of(
        stack=stack,
        ledger=ledger,
        view=view,
        source=source,
        table=table,
        bucket=bucket,
        file=buffer,
        endpoint_url=endpoint_url,
        region=region,
    )
    place = origin or operator.names.source
    if place is None:
        raise OrderRefusedError(
            "no source is named", hint="give --from, or the source ledger with --source"
        )
    with ExitStack() as opened:
        sides = Sides(opened, operator.endpoints.session, region, frozenset(tables))
        reached = {each.strand_id: each for each in operator.destination().checkpoints()}
        until = reached[only_strand(list(reached.values()))].sequence_no
        order = operator.resync(sides.source(place, until), frozenset(tables), reason)
    _print(order, as_json=as_json)


def _deployed(stack: str, view: str | None, region: str) -> ReplayOperator:
    return operator_of(
        stack=stack,
        ledger=None,
        view=view,
        source=None,
        table=None,
        bucket=None,
        file=None,
        endpoint_url=None,
        region=region,
    )


def _print(order: Order, *, as_json: bool) -> None:
    print_order(order, order.result, as_json=as_json)
