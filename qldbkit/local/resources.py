"""The CloudFormation resource types of QLDB, as calls of QLDB's own API.

CloudFormation itself works like this: a resource type is a handler that calls the service. The
properties, the value of ``Ref`` and the attributes are those of CloudFormation's reference for
``AWS::QLDB::Ledger`` and ``AWS::QLDB::Stream``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from qldbkit.errors import QldbkitError

Properties = Mapping[str, Any]
Created = tuple[str, dict[str, str]]  # what Ref gives, and what Fn::GetAtt gives

# Changing one of these makes CloudFormation put a new resource in the old one's place.
REPLACING_PROPERTIES: Mapping[str, frozenset[str]] = {
    "AWS::QLDB::Ledger": frozenset({"Name"}),
    "AWS::QLDB::Stream": frozenset(
        {
            "LedgerName",
            "StreamName",
            "RoleArn",
            "InclusiveStartTime",
            "ExclusiveEndTime",
            "KinesisConfiguration",
        }
    ),
}
_ENDED_STREAM = frozenset({"CANCELED", "COMPLETED", "FAILED"})


class ResourceNotReadyError(QldbkitError):
    """A resource of QLDB did not reach the state that CloudFormation waits for."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long a resource may take.

    Attributes:
        timeout: seconds until waiting ends with an error.
        interval: seconds between two looks.
    """

    timeout: float = 60.0
    interval: float = 0.1

    def until(self, done: Callable[[], bool], what: str) -> None:
        """Return when ``done`` does.

        Raises:
            ResourceNotReadyError: it did not within the time-out.
        """
        deadline = time.monotonic() + self.timeout
        while not done():
            if time.monotonic() > deadline:
                raise ResourceNotReadyError(f"{what} after {self.timeout:g} seconds")
            time.sleep(self.interval)


class LedgerResource:
    """``AWS::QLDB::Ledger``: ``Ref`` gives the ledger's name; it has no attributes.

    Args:
        qldb: a boto3 client of QLDB's control plane.
        waiting: the bound of every wait.
    """

    def __init__(self, qldb: Any, waiting: Waiting):
        self._qldb = qldb
        self._waiting = waiting

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Created:
        """Make the ledger and wait until it is active."""
        name = properties.get("Name") or generated_name(stack_name, logical_id)
        request = {
            "Name": name,
            "PermissionsMode": properties["PermissionsMode"],
            "DeletionProtection": as_bool(properties.get("DeletionProtection", True)),
            "Tags": tags_of(properties),
        }
        if properties.get("KmsKey"):
            request["KmsKey"] = properties["KmsKey"]
        self._qldb.create_ledger(**request)
        self._waiting.until(lambda: self._state(name) == "ACTIVE", f"ledger {name} is not active")
        return name, {}

    def update(self, name: str, old: Properties, new: Properties, _stack_name: str) -> Created:
        """Bring deletion protection, key, permissions mode and tags to what is declared."""
        changed = {"DeletionProtection": as_bool(new.get("DeletionProtection", True))}
        if new.get("KmsKey") != old.get("KmsKey"):
            changed["KmsKey"] = new.get("KmsKey", "AWS_OWNED_KMS_KEY")
        self._qldb.update_ledger(Name=name, **changed)
        if new["PermissionsMode"] != old["PermissionsMode"]:
            self._qldb.update_ledger_permissions_mode(
                Name=name, PermissionsMode=new["PermissionsMode"]
            )
        retag(self._qldb, self._qldb.describe_ledger(Name=name)["Arn"], old, new)
        return name, {}

    def delete(self, name: str, _properties: Properties) -> None:
        """Delete the ledger; one that is gone already is no error."""
        if self._state(name) is None:
            return
        self._qldb.delete_ledger(Name=name)
        self._waiting.until(lambda: self._state(name) is None, f"ledger {name} is still there")

    def _state(self, name: str) -> str | None:
        return found(lambda: str(self._qldb.describe_ledger(Name=name)["State"]))


class StreamResource:
    """``AWS::QLDB::Stream``: ``Ref`` gives ``ledger|id``; its attributes are ``Arn`` and ``Id``.

    Args:
        qldb: a boto3 client of QLDB's control plane.
        waiting: the bound of every wait.
    """

    def __init__(self, qldb: Any, waiting: Waiting):
        self._qldb = qldb
        self._waiting = waiting

    def create(self, _logical_id: str, properties: Properties, _stack_name: str) -> Created:
        """Start the journal stream."""
        kinesis = properties["KinesisConfiguration"]
        configuration = {"StreamArn": kinesis["StreamArn"]}
        if "AggregationEnabled" in kinesis:
            configuration["AggregationEnabled"] = as_bool(kinesis["AggregationEnabled"])
        request = {
            "LedgerName": properties["LedgerName"],
            "StreamName": properties["StreamName"],
            "RoleArn": properties["RoleArn"],
            "InclusiveStartTime": datetime.fromisoformat(properties["InclusiveStartTime"]),
            "KinesisConfiguration": configuration,
            "Tags": tags_of(properties),
        }
        if properties.get("ExclusiveEndTime"):
            request["ExclusiveEndTime"] = datetime.fromisoformat(properties["ExclusiveEndTime"])
        stream_id = self._qldb.stream_journal_to_kinesis(**request)["StreamId"]
        return self._made(properties["LedgerName"], stream_id)

    def update(
        self, physical_id: str, old: Properties, new: Properties, _stack_name: str
    ) -> Created:
        """Bring the tags to what is declared; every other change is a new stream."""
        ledger, stream_id = physical_id.split("|")
        made = self._made(ledger, stream_id)
        retag(self._qldb, made[1]["Arn"], old, new)
        return made

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """Cancel the stream and wait until it has ended; one that is gone is no error."""
        ledger, stream_id = physical_id.split("|")
        if self._status(ledger, stream_id) in (None, *_ENDED_STREAM):
            return
        self._qldb.cancel_journal_kinesis_stream(LedgerName=ledger, StreamId=stream_id)
        self._waiting.until(
            lambda: self._status(ledger, stream_id) in (None, *_ENDED_STREAM),
            f"stream {stream_id} has not ended",
        )

    def _made(self, ledger: str, stream_id: str) -> Created:
        described = self._describe(ledger, stream_id)
        return f"{ledger}|{stream_id}", {"Arn": described["Arn"], "Id": stream_id}

    def _describe(self, ledger: str, stream_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._qldb.describe_journal_kinesis_stream(
            LedgerName=ledger, StreamId=stream_id
        )["Stream"]
        return answer

    def _status(self, ledger: str, stream_id: str) -> str | None:
        return found(lambda: str(self._describe(ledger, stream_id)["Status"]))


def found(describe: Callable[[], str]) -> str | None:
    """Return what ``describe`` returns, or None where QLDB knows no such resource."""
    try:
        return describe()
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise


def retag(qldb: Any, arn: str, old: Properties, new: Properties) -> None:
    """Bring the tags of the resource ``arn`` from the old properties to the new ones."""
    before, after = tags_of(old), tags_of(new)
    removed = sorted(before.keys() - after.keys())
    if removed:
        qldb.untag_resource(ResourceArn=arn, TagKeys=removed)
    if after:
        qldb.tag_resource(ResourceArn=arn, Tags=after)


def tags_of(properties: Properties) -> dict[str, str]:
    """Return the tags of a template as QLDB's API takes them."""
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags") or ()}


def as_bool(value: object) -> bool:
    """Return a template's boolean, which CloudFormation also takes as the text ``true``."""
    return value is True or str(value).lower() == "true"


def generated_name(stack_name: str, logical_id: str) -> str:
    """Return a ledger's name for a template that gives none: at most 32 characters, as QLDB's."""
    return f"{stack_name}-{logical_id}"[:32].rstrip("-")
