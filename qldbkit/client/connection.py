"""Reaching a ledger's two APIs from a command."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.session import get_session

from qldbkit.driver import control_client, qldb_driver

if TYPE_CHECKING:  # `qldbkit.driver` has to be imported before pyqldb is
    from pyqldb.driver.qldb_driver import QldbDriver
    from pyqldb.execution.executor import Executor

SERVE_PORT: Final = 8080
DEFAULT_REGION: Final = "us-east-1"
MOST_ROWS: Final = 1_000_000
"""Rows that a look takes, unless it is told how many."""


def default_endpoint(environ: Mapping[str, str] = os.environ) -> str:
    """Where ``qldbkit serve`` listens: on ``QLDBKIT_PORT``, or 8080, of this machine."""
    return f"http://127.0.0.1:{environ.get('QLDBKIT_PORT', SERVE_PORT)}"


@dataclass(frozen=True, slots=True)
class LedgerConnection:
    """Where ledgers are, and how to reach them.

    Attributes:
        endpoint_url: the address of both APIs.
        region: the region that requests are signed for.
    """

    endpoint_url: str
    region: str = DEFAULT_REGION

    def control(self) -> Any:
        """boto3's client of the control plane.

        Raises:
            EndpointError: that is no address.
        """
        return control_client(self.endpoint_url, self.region, self._session())

    def driver(self, ledger_name: str) -> QldbDriver:
        """QLDB's driver on a ledger; nothing is sent yet.

        Raises:
            NameRefusedError: that cannot be a ledger's name.
            EndpointError: that is no address.
        """
        return qldb_driver(
            ledger_name,
            endpoint_url=self.endpoint_url,
            region=self.region,
            session=self._session(),
        )

    def _session(self) -> boto3.Session:
        """The environment's credentials; on this machine any will do, where there are none."""
        if not is_loopback(self.endpoint_url):
            return boto3.Session(region_name=self.region)
        found = get_session()
        # This machine's ledgers are not entered by the role of a machine in AWS, and asking for
        # one takes seconds where there is none.
        found.get_component("credential_provider").remove("iam-role")
        if found.get_credentials() is None:
            found.set_credentials("local", "local")
        return boto3.Session(botocore_session=found, region_name=self.region)


def is_loopback(endpoint_url: str) -> bool:
    """Whether an address is this machine's own."""
    host = urlsplit(endpoint_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def look(
    driver: QldbDriver, statement: str, *parameters: Any, most: int = MOST_ROWS
) -> tuple[Any, ...]:
    """The first rows of a query, in a transaction that is aborted, so that no block tells of it.

    QLDB journals committed transactions also when they only read.

    Raises:
        ClientError: the ledger refuses the statement.
    """
    return looked(driver, lambda txn: islice(txn.execute_statement(statement, *parameters), most))


def looked(driver: QldbDriver, work: Callable[[Executor], Any]) -> tuple[Any, ...]:
    """The rows of a transaction that is aborted when it has read them."""
    from pyqldb.errors import LambdaAbortedError  # noqa: PLC0415 - after `qldbkit.driver`

    found: tuple[Any, ...] = ()

    def read(transaction: Executor) -> None:
        nonlocal found
        found = tuple(work(transaction))
        transaction.abort()

    try:
        driver.execute_lambda(read)
    except LambdaAbortedError:
        return found
    raise AssertionError("an aborted transaction was committed")
