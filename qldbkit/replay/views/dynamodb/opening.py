"""Connecting to the DynamoDB that has a view."""

from __future__ import annotations

from typing import Final

import boto3
from botocore.config import Config

from qldbkit.replay.views.dynamodb.destination import DynamoDbView
from qldbkit.replay.views.dynamodb.location import ViewLocation

CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 20
ATTEMPTS: Final = 3
"""How often the client sends a request; a transaction has the same token each time."""


def opened(location: ViewLocation) -> DynamoDbView:
    """The view at a location; nothing is asked of it yet."""
    client = boto3.client(
        "dynamodb",
        region_name=location.region,
        endpoint_url=location.endpoint,
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            parameter_validation=False,  # which takes longer than all else about a large request
        ),
    )
    return DynamoDbView(client, location.table, key=location.key)
