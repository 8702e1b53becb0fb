"""``qldbkit import``: documents of a file, put into a table."""

from __future__ import annotations

from io import BufferedReader
from typing import Annotated, cast

import typer
from rich.console import Console

from qldbkit.cli.ledger_options import (
    EndpointOption,
    JsonOption,
    LedgerArgument,
    RegionOption,
    connection_of,
)
from qldbkit.cli.progress import counting_documents
from qldbkit.client.connection import DEFAULT_REGION
from qldbkit.client.documents import documents
from qldbkit.client.importing import DEFAULT_BOUNDS, ImportReport, batches, import_documents
from qldbkit.tables import ensure_tables


def add_to(application: typer.Typer) -> None:
    """Add the command."""
    application.command("import")(import_command)


def import_command(
    ledger: LedgerArgument,
    table: Annotated[str, typer.Argument(help="The table's name.")],
    file: Annotated[
        typer.FileBinaryRead, typer.Argument(help="Ion, JSON or JSON lines; - is stdin.")
    ],
    create: Annotated[
        bool, typer.Option("--create", help="Make the table if the ledger has none of that name.")
    ] = False,
    skip: Annotated[
        int, typer.Option("--skip", min=0, help="How many documents to pass over first.")
    ] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read the file and count only.")
    ] = False,
    endpoint_url: EndpointOption = None,
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Insert a file's documents into a table, up to 40 to a transaction.

    JSON is read as Ion: 1 is an int, 1.5 a decimal, 1e3 a float. An import that ends in the middle
    says with which --skip it goes on.
    """
    connection = connection_of(endpoint_url, region)
    with counting_documents(quiet=as_json) as told:
        found = documents(cast(BufferedReader, file))
        if dry_run:
            counted = list(map(len, batches(found, DEFAULT_BOUNDS)))
            report = ImportReport(table, max(sum(counted) - skip, 0), skip, 0)
        else:
            with connection.driver(ledger) as driver:
                if create:
                    ensure_tables(driver, [table])
                report = import_documents(driver, table, found, skip=skip, told=told)
    _print(report, dry_run=dry_run, as_json=as_json)


def _print(report: ImportReport, *, dry_run: bool, as_json: bool) -> None:
    console = Console(highlight=False)
    if as_json:
        console.print_json(data=report.to_json())
        return
    done = "would be imported" if dry_run else "are imported"
    skipped = f", {report.skipped:,} were passed over" if report.skipped else ""
    console.print(f"{report.documents:,} documents {done} into {report.table}{skipped}")
