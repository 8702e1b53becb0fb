"""``qldbkit ledgers``, ``tables`` and ``history``: what there is."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qldbkit.cli.ledger_options import (
    EndpointOption,
    JsonOption,
    LedgerArgument,
    RegionOption,
    connection_of,
)
from qldbkit.client import catalog, changes
from qldbkit.client.connection import DEFAULT_REGION


def add_to(application: typer.Typer) -> None:
    """Add the commands."""
    application.command("ledgers")(ledgers)
    application.command("tables")(tables)
    application.command("history")(history)


def ledgers(
    create: Annotated[
        str | None, typer.Option("--create", metavar="NAME", help="Make this ledger first.")
    ] = None,
    endpoint_url: EndpointOption = None,
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """List the ledgers, having made one if asked to: with QLDB's defaults, as CreateLedger does."""
    control = connection_of(endpoint_url, region).control()
    if create is not None:
        catalog.create(control, create)
    found = list(catalog.ledgers(control))
    console = Console(highlight=False)
    if as_json:
        console.print_json(data=[each.to_json() for each in found])
        return
    table = Table("ledger", "state", "created", show_edge=False)
    for each in found:
        table.add_row(each.name, each.state, each.created.isoformat(timespec="seconds"))
    console.print(table if found else "There is no ledger yet: --create NAME makes one.")


def tables(
    ledger: LedgerArgument,
    endpoint_url: EndpointOption = None,
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """List a ledger's tables and their indexes."""
    with connection_of(endpoint_url, region).driver(ledger) as driver:
        found = catalog.tables(driver)
    console = Console(highlight=False)
    if as_json:
        console.print_json(data=[each.to_json() for each in found])
        return
    table = Table("table", "id", "indexes", "", show_edge=False)
    for each in found:
        state = "" if each.active else "dropped"
        table.add_row(each.name, each.table_id, ", ".join(each.indexes), state)
    console.print(table if found else "There is no table.")


def history(
    ledger: LedgerArgument,
    table: Annotated[str, typer.Argument(help="The table's name.")],
    document_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="One document; all of them without.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="How many versions to read at most.")
    ] = changes.DEFAULT_LIMIT,
    endpoint_url: EndpointOption = None,
    region: RegionOption = DEFAULT_REGION,
    as_json: JsonOption = False,
) -> None:
    """Show what changed in documents from version to version; values are Ion text."""
    with connection_of(endpoint_url, region).driver(ledger) as driver:
        found = changes.history(driver, table, document_id, limit)
    console = Console(highlight=False)
    if as_json:
        data = {
            "complete": found.complete,
            "versions": [each.to_json() for each in found.versions],
        }
        console.print_json(data=data)
        return
    shown = ""
    for each in found.versions:
        if each.document_id != shown:
            shown = each.document_id
            console.print(Text(f"document {shown}", "bold"))
        _print_version(each, console)
    if not found.versions:
        console.print("No document was ever in this table.")
    if not found.complete:
        console.print(f"There are more than {limit:,} versions; --limit reads more.")


def _print_version(version: changes.Version, console: Console) -> None:
    head = f"  version {version.number}  {version.committed_at}  {version.kind.value}"
    console.print(Text(f"{head}  by {version.transaction_id}"), soft_wrap=True)
    for each in version.changes:
        path = each.path or "the document"
        if each.before is None:
            line = Text(f"    + {path}: {each.after}", "green")
        elif each.after is None:
            line = Text(f"    - {path}: {each.before}", "red")
        else:
            line = Text(f"    ~ {path}: {each.before} → {each.after}", "yellow")
        console.print(line, soft_wrap=True)
