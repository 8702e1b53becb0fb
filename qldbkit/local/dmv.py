"""The vehicle registration (DMV) sample: what a department does in a day, through QLDB's driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from qldbkit.errors import QldbkitError
from qldbkit.local.dmv_documents import (
    INDEXES,
    Document,
    Register,
    day,
    licence_number,
    plate_number,
    register,
)

DEFAULT_SIZE = 24
DEFAULT_SEED = 2025

Transaction = Any  # pyqldb's executor: execute_statement(text, *parameters)
Work = Callable[[Transaction], None]


class Driver(Protocol):
    """What the sample needs of pyqldb's driver."""

    def execute_lambda(self, query_lambda: Work) -> Any:
        """Run ``query_lambda`` as one transaction, again after a conflict."""


class DmvSampleError(QldbkitError):
    """The ledger does not hold what the vehicle registration sample expects to find."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One kind of business of the department.

    Attributes:
        name: what happens, as a person reads it.
        transactions: each is run as one transaction of the ledger, in this order.
    """

    name: str
    transactions: Sequence[Work]


class DmvSample:
    """The sample on one ledger, whose four tables are there and empty.

    Args:
        driver: a driver on the ledger.
        size: how many people register to begin with; at least 12.
        seed: the same seed gives the same documents and transactions.
    """

    def __init__(self, driver: Driver, size: int = DEFAULT_SIZE, seed: int = DEFAULT_SEED):
        if size < 12:
            raise DmvSampleError(
                f"{size} people are too few for the sample", hint="choose at least 12"
            )
        self._driver = driver
        self._size = size
        self._register: Register = register(size, seed)
        self._people: dict[int, str] = {}

    def phases(self) -> Iterator[Phase]:
        """Yield the phases; each is to be run before the next one is asked for."""
        numbers = range(self._size)
        yield Phase("make indexes", [partial(_create_index, *index) for index in INDEXES])
        yield Phase("register people", [partial(self._add_person, n) for n in numbers])
        yield Phase("register vehicles", [partial(self._add_vehicle, n) for n in numbers])
        yield Phase("issue licences", [partial(self._add_licence, n) for n in numbers])
        yield Phase("transfer ownership", [partial(self._transfer, n) for n in numbers[::2]])
        yield Phase("add secondary owners", [partial(self._add_owner, n) for n in numbers[::3]])
        yield Phase("renew licences", [partial(self._renew, n) for n in numbers[1::2]])
        yield Phase("move house", [partial(self._move, n) for n in numbers[::4]])
        yield Phase("settle penalties", [partial(_settle_penalty, n) for n in numbers[::5]])
        yield Phase("revoke licences", [partial(_revoke, n) for n in numbers[::6]])
        yield Phase("scrap vehicles", [partial(self._scrap, n) for n in numbers[5::6]])

    def run(self, phase: Phase, progress: Callable[[], None] = lambda: None) -> int:
        """Run every transaction of a phase and return how many there were.

        Args:
            phase: from `phases`.
            progress: called after each transaction.
        """
        for work in phase.transactions:
            self._driver.execute_lambda(work)
            progress()
        return len(phase.transactions)

    def _add_person(self, number: int, transaction: Transaction) -> None:
        document = self._register.people[number]
        cursor = transaction.execute_statement("INSERT INTO Person ?", document)
        self._people[number] = next(iter(cursor))["documentId"]

    def _add_vehicle(self, number: int, transaction: Transaction) -> None:
        owners = {"PrimaryOwner": self._owner(number), "SecondaryOwners": []}
        registration = {**self._register.registrations[number], "Owners": owners}
        transaction.execute_statement("INSERT INTO Vehicle ?", self._register.vehicles[number])
        transaction.execute_statement("INSERT INTO VehicleRegistration ?", registration)

    def _add_licence(self, number: int, transaction: Transaction) -> None:
        licence = {**self._register.licences[number], "PersonId": self._people[number]}
        transaction.execute_statement("INSERT INTO DriversLicense ?", licence)

    def _transfer(self, number: int, transaction: Transaction) -> None:
        """Check who owns the vehicle, and hand it to the next person."""
        vin = self._vin(number)
        owner = _only(
            transaction.execute_statement(
                "SELECT r.Owners.PrimaryOwner.PersonId FROM VehicleRegistration AS r"
                " WHERE r.VIN = ?",
                vin,
            ),
            f"registration of {vin}",
        )
        if owner["PersonId"] != self._people[number]:
            raise DmvSampleError(f"vehicle {vin} is not owned by person {number}")
        transaction.execute_statement(
            "UPDATE VehicleRegistration AS r SET r.Owners.PrimaryOwner = ? WHERE r.VIN = ?",
            self._owner(number + 1),
            vin,
        )

    def _add_owner(self, number: int, transaction: Transaction) -> None:
        transaction.execute_statement(
            "FROM VehicleRegistration AS r WHERE r.VIN = ?"
            " INSERT INTO r.Owners.SecondaryOwners VALUE ?",
            self._vin(number),
            self._owner(number + 2),
        )

    def _renew(self, number: int, transaction: Transaction) -> None:
        transaction.execute_statement(
            "UPDATE DriversLicense AS d SET d.ValidFromDate = ?, d.ValidToDate = ?"
            " WHERE d.LicenseNumber = ?",
            day(2025, 7, 1),
            day(2035, 7, 1),
            licence_number(number),
        )

    def _move(self, number: int, transaction: Transaction) -> None:
        """A new address, and the telephone is gone: two statements on one document."""
        gov_id = self._register.people[number]["GovId"]
        address = {"Street": f"{number + 1} Sample Avenue", "City": "Eastfield", "Unit": number}
        transaction.execute_statement(
            "UPDATE Person AS p SET p.Address = ? WHERE p.GovId = ?", address, gov_id
        )
        transaction.execute_statement("FROM Person AS p WHERE p.GovId = ? REMOVE p.Phone", gov_id)

    def _scrap(self, number: int, transaction: Transaction) -> None:
        vin = self._vin(number)
        transaction.execute_statement("DELETE FROM VehicleRegistration AS r WHERE r.VIN = ?", vin)
        transaction.execute_statement("DELETE FROM Vehicle AS v WHERE v.VIN = ?", vin)

    def _owner(self, number: int) -> Document:
        return {"PersonId": self._people[number % self._size]}

    def _vin(self, number: int) -> str:
        return str(self._register.vehicles[number]["VIN"])


def _create_index(table: str, field: str, transaction: Transaction) -> None:
    transaction.execute_statement(f"CREATE INDEX ON {table} ({field})")


def _settle_penalty(number: int, transaction: Transaction) -> None:
    """A statement that is all literal, as one typed into QLDB's console."""
    plate = plate_number(number)
    statement = (
        "UPDATE VehicleRegistration AS r SET r.PendingPenaltyTicketAmount = 0.00"  # noqa: S608
        f" WHERE r.LicensePlateNumber = '{plate}'"
    )
    transaction.execute_statement(statement)


def _revoke(number: int, transaction: Transaction) -> None:
    transaction.execute_statement(
        "DELETE FROM DriversLicense AS d WHERE d.LicenseNumber = ?", licence_number(number)
    )


def _only(cursor: Any, what: str) -> Mapping[str, Any]:
    rows = list(cursor)
    if len(rows) != 1:
        raise DmvSampleError(f"there are {len(rows)} rows for the {what}, not one")
    row: Mapping[str, Any] = rows[0]
    return row
