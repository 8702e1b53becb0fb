"""Requests of QLDB's session API: JSON, signed, over one connection that is kept."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any, Final

from botocore.credentials import Credentials
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from qldbkit.replay.http_exchange import Exchanged, HttpConnection
from qldbkit.replay.signing import PostSigner

SERVICE: Final = "qldb"
SIGNED_HEADERS: Final = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": "QLDBSession.SendCommand",
}
UNSIGNED_HEADERS: Final = {"user-agent": "qldbkit"}
TIMEOUT: Final = 40.0
"""Seconds to wait for an answer; longer than the 30 that a QLDB transaction may take."""
OK: Final = 200

Answer = dict[str, Any]


def encoded(data: bytes) -> str:
    """Bytes as they stand in JSON."""
    return base64.b64encode(data).decode("ascii")


def decoded(text: str) -> bytes:
    """Bytes from how they stand in JSON."""
    return base64.b64decode(text)


class SessionWire:
    """Sends one request after the other, for one thread at a time."""

    def __init__(
        self,
        endpoint_url: str,
        region: str,
        credentials: Credentials | None,
        timeout: float = TIMEOUT,
    ):
        """Connect when the first request is sent.

        Args:
            endpoint_url: where the session API is, as ``http[s]://HOST[:PORT]``.
            region: the region that requests are signed for.
            credentials: botocore's, which may renew themselves.
            timeout: seconds to wait for a connection, and for an answer.

        Raises:
            NoCredentialsError: there are none.
        """
        if credentials is None:
            raise NoCredentialsError
        self._url = endpoint_url.rstrip("/") + "/"
        self._credentials = credentials
        self._connection = HttpConnection(endpoint_url, timeout)
        self._signer = PostSigner(self._connection.host, SIGNED_HEADERS, SERVICE, region)

    def send(self, command: Mapping[str, Any], name: str) -> Answer:
        """The answer's member of that name.

        Raises:
            ClientError: the request is refused.
            EndpointConnectionError, ReadTimeoutError, ConnectionClosedError: there is no answer,
                and whether the request was worked on is not known.
        """
        answered = self._exchange(json.dumps(command).encode())
        if answered.status != OK:
            raise _refusal(answered.status, answered.headers, answered.body)
        answer: Answer = json.loads(answered.body)[name]
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _exchange(self, body: bytes) -> Exchanged:
        credentials = self._credentials.get_frozen_credentials()
        headers = self._signer.headers(body, credentials, datetime.now(UTC))
        try:
            return self._connection.post({**headers, **UNSIGNED_HEADERS}, body)
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=self._url, error=error) from error
        except (ConnectionRefusedError, socket.gaierror) as error:
            raise EndpointConnectionError(endpoint_url=self._url, error=error) from error
        except (OSError, HTTPException) as error:
            raise ConnectionClosedError(endpoint_url=self._url, error=error) from error


def _refusal(status: int, headers: Mapping[str, str], body: bytes) -> ClientError:
    """The error that botocore would raise, so that it is told apart like every other of AWS's."""
    try:
        members = json.loads(body)
    except ValueError:
        members = {}
    members = members if isinstance(members, dict) else {}
    named = members.get("__type") or headers.get("x-amzn-errortype") or str(status)
    code = str(named).rpartition("#")[2].partition(":")[0]
    message = members.get("Message") or members.get("message") or ""
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {
            "HTTPStatusCode": status,
            "RequestId": headers.get("x-amzn-requestid", ""),
            "HTTPHeaders": dict(headers),
        },
    }
    return ClientError(response, "SendCommand")
