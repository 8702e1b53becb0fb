"""PartiQL's errors, as QLDB's API gives them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from amazon.ion.exceptions import IonException

from qldbkit.journal.ion import IonFormatError
from qldbkit.ledger.catalog import SEMANTIC_ERROR
from qldbkit.ledger.errors import BadRequestError
from qldbkit.partiql.errors import PartiqlError, SemanticError


@contextmanager
def as_service_errors() -> Iterator[None]:
    """Run a part of a statement, whose errors become those of the API.

    Raises:
        BadRequestError: the statement cannot be run, or gives what Ion cannot hold.
    """
    try:
        yield
    except SemanticError as error:
        raise BadRequestError(_semantic(error), Code=SEMANTIC_ERROR) from error
    except PartiqlError as error:
        raise BadRequestError(str(error)) from error
    except LookupError as error:
        raise BadRequestError(
            f"Semantic Error: No such table '{error.args[0] if error.args else ''}'",
            Code=SEMANTIC_ERROR,
        ) from error
    except (IonFormatError, IonException, TypeError, ValueError, RecursionError) as error:
        raise BadRequestError(f"The statement cannot be run: {error}") from error


def _semantic(error: SemanticError) -> str:
    """QLDB's wording: the place first."""
    if error.line is None or error.message.startswith("Semantic Error"):
        return error.message
    return f"Semantic Error: at line {error.line}, column {error.column}: {error.message}"
