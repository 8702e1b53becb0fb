"""What the page asks for: the names in a path, the parameters behind it, and a body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from qldbkit.console.errors import ConsoleError
from qldbkit.ledger.wire import HttpRequest

Answer = dict[str, Any]
"""The JSON members of an answer."""

MAX_NUMBER: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for data.

    Attributes:
        names: what the path names, such as ``ledger``.
        parameters: what stands behind the question mark.
        body: the members of a POST's JSON.
    """

    names: Mapping[str, str]
    parameters: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def ledger(self) -> str:
        """The ledger that the path names."""
        return self.names["ledger"]

    def text(self, name: str) -> str:
        """A parameter that has to be there.

        Raises:
            ConsoleError: it is not.
        """
        found = self.parameters.get(name)
        if not found:
            raise ConsoleError(f"the parameter {name} is missing")
        return found

    def number(self, name: str) -> int | None:
        """A parameter that is a number from 0 on; None without one.

        Raises:
            ConsoleError: it is something else.
        """
        return _number(name, self.parameters.get(name))


def asked(names: Mapping[str, str], request: HttpRequest) -> Asked:
    """Understand a request.

    Raises:
        ConsoleError: its body is no JSON object.
    """
    found = parse_qs(request.query, keep_blank_values=True)
    return Asked(names, {name: each[-1] for name, each in found.items()}, _members(request.body))


def _number(name: str, text: str | None) -> int | None:
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= MAX_NUMBER):
        raise ConsoleError(f"the parameter {name} has to be a number from 0 on")
    return int(text)


def _members(body: bytes) -> Mapping[str, Any]:
    if not body:
        return {}
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        raise ConsoleError("the request's body is not JSON") from None
    if not isinstance(members, dict):
        raise ConsoleError("the request's body has to be a JSON object")
    return members
