"""The ARNs of QLDB's resources, and who they belong to."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """The account and the region that the server stands for.

    Attributes:
        region: an AWS region's name.
        account_id: 12 digits.
    """

    region: str
    account_id: str

    def ledger_arn(self, ledger: str) -> str:
        """The ARN of a ledger."""
        return f"arn:aws:qldb:{self.region}:{self.account_id}:ledger/{ledger}"

    def stream_arn(self, ledger: str, stream_id: str) -> str:
        """The ARN of a journal stream."""
        return f"arn:aws:qldb:{self.region}:{self.account_id}:stream/{ledger}/{stream_id}"

    def table_arn(self, ledger: str, table_id: str) -> str:
        """The ARN of a table."""
        return f"{self.ledger_arn(ledger)}/table/{table_id}"

    def kms_key_arn(self, key: str) -> str:
        """The ARN of a KMS key that is given by its ARN, its id or its alias."""
        if key.startswith("arn:"):
            return key
        resource = key if key.startswith("alias/") else f"key/{key}"
        return f"arn:aws:kms:{self.region}:{self.account_id}:{resource}"


@dataclass(frozen=True, slots=True)
class ResourceName:
    """What the ARN of a QLDB resource names.

    Attributes:
        kind: ``ledger``, ``stream`` or ``table``.
        ledger: the ledger's name.
        resource_id: the stream's or the table's id; None for a ledger.
    """

    kind: str
    ledger: str
    resource_id: str | None = None


_RESOURCES = (
    ("ledger", re.compile(r"ledger/([A-Za-z0-9-]{1,32})")),
    ("stream", re.compile(r"stream/([A-Za-z0-9-]{1,32})/([A-Za-z0-9]{22})")),
    ("table", re.compile(r"ledger/([A-Za-z0-9-]{1,32})/table/([A-Za-z0-9]{22})")),
)


def parse_arn(arn: str, account: Account) -> ResourceName | None:
    """What an ARN names, or None when it is not one of that account's QLDB resources."""
    prefix = f"arn:aws:qldb:{account.region}:{account.account_id}:"
    if not arn.startswith(prefix):
        return None
    for kind, pattern in _RESOURCES:
        if match := pattern.fullmatch(arn.removeprefix(prefix)):
            return ResourceName(kind, *match.groups())
    return None
