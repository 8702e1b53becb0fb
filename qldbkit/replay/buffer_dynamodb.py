"""The settling buffer in DynamoDB, shared by all processes of a deployed replay.

One table, its keys ``pk`` and ``sk``:

| pk | sk | what |
|---|---|---|
| ``block#STRAND`` | sequence number (20 digits) ``#`` digest ``#`` chunk | a fragment |
| ``gap#STRAND`` | first sequence number (20 digits) | a passed gap; the TTL is ``expiresAt`` |
| ``quarantine`` | position ``#`` chunk | a quarantined record |
| ``strands`` | strand id | that the strand has had fragments |

An item may have 400 KB, so a larger payload is kept in chunks. A fragment of which a chunk is
missing was never acknowledged: it is as if it were not there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from qldbkit.journal.model import BlockAddress
from qldbkit.replay.errors import BufferBusyError
from qldbkit.replay.fragments import Fragment, Gap, QuarantinedRecord, framed, unframed

CHUNK_BYTES: Final = 350_000
"""Payload of one item; DynamoDB takes 400 KB with names and keys."""
ITEMS_PER_REQUEST: Final = 25
"""DynamoDB's limit for BatchWriteItem."""
WRITE_ATTEMPTS: Final = 8
"""How often what DynamoDB left unprocessed is sent."""
FIRST_PAUSE: Final = 0.05
"""Seconds before it is sent again; doubled each time."""

Item = dict[str, Any]


class DynamoDbBuffer:
    """Keeps `qldbkit.replay.buffer.SettlingBuffer`'s contract in one table.

    A fragment that is put again gets the time of its last delivery.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        *,
        gap_retention: float,
        pause: Callable[[float], None] = time.sleep,
    ):
        """Use a table.

        Args:
            client: boto3's client of DynamoDB.
            table: its name.
            gap_retention: seconds that a passed gap is remembered.
            pause: waits for so many seconds.
        """
        self._client = client
        self._table = table
        self._gap_retention = gap_retention
        self._pause = pause
        self._known_strands: set[str] = set()

    def put(self, fragments: Sequence[Fragment]) -> None:
        """Keep fragments.

        Raises:
            BufferBusyError: DynamoDB does not take them.
        """
        new = {each.address.strand_id for each in fragments} - self._known_strands
        items = [_key("strands", each) for each in sorted(new)]
        for fragment in fragments:
            items.extend(_fragment_items(fragment))
        self._write([{"PutRequest": {"Item": each}} for each in items])
        self._known_strands |= new

    def fragments(self, strand_id: str, first: int, last: int | None = None) -> Iterator[Fragment]:
        """The strand's fragments, by ascending sequence number, read page by page."""
        end = f"{last:020d}~" if last is not None else "~"
        items = self._between(f"block#{strand_id}", f"{first:020d}", end)
        for prefix, group in groupby(items, key=_prefix):
            chunks = list(group)
            if len(chunks) == int(chunks[0]["chunks"]["N"]):
                yield Fragment(
                    BlockAddress(strand_id, int(prefix.split("#")[0])),
                    float(chunks[0]["receivedAt"]["N"]),
                    unframed(_payload(chunks)),
                )

    def remove(self, strand_id: str, sequence_numbers: Collection[int]) -> None:
        """Forget all fragments of those blocks.

        Raises:
            BufferBusyError: DynamoDB does not take it.
        """
        if not sequence_numbers:
            return
        pk = f"block#{strand_id}"
        first, last = min(sequence_numbers), max(sequence_numbers)
        keys = self._between(pk, f"{first:020d}", f"{last:020d}~", ProjectionExpression="pk, sk")
        wanted = set(sequence_numbers)
        self._delete(each for each in keys if int(each["sk"]["S"].split("#")[0]) in wanted)

    def strands(self) -> Sequence[str]:
        """The strands that fragments were ever kept for."""
        return [each["sk"]["S"] for each in self._between("strands", " ", "~")]

    def record_gaps(self, gaps: Sequence[Gap]) -> None:
        """Remember passed gaps.

        Raises:
            BufferBusyError: DynamoDB does not take them.
        """
        self._write([{"PutRequest": {"Item": self._gap_item(each)}} for each in gaps])

    def gaps(self, strand_id: str, first: int, last: int) -> Sequence[Gap]:
        """The gaps that hold a sequence number of the range."""
        found = []
        # Passed gaps do not overlap: none before one that ends before the range can reach into it.
        end = f"{last:020d}"
        for each in self._between(f"gap#{strand_id}", "0", end, ScanIndexForward=False):
            gap = Gap(
                strand_id, int(each["sk"]["S"]), int(each["last"]["N"]), float(each["at"]["N"])
            )
            if gap.last < first:
                break
            found.append(gap)
        return found

    def fill_gap(self, gap: Gap, sequence_no: int) -> None:
        """Take a block out of a gap: first what is left behind it is kept, then what is before.

        Raises:
            BufferBusyError: DynamoDB does not take it.
        """
        left = gap.without(sequence_no)
        for each in reversed(left):
            self.record_gaps([each])
        if all(each.first != gap.first for each in left):
            self._delete(iter([_key(f"gap#{gap.strand_id}", f"{gap.first:020d}")]))

    def quarantine(self, records: Sequence[QuarantinedRecord]) -> None:
        """Set records aside.

        Raises:
            BufferBusyError: DynamoDB does not take them.
        """
        items = [item for each in records for item in _quarantine_items(each)]
        self._write([{"PutRequest": {"Item": each}} for each in items])

    def quarantined(self) -> Iterator[QuarantinedRecord]:
        """The records that are set aside, read page by page."""
        for position, group in groupby(self._between("quarantine", " ", "~"), key=_prefix):
            chunks = list(group)
            first = chunks[0]
            yield QuarantinedRecord(
                position, first["reason"]["S"], _payload(chunks), float(first["at"]["N"])
            )

    def discard(self, position: str) -> None:
        """Drop a quarantined record.

        Raises:
            BufferBusyError: DynamoDB does not take it.
        """
        self._delete(self._between("quarantine", f"{position}#", f"{position}#~"))

    def _gap_item(self, gap: Gap) -> Item:
        return {
            **_key(f"gap#{gap.strand_id}", f"{gap.first:020d}"),
            "last": {"N": str(gap.last)},
            "at": {"N": repr(gap.passed_at)},
            "expiresAt": {"N": str(int(gap.passed_at + self._gap_retention))},
        }

    def _between(self, pk: str, low: str, high: str, **options: Any) -> Iterator[Item]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :low AND :high",
            ExpressionAttributeValues={":pk": {"S": pk}, ":low": {"S": low}, ":high": {"S": high}},
            **options,
        )
        for page in pages:
            yield from page["Items"]

    def _delete(self, items: Iterator[Item]) -> None:
        self._write([{"DeleteRequest": {"Key": _key_of(each)}} for each in items])

    def _write(self, requests: Sequence[Mapping[str, Any]]) -> None:
        for at in range(0, len(requests), ITEMS_PER_REQUEST):
            self._write_all(list(requests[at : at + ITEMS_PER_REQUEST]))

    def _write_all(self, requests: list[Mapping[str, Any]]) -> None:
        for attempt in range(WRITE_ATTEMPTS):
            answer = self._client.batch_write_item(RequestItems={self._table: requests})
            requests = answer.get("UnprocessedItems", {}).get(self._table, [])
            if not requests:
                return
            self._pause(FIRST_PAUSE * 2**attempt)
        raise BufferBusyError(
            f"table {self._table} left {len(requests)} items unprocessed {WRITE_ATTEMPTS} times"
        )


def _key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _key_of(item: Item) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}


def _prefix(item: Item) -> str:
    return str(item["sk"]["S"].rpartition("#")[0])


def _payload(chunks: Sequence[Item]) -> bytes:
    return b"".join(bytes(each["payload"]["B"]) for each in chunks)


def _chunked(pk: str, prefix: str, payload: bytes) -> list[Item]:
    starts = range(0, max(1, len(payload)), CHUNK_BYTES)
    return [
        {
            **_key(pk, f"{prefix}#{index:04d}"),
            "payload": {"B": payload[at : at + CHUNK_BYTES]},
            "chunks": {"N": str(len(starts))},
        }
        for index, at in enumerate(starts)
    ]


def _fragment_items(fragment: Fragment) -> list[Item]:
    address, payload = fragment.address, framed(fragment.records)
    prefix = f"{address.sequence_no:020d}#{fragment.digest}"
    received = {"receivedAt": {"N": repr(fragment.received_at)}}
    return [
        {**each, **received} for each in _chunked(f"block#{address.strand_id}", prefix, payload)
    ]


def _quarantine_items(record: QuarantinedRecord) -> list[Item]:
    about = {"reason": {"S": record.reason}, "at": {"N": repr(record.quarantined_at)}}
    return [{**each, **about} for each in _chunked("quarantine", record.position, record.payload)]
