"""``qldbkit verify``: whether a journal, or a saved answer, is what it was."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from qldbkit.cli.progress import journal_progress
from qldbkit.cli.replays import RegionOption
from qldbkit.cli.sources import answers_in, source_at
from qldbkit.journal.answer_checks import AnswersReport, merged, verify_answers
from qldbkit.journal.findings import Finding
from qldbkit.journal.sources.answers import SavedAnswers
from qldbkit.journal.sources.opening import holds_answers
from qldbkit.journal.verification import VerificationReport, exit_status, verify_source

Report = VerificationReport | AnswersReport


def add_to(application: typer.Typer) -> None:
    """Add the command."""
    application.command("verify")(verify)


def verify(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder or s3://BUCKET/PREFIX with an export or an archive, a ledger's name or"
            " file, a PostgreSQL view's URL, or a file with answers of GetDigest, GetBlock and"
            " GetRevision."
        ),
    ],
    digest: Annotated[
        Path | None,
        typer.Option("--digest", exists=True, dir_okay=False, help="A saved answer of GetDigest."),
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option(
            "--proof",
            exists=True,
            dir_okay=False,
            help="A saved answer of GetRevision or GetBlock, or its proof alone.",
        ),
    ] = None,
    region: RegionOption = "us-east-1",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    processes: Annotated[
        int,
        typer.Option(
            "--processes",
            min=0,
            help="Processes that share the work.",
            show_default="as many as there are cores",
        ),
    ] = os.cpu_count() or 1,
) -> None:
    """Prove a journal by its hashes, its chain and a saved digest, and name every break.

    Exit status: 0 everything is proven; 1 something is damaged or missing, or cannot be read; 2
    the command line is wrong; 3 nothing wrong was found, but something cannot be verified.
    """
    files = [each for each in (digest, proof) if each is not None]
    reports: list[Report] = []
    if holds_answers(Path(source)):
        files.insert(0, Path(source))
    else:
        given = _answers(files)
        journal = source_at(source, region=region, readable=True)
        with journal_progress(journal, quiet=as_json) as progress:
            reports.append(
                verify_source(journal, given.digest, processes=processes, progress=progress)
            )
    if proof is not None or not reports:
        reports.append(verify_answers(_answers(files)))
    _print(reports, as_json=as_json)
    raise typer.Exit(exit_status(kind for each in reports for kind in each.kinds))


def _answers(files: list[Path]) -> SavedAnswers:
    return merged([answers_in(each) for each in files])


def _print(reports: list[Report], *, as_json: bool) -> None:
    console = Console(highlight=False)
    if as_json:
        merged_json = {name: value for each in reports for name, value in each.to_json().items()}
        merged_json["findings"] = [found.to_json() for each in reports for found in each.findings]
        merged_json["proven"] = all(each.exit_status == 0 for each in reports)
        console.print_json(data=merged_json)
        return
    for report in reports:
        if isinstance(report, VerificationReport):
            _print_journal(report, console)
        else:
            for sentence in report.proven:
                console.print(f"proven: {sentence}", soft_wrap=True)
            _print_findings(report.findings, console)


def _print_journal(report: VerificationReport, console: Console) -> None:
    console.print(f"{report.source.form} at {report.source.location}", soft_wrap=True)
    for strand in report.strands:
        table = Table("", f"strand {strand.strand_id}", show_edge=False)
        table.add_row("blocks", f"{strand.blocks:,} ({strand.first} to {strand.last})")
        table.add_row("revisions", f"{strand.revisions:,}")
        table.add_row("digest", strand.digest_text or "not every block is known")
        console.print(table)
    if report.digest is not None and report.digest.equal:
        console.print(f"the digest at {report.digest.given.tip} is equal", soft_wrap=True)
    _print_findings(report.findings, console)
    counted = ", ".join(f"{count} {kind.value}" for kind, count in report.counts.items() if count)
    console.print(counted or "proven", soft_wrap=True)


def _print_findings(findings: tuple[Finding, ...], console: Console) -> None:
    for each in findings:
        console.print(str(each), soft_wrap=True, markup=False)
