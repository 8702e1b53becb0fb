"""Pages of a list, with a token that names where the next one begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from qldbkit.ledger.errors import InvalidParameterError

DEFAULT_PAGE_SIZE: Final = 100

Item = TypeVar("Item")


def page_of(
    items: Sequence[Item],
    key: Callable[[Item], str],
    size: int | None,
    token: str | None,
) -> tuple[Sequence[Item], str | None]:
    """One page of a list.

    Args:
        items: all of them, sorted by their keys.
        key: what tells an item from the others.
        size: at most so many.
        token: what the page before gave; None for the first.

    Returns:
        The page's items, and the token of the next page unless this is the last one.

    Raises:
        InvalidParameterError: the token is not one that this function gave.
    """
    after = None if token is None else _position(token)
    rest = [item for item in items if after is None or key(item) > after]
    page = rest[: size or DEFAULT_PAGE_SIZE]
    return page, _token(key(page[-1])) if len(page) < len(rest) else None


def _token(position: str) -> str:
    return base64.b64encode(f"after:{position}".encode()).decode()


def _position(token: str) -> str:
    try:
        kind, _, position = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        kind, position = "", ""
    if kind != "after":
        raise InvalidParameterError(
            "The NextToken is not one that an earlier answer gave", ParameterName="NextToken"
        )
    return position
