"""Keeps pages of other web sites away from a server that trusts whoever reaches it.

A server on the loopback address is reached by every page in a browser on the same machine. Two
headers, which no page can forge, tell those apart: ``Host`` names another site when a name of that
site was made to point at this machine (DNS rebinding), and ``Origin`` names the site whose page
sends a request.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from qldbkit.ledger.errors import AccessDeniedError

LOCAL_NAME = "localhost"
"""It, and every name below it, is this machine's in all browsers."""


class ForeignHostError(AccessDeniedError):
    """The request's Host header names another server."""


class ForeignOriginError(AccessDeniedError):
    """The request comes from a page of another web site."""


class OriginGuard:
    """Refuses what a page of another web site sends.

    Args:
        bound: the address that the server listens on.
        allowed: further host names by which the server is reached, without a port.
    """

    def __init__(self, bound: str, allowed: Collection[str] = ()):
        self._bound = bound.lower()
        self._wildcard = _is_wildcard(self._bound)
        self._allowed = frozenset(each.lower().rstrip(".") for each in allowed)

    def check(self, headers: Mapping[str, str]) -> None:
        """See that a request is meant for this server, and comes from no other site's page.

        Args:
            headers: the request's, by their names in small letters.

        Raises:
            ForeignHostError: the request is meant for another host (HTTP 403).
            ForeignOriginError: a page of another site sends it (HTTP 403).
        """
        host = headers.get("host", "")
        if not self._is_own(_host_name(host)):
            raise ForeignHostError(
                f"The Host header names {host[:100]!r}, which is not this server;"
                " --allow-host of `qldbkit serve` adds a name"
            )
        origin = headers.get("origin")
        if origin is not None and not is_same_origin(origin, host):
            raise ForeignOriginError(
                f"A page of {origin[:100]!r} may not send requests to this server"
            )

    def _is_own(self, name: str) -> bool:
        if name in self._allowed or name in (self._bound, LOCAL_NAME):
            return bool(name)
        if name.endswith(f".{LOCAL_NAME}"):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        # An address is not looked up, so that no name can be made to point at it.
        return address.is_loopback or self._wildcard


def is_same_origin(origin: str, host: str) -> bool:
    """Whether an Origin header names the server that the Host header does.

    The scheme is left out: behind a proxy that ends TLS the server does not know it.
    """
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == host.lower()


def _host_name(host: str) -> str:
    """A Host header's name, without the port and the brackets of IPv6."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_wildcard(bound: str) -> bool:
    try:
        return ipaddress.ip_address(bound).is_unspecified
    except ValueError:
        return False
