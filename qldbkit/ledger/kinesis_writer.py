"""Writing a journal stream's records to Kinesis: packed as QLDB packs them, within Kinesis' bounds.

Of a Kinesis stream with several shards, only records that belong on the same shard are packed
into one: a consumer of the Kinesis Client Library drops what it finds on a shard that its
partition key does not lead to.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import md5
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from qldbkit.errors import QldbkitError
from qldbkit.journal.kinesis import aggregate
from qldbkit.ledger.stream_store import IAM_PERMISSION_REVOKED, KINESIS_STREAM_NOT_FOUND

MAX_RECORDS: Final = 500
"""Kinesis' bound on the records of one PutRecords call."""
MAX_BYTES: Final = 5 * 1024 * 1024
"""Kinesis' bound on the bytes of one PutRecords call, partition keys included."""
SHARDS_KNOWN_SECONDS: Final = 60.0
"""How long a list of shards is relied upon; after that, or a failure, it is read again."""

_CAUSES: Final = {
    "ResourceNotFoundException": KINESIS_STREAM_NOT_FOUND,
    "AccessDeniedException": IAM_PERMISSION_REVOKED,
    "KMSAccessDeniedException": IAM_PERMISSION_REVOKED,
    "KMSDisabledException": IAM_PERMISSION_REVOKED,
    "KMSInvalidStateException": IAM_PERMISSION_REVOKED,
    "KMSNotFoundException": IAM_PERMISSION_REVOKED,
    "UnrecognizedClientException": IAM_PERMISSION_REVOKED,
    "InvalidSignatureException": IAM_PERMISSION_REVOKED,
    "ExpiredTokenException": IAM_PERMISSION_REVOKED,
}


class KinesisRefusedError(QldbkitError):
    """Kinesis will not take a stream's records until someone acts.

    Attributes:
        cause: QLDB's name for the reason.
    """

    def __init__(self, message: str, cause: str):
        super().__init__(message)
        self.cause = cause


class KinesisUnavailableError(QldbkitError):
    """Kinesis cannot be reached, or cannot take records now."""


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """A Kinesis record that has not been acknowledged."""

    partition_key: str
    data: bytes

    @property
    def size(self) -> int:
        """Bytes that count towards Kinesis' bounds."""
        return len(self.data) + len(self.partition_key)


class KinesisWriter:
    """Writes to one Kinesis stream.

    Args:
        client: a boto3 client of Kinesis.
        stream_arn: the Kinesis stream's.
        aggregated: whether many records are packed into one.
    """

    def __init__(self, client: Any, stream_arn: str, *, aggregated: bool):
        self._client = client
        self._stream_arn = stream_arn
        self._aggregated = aggregated
        self._shards: list[int] = []
        self._shards_read_at = float("-inf")

    def check(self) -> None:
        """See that the stream is there and may be read about.

        Raises:
            KinesisRefusedError: it is not.
            KinesisUnavailableError: that cannot be found out now.
        """
        self._read_shards()

    def pack(self, records: Sequence[tuple[str, bytes]]) -> list[OutgoingRecord]:
        """The Kinesis records that carry ``records`` (partition keys and data), in order.

        Raises:
            KinesisRefusedError, KinesisUnavailableError: the shards cannot be listed.
            RecordTooLargeError: one record is larger than Kinesis takes.
        """
        if not self._aggregated:
            return [OutgoingRecord(key, data) for key, data in records]
        by_shard: dict[int, list[tuple[str, bytes]]] = {}
        for key, data in records:
            by_shard.setdefault(self._shard_of(key), []).append((key, data))
        return [
            OutgoingRecord(packed.partition_key, packed.data)
            for group in by_shard.values()
            for packed in aggregate(group)
        ]

    def put(self, records: Sequence[OutgoingRecord]) -> list[OutgoingRecord]:
        """Write as many records as one call takes.

        Returns:
            Those that Kinesis has not acknowledged, in order; empty when it has them all.

        Raises:
            KinesisRefusedError: Kinesis refuses them until someone acts.
            KinesisUnavailableError: none were acknowledged; they may be tried again.
        """
        count = _fitting(records)
        answer = self._call(
            "put_records",
            Records=[
                {"Data": each.data, "PartitionKey": each.partition_key} for each in records[:count]
            ],
        )
        results = answer["Records"]
        failed = [
            record
            for record, result in zip(records[:count], results, strict=True)
            if result.get("ErrorCode")
        ]
        if len(failed) == count:
            raise _error(str(results[0]["ErrorCode"]), str(results[0].get("ErrorMessage", "")))
        return [*failed, *records[count:]]

    def _shard_of(self, partition_key: str) -> int:
        if time.monotonic() - self._shards_read_at > SHARDS_KNOWN_SECONDS:
            self._read_shards()
        # Kinesis itself defines a record's shard by MD5; nothing relies on it for security.
        place = int.from_bytes(md5(partition_key.encode(), usedforsecurity=False).digest())
        return bisect_right(self._shards, place)

    def _read_shards(self) -> None:
        shards: list[int] = []
        answer = self._call("list_shards")
        while True:
            shards += [
                int(shard["HashKeyRange"]["StartingHashKey"])
                for shard in answer["Shards"]
                if "EndingSequenceNumber" not in shard["SequenceNumberRange"]
            ]
            if not (token := answer.get("NextToken")):
                break
            answer = self._call("list_shards", token=token)
        self._shards = sorted(shards)
        self._shards_read_at = time.monotonic()

    def _call(self, operation: str, token: str | None = None, **arguments: Any) -> Any:
        """Call Kinesis; a list's token stands in for the stream's name."""
        which = {"StreamARN": self._stream_arn} if token is None else {"NextToken": token}
        try:
            return getattr(self._client, operation)(**which, **arguments)
        except ClientError as error:
            self._shards_read_at = float("-inf")
            details = error.response["Error"]
            raise _error(details.get("Code", ""), details.get("Message", "")) from error
        except BotoCoreError as error:
            raise KinesisUnavailableError(f"Kinesis cannot be reached: {error}") from error


def _error(code: str, message: str) -> QldbkitError:
    text = f"{code}: {message}"
    if code in _CAUSES:
        return KinesisRefusedError(text, _CAUSES[code])
    return KinesisUnavailableError(text)


def _fitting(records: Sequence[OutgoingRecord]) -> int:
    """How many of the records, from the first, one call takes; at least one."""
    size = 0
    for index, record in enumerate(records[:MAX_RECORDS]):
        size += record.size
        if index and size > MAX_BYTES:
            return index
    return min(len(records), MAX_RECORDS)
