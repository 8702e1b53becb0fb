"""A journal's documents, their history and the journal itself in PostgreSQL."""

from __future__ import annotations

from qldbkit.replay.views.postgresql.address import PostgresqlAddress
from qldbkit.replay.views.postgresql.destination import PostgresqlView


def open_url(url: str, region: str) -> PostgresqlView:
    """The view at ``postgresql://USER@HOST/DATABASE?schema=NAME``; see `PostgresqlAddress`.

    Raises:
        ViewUrlError: a part is missing, unknown, or not to be in a URL.
    """
    return PostgresqlView(PostgresqlAddress.of(url), region)
