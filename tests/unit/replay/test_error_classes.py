"""What is done about which error."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from qldbkit.journal.integrity import IntegrityError
from qldbkit.journal.kinesis import AggregationError
from qldbkit.journal.records import RecordError
from qldbkit.names import NameRefusedError
from qldbkit.replay.error_classes import class_of, sentence_of
from qldbkit.replay.errors import (
    BlockDamagedError,
    BufferBusyError,
    CatalogOrderError,
    CheckpointMovedError,
    DestinationChangedError,
    PlanError,
    ReplaySettingsError,
    RetryableError,
    RevisionMissingError,
)


def refused(code: str, status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "about {secret: 1}"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "SendCommand")


TABLE = [
    (refused("OccConflictException"), "retryable"),
    (refused("InvalidSessionException"), "retryable"),
    (refused("RateExceededException"), "retryable"),
    (refused("CapacityExceededException", 503), "retryable"),
    (refused("ProvisionedThroughputExceededException"), "retryable"),
    (refused("ThrottlingException"), "retryable"),
    (refused("SomethingNew", 500), "retryable"),
    (refused("AccessDeniedException", 403), "fatal"),
    (refused("ResourceNotFoundException", 404), "fatal"),
    (refused("BadRequestException"), "fatal"),
    (refused("NoSuchBucket", 404), "fatal"),
    (EndpointConnectionError(endpoint_url="http://localhost"), "retryable"),
    (ReadTimeoutError(endpoint_url="http://localhost"), "retryable"),
    (BufferBusyError("busy"), "retryable"),
    (CheckpointMovedError("moved"), "retryable"),
    (RetryableError("no answer"), "retryable"),
    (RecordError("no record"), "poison"),
    (AggregationError("damaged"), "poison"),
    (IntegrityError("not its hash"), "poison"),
    (CatalogOrderError("too late"), "poison"),
    (BlockDamagedError("does not fit"), "held"),
    (PlanError("unknown"), "held"),
    (RevisionMissingError("lost"), "held"),
    (DestinationChangedError("another writer"), "fatal"),
    (ReplaySettingsError("wrong"), "fatal"),
    (NameRefusedError("wrong"), "fatal"),
    (KeyError("bug"), "fatal"),
]


@pytest.mark.parametrize(("error", "expected"), TABLE, ids=lambda each: str(each)[:40])
def test_each_error_has_one_class(error: Exception, expected: str) -> None:
    assert class_of(error).value == expected


def test_a_sentence_names_the_error_and_quotes_no_document() -> None:
    assert sentence_of(refused("BadRequestException")) == (
        "SendCommand was refused with BadRequestException"
    )
    assert sentence_of(RevisionMissingError("lost", position="strand S, block 7")) == (
        "RevisionMissingError: lost (at strand S, block 7)"
    )
    assert sentence_of(ValueError("secret")) == "ValueError"
