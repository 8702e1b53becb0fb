"""What can be wrong with a PartiQL statement or with the values that it meets."""

from __future__ import annotations

from qldbkit.errors import QldbkitError


class PartiqlError(QldbkitError):
    """The PartiQL statement cannot be run.

    Attributes:
        line: of the place in the statement, from 1; None when the place is not known.
        column: of the place in that line, from 1; None when the place is not known.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        column: int | None = None,
        hint: str | None = None,
    ):
        position = None if line is None else f"line {line}, column {column}"
        super().__init__(message, position=position, hint=hint)
        self.line = line
        self.column = column


class PartiqlSyntaxError(PartiqlError):
    """The text is not a PartiQL statement."""


class UnendedTokenError(PartiqlSyntaxError):
    """A quote, an Ion literal or a comment has no end; more text may give it one."""


class SemanticError(PartiqlError):
    """The statement is well formed, but what it asks for cannot mean anything."""


class EvaluationError(PartiqlError):
    """A value met while the statement ran is not one that the operation can work on.

    Permissive evaluation turns it into MISSING; strict evaluation ends the statement with it.
    """


class ComputationError(PartiqlError):
    """A computation has no result: a division by zero, or a number beyond all bounds.

    It ends the statement in permissive evaluation too.
    """
