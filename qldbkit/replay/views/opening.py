"""Opening a view by its URL.

Each kind is imported only where it is opened, since each needs a client of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, cast
from urllib.parse import urlsplit

from qldbkit.errors import QldbkitError
from qldbkit.journal.sources.stored import JournalSource
from qldbkit.replay.views.view import JournalKeeper, View

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


class ViewClientMissingError(QldbkitError, ImportError):
    """The client of that kind of view is not installed: it is an extra of this package."""


def is_view(text: str) -> bool:
    """Whether the text is the URL of a view."""
    return urlsplit(text).scheme in KINDS and "://" in text


def kind_of(url: str) -> str:
    """The package of the view at a URL.

    Raises:
        ViewUrlError: the URL names no view.
    """
    kind = KINDS.get(urlsplit(url).scheme)
    if kind is None:
        raise ViewUrlError(
            f"{urlsplit(url).scheme or 'the text'} is no kind of view",
            hint=f"begin the URL with one of {', '.join(f'{each}://' for each in KINDS)}",
        )
    return kind


def open_view(url: str, region: str) -> View:
    """The view at a URL.

    Each kind's ``open_url(url, region)`` says what its URLs hold.

    Args:
        url: such as ``postgresql://localhost/archive?schema=vehicles``.
        region: the AWS region to sign for, where the view is in AWS.

    Raises:
        ViewUrlError: the URL names no view, or lacks something.
        ViewClientMissingError: what speaks to that kind of view is not installed.
    """
    kind = kind_of(url)
    try:
        module = import_module(f"qldbkit.replay.views.{kind}")
    except ImportError as error:
        if (error.name or "").startswith("qldbkit"):
            raise
        raise ViewClientMissingError(
            f"the client of a view in {kind} is not there: {str(error).partition(chr(10))[0]}",
            hint=f'pip install "qldbkit[{kind}]"',
        ) from error
    return cast(Callable[[str, str], View], module.open_url)(url, region)


def open_journal(url: str, region: str, *, readable: bool = False) -> JournalSource:
    """The journal that a view keeps beside its documents.

    Args:
        url: the view's.
        region: the AWS region to sign for, where the view is in AWS.
        readable: whether to check what the view's own users read against it, too.

    Raises:
        ViewUrlError: the URL names no view, or one that keeps no journal.
    """
    view = open_view(url, region)
    if not isinstance(view, JournalKeeper):
        raise ViewUrlError(
            f"a view of the kind {urlsplit(url).scheme} keeps documents and no journal",
            hint="verify and restore from an archive, an export, a ledger or a PostgreSQL view",
        )
    return view.journal(readable=readable)
