"""What a person reads of an error."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
)

from qldbkit.errors import QldbkitError


def is_expected(error: Exception) -> bool:
    """Whether it is about what was asked, and not a defect of this program."""
    return isinstance(error, QldbkitError | BotoCoreError | ClientError | OSError)


def describe(error: Exception) -> str:
    """Its sentence, and the hint on a line of its own."""
    if isinstance(error, ClientError):
        found = error.response.get("Error", {})
        return f"{found.get('Message') or error} ({found.get('Code', 'no code')})"
    if isinstance(error, EndpointConnectionError):
        return f"{error}\nhint: start `qldbkit serve`, or say where the ledgers are: --endpoint-url"
    if isinstance(error, NoCredentialsError):
        return f"{error}\nhint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    if not isinstance(error, QldbkitError):
        return str(error)
    where = f" (at {error.position})" if error.position else ""
    hint = f"\nhint: {error.hint}" if error.hint else ""
    return f"{error.message}{where}{hint}"
