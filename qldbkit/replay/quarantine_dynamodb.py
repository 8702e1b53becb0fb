"""The quarantine of a deployed replay: its index in DynamoDB, the payloads in an S3 bucket.

The payload is stored before the index names it. A record that is discarded leaves the index; its
payload stays in the bucket for as long as the bucket's lifecycle keeps it. Without a bucket the
payloads are kept in the table, in chunks, and go with their record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, Protocol

from qldbkit.replay.buffer import not_quarantined
from qldbkit.replay.dynamodb_table import DynamoDbTable, Item, chunked, key, payload_of
from qldbkit.replay.fragments import QuarantinedRecord, QuarantineEntry

INDEX: Final = "quarantine"
PAYLOADS: Final = "payload"

_NOT_IN_OBJECT_KEYS = re.compile(r"[^A-Za-z0-9._-]+")


class Payloads(Protocol):
    """Where the payloads are kept."""

    def put(self, position: str, payload: bytes) -> str:
        """Keep a payload durably; return where it is."""

    def get(self, location: str) -> bytes:
        """The payload at a location that `put` gave."""

    def forget(self, location: str) -> None:
        """The record is discarded: drop its payload, or leave that to the store's own rules."""


class BucketPayloads:
    """Payloads as objects of an S3 bucket."""

    def __init__(self, connect: Callable[[], Any], bucket: str):
        """Use a bucket.

        Args:
            connect: makes boto3's client of S3; called when there is something to keep, because a
                function seldom has, and the client takes long to make.
            bucket: its name.
        """
        self._connect, self._bucket = connect, bucket

    @cached_property
    def _client(self) -> Any:
        return self._connect()

    def put(self, position: str, payload: bytes) -> str:
        """Keep a payload under a key that its position and its digest make up."""
        name = _NOT_IN_OBJECT_KEYS.sub("-", position).strip("-")
        object_key = f"quarantine/{name}/{sha256(payload).hexdigest()[:16]}"
        self._client.put_object(Bucket=self._bucket, Key=object_key, Body=payload)
        return object_key

    def get(self, location: str) -> bytes:
        """Read an object."""
        return bytes(self._client.get_object(Bucket=self._bucket, Key=location)["Body"].read())

    def forget(self, location: str) -> None:
        """Leave it to the bucket's lifecycle: an operator's order can be looked into later."""


class TablePayloads:
    """Payloads as items of the buffer's own table."""

    def __init__(self, table: DynamoDbTable):
        self._table = table

    def put(self, position: str, payload: bytes) -> str:
        """Keep a payload in chunks."""
        location = f"{position}#{sha256(payload).hexdigest()[:16]}"
        self._table.put(chunked(PAYLOADS, location, payload))
        return location

    def get(self, location: str) -> bytes:
        """Put the chunks together."""
        return payload_of(list(self._chunks(location)))

    def forget(self, location: str) -> None:
        """Delete the chunks."""
        self._table.delete(self._chunks(location))

    def _chunks(self, location: str) -> Iterator[Item]:
        return self._table.between(PAYLOADS, f"{location}#", f"{location}#~")


class DynamoDbQuarantine:
    """What `qldbkit.replay.buffer.SettlingBuffer` says of the quarantine."""

    def __init__(self, table: DynamoDbTable, payloads: Payloads):
        self._table, self._payloads = table, payloads

    def add(self, record: QuarantinedRecord) -> None:
        """Set a record aside; one that is there already has been tried once more."""
        location = self._payloads.put(record.position, record.payload)
        self._table.update(
            key(INDEX, record.position),
            "SET reason = :reason, quarantinedAt = :at, payloadAt = :where, payloadSize = :size"
            " ADD attempts :tried",
            {
                ":reason": {"S": record.reason},
                ":at": {"N": repr(record.quarantined_at)},
                ":where": {"S": location},
                ":size": {"N": str(len(record.payload))},
                ":tried": {"N": str(record.attempts)},
            },
        )

    def index(self) -> Iterator[QuarantineEntry]:
        """What is set aside, read page by page."""
        for item in self._table.between(INDEX, " ", "~"):
            yield QuarantineEntry(
                position=item["sk"]["S"],
                reason=item["reason"]["S"],
                quarantined_at=float(item["quarantinedAt"]["N"]),
                attempts=int(item["attempts"]["N"]),
                size=int(item["payloadSize"]["N"]),
            )

    def payload(self, position: str) -> bytes:
        """The bytes of a record."""
        return self._payloads.get(self._location(position))

    def discard(self, position: str) -> None:
        """Take a record out of the index; nothing if it is not there."""
        item = self._table.get(INDEX, position)
        if item is not None:
            self._table.delete(iter([item]))
            self._payloads.forget(item["payloadAt"]["S"])

    def _location(self, position: str) -> str:
        item = self._table.get(INDEX, position)
        if item is None:
            raise not_quarantined(position)
        return str(item["payloadAt"]["S"])
