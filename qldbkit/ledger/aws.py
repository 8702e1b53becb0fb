"""The clients by which the ledger's streams and exports reach Kinesis and S3."""

from __future__ import annotations

import threading
from typing import Any, Protocol

import boto3
from botocore.config import Config

from qldbkit.ledger.service_limits import ServiceLimits

LOCAL_SECRET = "local"  # noqa: S105 - a local AWS checks no secrets


class AwsClients(Protocol):
    """Gives boto3 clients; a client may be used by several threads."""

    def client(self, service: str) -> Any:
        """A client of ``kinesis`` or ``s3``."""


class Boto3Clients:
    """Clients of one AWS, made once for each service.

    Args:
        region: where the streams and buckets are.
        endpoint_url: the address of a local AWS, which takes the account's number as access key;
            None for AWS itself, with the credentials of the environment.
        account_id: 12 digits.
        limits: time-outs and attempts.
    """

    def __init__(
        self, region: str, endpoint_url: str | None, account_id: str, limits: ServiceLimits
    ):
        self._region = region
        self._endpoint_url = endpoint_url
        self._account_id = account_id
        self._limits = limits
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A client of ``kinesis`` or ``s3``."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._made(service)
            return self._clients[service]

    def _made(self, service: str) -> Any:
        config = Config(
            connect_timeout=self._limits.aws_connect_seconds,
            read_timeout=self._limits.aws_read_seconds,
            retries={"total_max_attempts": self._limits.aws_attempts, "mode": "standard"},
            max_pool_connections=self._limits.aws_connections,
            s3={"addressing_style": "path"} if self._endpoint_url else {},
        )
        keys: dict[str, str] = {}
        if self._endpoint_url is not None:
            keys = {"aws_access_key_id": self._account_id, "aws_secret_access_key": LOCAL_SECRET}
        return boto3.Session(region_name=self._region).client(
            service, endpoint_url=self._endpoint_url, config=config, **keys
        )
