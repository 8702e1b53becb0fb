"""What DynamoDB can keep a view from."""

from __future__ import annotations

from qldbkit.errors import QldbkitError
from qldbkit.replay.errors import ReplayError, RetryableError


class TableBusyError(RetryableError):
    """DynamoDB did not take a request: others write the same items, or it is asked too much."""


class TableMissingError(QldbkitError):
    """The view's table is not there."""


class TableUnfitError(QldbkitError):
    """The table was not made for a view, or for that of a later version."""


class WriteRefusedError(ReplayError):
    """DynamoDB refuses what is to be written, and would again."""


class DocumentTooLargeError(ReplayError):
    """A document is larger than an item of DynamoDB may be, even as Ion."""
