"""A journal's documents as items of a DynamoDB table."""

from __future__ import annotations

from qldbkit.replay.views.dynamodb.location import ViewLocation
from qldbkit.replay.views.view import View


def open_url(url: str, region: str) -> View:
    """The view that a URL such as ``dynamodb://TABLE`` names; see `ViewLocation`.

    Raises:
        ViewUrlError: it names none.
    """
    from qldbkit.replay.views.dynamodb.opening import opened  # noqa: PLC0415 - boto3 takes long

    return opened(ViewLocation.of(url, region))
