"""Signatures of the session API's requests, which differ in nothing but their body and time."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SERVICE: Final = "qldb"
CONTENT_TYPE: Final = "application/x-amz-json-1.0"
TARGET: Final = "QLDBSession.SendCommand"


class SessionSigner:
    """Signs by botocore, without finding out anew for each request what is signed of it.

    Args:
        host: as the requests name it, with the port.
        region: the region that they are signed for.
        credentials: botocore's, which may renew themselves.
    """

    def __init__(self, host: str, region: str, credentials: Credentials):
        self._host, self._region, self._credentials = host, region, credentials
        self._request = AWSRequest("POST")

    def headers(self, body: bytes, at: datetime) -> dict[str, str]:
        """The headers of a POST to ``/``.

        Args:
            body: the request's.
            at: now, in UTC.
        """
        credentials = self._credentials.get_frozen_credentials()
        auth = SigV4Auth(credentials, SERVICE, self._region)
        moment = self._request.context["timestamp"] = at.strftime(SIGV4_TIMESTAMP)
        headers = {"content-type": CONTENT_TYPE, "host": self._host, "x-amz-date": moment}
        if credentials.token is not None:
            headers["x-amz-security-token"] = credentials.token
        headers["x-amz-target"] = TARGET
        names = ";".join(headers)  # in the alphabet's order, as they have to be
        told = "".join([f"{name}:{value}\n" for name, value in headers.items()])
        digest = hashlib.sha256(body).hexdigest()
        text = auth.string_to_sign(self._request, f"POST\n/\n\n{told}\n{names}\n{digest}")
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={auth.scope(self._request)}, SignedHeaders={names},"
            f" Signature={auth.signature(text, self._request)}"
        )
        return headers
