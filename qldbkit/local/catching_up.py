"""Waits until a destination has caught up with its source."""

from __future__ import annotations

import time
from collections.abc import Callable

from botocore.exceptions import ClientError

from qldbkit.errors import QldbkitError
from qldbkit.replay.compare import Comparison

INTERVAL = 0.5


class CatchUpTimeoutError(QldbkitError):
    """The destination was still being written to when the time to catch up was over."""


def wait_until_equal(
    compare: Callable[[], Comparison], progress: Callable[[str], None], timeout: float
) -> Comparison:
    """Compare again and again; return when both are equal, or what differs at the end.

    Args:
        compare: compares both ledgers.
        progress: called with how far the destination is.
        timeout: seconds to wait.

    Raises:
        CatchUpTimeoutError: the last comparison could not be finished, because the replay was
            writing what it read.
    """
    deadline = time.monotonic() + timeout
    while True:
        comparison = _unless_written_to(compare)
        late = time.monotonic() > deadline
        if comparison is not None and (comparison.equal or late):
            return comparison
        if late:
            raise CatchUpTimeoutError(
                f"the destination is still being written to after {timeout:g} seconds"
            )
        if comparison is not None:
            progress(_how_far(comparison))
        time.sleep(INTERVAL)


def _how_far(comparison: Comparison) -> str:
    tables = len(comparison.missing_tables) + len(comparison.extra_tables)
    if tables:
        return f"{tables} tables are still on one side only"
    return f"{comparison.different_documents} documents still differ"


def _unless_written_to(compare: Callable[[], Comparison]) -> Comparison | None:
    """Return a comparison, or None where QLDB refused a read of what was being written."""
    try:
        return compare()
    except ClientError as error:
        if error.response["Error"]["Code"] == "OccConflictException":
            return None
        raise
