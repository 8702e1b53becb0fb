"""Kinesis events, as Lambda hands them over."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from itertools import count
from typing import Any

from qldbkit.journal.kinesis import aggregate

_numbers = count(1)


def kinesis_event(
    records: Iterable[tuple[str, bytes]], shard: str = "shardId-000000000000", **options: Any
) -> dict[str, Any]:
    """An event with the records packed as QLDB's streams pack them."""
    return raw_event(
        [(each.partition_key, each.data) for each in aggregate(records, **options)], shard
    )


def raw_event(
    records: Iterable[tuple[str, bytes]], shard: str = "shardId-000000000000"
) -> dict[str, Any]:
    """An event with records as they are."""
    found = []
    for key, data in records:
        number = str(next(_numbers))
        body = {
            "partitionKey": key,
            "sequenceNumber": number,
            "data": base64.b64encode(data).decode(),
        }
        found.append({"eventID": f"{shard}:{number}", "kinesis": body})
    return {"Records": found}
