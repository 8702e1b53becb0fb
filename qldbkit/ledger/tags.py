"""Tags of ledgers, tables and journal streams."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from qldbkit.ledger.control_store import ControlStore
from qldbkit.ledger.errors import InvalidParameterError

MAX_TAGS: Final = 50
MAX_KEY_LENGTH: Final = 128
MAX_VALUE_LENGTH: Final = 256
RESERVED_PREFIX: Final = "aws:"


class Tags:
    """The tags of every resource, by its ARN."""

    def __init__(self, store: ControlStore):
        self._store = store

    def of(self, arn: str) -> dict[str, str | None]:
        """A resource's tags."""
        return dict(
            self._store.rows(
                "SELECT key, value FROM tag WHERE resource_arn = ? ORDER BY key", (arn,)
            )
        )

    def add(self, arn: str, tags: Mapping[str, str | None]) -> None:
        """Add tags to a resource; a key that it has already gets the new value.

        Raises:
            InvalidParameterError: a tag breaks the rules for tags, or there would be too many.
        """
        check_tags(tags)
        with self._store.transaction():
            if len(self.of(arn).keys() | tags.keys()) > MAX_TAGS:
                raise _refused(f"A resource can have up to {MAX_TAGS} tags")
            for key, value in tags.items():
                self._store.write(
                    "INSERT INTO tag (resource_arn, key, value) VALUES (?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET value = excluded.value",
                    (arn, key, value),
                )

    def remove(self, arn: str, keys: Collection[str]) -> None:
        """Remove tags from a resource; keys that it does not have are passed over."""
        with self._store.transaction():
            for key in keys:
                self._store.write("DELETE FROM tag WHERE resource_arn = ? AND key = ?", (arn, key))

    def remove_all(self, arn: str) -> None:
        """Remove the tags of a resource that is no more, and of the tables within it."""
        self._store.write(
            "DELETE FROM tag WHERE resource_arn = ? OR substr(resource_arn, 1, ?) = ?",
            (arn, len(arn) + 1, f"{arn}/"),
        )


def check_tags(tags: Mapping[str, str | None]) -> None:
    """Check the rules that QLDB's model has for tags.

    Raises:
        InvalidParameterError: a tag breaks them.
    """
    if len(tags) > MAX_TAGS:
        raise _refused(f"A resource can have up to {MAX_TAGS} tags")
    for key, value in tags.items():
        if not 1 <= len(key) <= MAX_KEY_LENGTH or key.lower().startswith(RESERVED_PREFIX):
            raise _refused(
                f"A tag's key has 1 to {MAX_KEY_LENGTH} characters and does not begin with"
                f" {RESERVED_PREFIX}"
            )
        if len(value or "") > MAX_VALUE_LENGTH:
            raise _refused(f"A tag's value has at most {MAX_VALUE_LENGTH} characters")


def _refused(message: str) -> InvalidParameterError:
    return InvalidParameterError(message, ParameterName="Tags")
