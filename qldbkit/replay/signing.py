"""Signature Version 4 for one kind of request, sent again and again.

botocore signs any request of any service, and takes about as long for it as a ledger does to
answer. Here method, path and the names of the headers are always the same, so only the time and the
body are hashed anew. `tests/unit/replay/test_signing.py` compares with botocore's signatures.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Protocol

ALGORITHM: Final = "AWS4-HMAC-SHA256"
TERMINATION: Final = "aws4_request"


class FrozenCredentials(Protocol):
    """Credentials as botocore freezes them."""

    @property
    def access_key(self) -> str:
        """Names the key."""

    @property
    def secret_key(self) -> str:
        """Signs."""

    @property
    def token(self) -> str | None:
        """Goes with temporary credentials."""


class PostSigner:
    """Signs requests ``POST /`` without a query.

    Args:
        host: the Host header.
        headers: further headers that every request has and that are signed, by their names in
            small letters.
        service: the name that the service signs under.
        region: the service's.
    """

    def __init__(self, host: str, headers: Mapping[str, str], service: str, region: str):
        self._fixed = {"host": host, **headers}
        self._service, self._region = service, region
        self._key: tuple[tuple[str, str], bytes] = (("", ""), b"")

    def headers(self, body: bytes, credentials: FrozenCredentials, now: datetime) -> dict[str, str]:
        """All headers of a request, by their names in small letters.

        Args:
            body: the request's.
            credentials: what to sign with.
            now: the time of day, in UTC.
        """
        moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        headers = {**self._fixed, "x-amz-date": moment}
        if credentials.token:
            headers["x-amz-security-token"] = credentials.token
        named = sorted(headers)
        signed = ";".join(named)
        lines = "".join([f"{name}:{headers[name]}\n" for name in named])
        canonical = f"POST\n/\n\n{lines}\n{signed}\n{sha256(body).hexdigest()}"
        scope = f"{moment[:8]}/{self._region}/{self._service}/{TERMINATION}"
        text = f"{ALGORITHM}\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        key = self._signing_key(moment[:8], credentials.secret_key)
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        headers["authorization"] = (
            f"{ALGORITHM} Credential={credentials.access_key}/{scope},"
            f" SignedHeaders={signed}, Signature={signature}"
        )
        return headers

    def _signing_key(self, day: str, secret: str) -> bytes:
        """The key of a day; the last one is kept."""
        known, key = self._key
        if known != (day, secret):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, TERMINATION):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key = ((day, secret), key)
        return key
