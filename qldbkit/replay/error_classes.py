"""What to do about an error, told by its type.

| Class | What it means | What is done |
|---|---|---|
| retryable | it may be gone a moment later | tried again at once, then with the next delivery |
| poison | the record will be the same each time | set aside with its payload; the rest goes on |
| held | something before it is lost | what is behind it waits, and an alarm says so |
| fatal | a person has to change something | the batch is not taken; an alarm says so |
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
)

from qldbkit.errors import QldbkitError
from qldbkit.journal.integrity import IntegrityError
from qldbkit.journal.ion import IonFormatError
from qldbkit.journal.kinesis import AggregationError
from qldbkit.journal.records import RecordError
from qldbkit.replay.errors import (
    BlockDamagedError,
    BufferBusyError,
    CatalogOrderError,
    CheckpointMovedError,
    PlanError,
    ReplicationHeldError,
    RetryableError,
    RevisionMissingError,
)


class ErrorClass(Enum):
    """What is done about an error."""

    RETRYABLE = "retryable"
    POISON = "poison"
    HELD = "held"
    FATAL = "fatal"


CLASSES: Final[dict[type[Exception], ErrorClass]] = {
    BufferBusyError: ErrorClass.RETRYABLE,
    CheckpointMovedError: ErrorClass.RETRYABLE,
    RetryableError: ErrorClass.RETRYABLE,
    EndpointConnectionError: ErrorClass.RETRYABLE,
    ConnectionClosedError: ErrorClass.RETRYABLE,
    HTTPClientError: ErrorClass.RETRYABLE,  # time-outs and broken connections
    IncompleteReadError: ErrorClass.RETRYABLE,
    AggregationError: ErrorClass.POISON,
    RecordError: ErrorClass.POISON,
    IonFormatError: ErrorClass.POISON,
    IntegrityError: ErrorClass.POISON,
    CatalogOrderError: ErrorClass.POISON,
    BlockDamagedError: ErrorClass.HELD,
    PlanError: ErrorClass.HELD,
    RevisionMissingError: ErrorClass.HELD,
    ReplicationHeldError: ErrorClass.HELD,
}
"""By type; a subclass is what its nearest base here is, and what is not here is fatal."""

RETRYABLE_CODES: Final = frozenset(
    {
        # QLDB
        *("OccConflictException", "InvalidSessionException", "RateExceededException"),
        *("CapacityExceededException", "LimitExceededException"),
        # DynamoDB, S3 and AWS in general
        *("ThrottlingException", "ProvisionedThroughputExceededException", "SlowDown"),
        *("RequestLimitExceeded", "InternalServerError", "InternalFailure", "InternalError"),
        *("ServiceUnavailable", "RequestTimeout", "500", "502", "503", "504"),
    }
)
"""Error codes of AWS's answers that stand for a passing state of the service."""

SERVER_FAILED: Final = 500


def class_of(error: BaseException) -> ErrorClass:
    """What is to be done about an error."""
    if isinstance(error, ClientError):
        return ErrorClass.RETRYABLE if _passing(error) else ErrorClass.FATAL
    for each in type(error).__mro__:
        if each in CLASSES:
            return CLASSES[each]
    return ErrorClass.FATAL


def sentence_of(error: BaseException) -> str:
    """The error as the log and the status show it, without what a document may hold.

    The text of an error that is not known may quote a value, so that only its type is given.
    """
    if isinstance(error, QldbkitError):
        return f"{type(error).__name__}: {error}"
    if isinstance(error, ClientError):
        return f"{error.operation_name} was refused with {error.response['Error'].get('Code')}"
    return type(error).__name__


def _passing(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return error.response["Error"].get("Code") in RETRYABLE_CODES or status >= SERVER_FAILED
