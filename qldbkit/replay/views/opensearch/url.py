"""The URLs of views in OpenSearch.

``opensearch+https://search-x.eu-west-1.es.amazonaws.com/vehicles?replicas=2``, with ``http`` for a
server that is not reached through a network. The path is the view's name, with which the names of
its indices begin. Options:

- ``shards``: of each table's index, 1 if it is not said; of indices that are made from now on.
- ``replicas``: of each shard; if it is not said, one where there is another node.
- ``signing``: ``es`` to sign requests for Amazon OpenSearch Service with the AWS credentials of
  the environment, which is so for host names of AWS's, or ``none``.
- ``ca``: a file with the certificates of the authorities to trust.

A user's name may stand before the host. The password is never in the URL: it is read from the
variable ``OPENSEARCH_PASSWORD``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from qldbkit.replay.views.opening import ViewUrlError
from qldbkit.replay.views.opensearch.names import check_view_name
from qldbkit.replay.views.opensearch.schema import Layout

PASSWORD_VARIABLE: Final = "OPENSEARCH_PASSWORD"  # noqa: S105 - its name
OPTIONS: Final = ("shards", "replicas", "signing", "ca")

_PORTS: Final = {"opensearch+http": 9200, "opensearch+https": 443}
_SIGNING: Final = {"es": True, "none": False}
_AWS_HOSTS: Final = (".es.amazonaws.com", ".es.amazonaws.com.cn", ".aos.on.aws")
_MOST_SHARDS: Final = 1024


@dataclass(frozen=True, slots=True)
class ViewAddress:
    """What a URL says.

    Attributes:
        host: its name or address.
        port: its number.
        view: the view's name.
        encrypted: whether by TLS.
        signed: whether requests are signed for AWS.
        user: whose password is sent; empty for none.
        ca: file of the authorities to trust; None for the usual ones.
        layout: how indices are spread.
    """

    host: str
    port: int
    view: str
    encrypted: bool
    signed: bool
    user: str = ""
    ca: str | None = None
    layout: Layout = field(default_factory=Layout)

    @classmethod
    def of(cls, url: str) -> ViewAddress:
        """Read a URL.

        Raises:
            ViewUrlError: something in it is missing, or not known.
            ViewNameError: the view cannot be called so.
        """
        parts = urlsplit(url)
        if parts.password is not None:
            raise ViewUrlError(
                "a view's URL holds no password", hint=f"set {PASSWORD_VARIABLE} instead"
            )
        if not parts.hostname or parts.fragment:
            raise ViewUrlError(
                "the URL of a view in OpenSearch is a host and the view's name",
                hint="such as opensearch+http://127.0.0.1:9200/vehicles",
            )
        options = _options(parts.query)
        return cls(
            host=parts.hostname,
            port=_port(parts) or _PORTS[parts.scheme],
            view=check_view_name(unquote(parts.path).strip("/")),
            encrypted=parts.scheme == "opensearch+https",
            signed=_signed(options, parts.hostname),
            user=unquote(parts.username or ""),
            ca=options.get("ca"),
            layout=_layout(options),
        )


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError as error:
        raise ViewUrlError("the port in the URL is a number from 1 to 65535") from error


def _options(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in OPTIONS or name in found:
            raise ViewUrlError(
                f"the URL's option {name} is not known, or there twice",
                hint=f"the options are {', '.join(OPTIONS)}",
            )
        found[name] = value
    return found


def _signed(options: Mapping[str, str], host: str) -> bool:
    if "signing" not in options:
        return host.endswith(_AWS_HOSTS)
    if options["signing"] not in _SIGNING:
        raise ViewUrlError("the URL's option signing is es or none")
    return _SIGNING[options["signing"]]


def _layout(options: Mapping[str, str]) -> Layout:
    replicas = _number(options, "replicas", least=0)
    return Layout(_number(options, "shards", least=1) or 1, replicas)


def _number(options: Mapping[str, str], name: str, *, least: int) -> int | None:
    text = options.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and least <= int(text) <= _MOST_SHARDS):
        raise ViewUrlError(f"the URL's option {name} is a number from {least} to {_MOST_SHARDS}")
    return int(text)
