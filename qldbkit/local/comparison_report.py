"""Shows a person what a comparison of two ledgers found."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from qldbkit.replay.compare import Comparison

SHOWN_DIFFERENCES = 20


def show_comparison(comparison: Comparison, console: Console) -> None:
    """Print how many documents each table has on both sides, and the verdict."""
    table = Table()
    table.add_column("Table")
    for heading in ("Source", "Destination", "Equal"):
        table.add_column(heading, justify="right")
    for each in comparison.tables:
        counts = (each.source_documents, each.destination_documents, each.equal_documents)
        table.add_row(each.name, *map(str, counts))
    console.print(table)
    show_verdict(comparison, console)


def show_verdict(comparison: Comparison, console: Console) -> None:
    """Print what differs, or that nothing does."""
    if comparison.equal:
        console.print("[green]Both ledgers hold the same documents.[/]")
        return
    for name in comparison.missing_tables:
        console.print(f"  table {name} is missing in the destination", highlight=False)
    for name in comparison.extra_tables:
        console.print(f"  table {name} is only in the destination", highlight=False)
    for difference in comparison.differences[:SHOWN_DIFFERENCES]:
        console.print(f"  {difference}", markup=False, highlight=False)
    further = comparison.different_documents - SHOWN_DIFFERENCES
    if further > 0:
        console.print(f"  and {further} more", highlight=False)
    console.print("[red]The ledgers differ.[/]")
