"""What the indices of a view are called, and which table each name stands for.

Names of tables tell capitals from small letters, names of indices have only small ones. A capital
is written as a hyphen and its small letter; of two or more capitals in a row, digits and
underscores between them included, the small letters stand between equals signs. Neither sign can be
in a table's name, so that no two tables share an index::

    Person               vehicles.-person
    VehicleRegistration  vehicles.-vehicle-registration
    DMV_offices          vehicles.=dmv=_offices

A table that was dropped and made again is another table: the indices have a number besides, and the
name without it is an alias of the one that is active. QLDB's longest names, of 128 characters, stay
below the 255 bytes that OpenSearch allows.
"""

from __future__ import annotations

import re
from typing import Final

from qldbkit.errors import QldbkitError

VIEW_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,29}", re.ASCII)
"""Without a dot or a hyphen, so that no view's indices begin as another's do."""

_CAPITALS: Final = re.compile(r"[A-Z](?:[0-9_]*[A-Z])+")
_CAPITAL: Final = re.compile(r"[A-Z]")
_ESCAPED: Final = re.compile(r"=([^=]*)=|-(.)")


class ViewNameError(QldbkitError):
    """The name cannot begin the names of indices."""


def check_view_name(name: str) -> str:
    """Return ``name`` if a view may be called so.

    Raises:
        ViewNameError: it may not; the message says what is allowed.
    """
    if VIEW_NAME.fullmatch(name) is None:
        raise ViewNameError(
            f"{name!r} cannot begin the names of indices",
            hint="use 1 to 30 small letters, digits and underscores, no underscore first",
        )
    return name


def bookkeeping_index(view: str) -> str:
    """The index with what replay keeps of itself; no pattern of the tables' indices has it."""
    return f"{view}-bookkeeping"


def table_pattern(view: str) -> str:
    """What the names of all the tables' indices match, and no other's."""
    return f"{view}.*"


def table_alias(view: str, table: str) -> str:
    """What readers call a table's current documents."""
    return f"{view}.{escaped(table)}"


def table_index(view: str, table: str, number: int) -> str:
    """The index of the ``number``-th table of that name."""
    return f"{table_alias(view, table)}.{number}"


def table_of_index(index: str) -> str:
    """The table whose documents an index, or an alias, has."""
    return unescaped(index.split(".")[1])


def escaped(table: str) -> str:
    """A table's name without capitals."""
    joined = _CAPITALS.sub(lambda found: f"={found[0].lower()}=", table)
    return _CAPITAL.sub(lambda found: f"-{found[0].lower()}", joined)


def unescaped(text: str) -> str:
    """The name that `escaped` was given."""
    return _ESCAPED.sub(lambda found: (found[1] or found[2]).upper(), text)
