"""Which PartiQL a statement may be written in."""

from __future__ import annotations

from enum import Enum

from qldbkit.partiql.errors import PartiqlSyntaxError


class Dialect(Enum):
    """The statements and functions that are accepted.

    Attributes:
        FULL: QLDB's, and of PartiQL's specification what QLDB never had (ORDER BY, GROUP BY, ...).
        QLDB: what Amazon QLDB accepted, and nothing else.
    """

    FULL = "full"
    QLDB = "qldb"


class DialectError(PartiqlSyntaxError):
    """The statement is PartiQL, but Amazon QLDB did not accept it."""
