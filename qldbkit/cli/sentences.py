"""What a person reads of an error."""

from __future__ import annotations

import re
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
)
from botocore.parsers import ResponseParserError

from qldbkit.errors import QldbkitError

_LEDGER_MISSING: Final = re.compile(r"^The Ledger with name \S+ is not found")
_TABLE_MISSING: Final = re.compile(r"No such variable named '\w+'")


def is_expected(error: Exception) -> bool:
    """Whether it is about what was asked, and not a defect of this program."""
    return isinstance(
        error, QldbkitError | BotoCoreError | ClientError | ResponseParserError | OSError
    ) or _is_of_an_endpoint(error)


def _is_of_an_endpoint(error: Exception) -> bool:
    """Whether botocore was given an address that is none; it has no error of its own for that."""
    return isinstance(error, ValueError) and str(error).startswith("Invalid endpoint: ")


def describe(error: Exception) -> str:
    """Its sentence, and on lines of their own the hint and what was noted on its way."""
    return "\n".join((_sentence(error), *getattr(error, "__notes__", ())))


def _sentence(error: Exception) -> str:
    if isinstance(error, ClientError):
        return _refusal(error)
    if isinstance(error, EndpointConnectionError):
        return f"{error}\nhint: {_where_else(error)}"
    if isinstance(error, NoCredentialsError):
        return f"{error}\nhint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    if isinstance(error, ResponseParserError):
        return (
            "what answers at the endpoint is not the service that was asked"
            "\nhint: a ledger's server has ledgers only; stacks, buffers and buckets are in AWS, or"
            " in what `qldbkit local` starts"
        )
    if _is_of_an_endpoint(error):
        return f"{error}\nhint: it comes from an option, or from AWS_ENDPOINT_URL or the like"
    if isinstance(error, OSError):
        return _of_the_system(error)
    if not isinstance(error, QldbkitError):
        return str(error)
    where = f" (at {error.position})" if error.position else ""
    hint = f"\nhint: {error.hint}" if error.hint else ""
    return f"{error.message}{where}{hint}"


def _where_else(error: EndpointConnectionError) -> str:
    """What may answer instead of an endpoint that does not."""
    if "amazonaws.com" in str(error):
        return (
            'for a local AWS: eval "$(qldbkit local --env)"; for AWS itself, see whether the region'
            " and the network are right"
        )
    return (
        "start `qldbkit serve`, or `qldbkit local` where a stack is asked for; or say where it is:"
        " --endpoint-url, or AWS_ENDPOINT_URL"
    )


def _refusal(error: ClientError) -> str:
    """What a service said, and which command lists what it did not find."""
    found = error.response.get("Error", {})
    said = found.get("Message") or str(error)
    sentence = f"{said} ({found.get('Code', 'no code')})"
    if _LEDGER_MISSING.search(said):
        return f"{sentence}\nhint: `qldbkit ledgers` lists those that are there, and makes one"
    if _TABLE_MISSING.search(said):
        return f"{sentence}\nhint: `qldbkit tables LEDGER` lists its tables"
    return sentence


def _of_the_system(error: OSError) -> str:
    said = error.strerror or str(error)
    if isinstance(error, FileExistsError):
        said = "it is there already"
    return f"{error.filename}: {said}" if error.filename else said
