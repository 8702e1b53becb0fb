"""The tables that a ledger is to have, made when they are missing and never dropped."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from qldbkit.driver import control_client, qldb_driver
from qldbkit.endpoints import LedgerEndpoints
from qldbkit.errors import QldbkitError
from qldbkit.names import check_ledger_name, check_table_name

ACTIVE_TABLES = (
    "SELECT VALUE t.name FROM information_schema.user_tables AS t WHERE t.status = 'ACTIVE'"
)
ACTIVE_WITHIN_SECONDS = 120.0
ACTIVE_POLL_SECONDS = 2.0


class LedgerNotActiveError(QldbkitError):
    """The ledger did not become active in time."""


class TableRequestError(QldbkitError):
    """CloudFormation asked for tables in a way that cannot be understood."""


class Driver(Protocol):
    """What is used of ``pyqldb.driver.qldb_driver.QldbDriver``."""

    def execute_lambda(self, query_lambda: Callable[[Any], Any]) -> Any:
        """Run ``query_lambda`` in one transaction, again when it conflicts."""
        ...


@dataclass(frozen=True, slots=True)
class TableRequest:
    """A call of CloudFormation's custom resource that wants a ledger to have tables.

    Attributes:
        ledger_name: the ledger to have the tables.
        table_names: the tables, each once.
    """

    ledger_name: str
    table_names: tuple[str, ...]

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> TableRequest:
        """Read the event of a ``custom_resources.Provider``; names are checked here.

        Raises:
            TableRequestError: a member is missing or has another type.
            NameRefusedError: a name is not one that QLDB takes.
        """
        try:
            properties = event["ResourceProperties"]
            names, ledger = properties["TableNames"], check_ledger_name(properties["LedgerName"])
        except (KeyError, TypeError) as error:
            raise TableRequestError(
                f"the request has no usable {error}",
                hint="give LedgerName and TableNames as the resource's properties",
            ) from error
        if not isinstance(names, list):
            raise TableRequestError(f"TableNames is {names!r}", hint="give a list of names")
        return cls(ledger, tuple(dict.fromkeys(map(check_table_name, names))))

    @property
    def physical_id(self) -> str:
        """The resource's identity: the ledger's, so that another list of tables is an update."""
        return f"tables-of-{self.ledger_name}"


def ensure_tables(driver: Driver, names: Sequence[str]) -> tuple[str, ...]:
    """Create the tables of ``names`` that the ledger does not have; return those created.

    Looking and creating share a transaction, so that whoever else creates a table meanwhile makes
    this one conflict and be repeated.

    Raises:
        NameRefusedError: a name is not one that QLDB takes; nothing is created then.
    """
    wanted = [check_table_name(name) for name in names]

    def look_and_create(transaction: Any) -> tuple[str, ...]:
        present = {str(name) for name in transaction.execute_statement(ACTIVE_TABLES)}
        missing = tuple(name for name in wanted if name not in present)
        for name in missing:
            transaction.execute_statement(f'CREATE TABLE "{name}"')
        return missing

    created: tuple[str, ...] = driver.execute_lambda(look_and_create)
    return created


def await_active(
    client: Any,
    ledger_name: str,
    *,
    within_seconds: float = ACTIVE_WITHIN_SECONDS,
    poll_seconds: float = ACTIVE_POLL_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return once the ledger's state is ``ACTIVE``.

    Raises:
        LedgerNotActiveError: it is being deleted, or ``within_seconds`` have passed.
    """
    until = clock() + within_seconds
    while (state := client.describe_ledger(Name=ledger_name)["State"]) != "ACTIVE":
        if state in {"DELETING", "DELETED"} or clock() >= until:
            raise LedgerNotActiveError(
                f"ledger {ledger_name} is {state} and not ACTIVE",
                hint=f"it was waited for up to {within_seconds:.0f} seconds",
            )
        sleep(poll_seconds)


def answer(event: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Do what CloudFormation asks of the tables; return what its provider framework expects.

    Create and update make the missing tables and leave the others, those too that are no longer
    listed. Delete leaves every table where it is, and looks at nothing that could make it fail.

    Raises:
        TableRequestError, NameRefusedError, LedgerNotActiveError: as above.
        RegionMissingError: the environment names no region.
    """
    action = event.get("RequestType")
    if action == "Delete":
        return {"PhysicalResourceId": event.get("PhysicalResourceId")}
    if action not in {"Create", "Update"}:
        raise TableRequestError(f"{action!r} is no request that CloudFormation makes")
    request = TableRequest.from_event(event)
    created = _ensure(request, LedgerEndpoints.from_environment(environment))
    return {
        "PhysicalResourceId": request.physical_id,
        "Data": {"LedgerName": request.ledger_name, "Created": ",".join(created)},
    }


def _ensure(request: TableRequest, endpoints: LedgerEndpoints) -> tuple[str, ...]:
    await_active(control_client(endpoints.control, endpoints.region), request.ledger_name)
    driver = qldb_driver(
        request.ledger_name, endpoint_url=endpoints.session, region=endpoints.region
    )
    with driver:
        return ensure_tables(driver, request.table_names)
