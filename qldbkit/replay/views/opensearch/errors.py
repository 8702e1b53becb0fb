"""What a request to OpenSearch may end with."""

from __future__ import annotations

from qldbkit.errors import QldbkitError
from qldbkit.replay.errors import RetryableError


class OpenSearchUnavailableError(RetryableError):
    """OpenSearch does not answer, or has too much to do."""


class OpenSearchRefusedError(QldbkitError):
    """OpenSearch will not do what it is asked, and would not the next time."""


class OpenSearchViewError(QldbkitError):
    """The indices are not those of a view that this version of qldbkit can go on with."""


class NotThereError(QldbkitError):
    """The index or document is not there."""


class WriteConflictError(QldbkitError):
    """Something else has written meanwhile."""
