"""``qldbkit restore``: a ledger made again from its journal."""

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from qldbkit.cli.logical_restoring import LogicalTarget, replay_into
from qldbkit.cli.progress import journal_progress
from qldbkit.cli.replays import EndpointOption, RegionOption, RenameOption, TablesOption
from qldbkit.cli.sources import answers_in, serve_folder, source_at
from qldbkit.client.connection import default_endpoint
from qldbkit.journal.sources.answers import AnswerError, SavedDigest
from qldbkit.ledger.restore_target import FolderTarget
from qldbkit.ledger.restoring import RestoreReport, RestoreSettings, restore
from qldbkit.replay.logical_restore import Extent
from qldbkit.replay.routing import TableRouting

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def add_to(application: typer.Typer) -> None:
    """Add the command."""
    application.command("restore")(restore_command)


def restore_command(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder or s3://BUCKET/PREFIX with an export or an archive, a ledger's name or"
            " file, or a PostgreSQL view's URL."
        ),
    ],
    into: Annotated[
        str | None, typer.Option("--into", help="The ledger's name; made when it is missing.")
    ] = None,
    into_destination: Annotated[
        str | None,
        typer.Option(
            "--into-destination",
            help="Replay into this ledger, or view by its URL, instead: documents, not blocks.",
        ),
    ] = None,
    endpoint_url: EndpointOption = None,
    region: RegionOption = "us-east-1",
    buffer: Annotated[
        Path | None,
        typer.Option("--buffer", help="SQLite file of the settling buffer of --into-destination."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Where ledgers are kept; by default that of qldbkit serve."),
    ] = None,
    tables: TablesOption = "",
    renames: RenameOption = "",
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            help="The last block's sequence number, or a time such as 2025-07-31T00:00:00Z.",
        ),
    ] = None,
    strand: Annotated[
        str | None, typer.Option("--strand", help="Which journal, if the source has several.")
    ] = None,
    digest: Annotated[
        Path | None,
        typer.Option("--digest", exists=True, dir_okay=False, help="A saved answer of GetDigest."),
    ] = None,
    stop_before_damage: Annotated[
        bool, typer.Option("--stop-before-damage", help="Restore what is before damage.")
    ] = False,
    allow_gaps: Annotated[
        bool,
        typer.Option(
            "--allow-gaps", help="Go on behind blocks that a stream left out; ends its proofs."
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Verify and report only.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes",
            min=0,
            help="Processes that verify.",
            show_default="as many as there are cores; into a destination none",
        ),
    ] = None,
) -> None:
    """Restore a ledger from its own journal: same ids, versions, times, hashes and digests.

    Into a destination, its documents are replayed, and get ids and times of their own: those of
    --tables, called as --rename says. A ledger is restored whole.

    After an interruption the same command goes on. Exit status: 0 restored and proven; 1 the
    journal is damaged, or it could not be done; 2 the command line is wrong; 3 restored, but not
    all of it is proven.
    """
    if (into is None) == (into_destination is None) and not dry_run:
        raise typer.BadParameter("say --into or --into-destination which ledger, or --dry-run")
    number, time = parse_until(until)
    routing = TableRouting.from_text(tables, renames)
    if into_destination is not None and not dry_run:
        if digest is not None:
            raise typer.BadParameter("a destination has a journal, and so a digest, of its own")
        replay_into(
            source,
            LogicalTarget(
                into_destination, endpoint_url or default_endpoint(), region, routing, buffer
            ),
            Extent(number, time, strand),
            processes=processes or 0,
            as_json=as_json,
        )
    if not routing.changes_nothing:
        raise typer.BadParameter("a ledger is restored whole: --tables is for --into-destination")
    sharing = os.cpu_count() or 1 if processes is None else processes
    settings = RestoreSettings(number, time, strand, stop_before_damage, allow_gaps, sharing)
    given = None if digest is None else _digest(digest)
    journal, begun = source_at(source, region=region), monotonic()
    with ExitStack() as stack:
        target = None
        if into is not None and not dry_run:
            target = stack.enter_context(FolderTarget(folder or serve_folder(), into))
        told = stack.enter_context(journal_progress(journal, quiet=as_json))
        report = restore(journal, target, settings, digest=given, progress=told)
    _print(report, monotonic() - begun, as_json=as_json)
    raise typer.Exit(report.exit_status)


def parse_until(text: str | None) -> tuple[int | None, int | None]:
    """A sequence number, or a time in microseconds since 1970; a time without offset is UTC."""
    if text is None:
        return None, None
    if text.isdecimal():
        return int(text), None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} is neither a sequence number nor a time") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = moment - _EPOCH
    return None, (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _digest(file: Path) -> SavedDigest:
    found = answers_in(file).digest
    if found is None:
        raise AnswerError(f"{file} holds no digest")
    return found


def _print(report: RestoreReport, seconds: float, *, as_json: bool) -> None:
    console = Console(highlight=False)
    if as_json:
        console.print_json(data=report.to_json())
        return
    title = "would be restored" if report.dry_run else "restored"
    table = Table("", title, show_edge=False)
    for name, value in summary_rows(report):
        table.add_row(name, value)
    rate = f", {report.revisions / seconds:,.0f} revisions/s" if report.revisions else ""
    table.add_row("time", f"{seconds:,.1f} s{rate}")
    console.print(table)
    if report.stopped_at is not None:
        console.print(f"stopped at a break: {report.stopped_at}", soft_wrap=True, markup=False)


def summary_rows(report: RestoreReport) -> list[tuple[str, str]]:
    """What a person reads of a restore: names and values, without those that say nothing."""
    found = report.to_json()
    rows = [("journal", report.strand_id or "no block")]
    if report.first is not None:
        rows.append(("blocks", f"{report.blocks:,} ({report.first} to {report.last})"))
    rows.append(("revisions", f"{report.revisions:,}"))
    for name, count in (
        ("there before", report.present),
        ("not in the source", report.absent),
        ("not proven", report.unproven),
    ):
        if count:
            rows.append((name, f"{count:,}"))
    if found["digest"]:
        rows.append(("digest", found["digest"]))
    if report.given is not None:
        rows.append(("the given digest", _compared(report.given, report.digest_equal)))
    return rows


def _compared(given: SavedDigest, equal: bool | None) -> str:
    if equal is None:
        return f"not compared: not every block up to {given.tip.sequence_no} is there"
    return "equal" if equal else "DIFFERENT"
