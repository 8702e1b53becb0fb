"""``qldbkit restore --into-destination``: a journal replayed into a ledger or a view."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console
from rich.table import Table

from qldbkit.cli.progress import journal_progress
from qldbkit.cli.sources import source_at
from qldbkit.driver import qldb_driver
from qldbkit.local.settings import folder_from_environment
from qldbkit.names import check_ledger_name
from qldbkit.replay.buffer_sqlite import SqliteBuffer
from qldbkit.replay.destination import Destination
from qldbkit.replay.ledger_destination import LedgerDestination
from qldbkit.replay.logical_restore import Extent, LogicalRestoreReport, restore_into
from qldbkit.replay.routing import TableRouting
from qldbkit.replay.settings import DEFAULT_GAP_RETENTION
from qldbkit.replay.units import UnitLimits
from qldbkit.replay.views.opening import is_view, open_view


@dataclass(frozen=True, slots=True)
class LogicalTarget:
    """A ledger or a view that a journal is replayed into.

    Attributes:
        name: the ledger's name, or the view's URL.
        endpoint_url: where a ledger is.
        region: the region to sign for.
        tables: which of the source's tables are replayed, and as what.
        buffer: file of the settling buffer; by default, one for each destination in the folder of
            what the commands keep.
    """

    name: str
    endpoint_url: str
    region: str
    tables: TableRouting
    buffer: Path | None

    @property
    def buffer_file(self) -> Path:
        """The file of the settling buffer, in a folder that is there."""
        name = hashlib.sha256(self.name.encode()).hexdigest() if is_view(self.name) else self.name
        file = self.buffer or folder_from_environment() / "destinations" / f"{name}.sqlite"
        file.parent.mkdir(parents=True, exist_ok=True)
        return file


def replay_into(
    source: str, target: LogicalTarget, extent: Extent, *, processes: int, as_json: bool
) -> NoReturn:
    """Replay what the source has into the destination, say what became of it, and exit.

    Args:
        source: where the journal is.
        target: the ledger or view.
        extent: what of it.
        processes: how many others verify.
        as_json: print the report as JSON.
    """
    journal = source_at(source, region=target.region)
    with ExitStack() as stack:
        destination, limits = _opened(target, stack)
        told = stack.enter_context(journal_progress(journal, quiet=as_json))
        report = restore_into(
            journal,
            destination,
            SqliteBuffer(target.buffer_file, gap_retention=DEFAULT_GAP_RETENTION),
            extent,
            limits=limits,
            tables=target.tables,
            processes=processes,
            progress=told,
        )
    _print(report, as_json=as_json)
    raise typer.Exit(report.exit_status)


def _opened(target: LogicalTarget, stack: ExitStack) -> tuple[Destination, UnitLimits]:
    """The destination, ready to be written to, and what its transactions take."""
    if is_view(target.name):
        view = open_view(target.name, target.region)
        stack.callback(view.close)
        view.prepare()
        return view, view.limits
    check_ledger_name(target.name)
    driver = qldb_driver(target.name, endpoint_url=target.endpoint_url, region=target.region)
    return LedgerDestination(stack.enter_context(driver)), UnitLimits()


def _print(report: LogicalRestoreReport, *, as_json: bool) -> None:
    console = Console(highlight=False)
    if as_json:
        console.print_json(data=report.to_json())
        return
    table = Table("", "replayed", show_edge=False)
    for each in report.checkpoints:
        table.add_row("journal", f"{each.strand_id}, up to block {each.sequence_no}")
    table.add_row("blocks", f"{report.refilled.applied:,} of {report.refilled.offered:,} new ones")
    console.print(table)
    if report.refilled.unreadable:
        console.print(f"damaged: {report.refilled.unreadable}; qldbkit verify names them")
    for problem in report.problems:
        console.print(f"held: {problem}", soft_wrap=True, markup=False)
