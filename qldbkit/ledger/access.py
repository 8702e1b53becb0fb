"""Who may ask what: requests signed by configured keys (`--auth`).

Without configured keys everyone who reaches the server may do everything, which is why it listens
on the loopback address only. With them a request must carry a valid Signature Version 4, as every
AWS client writes it; the signature is checked by computing it again with botocore's own signer.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, HTTPHeaders
from botocore.credentials import Credentials

from qldbkit.errors import QldbkitError
from qldbkit.ledger.clock import Clock
from qldbkit.ledger.control_store import time_of
from qldbkit.ledger.errors import AccessDeniedError, ServiceError
from qldbkit.ledger.wire import HttpRequest
from qldbkit.names import LEDGER_NAME
from qldbkit.partiql.errors import PartiqlError
from qldbkit.partiql.parser import parse
from qldbkit.partiql.statements import StatementKind, kind_of

SERVICE: Final = "qldb"
ALGORITHM: Final = "AWS4-HMAC-SHA256"
MAX_CLOCK_SKEW: Final = timedelta(minutes=15)
"""How far a signature's time may be from the server's, as in AWS."""
REQUIRED_HEADERS: Final = frozenset({"host", "x-amz-date"})
MIN_SECRET_LENGTH: Final = 16

_KEY_ID: Final = re.compile(r"[A-Za-z0-9]{12,128}", re.ASCII)
_AUTHORIZATION: Final = re.compile(
    ALGORITHM + r"\s+Credential=(?P<key_id>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/,\s]+)"
    r"/(?P<service>[^/,\s]+)/aws4_request\s*,\s*SignedHeaders=(?P<headers>[^,\s]+)"
    r"\s*,\s*Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)
_TIME_FORMAT: Final = "%Y%m%dT%H%M%SZ"


class KeyFileError(QldbkitError):
    """The file with the access keys cannot be used."""


class MissingSignatureError(ServiceError):
    """The request is not signed."""

    name = "MissingAuthenticationTokenException"
    http_status = 403


class UnknownKeyError(ServiceError):
    """The request is signed by a key that the server does not know."""

    name = "UnrecognizedClientException"
    http_status = 403


class InvalidSignatureError(ServiceError):
    """The request's signature is not the one that its contents and its key give."""

    name = "InvalidSignatureException"
    http_status = 403


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key and what it may be used for.

    Attributes:
        key_id: what a request names it by.
        secret: what it signs with.
        ledgers: the ledgers that it may use; None for all, and for what no ledger is named in.
        read_only: whether it may only read.
    """

    key_id: str
    secret: str = field(repr=False)
    ledgers: frozenset[str] | None = None
    read_only: bool = False


def load_keys(path: Path) -> list[AccessKey]:
    """The keys of a file: a JSON list of objects.

    Each has ``accessKeyId`` and ``secretAccessKey``, and may have ``ledgers`` (a list of names)
    and ``readOnly``.

    Raises:
        KeyFileError: the file cannot be read, or is not such a list.
    """
    try:
        entries = json.loads(path.read_bytes())
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise KeyFileError(f"{path} is not JSON: {error}") from error
    if not isinstance(entries, list) or not entries:
        raise KeyFileError(f"{path} must hold a JSON list with at least one key")
    keys = [_key(path, index, entry) for index, entry in enumerate(entries, start=1)]
    if len({key.key_id for key in keys}) < len(keys):
        raise KeyFileError(f"{path} has an accessKeyId twice")
    return keys


def _key(path: Path, index: int, entry: Any) -> AccessKey:
    known = {"accessKeyId", "secretAccessKey", "ledgers", "readOnly"}
    if not isinstance(entry, dict) or not entry.keys() <= known:
        raise KeyFileError(
            f"key {index} of {path} must be an object",
            hint=f"with these members and no others: {', '.join(sorted(known))}",
        )
    key_id, secret = entry.get("accessKeyId"), entry.get("secretAccessKey")
    ledgers, read_only = entry.get("ledgers"), entry.get("readOnly", False)
    if not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        raise KeyFileError(
            f"key {index} of {path} needs an accessKeyId of 12 to 128 letters and digits"
        )
    if not isinstance(secret, str) or len(secret) < MIN_SECRET_LENGTH:
        raise KeyFileError(
            f"key {index} of {path} needs a secretAccessKey of at least {MIN_SECRET_LENGTH}"
            " characters"
        )
    if not isinstance(read_only, bool) or not _are_ledger_names(ledgers):
        raise KeyFileError(
            f"key {index} of {path}: readOnly is true or false, ledgers a list of ledgers' names"
        )
    return AccessKey(key_id, secret, None if ledgers is None else frozenset(ledgers), read_only)


def _are_ledger_names(names: Any) -> bool:
    return names is None or (
        isinstance(names, list)
        and all(isinstance(each, str) and LEDGER_NAME.fullmatch(each) for each in names)
    )


class Authenticator:
    """Finds the key that signed a request.

    Args:
        keys: those that the server knows.
        region: the server's; signatures for another one are refused.
        clock: the time of day.
    """

    def __init__(self, keys: Sequence[AccessKey], region: str, clock: Clock):
        self._keys = {key.key_id: key for key in keys}
        self._region = region
        self._clock = clock

    def key_of(self, request: HttpRequest) -> AccessKey:
        """The key that signed a request.

        Raises:
            ServiceError: the request is not signed, or its signature is not valid (HTTP 403).
        """
        scope = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        if scope is None:
            raise MissingSignatureError(
                f"The request has no Authorization header of the form {ALGORITHM}"
            )
        key = self._keys.get(scope["key_id"])
        if key is None:
            raise UnknownKeyError("The security token included in the request is invalid.")
        if scope["service"] != SERVICE or scope["region"] != self._region:
            raise InvalidSignatureError(
                f"Credential should be scoped to service {SERVICE} and region {self._region}"
            )
        signed_headers = scope["headers"].split(";")
        self._check_headers(request, signed_headers, scope["date"])
        expected = _signature(request, signed_headers, key, self._region)
        if not hmac.compare_digest(expected, scope["signature"]):
            raise InvalidSignatureError(
                "The request signature we calculated does not match the signature you provided."
                " Check your AWS Secret Access Key and signing method."
            )
        return key

    def _check_headers(
        self, request: HttpRequest, signed_headers: Sequence[str], date: str
    ) -> None:
        must = REQUIRED_HEADERS | {each for each in request.headers if each.startswith("x-amz-")}
        if not must <= set(signed_headers) <= request.headers.keys():
            raise InvalidSignatureError(
                "The signature must cover the host header and every x-amz header of the request"
            )
        time = request.headers["x-amz-date"]
        try:
            moment = datetime.strptime(time, _TIME_FORMAT).replace(tzinfo=UTC)
        except ValueError:
            raise InvalidSignatureError("The x-amz-date header is not a time") from None
        if not time.startswith(date) or abs(time_of(self._clock) - moment) > MAX_CLOCK_SKEW:
            raise InvalidSignatureError("Signature expired: its time is too far from the server's")
        body_hash = request.headers.get("x-amz-content-sha256")
        if body_hash not in (None, sha256(request.body).hexdigest()):
            raise InvalidSignatureError("The x-amz-content-sha256 header is not the body's hash")


def _signature(
    request: HttpRequest, signed_headers: Sequence[str], key: AccessKey, region: str
) -> str:
    url = f"http://{request.headers['host']}{request.path}"
    signed = AWSRequest(
        method=request.method,
        url=f"{url}?{request.query}" if request.query else url,
        headers={name: request.headers[name] for name in signed_headers},
        data=request.body,
    )
    signed.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(key.key_id, key.secret), SERVICE, region)
    # Signed are the headers that the client names, not those that botocore would choose.
    signer.headers_to_sign = _lower_case_headers
    canonical = signer.canonical_request(signed)
    return str(signer.signature(signer.string_to_sign(signed, canonical), signed))


def _lower_case_headers(request: AWSRequest) -> HTTPHeaders:
    headers = HTTPHeaders()
    for name, value in request.headers.items():
        headers[name.lower()] = value
    return headers


def authorize(key: AccessKey, operation: str, ledger: str | None, *, reads: bool) -> None:
    """See that a key may be used for an operation.

    Args:
        key: what signed the request.
        operation: for the message.
        ledger: the ledger that is asked for; None when it is none in particular.
        reads: whether the operation only reads.

    Raises:
        AccessDeniedError: it may not.
    """
    resource = "*" if ledger is None else f"ledger {ledger}"
    allowed = key.ledgers is None or ledger in key.ledgers
    if not allowed or (key.read_only and not reads):
        raise AccessDeniedError(
            f"The key {key.key_id} is not authorized to perform: {SERVICE}:{operation}"
            f" on resource: {resource}"
        )


def reads_only(operation: str) -> bool:
    """Whether an operation of the control plane changes nothing."""
    return operation.startswith(("Describe", "List", "Get"))


def ledger_of(members: Mapping[str, Any]) -> str | None:
    """The ledger that a control plane request names, in a member or in an ARN."""
    name = members.get("Name", members.get("LedgerName"))
    if name is not None:
        return str(name)
    arn = str(members.get("ResourceArn", ""))
    resource = arn.split(":", 5)[-1].split("/")
    return resource[1] if len(resource) > 1 else None


def authorize_statement(key: AccessKey, statement: str) -> None:
    """See that a key that may only read runs nothing but queries.

    A statement that is no PartiQL is let through to the error that running it gives.

    Raises:
        AccessDeniedError: the statement writes.
    """
    try:
        kind = kind_of(parse(statement))
    except PartiqlError:
        return
    if kind is not StatementKind.SELECT:
        raise AccessDeniedError(
            f"The key {key.key_id} may only read: it is not authorized to run {kind.value}"
            " statements"
        )
