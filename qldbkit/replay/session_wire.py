"""Requests of QLDB's session API: JSON, signed, over one connection that is kept."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

SERVICE: Final = "qldb"
HEADERS: Final = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "QLDBSession.SendCommand",
    "User-Agent": "qldbkit",
}
TIMEOUT: Final = 40.0
"""Seconds to wait for an answer; longer than the 30 that a QLDB transaction may take."""
ANSWER_BYTES: Final = 64 * 1024 * 1024
"""The largest answer that is read. A page of a result is far below."""
KEPT_SECONDS: Final = 30.0
"""A connection that was idle for longer is opened anew: the other side may have closed it."""
OK: Final = 200

Answer = dict[str, Any]


def encoded(data: bytes) -> str:
    """Bytes as they stand in JSON."""
    return base64.b64encode(data).decode("ascii")


def decoded(text: str) -> bytes:
    """Bytes from how they stand in JSON."""
    return base64.b64decode(text)


@dataclass(frozen=True, slots=True)
class Request:
    """A signed request of the session API."""

    headers: dict[str, str]
    body: bytes


class SessionWire:
    """Sends one request after the other, for one thread at a time.

    A request may be made ready while the one before it is worked on: so the three steps, of which
    `send` takes all.
    """

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
        self._region, self._credentials = region, credentials
        self._connection = _connection(endpoint_url, timeout)
        self._used = 0.0

    def send(self, command: Mapping[str, Any], name: str) -> Answer:
        """Send a request and read its answer; arguments and errors as below."""
        self.post(self.ready(command))
        return self.answer(name)

    def ready(self, command: Mapping[str, Any]) -> Request:
        """A request as it is sent."""
        body = json.dumps(command).encode()
        request = AWSRequest("POST", self._url, dict(HEADERS), body)
        frozen = self._credentials.get_frozen_credentials()
        SigV4Auth(frozen, SERVICE, self._region).add_auth(request)
        return Request(dict(request.headers.items()), body)

    def post(self, request: Request) -> None:
        """Send a request. Its answer has to be read before the next one is sent.

        Raises:
            EndpointConnectionError, ReadTimeoutError, ConnectionClosedError: it cannot be sent, or
                only in part.
        """
        if time.monotonic() - self._used > KEPT_SECONDS:
            self._connection.close()
        with self._told():
            self._connection.request("POST", "/", request.body, request.headers)

    def answer(self, name: str) -> Answer:
        """The answer's member of that name, of the request that was sent last.

        Raises:
            ClientError: the request is refused.
            ReadTimeoutError, ConnectionClosedError: there is no answer, and whether the request was
                worked on is not known.
        """
        with self._told():
            response = self._connection.getresponse()
            body = _content(response)
        self._used = time.monotonic()
        if response.status != OK:
            headers = {name.lower(): value for name, value in response.getheaders()}
            raise _refusal(response.status, headers, body)
        answer: Answer = json.loads(body)[name]
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Have errors of the connection be those that botocore would raise."""
        try:
            yield
        except TimeoutError as error:
            self._connection.close()
            raise ReadTimeoutError(endpoint_url=self._url, error=error) from error
        except ConnectionRefusedError as error:
            self._connection.close()
            raise EndpointConnectionError(endpoint_url=self._url, error=error) from error
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise ConnectionClosedError(endpoint_url=self._url, error=error) from error


def _content(response: http.client.HTTPResponse) -> bytes:
    content = response.read(ANSWER_BYTES + 1)
    if len(content) > ANSWER_BYTES:
        raise http.client.HTTPException(f"an answer has more than {ANSWER_BYTES} bytes")
    return content


class _InOnePiece(http.client.HTTPConnection):
    """Sends the head of a request with its body; apart they would wake the server twice."""

    def request(self, *args: Any, **named: Any) -> None:
        self._parts: list[bytes] = []
        super().request(*args, **named)
        super().send(b"".join(self._parts))

    def send(self, data: Any) -> None:
        self._parts.append(data)


class _InOnePieceOverTls(_InOnePiece, http.client.HTTPSConnection):
    """The same, encrypted."""


def _connection(endpoint_url: str, timeout: float) -> http.client.HTTPConnection:
    parts = urlsplit(endpoint_url)
    beside = parts.path.strip("/") or parts.username is not None
    if parts.scheme not in ("http", "https") or not parts.hostname or beside:
        raise ValueError(f"an endpoint is http[s]://HOST[:PORT], not {endpoint_url!r}")
    if parts.scheme == "http":
        return _InOnePiece(parts.hostname, parts.port, timeout=timeout)
    context = ssl.create_default_context()
    return _InOnePieceOverTls(parts.hostname, parts.port, timeout=timeout, context=context)


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
