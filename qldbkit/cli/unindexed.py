"""``qldbkit unindexed``: documents of a view in OpenSearch that queries do not see."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from qldbkit.cli.replays import JsonOption
from qldbkit.errors import QldbkitError
from qldbkit.replay.views.opening import open_view

if TYPE_CHECKING:  # it needs a client of its own, which is loaded where one is opened
    from qldbkit.replay.views.opensearch.destination import OpenSearchView

SCHEMES: Final = ("opensearch+http://", "opensearch+https://")


class NoIndexError(QldbkitError):
    """Only a view in OpenSearch has documents that are not indexed."""


def add_to(application: typer.Typer) -> None:
    """Add the command."""
    application.command("unindexed")(unindexed)


def unindexed(
    view: Annotated[
        str, typer.Argument(help="The view's URL: opensearch+https://HOST/NAME.", metavar="VIEW")
    ],
    again: Annotated[
        bool, typer.Option("--again", help="Have them indexed again, and list what still is not.")
    ] = False,
    region: Annotated[
        str, typer.Option("--region", envvar="AWS_REGION", help="The region to sign for.")
    ] = "us-east-1",
    as_json: JsonOption = False,
) -> None:
    """List the documents that OpenSearch could not index, and that are kept whole beside.

    Exit status: 0 every document is indexed; 1 some are not, or the view cannot be read.
    """
    with closing(_opened(view, region)) as opened:
        if again:
            opened.index_again()
        found = list(opened.unindexed())
    console = Console(highlight=False)
    if as_json:
        console.print_json(data=[each.to_json() for each in found])
    else:
        table = Table("table", "document", "version", "block", "reason", show_edge=False)
        for each in found:
            block = "" if each.sequence_no is None else str(each.sequence_no)
            table.add_row(each.table, each.id, str(each.version), block, each.reason)
        console.print(table if found else "Every document is indexed.")
    raise typer.Exit(int(bool(found)))


def _opened(url: str, region: str) -> OpenSearchView:
    view = open_view(url, region)
    if not url.startswith(SCHEMES):
        view.close()
        raise NoIndexError(
            "only a view in OpenSearch has documents that are not indexed",
            hint=f"name one by a URL that begins with {' or '.join(SCHEMES)}",
        )
    from qldbkit.replay.views.opensearch.destination import (  # noqa: PLC0415 - see above
        OpenSearchView,
    )

    assert isinstance(view, OpenSearchView)
    return view
