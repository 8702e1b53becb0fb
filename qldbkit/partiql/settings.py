"""The choices that evaluation leaves open, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from qldbkit.partiql.dialect import Dialect


class Typing(Enum):
    """What values of the wrong type do.

    Attributes:
        PERMISSIVE: an operation on them gives MISSING, and so does a path that leads nowhere.
        QLDB: an operation on them ends the statement with an error (QLDB's documentation of CAST,
            SIZE and other functions); a path that leads nowhere gives MISSING.
        STRICT: both end the statement.
    """

    PERMISSIVE = "permissive"
    QLDB = "qldb"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class Settings:
    """How statements are evaluated.

    Attributes:
        dialect: what statements may be written in.
        typing: what values of the wrong type do.
        case_sensitive: whether unquoted names are case-sensitive. QLDB's are (its documentation of
            quoted and unquoted identifiers); PartiQL's specification says that they are not.
        missing_arguments_are_null: whether a function with a MISSING argument gives null, as in
            QLDB (its documentation of functions), or MISSING, as in the specification.
        tables_only_in_from: whether a name outside FROM is never a table when it may be a field.
    """

    dialect: Dialect = Dialect.FULL
    typing: Typing = Typing.QLDB
    case_sensitive: bool = True
    missing_arguments_are_null: bool = True
    tables_only_in_from: bool = True


def specification(strict: bool) -> Settings:
    """PartiQL as its specification has it, without what QLDB does in its own way."""
    return Settings(
        typing=Typing.STRICT if strict else Typing.PERMISSIVE,
        case_sensitive=False,
        missing_arguments_are_null=False,
        tables_only_in_from=False,
    )
