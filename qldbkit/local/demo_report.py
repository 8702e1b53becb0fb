"""Shows what a demonstration did: one table of what was replicated, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from qldbkit.local.archive_restore import ArchiveRestore
from qldbkit.local.comparison_report import show_verdict
from qldbkit.local.summary import JournalSummary
from qldbkit.replay.compare import Comparison


@dataclass(frozen=True, slots=True)
class Replication:
    """What a demonstration replicated.

    Attributes:
        comparison: the documents of both ledgers.
        restored: the ledger that was made from the archive.
        journal: what the source's journal holds.
        transactions: how many the sample ran on the source.
        archived: how many objects the archive in S3 has.
        seconds_behind: from the source's last commit until both ledgers were equal.
    """

    comparison: Comparison
    restored: ArchiveRestore
    journal: JournalSummary
    transactions: int
    archived: int
    seconds_behind: float


def report(replication: Replication, console: Console) -> None:
    """Print the table, the totals and the verdict."""
    console.print(_table(replication))
    console.print(_totals(replication), highlight=False, soft_wrap=True)
    show_verdict(replication.comparison, console)
    console.print(_restored(replication.restored), highlight=False, soft_wrap=True)


def _table(replication: Replication) -> Table:
    tables, revisions = replication.comparison.tables, replication.journal.revisions
    table = Table(title="What was replicated")
    table.add_column("Table")
    for heading in ("Documents", "Equal in the destination", "Revisions"):
        table.add_column(heading, justify="right")
    for each in tables:
        counts = (each.source_documents, each.equal_documents, revisions[each.name])
        table.add_row(each.name, *map(str, counts))
    table.add_section()
    documents = sum(each.source_documents for each in tables)
    totals = (documents, replication.comparison.equal_documents, sum(revisions.values()))
    table.add_row("all", *map(str, totals))
    return table


def _totals(replication: Replication) -> str:
    return (
        f"{replication.transactions} transactions, {replication.journal.blocks} blocks,"
        f" {replication.archived} objects in the archive,"
        f" {replication.seconds_behind:.1f} seconds behind"
    )


def _restored(restored: ArchiveRestore) -> str:
    said = f"The archive restores to {restored.ledger}, {restored.blocks} blocks"
    if restored.proven:
        return f"[green]{said}, with the source's digest.[/]"
    return f"[red]{said}, which have not the source's digest.[/]"
