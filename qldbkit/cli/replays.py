"""Finding the replay that a command is about."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import boto3
import typer

from qldbkit.client.connection import default_endpoint
from qldbkit.endpoints import LedgerEndpoints
from qldbkit.replay.operator import ReplayNames, ReplayOperator, names_of_stack
from qldbkit.replay.settings import tables_of_environment
from qldbkit.replay.views.opening import is_view

STREAM_STACK = "QldbBlogStreamStack"

StackOption = Annotated[
    str, typer.Option("--stack", help="The deployed stack whose outputs name the replay's parts.")
]
LedgerOption = Annotated[
    str | None,
    typer.Option("--ledger", help="The destination ledger, instead of the stack's."),
]
ViewOption = Annotated[
    str | None,
    typer.Option(
        "--view",
        help="A view instead of the destination ledger: a kind that the stack has, such as"
        " postgresql, or its URL.",
    ),
]
SourceOption = Annotated[
    str | None,
    typer.Option("--source", help="The source ledger, where the stack does not name it."),
]
TableOption = Annotated[
    str | None, typer.Option("--table", help="DynamoDB table of the settling buffer.")
]
BucketOption = Annotated[str | None, typer.Option("--bucket", help="S3 bucket of the quarantine.")]
FileOption = Annotated[
    Path | None, typer.Option("--buffer", help="SQLite file of the settling buffer.")
]
EndpointOption = Annotated[
    str | None,
    typer.Option(
        "--endpoint-url",
        envvar=["LEDGER_ENDPOINT_URL", "AWS_ENDPOINT_URL"],
        help="Where the ledgers are; by default where `qldbkit serve` listens.",
    ),
]
RegionOption = Annotated[
    str, typer.Option("--region", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="AWS region.")
]
TablesOption = Annotated[
    str,
    typer.Option(
        "--tables",
        envvar="REPLAY_TABLES",
        help="The source's tables that are replayed, as Person,Vehicle; all without it.",
    ),
]
RenameOption = Annotated[
    str,
    typer.Option(
        "--rename",
        envvar="RENAME_TABLES",
        help="What the destination calls them, as Person=People.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def operator_of(
    *,
    stack: str,
    ledger: str | None,
    view: str | None,
    source: str | None,
    table: str | None,
    bucket: str | None,
    file: Path | None,
    endpoint_url: str | None,
    region: str,
) -> ReplayOperator:
    """The replay that the options name: by its parts if a ledger is given, else by its stack.

    A view has the parts that its stack names, unless its URL is given with a settling buffer.

    Which tables are replayed, and as what, is in the stack's outputs; without one, in
    ``REPLAY_TABLES`` and ``RENAME_TABLES`` of the environment, as for the deployed functions.

    Raises:
        ReplayNotFoundError: there is no such stack.
        ReplaySettingsError, NameRefusedError: the environment names tables that cannot be.
    """
    if ledger is not None and view is not None:
        raise typer.BadParameter("a replay goes into one destination: give --ledger or --view")
    by_parts = view is not None and is_view(view) and (table is not None or file is not None)
    if ledger is not None or by_parts:
        routing, name = tables_of_environment(os.environ), ledger or view or ""
        names = ReplayNames(name, source, table, bucket, file, routing, view=view)
    else:
        names = names_of_stack(boto3.client("cloudformation", region_name=region), stack, view)
    environment = {
        "AWS_REGION": region,
        "LEDGER_ENDPOINT_URL": endpoint_url or default_endpoint(),
    }
    return ReplayOperator(names, LedgerEndpoints.from_environment(environment))
