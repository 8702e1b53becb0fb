"""``qldbkit digest`` and ``export``: what a ledger's owner keeps."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from qldbkit.cli.ledger_options import (
    EndpointOption,
    JsonOption,
    LedgerArgument,
    RegionOption,
    connection_of,
)
from qldbkit.cli.progress import counting_progress
from qldbkit.client.connection import DEFAULT_REGION
from qldbkit.client.digests import digest_answer, digest_of, save_digest
from qldbkit.client.exporting import export_journal


class ExportFormat(StrEnum):
    """The formats of ExportJournalToS3."""

    ION_TEXT = "ion-text"
    ION_BINARY = "ion-binary"
    JSON = "json"


def add_to(application: typer.Typer) -> None:
    """Add the commands."""
    application.command("digest")(digest)
    application.command("export")(export)


def digest(
    ledger: LedgerArgument,
    save: Annotated[
        Path | None,
        typer.Option("--save", dir_okay=False, help="Write it too, for `qldbkit verify --digest`."),
    ] = None,
    endpoint_url: EndpointOption = None,
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Print the digest of a ledger's journal, and the block up to which it covers it."""
    answer = digest_answer(connection_of(endpoint_url, region).control(), ledger)
    if save is not None:
        save_digest(answer, save)
    console = Console(highlight=False)
    if as_json:
        console.print_json(data=answer)
        return
    console.print(answer["Digest"], soft_wrap=True)
    console.print(f"up to {digest_of(answer).tip}", soft_wrap=True)


def export(
    ledger: LedgerArgument,
    folder: Annotated[
        str,
        typer.Argument(help="A new folder, or s3://BUCKET/PREFIX; AWS_ENDPOINT_URL_S3 says where."),
    ],
    form: Annotated[
        ExportFormat, typer.Option("--format", help="JSON loses the types of documents.")
    ] = ExportFormat.ION_TEXT,
    endpoint_url: EndpointOption = None,
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Export a ledger's whole journal, every block verified, as ExportJournalToS3 writes it."""
    control = connection_of(endpoint_url, region).control()
    with counting_progress(None, quiet=as_json) as told:
        report = export_journal(control, ledger, folder, form.name, told)
    console = Console(highlight=False)
    if as_json:
        console.print_json(data=report.to_json())
        return
    console.print(
        f"{report.blocks:,} blocks with {report.revisions:,} revisions are in {report.location}",
        soft_wrap=True,
    )
    console.print(f"digest {report.digest}, equal to the ledger's", soft_wrap=True)
