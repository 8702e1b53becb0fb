"""The requests that a view makes of DynamoDB, and what becomes of their failures."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from qldbkit.replay.retrying import Backoff
from qldbkit.replay.views.dynamodb.errors import (
    TableBusyError,
    TableMissingError,
    TableUnfitError,
    WriteRefusedError,
)
from qldbkit.replay.views.dynamodb.items import Item, key_of

KEYS_PER_READ: Final = 100
"""DynamoDB's limit for BatchGetItem."""
UNPROCESSED: Final = Backoff(attempts=8, first=0.05, cap=2.0)
"""How often what DynamoDB left unread is asked for again."""
CONDITION_FAILED: Final = "ConditionalCheckFailed"
_CANCELED: Final = "TransactionCanceledException"
_NOT_FOUND: Final = "ResourceNotFoundException"
_PASSING: Final = frozenset(
    {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
)
"""Why a transaction may be cancelled that will be taken later."""
_IN_PROGRESS: Final = frozenset({"TransactionInProgressException", "TransactionConflictException"})


@dataclass(frozen=True, slots=True)
class Write:
    """An item of a transaction.

    Attributes:
        request: as TransactWriteItems takes it.
        pk: its key.
    """

    request: dict[str, Any]
    pk: str


class ConditionsFailedError(Exception):
    """A transaction was cancelled because what it relies on is not so.

    Attributes:
        found: the items that are there, by their keys, of those whose conditions failed; None
            for one that is not.
    """

    def __init__(self, found: dict[str, Item | None]):
        super().__init__(f"{len(found)} conditions failed")
        self.found = found


class ViewTableRequests:
    """Requests of one table. All reads are consistent."""

    def __init__(
        self,
        client: Any,
        table: str,
        *,
        pause: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ):
        """Use a table.

        Args:
            client: boto3's client of DynamoDB.
            table: its name.
            pause: waits for so many seconds.
            chance: a number from 0 up to 1, for the pauses.
        """
        self.client, self.table = client, table
        self._pause, self._chance = pause, chance

    def get(self, pk: str) -> Item | None:
        """One item; None if there is none.

        Raises:
            TableMissingError, TableUnfitError: there is no such table.
        """
        with self._translated():
            answer = self.client.get_item(TableName=self.table, Key=key_of(pk), ConsistentRead=True)
        found: Item | None = answer.get("Item")
        return found

    def get_together(self, keys: Sequence[str]) -> list[Item | None]:
        """Items as they were at one moment, in the same order; None for one that is not there.

        Raises:
            TableBusyError: they are being written.
        """
        reads = [{"Get": {"TableName": self.table, "Key": key_of(each)}} for each in keys]
        with self._translated():
            answer = self.client.transact_get_items(TransactItems=reads)
        return [each.get("Item") for each in answer["Responses"]]

    def get_many(self, keys: Sequence[str], **options: Any) -> Iterator[Item]:
        """Those of the items that are there, in any order, each as it was at some moment.

        Raises:
            TableBusyError: DynamoDB leaves them unread again and again.
        """
        for at in range(0, len(keys), KEYS_PER_READ):
            yield from self._get_batch(
                [key_of(each) for each in keys[at : at + KEYS_PER_READ]], options
            )

    def _get_batch(self, keys: list[Item], options: dict[str, Any]) -> Iterator[Item]:
        for pause in [*UNPROCESSED.pauses(self._chance), None]:
            asked = {self.table: {"Keys": keys, "ConsistentRead": True, **options}}
            with self._translated():
                answer = self.client.batch_get_item(RequestItems=asked)
            yield from answer["Responses"].get(self.table, ())
            keys = answer.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys", [])
            if not keys:
                return
            if pause is not None:
                self._pause(pause)
        raise TableBusyError(f"table {self.table} left {len(keys)} items unread again and again")

    def scan(self, **options: Any) -> Iterator[Item]:
        """Every item, page by page, lazily."""
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.table, ConsistentRead=True, **options
        )
        with self._translated():
            for page in pages:
                yield from page["Items"]

    def write(self, writes: Sequence[Write], token: str) -> None:
        """Write items together, or none.

        Args:
            writes: at most `sizes.TRANSACTION_ITEMS`.
            token: the same request with the same token is done once, for ten minutes.

        Raises:
            ConditionsFailedError: a condition does not hold; nothing was written.
            TableBusyError: nothing was written, and it may go later.
            WriteRefusedError: nothing was written, and it never will be.
            Exception: whether it was written is not known.
        """
        requests = [each.request for each in writes]
        with self._translated(writes):
            self.client.transact_write_items(TransactItems=requests, ClientRequestToken=token)

    def put_if_absent(self, item: Item) -> bool:
        """Write an item if there is none with its key; return whether there was none."""
        try:
            self.client.put_item(
                TableName=self.table, Item=item, ConditionExpression="attribute_not_exists(pk)"
            )
        except ClientError as error:
            if error.response["Error"].get("Code") != "ConditionalCheckFailedException":
                raise
            return False
        return True

    @contextmanager
    def _translated(self, writes: Sequence[Write] = ()) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            code = error.response["Error"].get("Code")
            if code == _NOT_FOUND:
                raise TableMissingError(
                    f"there is no table {self.table}",
                    hint="qldbkit restore --into-destination makes it, as does the stack",
                ) from error
            if code == "ValidationException" and not writes:
                raise TableUnfitError(
                    f"table {self.table} does not take what a view asks of it",
                    hint="give the view a table of its own",
                ) from error
            if code in _IN_PROGRESS:
                raise TableBusyError(f"DynamoDB answers {code}") from error
            if code != _CANCELED:
                raise
            raise _cancelled(error, writes) from error


def _cancelled(error: ClientError, writes: Sequence[Write]) -> Exception:
    """What a cancelled transaction means, by the reason of each of its items."""
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])
    codes = [each.get("Code") for each in reasons]
    if _PASSING.intersection(codes):
        return TableBusyError("the transaction was cancelled for others that write the same items")
    if CONDITION_FAILED in codes and len(writes) == len(reasons):
        return ConditionsFailedError(
            {
                write.pk: reason.get("Item")
                for write, reason in zip(writes, reasons, strict=True)
                if reason.get("Code") == CONDITION_FAILED
            }
        )
    named = [
        each.pk for each, code in zip(writes, codes, strict=False) if code not in (None, "None")
    ]
    refused = sorted({str(each) for each in codes if each not in (None, "None")})
    return WriteRefusedError(
        f"DynamoDB cancels the transaction with {', '.join(refused) or 'no reason'}",
        position=", ".join(named[:1]) or None,
    )
