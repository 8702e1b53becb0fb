"""PartiQL: reading statements, and running them against an abstract database."""

from qldbkit.partiql.dialect import Dialect, DialectError
from qldbkit.partiql.parser import parse
from qldbkit.partiql.prepared import Prepared, prepare
from qldbkit.partiql.statements import Statement, StatementKind
from qldbkit.partiql.tokens import statements

__all__ = [
    "Dialect",
    "DialectError",
    "Prepared",
    "Statement",
    "StatementKind",
    "parse",
    "prepare",
    "statements",
]
