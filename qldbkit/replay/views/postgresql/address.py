"""The URLs of PostgreSQL views.

``postgresql://USER@HOST:PORT/DATABASE?schema=NAME`` and, behind ``&``:

| Part | Meaning |
|---|---|
| ``schema`` | the schema that holds the view; one for each ledger |
| ``iam=true`` | sign in by IAM, as Aurora, RDS and RDS Proxy let you |
| ``secret=ARN`` | take user and password from a secret of AWS Secrets Manager |
| ``sslmode``, ``sslrootcert``, ``sslcert``, ``sslkey`` | as libpq has them; a server that is not\
 on this machine has to prove its name (``verify-full``) unless they say otherwise |
| ``host``, ``port``, ``user``, ``dbname``, ``passfile``, ``connect_timeout``,\
 ``application_name``, ``target_session_attrs`` | as libpq has them; a socket's folder is a host |

A password is not taken from a URL, which is logged and listed: it comes from ``~/.pgpass``,
``PGPASSWORD``, the secret, or IAM.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import botocore

from qldbkit.replay.views.opening import ViewUrlError

LIBPQ_PARTS: Final = frozenset(
    {
        *("host", "port", "user", "dbname", "passfile", "connect_timeout", "application_name"),
        *("sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs"),
    }
)
OWN_PARTS: Final = frozenset({"schema", "iam", "secret"})
NAME_BYTES: Final = 63
"""PostgreSQL's limit for the name of anything."""
PUBLIC_AUTHORITIES: Final = str(Path(botocore.__file__).with_name("cacert.pem"))
"""The certificates that AWS's client trusts, where the system has none."""
_SECRET: Final = re.compile(r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+")
_ON_THIS_MACHINE: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class PostgresqlAddress:
    """Where a view is, and how to sign in; without any secret.

    Attributes:
        options: libpq's.
        schema: the view's schema.
        secret: the ARN of the secret with user and password; None for none.
        iam: whether to sign in by IAM.
    """

    options: Mapping[str, str]
    schema: str
    secret: str | None = None
    iam: bool = False

    @classmethod
    def of(cls, url: str) -> PostgresqlAddress:
        """The address that a URL says.

        Raises:
            ViewUrlError: a part is missing, unknown, or not to be in a URL.
        """
        split = urlsplit(url)
        if split.password is not None:
            raise ViewUrlError(
                "the URL has a password, which everybody would see",
                hint="put it into ~/.pgpass or PGPASSWORD, or name a secret by secret=ARN",
            )
        parts = _parts(split.query)
        try:
            port = split.port
        except ValueError as error:
            raise ViewUrlError(f"the URL's port is none: {error}") from error
        options = {
            "host": unquote(split.hostname or ""),
            "port": "" if port is None else str(port),
            "user": unquote(split.username or ""),
            "dbname": unquote(split.path.removeprefix("/")),
        }
        options |= {name: value for name, value in parts.items() if name in LIBPQ_PARTS}
        address = cls(
            options=_with_tls({name: value for name, value in options.items() if value}),
            schema=_schema(parts.get("schema", "")),
            secret=_secret(parts.get("secret")),
            iam=_flag(parts.get("iam", "false")),
        )
        if address.iam and (address.secret or "user" not in address.options):
            raise ViewUrlError("iam=true needs a user, and no secret")
        return address

    @property
    def host(self) -> str:
        """The server's name, or the folder of its socket."""
        return self.options.get("host", "localhost")

    def __str__(self) -> str:
        """The address as a URL."""
        told = {name: self.options[name] for name in sorted(self.options) if name not in _IN_PLACE}
        told["schema"] = self.schema
        told |= {"secret": self.secret} if self.secret else {}
        told |= {"iam": "true"} if self.iam else {}
        host, user = self.options.get("host", ""), self.options.get("user")
        if host.startswith("/"):
            told, host = {"host": host, **told}, ""
        port = f":{self.options['port']}" if "port" in self.options else ""
        who = f"{quote(user)}@" if user else ""
        name = quote(self.options.get("dbname", ""))
        return f"postgresql://{who}{host}{port}/{name}?{urlencode(told, safe='/:')}"


_IN_PLACE: Final = frozenset({"host", "port", "user", "dbname"})


def _parts(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    found = dict(pairs)
    unknown = sorted(found.keys() - LIBPQ_PARTS - OWN_PARTS)
    if unknown:
        raise ViewUrlError(
            f"{unknown[0]} is no part of a PostgreSQL view's URL",
            hint=f"there are {', '.join(sorted(OWN_PARTS | LIBPQ_PARTS))}",
        )
    if len(found) < len(pairs):
        raise ViewUrlError("the URL says one thing twice")
    return found


def _schema(name: str) -> str:
    if not name:
        raise ViewUrlError(
            "the URL names no schema", hint="add ?schema=NAME, one for each ledger's view"
        )
    # psycopg takes a percent sign for a placeholder, in a quoted name too.
    if len(name.encode()) > NAME_BYTES or not {"\0", "%"}.isdisjoint(name) or name[:3] == "pg_":
        raise ViewUrlError(
            f"{name!r} cannot name a view's schema",
            hint=f"use up to {NAME_BYTES} bytes, no percent sign, and not the prefix pg_",
        )
    return name


def _secret(text: str | None) -> str | None:
    if text is not None and _SECRET.fullmatch(text) is None:
        raise ViewUrlError("secret is no ARN of AWS Secrets Manager")
    return text


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ViewUrlError(f"iam is {text!r}", hint="write true or false")
    return text == "true"


def _with_tls(options: dict[str, str]) -> dict[str, str]:
    """The options, so that a server elsewhere has to prove who it is."""
    host = options.get("host", "")
    if "sslmode" in options or host in _ON_THIS_MACHINE or host.startswith("/"):
        return options
    trusted = ssl.get_default_verify_paths().cafile or PUBLIC_AUTHORITIES
    return {"sslmode": "verify-full", "sslrootcert": trusted, **options}
