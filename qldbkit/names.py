"""Names that users give: checked here before they reach PartiQL, SQL or AWS.

The rules are Amazon QLDB's (its service model for ledgers, its developer guide for tables and
indexes).
"""

from __future__ import annotations

import re

from qldbkit.errors import QldbkitError

LEDGER_NAME = re.compile(r"(?!^.*--)(?!^[0-9]+$)(?!^-)(?!.*-$)^[A-Za-z0-9-]{1,32}$", re.ASCII)
TABLE_NAME = re.compile(r"^(?!_ql_)[A-Za-z_][A-Za-z0-9_]{0,127}$", re.ASCII)


class NameRefusedError(QldbkitError):
    """A name breaks the rules that QLDB has for names of its kind."""


def check_ledger_name(name: str) -> str:
    """Return ``name`` if it may name a ledger.

    Raises:
        NameRefusedError: it may not; the message says what is allowed.
    """
    if not isinstance(name, str) or LEDGER_NAME.fullmatch(name) is None:
        raise NameRefusedError(
            f"{name!r} cannot name a ledger",
            hint="use 1 to 32 letters, digits and single hyphens, not only digits,"
            " and no hyphen first or last",
        )
    return name


def check_table_name(name: str) -> str:
    """Return ``name`` if it may name a table of the user's.

    Raises:
        NameRefusedError: it may not; the message says what is allowed.
    """
    if not isinstance(name, str) or TABLE_NAME.fullmatch(name) is None:
        raise NameRefusedError(
            f"{name!r} cannot name a table",
            hint="use 1 to 128 letters, digits and underscores, a letter or underscore first,"
            " and not the prefix _ql_",
        )
    return name
