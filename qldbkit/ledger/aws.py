"""The clients by which the ledger's streams and exports reach Kinesis and S3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import boto3
from botocore.config import Config

from qldbkit.ledger.service_limits import ServiceLimits

LOCAL_SECRET = "local"  # noqa: S105 - a local AWS checks no secrets


class AwsClients(Protocol):
    """Gives boto3 clients; a client may be used by several threads."""

    def client(self, service: str) -> Any:
        """A client of ``kinesis`` or ``s3``."""


@dataclass(frozen=True, slots=True)
class Boto3Clients:
    """Clients of one AWS.

    Attributes:
        region: where the streams and buckets are.
        endpoint_url: the address of a local AWS, which takes the account's number as access key;
            None for AWS itself, with the credentials of the environment.
        account_id: 12 digits.
        limits: time-outs and attempts.
    """

    region: str
    endpoint_url: str | None
    account_id: str
    limits: ServiceLimits

    def client(self, service: str) -> Any:
        """A client of ``kinesis`` or ``s3``."""
        config = Config(
            connect_timeout=self.limits.aws_connect_seconds,
            read_timeout=self.limits.aws_read_seconds,
            retries={"total_max_attempts": self.limits.aws_attempts, "mode": "standard"},
            s3={"addressing_style": "path"} if self.endpoint_url else {},
        )
        keys = (
            {}
            if self.endpoint_url is None
            else {
                "aws_access_key_id": self.account_id,
                "aws_secret_access_key": LOCAL_SECRET,
            }
        )
        return boto3.Session(region_name=self.region).client(
            service, endpoint_url=self.endpoint_url, config=config, **keys
        )
