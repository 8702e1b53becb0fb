"""A DynamoDB table with the keys ``pk`` and ``sk``, read page by page and written in batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from qldbkit.replay.errors import BufferBusyError

CHUNK_BYTES: Final = 350_000
"""Payload of one item; DynamoDB takes 400 KB with names and keys."""
ITEMS_PER_REQUEST: Final = 25
"""DynamoDB's limit for BatchWriteItem."""
WRITE_ATTEMPTS: Final = 8
"""How often what DynamoDB left unprocessed is sent."""
FIRST_PAUSE: Final = 0.05
"""Seconds before it is sent again; doubled each time."""

Item = dict[str, Any]


class DynamoDbTable:
    """Items of one table. What is written is durable when a method returns."""

    def __init__(self, client: Any, name: str, pause: Callable[[float], None] = time.sleep):
        """Use a table.

        Args:
            client: boto3's client of DynamoDB.
            name: the table's.
            pause: waits for so many seconds.
        """
        self._client, self._name, self._pause = client, name, pause

    def get(self, pk: str, sk: str) -> Item | None:
        """One item; None if there is none."""
        return next(self.between(pk, sk, sk), None)

    def between(self, pk: str, low: str, high: str, **options: Any) -> Iterator[Item]:
        """The items of ``pk`` from ``low`` to ``high``, in order, read consistently and lazily."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :low AND :high",
            ExpressionAttributeValues={":pk": {"S": pk}, ":low": {"S": low}, ":high": {"S": high}},
            **options,
        )
        for page in pages:
            yield from page["Items"]

    def put(self, items: Sequence[Item]) -> None:
        """Write items, each in the place of what has its key.

        Raises:
            BufferBusyError: DynamoDB does not take them.
        """
        self._write([{"PutRequest": {"Item": each}} for each in items])

    def delete(self, items: Iterator[Item]) -> None:
        """Delete items, by their keys.

        Raises:
            BufferBusyError: DynamoDB does not take it.
        """
        self._write([{"DeleteRequest": {"Key": key_of(each)}} for each in items])

    def update(self, key: Item, expression: str, values: Item) -> None:
        """Change one item as an update expression says; makes it if there is none."""
        self._client.update_item(
            TableName=self._name,
            Key=key,
            UpdateExpression=expression,
            ExpressionAttributeValues=values,
        )

    def _write(self, requests: Sequence[Mapping[str, Any]]) -> None:
        for at in range(0, len(requests), ITEMS_PER_REQUEST):
            self._write_all(list(requests[at : at + ITEMS_PER_REQUEST]))

    def _write_all(self, requests: list[Mapping[str, Any]]) -> None:
        for attempt in range(WRITE_ATTEMPTS):
            answer = self._client.batch_write_item(RequestItems={self._name: requests})
            requests = answer.get("UnprocessedItems", {}).get(self._name, [])
            if not requests:
                return
            self._pause(FIRST_PAUSE * 2**attempt)
        raise BufferBusyError(
            f"table {self._name} left {len(requests)} items unprocessed {WRITE_ATTEMPTS} times"
        )


def key(pk: str, sk: str) -> Item:
    """The two key attributes."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def key_of(item: Item) -> Item:
    """An item's key alone."""
    return {"pk": item["pk"], "sk": item["sk"]}


def chunked(pk: str, prefix: str, payload: bytes) -> list[Item]:
    """A payload in as many items as it needs, at least one; the keys end in ``#`` and a number."""
    starts = range(0, max(1, len(payload)), CHUNK_BYTES)
    return [
        {
            **key(pk, f"{prefix}#{index:04d}"),
            "payload": {"B": payload[at : at + CHUNK_BYTES]},
            "chunks": {"N": str(len(starts))},
        }
        for index, at in enumerate(starts)
    ]


def prefix_of(item: Item) -> str:
    """The key of a payload, without the number of its chunk."""
    return str(item["sk"]["S"].rpartition("#")[0])


def payload_of(chunks: Sequence[Item]) -> bytes:
    """The payload that was kept in chunks."""
    return b"".join(bytes(each["payload"]["B"]) for each in chunks)
