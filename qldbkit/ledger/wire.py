"""Both of QLDB's APIs as one function from an HTTP request to its response, without a server."""

from __future__ import annotations

import base64
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from qldbkit.ledger.errors import (
    BadRequestError,
    InvalidParameterError,
    RequestTooLargeError,
    ServiceError,
    UnknownOperationError,
)
from qldbkit.ledger.failures import origin_of
from qldbkit.ledger.service_model import (
    Operation,
    RequestRefusedError,
    control_plane_model,
    send_command,
)

TARGET: Final = "x-amz-target"
SESSION_TARGET: Final = "QLDBSession.SendCommand"
SESSION_CONTENT_TYPE: Final = "application/x-amz-json-1.0"
CONTROL_CONTENT_TYPE: Final = "application/json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came.

    Attributes:
        method: in capitals.
        path: percent-encoded.
        query: percent-encoded, without the question mark.
        headers: by their names in small letters.
        body: the whole of it.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What to answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Command:
    """A request that has been understood.

    Attributes:
        operation: its name in the service models; ``SendCommand`` for the session API.
        members: its checked members.
    """

    operation: str
    members: Mapping[str, Any]


def check_size(request: HttpRequest, max_body: int) -> None:
    """Refuse a request whose body has more bytes than ``max_body``.

    Raises:
        RequestTooLargeError: it has.
    """
    if len(request.body) > max_body:
        raise RequestTooLargeError(
            f"The request has {len(request.body)} bytes; at most {max_body} are taken"
        )


def parse_request(request: HttpRequest) -> Command:
    """Understand a request of either API.

    Raises:
        ServiceError: it is of no operation, or breaks a rule of the service model.
    """
    if is_session_request(request):
        return _parse_session_request(request)
    return _parse_control_request(request)


def is_session_request(request: HttpRequest) -> bool:
    """Whether a request is of the session API; the two share one port and one signing name."""
    return TARGET in request.headers


def _parse_session_request(request: HttpRequest) -> Command:
    target = request.headers[TARGET]
    if target != SESSION_TARGET or request.method != "POST":
        raise UnknownOperationError(
            f"There is no operation {target[:100]!r}; the session API has {SESSION_TARGET}"
        )
    members = _json_object(request.body, BadRequestError)
    try:
        return Command("SendCommand", send_command().request(members))
    except RequestRefusedError as refused:
        raise BadRequestError(str(refused)) from refused


def _parse_control_request(request: HttpRequest) -> Command:
    routed = control_plane_model().route(request.method, request.path, request.query)
    if routed is None:
        raise UnknownOperationError(
            f"There is no operation {request.method} {request.path[:100]!r} in QLDB's API"
        )
    members = _json_object(request.body, InvalidParameterError) | routed.members
    return Command(routed.operation.name, _checked(routed.operation, members))


def _checked(operation: Operation, members: dict[str, Any]) -> dict[str, Any]:
    try:
        return operation.request(members)
    except RequestRefusedError as refused:
        raise InvalidParameterError(str(refused), ParameterName=refused.member) from refused


def _json_object(
    body: bytes, refusal: type[BadRequestError] | type[InvalidParameterError]
) -> dict[str, Any]:
    if not body:
        return {}
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        raise refusal("The request's body is not valid JSON") from None
    if not isinstance(members, dict):
        raise refusal("The request's body must be a JSON object")
    return members


def new_request_id() -> str:
    """A UUID, which drivers use as the id of a session that the request began."""
    digits = secrets.token_hex(16)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def answer_response(members: Mapping[str, Any], request_id: str, content_type: str) -> HttpResponse:
    """The response that carries an operation's answer."""
    body = _ENCODER.encode(members).encode()
    return HttpResponse(200, _headers(request_id, content_type), body)


def error_response(error: ServiceError, request_id: str, content_type: str) -> HttpResponse:
    """The response that carries an error, where clients of both protocols look for it."""
    members = {"__type": error.name, "Message": error.message, **error.fields}
    headers = _headers(request_id, content_type) | {"x-amzn-errortype": error.name}
    return HttpResponse(error.http_status, headers, json.dumps(members).encode())


def respond(
    request: HttpRequest, answer: Callable[[HttpRequest], Mapping[str, Any]]
) -> HttpResponse:
    """Answer a request; whatever goes wrong becomes an error that a client understands.

    Args:
        request: the request.
        answer: gives the members of the answer.
    """
    request_id = new_request_id()
    content_type = SESSION_CONTENT_TYPE if is_session_request(request) else CONTROL_CONTENT_TYPE
    try:
        return answer_response(answer(request), request_id, content_type)
    except ServiceError as error:
        return error_response(error, request_id, content_type)
    except Exception as error:  # the client gets a sentence, the log what an operator needs
        _log.error("request %s failed\n%s", request_id, origin_of(error))
        failure = ServiceError(f"The ledger failed; its log tells more under request {request_id}")
        return error_response(failure, request_id, content_type)


def _headers(request_id: str, content_type: str) -> dict[str, str]:
    return {"content-type": content_type, "x-amzn-requestid": request_id}


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} has no JSON form in QLDB's API")


_ENCODER: Final = json.JSONEncoder(default=_to_json, separators=(",", ":"))
