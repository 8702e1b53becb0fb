"""Checking the members of a request against the shapes of QLDB's service models.

A shape is compiled once into a reader, a function that checks a JSON value and converts it: blobs
become bytes, timestamps aware datetimes. A reader notes every problem that it meets, so that one
answer names them all, and never repeats a value, which may be a document's.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.model import Shape


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one member of a request.

    Attributes:
        member: its path, e.g. ``S3ExportConfiguration.Bucket``.
        constraint: what it must be, as a sentence of AWS's.
    """

    member: str
    constraint: str


Reader = Callable[[Any, str, list[Problem]], Any]


def reader_of(shape: Shape) -> Reader:
    """The reader of a shape of the service models."""
    return _READERS[shape.type_name](shape)


def _structure(shape: Any) -> Reader:
    members = {name: reader_of(member) for name, member in shape.members.items()}
    required = frozenset(shape.required_members)

    def read(value: Any, member: str, problems: list[Problem]) -> Any:
        if not isinstance(value, dict):
            return _wrong(problems, member, "a structure")
        given = {
            name: reader(value[name], f"{member}.{name}" if member else name, problems)
            for name, reader in members.items()
            if value.get(name) is not None
        }
        for name in required - given.keys():
            path = f"{member}.{name}" if member else name
            problems.append(Problem(path, "Member must not be null"))
        return given

    return read


def _list(shape: Any) -> Reader:
    element, limits = reader_of(shape.member), _size_limits(shape)

    def read(value: Any, member: str, problems: list[Problem]) -> Any:
        if not isinstance(value, list):
            return _wrong(problems, member, "a list")
        _check_size(len(value), limits, member, problems)
        return [
            element(each, f"{member}.{index}.member", problems)
            for index, each in enumerate(value, start=1)
        ]

    return read


def _map(shape: Any) -> Reader:
    key_reader, value_reader = reader_of(shape.key), reader_of(shape.value)
    limits = _size_limits(shape)

    def read(value: Any, member: str, problems: list[Problem]) -> Any:
        if not isinstance(value, dict):
            return _wrong(problems, member, "a map")
        _check_size(len(value), limits, member, problems)
        return {
            key_reader(key, f"{member}.key", problems): (
                None if each is None else value_reader(each, f"{member}.value", problems)
            )
            for key, each in value.items()
        }

    return read


def _string(shape: Any) -> Reader:
    limits, allowed = _size_limits(shape), shape.metadata.get("enum")
    text = shape.metadata.get("pattern")
    pattern = None if text is None else re.compile(text, re.ASCII)

    def read(value: Any, member: str, problems: list[Problem]) -> Any:
        if not isinstance(value, str):
            return _wrong(problems, member, "a string")
        if not _is_unicode(value):
            return _wrong(problems, member, "valid Unicode text")
        _check_size(len(value), limits, member, problems)
        if pattern is not None and pattern.fullmatch(value) is None:
            problems.append(
                Problem(member, f"Member must satisfy regular expression pattern: {text}")
            )
        if allowed is not None and value not in allowed:
            choices = ", ".join(allowed)
            problems.append(Problem(member, f"Member must satisfy enum value set: [{choices}]"))
        return value

    return read


def _is_unicode(text: str) -> bool:
    """Whether the text can be written: JSON can name halves of surrogate pairs on their own."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _blob(shape: Any) -> Reader:
    limits = _size_limits(shape)

    def read(value: Any, member: str, problems: list[Problem]) -> Any:
        if not isinstance(value, str):
            return _wrong(problems, member, "a base64 string")
        try:
            data = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            return _wrong(problems, member, "a base64 string")
        _check_size(len(data), limits, member, problems)
        return data

    return read


def _number(shape: Any) -> Reader:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")

    def read(value: Any, member: str, problems: list[Problem]) -> Any:
        if not isinstance(value, int) or isinstance(value, bool):
            return _wrong(problems, member, "a whole number")
        if least is not None and value < least:
            problems.append(
                Problem(member, f"Member must have value greater than or equal to {least}")
            )
        if most is not None and value > most:
            problems.append(Problem(member, f"Member must have value less than or equal to {most}"))
        return value

    return read


def _boolean(shape: Any) -> Reader:  # noqa: ARG001 - readers of all types are made alike
    def read(value: Any, member: str, problems: list[Problem]) -> Any:
        return value if isinstance(value, bool) else _wrong(problems, member, "true or false")

    return read


def _timestamp(shape: Any) -> Reader:  # noqa: ARG001 - readers of all types are made alike
    def read(value: Any, member: str, problems: list[Problem]) -> Any:
        try:
            return _moment(value)
        except (TypeError, ValueError, OverflowError, OSError):
            return _wrong(problems, member, "a number of seconds since 1970 or an ISO 8601 time")

    return read


def _moment(value: Any) -> datetime:
    if isinstance(value, bool):
        raise TypeError("a truth value is no time")
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _wrong(problems: list[Problem], member: str, expected: str) -> None:
    problems.append(Problem(member or "the request", f"Member must be {expected}"))


def _size_limits(shape: Any) -> tuple[int | None, int | None]:
    return shape.metadata.get("min"), shape.metadata.get("max")


def _check_size(
    size: int, limits: tuple[int | None, int | None], member: str, problems: list[Problem]
) -> None:
    least, most = limits
    if least is not None and size < least:
        problems.append(
            Problem(member, f"Member must have length greater than or equal to {least}")
        )
    if most is not None and size > most:
        problems.append(Problem(member, f"Member must have length less than or equal to {most}"))


_READERS: Final[dict[str, Callable[[Any], Reader]]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "blob": _blob,
    "integer": _number,
    "long": _number,
    "boolean": _boolean,
    "timestamp": _timestamp,
}
