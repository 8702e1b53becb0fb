"""What each kind of view is called where it is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OUTPUT_PREFIXES: Final[Mapping[str, str]] = {
    "dynamodb": "DynamoDb",
    "opensearch": "OpenSearch",
    "postgresql": "PostgreSql",
}
"""What a view's constructs and the outputs of its stack begin with, by its kind."""


def deployed_name(ledger: str, kind: str) -> str:
    """The name of a ledger's view in metrics and alarms."""
    return f"{ledger}-{kind}"
