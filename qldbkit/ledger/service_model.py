"""QLDB's own service models: which operations there are, and where a request's members stand.

The models are the ones that botocore's clients are built from, so that what a client may send and
what the ledger takes cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast
from urllib.parse import parse_qs, unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from qldbkit.ledger.shapes import Problem, Reader, reader_of

_LABEL: Final = re.compile(r"\{(\w+)\}")
_GREEDY_LABELS: Final = frozenset({"resourceArn"})


class RequestRefusedError(ValueError):
    """A request breaks a rule of the service model.

    Attributes:
        member: the path of the first member at fault.
    """

    def __init__(self, problems: list[Problem]):
        sentences = "; ".join(
            f"Value at '{each.member}' failed to satisfy constraint: {each.constraint}"
            for each in problems
        )
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''}"
        super().__init__(f"{count} detected: {sentences}")
        self.member = problems[0].member


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a service.

    Attributes:
        name: as in the model, e.g. ``CreateLedger``.
        method: its HTTP method.
        path: what its percent-encoded path must match; each group is a label.
        label_members: the request member that a label holds.
        query_members: the request member that a query argument holds, and its type's name.
        reader: checks and converts the members of a request.
    """

    name: str
    method: str
    path: re.Pattern[str]
    label_members: Mapping[str, str]
    query_members: Mapping[str, tuple[str, str]]
    reader: Reader

    def request(self, members: Any) -> dict[str, Any]:
        """The checked members of a request: blobs as bytes, timestamps as aware datetimes.

        Raises:
            RequestRefusedError: a member is missing, of a wrong type or outside its constraints.
        """
        problems: list[Problem] = []
        checked = self.reader(members, "", problems)
        if problems:
            raise RequestRefusedError(problems)
        return cast(dict[str, Any], checked)


@dataclass(frozen=True, slots=True)
class Routed:
    """An operation that a request names, with the members that its path and query hold."""

    operation: Operation
    members: dict[str, Any]


class ControlPlaneModel:
    """The operations of the control plane (service model ``qldb``, REST-JSON)."""

    def __init__(self) -> None:
        model = _service_model("qldb")
        self.operations = {
            name: _operation(model.operation_model(name)) for name in model.operation_names
        }

    def route(self, method: str, path: str, query: str) -> Routed | None:
        """The operation of a request, or None when there is none.

        Args:
            method: the HTTP method.
            path: the path as it came, percent-encoded.
            query: the query as it came, without the question mark.
        """
        for operation in self.operations.values():
            if operation.method == method and (match := operation.path.fullmatch(path)):
                labels = {
                    operation.label_members[label]: unquote(text)
                    for label, text in match.groupdict().items()
                }
                return Routed(operation, {**_query_members(operation, query), **labels})
        return None


@cache
def control_plane_model() -> ControlPlaneModel:
    """The control plane's model; it is compiled once."""
    return ControlPlaneModel()


@cache
def send_command() -> Operation:
    """The one operation of the session API (service model ``qldb-session``)."""
    return _operation(_service_model("qldb-session").operation_model("SendCommand"))


def _service_model(name: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def _operation(model: OperationModel) -> Operation:
    shape = model.input_shape
    places = {name: (each.serialization, each.type_name) for name, each in shape.members.items()}
    return Operation(
        model.name,
        model.http["method"],
        _path_pattern(model.http["requestUri"]),
        {
            place["name"]: member
            for member, (place, _) in places.items()
            if place.get("location") == "uri"
        },
        {
            place["name"]: (member, type_name)
            for member, (place, type_name) in places.items()
            if place.get("location") == "querystring"
        },
        reader_of(shape),
    )


def _path_pattern(uri: str) -> re.Pattern[str]:
    """A label is one segment, but a resource's ARN, whose slash some clients leave as it is."""
    return re.compile(
        _LABEL.sub(
            lambda label: f"(?P<{label[1]}>{'.+' if label[1] in _GREEDY_LABELS else '[^/]+'})", uri
        )
        + "/?"
    )


def _query_members(operation: Operation, query: str) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, texts in parse_qs(query, keep_blank_values=True).items():
        if name in operation.query_members:
            member, type_name = operation.query_members[name]
            members[member] = _from_query(type_name, texts)
    return members


def _from_query(type_name: str, texts: list[str]) -> Any:
    if type_name == "list":
        return texts
    if type_name == "integer" and texts[-1].lstrip("-").isdecimal() and len(texts[-1]) < 10:
        return int(texts[-1])
    return texts[-1]
