"""Where a view in DynamoDB is: ``dynamodb://TABLE``, and what the URL may say besides.

| Option | It says |
|---|---|
| ``region=eu-west-1`` | the AWS region, instead of the command's or the function's |
| ``endpoint=http://127.0.0.1:8000`` | where DynamoDB is, if it is not AWS's |
| ``key=alias/views`` | the KMS key that a table made by `qldbkit` is encrypted with |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from qldbkit.replay.views.opening import ViewUrlError

_TABLE: Final = re.compile(r"[A-Za-z0-9_.-]{3,255}", re.ASCII)
_OPTIONS: Final = ("region", "endpoint", "key")
_EXAMPLE: Final = "write it as dynamodb://TABLE?region=eu-west-1"


@dataclass(frozen=True, slots=True)
class ViewLocation:
    """A table of DynamoDB.

    Attributes:
        table: its name.
        region: the AWS region.
        endpoint: DynamoDB's URL; None for AWS's own in the region.
        key: id, ARN or alias of the KMS key for a table that has to be made; None for one that
            AWS owns.
    """

    table: str
    region: str
    endpoint: str | None = None
    key: str | None = None

    @classmethod
    def of(cls, url: str, region: str) -> ViewLocation:
        """The location that a URL names.

        Raises:
            ViewUrlError: it names none.
        """
        parts = urlsplit(url)
        if _TABLE.fullmatch(parts.netloc) is None or parts.path.strip("/") or parts.fragment:
            raise ViewUrlError("the URL names no table of DynamoDB", hint=_EXAMPLE)
        options = parse_qs(parts.query, keep_blank_values=True)
        unknown = sorted(options.keys() - set(_OPTIONS))
        if unknown:
            raise ViewUrlError(
                f"{unknown[0]} is no option of a view in DynamoDB",
                hint=f"known are {', '.join(_OPTIONS)}",
            )
        for name, values in options.items():
            if len(values) > 1 or not values[0]:
                raise ViewUrlError(f"the URL says not one {name}", hint=_EXAMPLE)
        given = {name: values[0] for name, values in options.items()}
        return cls(
            parts.netloc, given.get("region", region), given.get("endpoint"), given.get("key")
        )
