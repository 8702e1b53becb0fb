"""Making a view's table where there is none, and knowing one that is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ClientError

from qldbkit.replay.views.dynamodb import items
from qldbkit.replay.views.dynamodb.errors import (
    TableBusyError,
    TableMissingError,
    TableUnfitError,
)
from qldbkit.replay.views.dynamodb.items import ViewRecord
from qldbkit.replay.views.dynamodb.requests import ViewTableRequests

LOOKS: Final = 120
"""How often it is looked whether a new table can be used."""
BETWEEN_LOOKS: Final = 1.0
"""Seconds between two looks."""
BACKUP_UNKNOWN: Final = "UnknownOperationException"
"""What DynamoDB Local answers to what only the service has."""

_ATTRIBUTES: Final = [
    {"AttributeName": "pk", "AttributeType": "S"},
    {"AttributeName": "table", "AttributeType": "S"},
]
_KEY: Final = [{"AttributeName": "pk", "KeyType": "HASH"}]
_BY_TABLE: Final = {
    "IndexName": items.INDEX,
    "KeySchema": [
        {"AttributeName": "table", "KeyType": "HASH"},
        {"AttributeName": "pk", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}


def prepared(
    requests: ViewTableRequests, key: str | None, pause: Callable[[float], None]
) -> ViewRecord:
    """The view's record, in a table that is made first if it is missing.

    Raises:
        TableUnfitError: the table was not made for a view, or by a later version.
        TableBusyError: a new table cannot be used for two minutes.
    """
    try:
        found = requests.get(items.VIEW_KEY)
    except TableMissingError:
        _make(requests, key, pause)
        found = None
    if found is not None:
        return items.view_of(found)
    _check(requests)
    if requests.put_if_absent(items.view_item(ViewRecord())):
        return ViewRecord()
    return prepared(requests, key, pause)  # another one has just made it


def _make(requests: ViewTableRequests, key: str | None, pause: Callable[[float], None]) -> None:
    client, table = requests.client, requests.table
    encryption = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    options: dict[str, Any] = {} if key is None else {"SSESpecification": encryption}
    try:
        client.create_table(
            TableName=table,
            AttributeDefinitions=_ATTRIBUTES,
            KeySchema=_KEY,
            GlobalSecondaryIndexes=[_BY_TABLE],
            BillingMode="PAY_PER_REQUEST",
            **options,
        )
    except ClientError as error:
        if error.response["Error"].get("Code") != "ResourceInUseException":  # others make it too
            raise
    _wait(requests, pause)
    try:
        client.update_continuous_backups(
            TableName=table,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )
    except ClientError as error:
        if error.response["Error"].get("Code") != BACKUP_UNKNOWN:
            raise


def _wait(requests: ViewTableRequests, pause: Callable[[float], None]) -> None:
    for _ in range(LOOKS):
        described = requests.client.describe_table(TableName=requests.table)["Table"]
        if described["TableStatus"] == "ACTIVE":
            return
        pause(BETWEEN_LOOKS)
    raise TableBusyError(f"table {requests.table} cannot be used yet")


def _check(requests: ViewTableRequests) -> None:
    """Make sure that a table without a view in it can take one."""
    described = requests.client.describe_table(TableName=requests.table)["Table"]
    indexes = {each["IndexName"]: each for each in described.get("GlobalSecondaryIndexes", ())}
    if described["KeySchema"] != _KEY or items.INDEX not in indexes:
        raise TableUnfitError(
            f"table {requests.table} has not the key {items.KEY} and the index {items.INDEX}",
            hint="give the view a table of its own, or let qldbkit make one",
        )
