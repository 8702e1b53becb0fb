"""``qldbkit status``: how far the replay is, and what keeps it."""

from __future__ import annotations

from datetime import UTC, datetime

import typer
from rich.console import Console
from rich.table import Table

from qldbkit.cli.exit_codes import DIFFERENT
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
from qldbkit.replay.status import ReplayStatus, replay_status


def add_to(application: typer.Typer) -> None:
    """Add the command."""
    application.command("status")(status)


def status(
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
    """Say how far a replay is and what waits; exit code 3 if something waits for a person."""
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
    found = replay_status(
        operator.names.destination,
        operator.destination(),
        operator.buffer(),
        now=operator.clock(),
        control=operator.control(),
        source=operator.names.source,
        reading=operator.reading() if operator.names.clock_rule is not None else None,
    )
    console = Console(highlight=False)
    if as_json:
        console.print_json(data=found.as_dict())
    else:
        _print(found, console)
    if not found.healthy:
        raise typer.Exit(DIFFERENT)


def _print(found: ReplayStatus, console: Console) -> None:
    for strand in found.strands:
        table = Table("", f"strand {strand.strand_id}", show_edge=False)
        behind = "unknown" if strand.blocks_behind is None else f"{strand.blocks_behind:,}"
        gaps = ", ".join(f"{each.first} to {each.last}" for each in strand.gaps)
        table.add_row("applied", f"block {strand.applied}" if strand.applied >= 0 else "nothing")
        table.add_row("behind", f"{behind} blocks, {strand.seconds_behind:,.1f} seconds")
        table.add_row("waiting", _waiting(strand.waiting, strand.next_waiting))
        table.add_row("gaps passed", gaps or "none")
        console.print(table)
    if not found.strands:
        console.print("Nothing was replayed yet.")
    if found.paused_at is not None:
        console.print(f"paused since {_moment(found.paused_at)}: qldbkit resume lets it go on")
    if found.not_reading is not None:
        console.print(f"not reading the stream: {found.not_reading}")
    console.print(f"in quarantine: {found.quarantined}")
    console.print(f"clock ran last: {_moment(found.clock_at)}")
    if found.failure is not None:
        failure = found.failure
        said = f"{failure['errorClass']}: {failure['reason']}"
        console.print(f"last error: {_moment(failure['at'])}: {said}", soft_wrap=True)
    if found.source_unknown is not None:
        console.print(f"source: {found.source_unknown}", soft_wrap=True)
    for each in found.held_by:
        console.print(f"held by {each}", soft_wrap=True, markup=False)


def _waiting(count: int, first: int | None) -> str:
    return "none" if first is None else f"{count:,} blocks, the first is {first}"


def _moment(at: float | None) -> str:
    if at is None:
        return "never"
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
