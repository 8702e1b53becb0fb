"""PartiQL's errors, as QLDB's API gives them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final

from amazon.ion.exceptions import IonException

from qldbkit.journal.ion import IonFormatError
from qldbkit.ledger.catalog import SEMANTIC_ERROR
from qldbkit.ledger.errors import BadRequestError
from qldbkit.partiql.errors import PartiqlError, SemanticError


class _AsServiceErrors:
    """See `as_service_errors`; entered for every part of every statement."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None:
            return
        if isinstance(error, SemanticError):
            raise BadRequestError(_semantic(error), Code=SEMANTIC_ERROR) from error
        if isinstance(error, PartiqlError):
            raise BadRequestError(str(error)) from error
        if isinstance(error, LookupError):
            raise BadRequestError(
                f"Semantic Error: No such table '{error.args[0] if error.args else ''}'",
                Code=SEMANTIC_ERROR,
            ) from error
        if isinstance(error, _NOT_ION):
            raise BadRequestError(f"The statement cannot be run: {error}") from error


_NOT_ION: Final = (IonFormatError, IonException, TypeError, ValueError, RecursionError)
_CONTEXT: Final = _AsServiceErrors()


def as_service_errors() -> AbstractContextManager[None]:
    """Run a part of a statement, whose errors become those of the API.

    Raises:
        BadRequestError: the statement cannot be run, or gives what Ion cannot hold.
    """
    return _CONTEXT


def _semantic(error: SemanticError) -> str:
    """QLDB's wording: the place first."""
    if error.line is None or error.message.startswith("Semantic Error"):
        return error.message
    return f"Semantic Error: at line {error.line}, column {error.column}: {error.message}"
