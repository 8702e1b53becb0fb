"""Which ledgers there are, and which tables they have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from qldbkit.client.connection import look
from qldbkit.names import check_ledger_name

if TYPE_CHECKING:  # `qldbkit.driver` has to be imported before pyqldb is
    from pyqldb.driver.qldb_driver import QldbDriver

TABLES: Final = "SELECT * FROM information_schema.user_tables"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A ledger as the control plane lists it.

    Attributes:
        name: its name.
        state: ``CREATING``, ``ACTIVE``, ``DELETING`` or ``DELETED``.
        created: when it was made; aware.
    """

    name: str
    state: str
    created: datetime

    def to_json(self) -> dict[str, str]:
        """The ledger for programs."""
        created = self.created.isoformat(timespec="seconds")
        return {"name": self.name, "state": self.state, "created": created}


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A table of a ledger.

    Attributes:
        name: its name.
        table_id: 22 characters.
        active: False when it was dropped.
        indexes: the fields that are indexed.
    """

    name: str
    table_id: str
    active: bool
    indexes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The table for programs."""
        return {
            "name": self.name,
            "tableId": self.table_id,
            "active": self.active,
            "indexes": list(self.indexes),
        }


def ledgers(control: Any) -> Iterator[LedgerEntry]:
    """All ledgers that the control plane lists, page by page."""
    token: dict[str, str] = {}
    while True:
        page = control.list_ledgers(**token)
        for each in page["Ledgers"]:
            yield LedgerEntry(each["Name"], each["State"], each["CreationDateTime"])
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def create(control: Any, name: str) -> None:
    """Make a ledger, protected from deletion and in the permissions mode that QLDB recommended.

    Raises:
        NameRefusedError: that cannot be a ledger's name.
        ClientError: there is one of that name, or no further one may be made.
    """
    control.create_ledger(Name=check_ledger_name(name), PermissionsMode="STANDARD")


def tables(driver: QldbDriver) -> tuple[TableEntry, ...]:
    """A ledger's tables by their names, dropped ones last."""
    found = map(_table, look(driver, TABLES))
    return tuple(sorted(found, key=lambda each: (not each.active, each.name, each.table_id)))


def _table(row: Any) -> TableEntry:
    return TableEntry(
        str(row["name"]),
        str(row["tableId"]),
        row["status"] == "ACTIVE",
        # QLDB writes an indexed field as ``[name]``.
        tuple(str(each["expr"]).removeprefix("[").removesuffix("]") for each in row["indexes"]),
    )
