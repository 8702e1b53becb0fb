"""What a source's table is called in PostgreSQL.

A table has four relations, named after it: itself, ``_history``, ``_versions`` and ``_deleted``.
QLDB's names have up to 128 characters and tell cases apart; PostgreSQL's have up to 63 bytes, and
tables, views, indexes and types share them. So a name that is too long, taken, or like those of the
view's own tables (``journal_``) is replaced by one with the table's number, and `journal_table`
says which it is.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from itertools import count
from typing import Final

from qldbkit.replay.views.postgresql.address import NAME_BYTES

SUFFIXES: Final = ("", "_history", "_versions", "_deleted")
OWN_PREFIX: Final = "journal_"
"""Begins the names of the view's own tables, those of later versions too."""
DROPPED: Final = "dropped"
_LONGEST: Final = max(map(len, SUFFIXES))


def base_name(table: str, key: int, taken: Container[str], *, dropped: bool = False) -> str:
    """The name that a table's relations begin with.

    Args:
        table: the table's name; of ASCII letters, digits and underscores.
        key: the table's number.
        taken: names that the schema has already.
        dropped: whether the table was dropped, so that another may want its name.
    """
    return next(each for each in _candidates(table, key, dropped) if _fits(each, taken))


def _candidates(table: str, key: int, dropped: bool) -> Iterator[str]:
    if not dropped:
        yield table
    prefix = DROPPED if dropped else "table"
    for attempt in count():
        number = f"{key}" if attempt == 0 else f"{key}_{attempt}"
        whole = f"{prefix}_{number}_{table}"
        yield whole[: NAME_BYTES - _LONGEST]


def _fits(base: str, taken: Container[str]) -> bool:
    names = [base + suffix for suffix in SUFFIXES]
    return (
        not base.startswith(OWN_PREFIX)
        and len(names[-1].encode()) <= NAME_BYTES
        and all(len(each.encode()) <= NAME_BYTES and each not in taken for each in names)
    )
