"""What the console refuses, in sentences that its page shows."""

from __future__ import annotations

from qldbkit.errors import QldbkitError


class ConsoleError(QldbkitError):
    """The console cannot answer this request.

    Attributes:
        http_status: the status code of the answer.
    """

    http_status = 400


class TokenRefusedError(ConsoleError):
    """The request does not carry the console's token."""

    http_status = 401


class WritingRefusedError(ConsoleError):
    """The console was started to read only."""

    http_status = 403


class ForeignPostError(ConsoleError):
    """What may change something has to come from the console's own page."""

    http_status = 403


class NothingThereError(ConsoleError):
    """There is nothing at this address."""

    http_status = 404


class MethodRefusedError(ConsoleError):
    """This address is not for that HTTP method."""

    http_status = 405


class BusyError(ConsoleError):
    """Too many statements of the console run already."""

    http_status = 503
