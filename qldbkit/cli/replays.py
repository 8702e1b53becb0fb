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

STREAM_STACK = "QldbBlogStreamStack"

StackOption = Annotated[
    str, typer.Option("--stack", help="The deployed stack whose outputs name the replay's parts.")
]
LedgerOption = Annotated[
    str | None,
    typer.Option("--ledger", help="The destination ledger, instead of the stack's."),
]
SourceOption = Annotated[
    str | None, typer.Option("--source", help="The source ledger, where --ledger is given.")
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
    source: str | None,
    table: str | None,
    bucket: str | None,
    file: Path | None,
    endpoint_url: str | None,
    region: str,
) -> ReplayOperator:
    """The replay that the options name: by its parts if a ledger is given, else by its stack.

    Which tables are replayed, and as what, is in the stack's outputs; if a ledger is given, in
    ``REPLAY_TABLES`` and ``RENAME_TABLES`` of the environment, as for the deployed functions.

    Raises:
        ReplayNotFoundError: there is no such stack.
        ReplaySettingsError, NameRefusedError: the environment names tables that cannot be.
    """
    if ledger is not None:
        routing = tables_of_environment(os.environ)
        names = ReplayNames(ledger, source, table, bucket, file, routing)
    else:
        names = names_of_stack(boto3.client("cloudformation", region_name=region), stack)
    environment = {
        "AWS_REGION": region,
        "LEDGER_ENDPOINT_URL": endpoint_url or default_endpoint(),
    }
    return ReplayOperator(names, LedgerEndpoints.from_environment(environment))
