"""What the console may do, who may open it, and how much it shows at once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final

ROOT: Final = "/console"
TOKEN_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class ConsoleLimits:
    """Bounds of what the console reads and answers.

    Attributes:
        items: ledgers, tables, documents, versions or blocks on one page.
        query_rows: rows of a query on one page.
        query_reach: rows behind which a query's result is not shown any further: each page runs
            the query anew, and passes over the rows before it.
        page_characters: Ion text at which a page ends early.
        preview_characters: of a document or statement in a list.
        value_characters: of a value or statement where it is shown by itself.
        block_statements: statements of a block that are shown.
        queries: statements that run at the same time.
        quarantined: records in quarantine that are listed.
        samples: moments of a replay that are kept for its plot.
        sample_seconds: the least time between two of them.
        look_seconds: how long a viewer waits for one that another viewer has asked for.
    """

    items: int = 25
    query_rows: int = 100
    query_reach: int = 10_000
    page_characters: int = 512 * 1024
    preview_characters: int = 240
    value_characters: int = 4_000
    block_statements: int = 50
    queries: int = 4
    quarantined: int = 50
    samples: int = 1_800
    sample_seconds: float = 1.0
    look_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """How a server's console is opened.

    Attributes:
        token: what every request for data has to carry.
        writable: whether statements that change something are run.
        limits: its bounds.
    """

    token: str = field(repr=False)
    writable: bool = False
    limits: ConsoleLimits = field(default_factory=ConsoleLimits)


def new_token() -> str:
    """A token that cannot be guessed, in characters that need no escape in a URL."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def console_url(endpoint_url: str, token: str) -> str:
    """The address that opens the console.

    The token is behind ``#``, which browsers send to no server and no other page.
    """
    return f"{endpoint_url}{ROOT}/#token={token}"
