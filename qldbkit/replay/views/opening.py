"""Opening a view by its URL.

Each kind is imported only where it is opened, since each needs a client of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, cast
from urllib.parse import urlsplit

from qldbkit.errors import QldbkitError
from qldbkit.replay.views.view import View

KINDS: Final[Mapping[str, str]] = {
    "dynamodb": "dynamodb",
    "opensearch+http": "opensearch",
    "opensearch+https": "opensearch",
    "postgres": "postgresql",
    "postgresql": "postgresql",
}
"""The package of each scheme, within this one."""


class ViewUrlError(QldbkitError):
    """The URL names no view."""


def is_view(text: str) -> bool:
    """Whether the text is the URL of a view."""
    return urlsplit(text).scheme in KINDS and "://" in text


def open_view(url: str, region: str) -> View:
    """The view at a URL.

    Each kind's ``open_url(url, region)`` says what its URLs hold.

    Args:
        url: such as ``postgresql://localhost/archive?schema=vehicles``.
        region: the AWS region to sign for, where the view is in AWS.

    Raises:
        ViewUrlError: the URL names no view, or lacks something.
    """
    kind = KINDS.get(urlsplit(url).scheme)
    if kind is None:
        raise ViewUrlError(
            f"{urlsplit(url).scheme or 'the text'} is no kind of view",
            hint=f"begin the URL with one of {', '.join(f'{each}://' for each in KINDS)}",
        )
    module = import_module(f"qldbkit.replay.views.{kind}")
    return cast(Callable[[str, str], View], module.open_url)(url, region)
