"""Fixtures for any project's tests: a fresh ledger, and QLDB's own driver on it.

pytest finds this plugin where qldbkit is installed. Nothing is imported or started before a test
asks for a fixture; all tests of a run share one server, on a free port of this machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    import boto3
    from pyqldb.driver.qldb_driver import QldbDriver

    from qldbkit.ledger.server import RunningServer

REGION: Final = "us-east-1"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class FreshLedger:
    """A ledger that one test has to itself.

    Attributes:
        name: its name; another one for every test.
        endpoint_url: where both of QLDB's APIs are.
        region: the region that requests are signed for.
        session: boto3's, with credentials that the server takes.
    """

    name: str
    endpoint_url: str
    region: str
    session: boto3.Session

    def driver(self, **options: Any) -> QldbDriver:
        """A driver of its own; ``options`` are those of `qldbkit.driver.qldb_driver`."""
        from qldbkit.driver import qldb_driver  # noqa: PLC0415 - only for tests that use it

        given = {"endpoint_url": self.endpoint_url, "region": self.region, "session": self.session}
        return qldb_driver(self.name, **(given | options))

    def control(self) -> Any:
        """boto3's client of the control plane."""
        from qldbkit.driver import control_client  # noqa: PLC0415 - only for tests that use it

        return control_client(self.endpoint_url, self.region, self.session)


@pytest.fixture(scope="session")
def qldb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The embedded ledger's server; its folder is removed as pytest removes its others."""
    from qldbkit.ledger.server import running_server  # noqa: PLC0415 - only for tests that use it

    with running_server(tmp_path_factory.mktemp("ledgers"), region=REGION) as server:
        yield server


@pytest.fixture(scope="session")
def qldb_session() -> boto3.Session:
    """boto3's session with credentials that mean nothing outside of the tests."""
    import boto3  # noqa: PLC0415 - only for tests that use it

    return boto3.Session("test", "test", region_name=REGION)


@pytest.fixture
def qldb_ledger(qldb_server: RunningServer, qldb_session: boto3.Session) -> Iterator[FreshLedger]:
    """A new, empty ledger, deleted after the test."""
    name = f"test-{next(_numbers)}"
    ledger = FreshLedger(name, qldb_server.endpoint_url, REGION, qldb_session)
    control = ledger.control()
    control.create_ledger(Name=name, PermissionsMode="STANDARD", DeletionProtection=False)
    yield ledger
    control.delete_ledger(Name=name)


@pytest.fixture
def qldb_driver(qldb_ledger: FreshLedger) -> Iterator[QldbDriver]:
    """`pyqldb`'s driver on the fresh ledger, closed after the test."""
    with qldb_ledger.driver() as driver:
        yield driver
