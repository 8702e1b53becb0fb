"""``qldbkit compare``: two ledgers, archives or exports, document by document."""

from __future__ import annotations

import getpass
import socket
import sys
from contextlib import ExitStack
from typing import Annotated

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from rich.console import Console

from qldbkit.cli.exit_codes import COMPARED_DIFFERENT, COMPARISON_FAILED
from qldbkit.cli.replays import (
    EndpointOption,
    JsonOption,
    RegionOption,
    RenameOption,
    TablesOption,
)
from qldbkit.cli.sentences import describe
from qldbkit.cli.sides import Sides
from qldbkit.client.connection import default_endpoint
from qldbkit.errors import QldbkitError
from qldbkit.local.catching_up import wait_until_equal
from qldbkit.local.comparison_report import show_comparison
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.compare import Comparison, compare
from qldbkit.replay.destination import Destination
from qldbkit.replay.publishing import publish
from qldbkit.replay.repair import RepairRefusedError, RepairReport, repair
from qldbkit.replay.routed_source import RoutedSource
from qldbkit.replay.routing import TableRouting


def add_to(application: typer.Typer) -> None:
    """Add the command."""
    application.command("compare")(compare_command)


def compare_command(
    source: Annotated[
        str,
        typer.Argument(
            help="What was replicated: a ledger's name, a path or s3://BUCKET/PREFIX with an"
            " archive, an export or a ledger's file, or a view's URL."
        ),
    ],
    destination: Annotated[str, typer.Argument(help="Where it went to, named in the same ways.")],
    endpoint_url: EndpointOption = None,
    region: RegionOption = "us-east-1",
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds that the destination may be behind.")
    ] = 0,
    repairing: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Bring the destination's documents to the source's, on record, and compare again.",
        ),
    ] = False,
    tables: TablesOption = "",
    renames: RenameOption = "",
    publish_as: Annotated[
        str | None,
        typer.Option(
            "--publish-as",
            help="Put how much differs into CloudWatch, as the destination of this name, whose"
            " alarm then tells.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the documents of two sides, by their Ion hashes.

    With --repair, an archive or export is compared as far as it was replayed.

    Exit status: 0 they are equal; 1 they differ; 2 the command line is wrong, or a side cannot be
    read.
    """
    console = Console()
    notes = Console(stderr=True) if as_json else console
    try:
        with ExitStack() as stack:
            sides = Sides(stack, endpoint_url or default_endpoint(), region)
            target = sides.writable(destination) if repairing else None
            replayed = None if target is None else _only_checkpoint(target)
            left = RoutedSource(
                sides.source(source, None if replayed is None else replayed.sequence_no),
                TableRouting.from_text(tables, renames),
            )

            def look() -> Comparison:
                return compare(left, sides.destination(destination))

            found = wait_until_equal(look, notes.print, wait)
            report = None
            if target is not None and replayed is not None and not found.equal:
                show_comparison(found, notes)
                report = repair(left, target, replayed.strand_id, found, who=_operator())
                found = look()
            if publish_as is not None:
                publish(boto3.client("cloudwatch", region_name=region), publish_as, found)
    except (QldbkitError, BotoCoreError, ClientError, ResponseParserError) as error:
        sys.stderr.write(f"qldbkit: {describe(error)}\n")
        raise typer.Exit(COMPARISON_FAILED) from error
    _print(found, report, console, as_json=as_json)
    raise typer.Exit(0 if found.equal else COMPARED_DIFFERENT)


def _only_checkpoint(target: Destination) -> Checkpoint:
    checkpoints = target.checkpoints()
    if len(checkpoints) != 1:
        raise RepairRefusedError(
            f"{len(checkpoints)} journals were replayed into the destination; it can be repaired"
            " if it is one"
        )
    return checkpoints[0]


def _operator() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"


def _print(
    found: Comparison, report: RepairReport | None, console: Console, *, as_json: bool
) -> None:
    if as_json:
        repaired = {} if report is None else {"repair": report.to_json()}
        console.print_json(data={**found.to_json(), **repaired})
        return
    if report is not None:
        for each in report.repaired:
            console.print(f"repaired {each}", markup=False, highlight=False, soft_wrap=True)
        for difference in report.left:
            console.print(f"left {difference}", markup=False, highlight=False, soft_wrap=True)
    show_comparison(found, console)
