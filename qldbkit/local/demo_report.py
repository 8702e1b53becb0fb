"""Shows what a demonstration did: one table of what was replicated, one of what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

_SHOWN_DIFFERENCES = 20


@dataclass(frozen=True, slots=True)
class TableCount:
    """One table on both sides.

    Attributes:
        documents: how many the source holds.
        revisions: how many the source's journal holds, deletions included.
        equal: how many documents the destination holds alike.
    """

    documents: int
    revisions: int
    equal: int


@dataclass(frozen=True, slots=True)
class Replication:
    """What a demonstration replicated.

    Attributes:
        tables: what each table holds.
        transactions: how many the sample ran on the source.
        blocks: how many the source's journal has.
        archived: how many objects the archive in S3 has.
        seconds_behind: from the source's last commit until both ledgers were equal.
        differences: a sentence for each document that differs.
    """

    tables: Mapping[str, TableCount]
    transactions: int
    blocks: int
    archived: int
    seconds_behind: float
    differences: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether both ledgers hold the same documents."""
        return not self.differences


def report(replication: Replication, console: Console) -> None:
    """Print both tables and the verdict."""
    console.print(_documents(replication))
    console.print(
        f"{replication.transactions} transactions in {replication.blocks} blocks; "
        f"{replication.archived} objects in the archive; "
        f"the destination was {replication.seconds_behind:.1f} seconds behind",
        highlight=False,
    )
    if replication.equal:
        console.print("[green]Both ledgers hold the same documents.[/]")
        return
    for difference in replication.differences[:_SHOWN_DIFFERENCES]:
        console.print(f"  {difference}", markup=False, highlight=False)
    console.print(f"[red]The ledgers differ in {len(replication.differences)} documents.[/]")


def _documents(replication: Replication) -> Table:
    table = Table(title="What was replicated")
    table.add_column("Table")
    for heading in ("Documents", "Equal in destination", "Revisions"):
        table.add_column(heading, justify="right")
    for name, count in replication.tables.items():
        table.add_row(name, str(count.documents), str(count.equal), str(count.revisions))
    total = replication.tables.values()
    table.add_section()
    table.add_row(
        "all",
        str(sum(each.documents for each in total)),
        str(sum(each.equal for each in total)),
        str(sum(each.revisions for each in total)),
    )
    return table
