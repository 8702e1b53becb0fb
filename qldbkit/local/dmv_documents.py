"""The documents of the vehicle registration sample: a department of motor vehicles.

Everything is made up by counting: nobody is called ``Person 17`` and no car is a ``Model 3 of
Maker 2``. The same seed gives the same documents.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from amazon.ion.core import Timestamp, TimestampPrecision

Document = dict[str, Any]

INDEXES: tuple[tuple[str, str], ...] = (
    ("Person", "GovId"),
    ("Vehicle", "VIN"),
    ("VehicleRegistration", "VIN"),
    ("VehicleRegistration", "LicensePlateNumber"),
    ("DriversLicense", "LicenseNumber"),
    ("DriversLicense", "PersonId"),
)
"""Each indexed field of each table, in the order in which they are made."""

_CITIES = ("Northport", "Eastfield", "Southbridge", "Westhaven")
_COLOURS = ("White", "Silver", "Black", "Red", "Blue")
_MODELS = 4
_VIN_CHARACTERS = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"  # a VIN has no I, O or Q


@dataclass(frozen=True, slots=True)
class Register:
    """What is registered to begin with; the n-th of each belong together.

    Attributes:
        people: documents of ``Person``.
        vehicles: documents of ``Vehicle``.
        registrations: documents of ``VehicleRegistration``, without owners.
        licences: documents of ``DriversLicense``, without the person.
    """

    people: tuple[Document, ...]
    vehicles: tuple[Document, ...]
    registrations: tuple[Document, ...]
    licences: tuple[Document, ...]


def register(size: int, seed: int) -> Register:
    """Return a register of ``size`` people, each with a vehicle and a licence."""
    chance = random.Random(seed)  # noqa: S311 - the same documents each time, not secrets
    vehicles = tuple(_vehicle(number, chance) for number in range(size))
    return Register(
        people=tuple(_person(number, chance) for number in range(size)),
        vehicles=vehicles,
        registrations=tuple(
            _registration(number, vehicle["VIN"], chance) for number, vehicle in enumerate(vehicles)
        ),
        licences=tuple(_licence(number, chance) for number in range(size)),
    )


def day(year: int, month: int, day_of_month: int) -> Timestamp:
    """Return a date: an Ion timestamp that is precise to the day."""
    return Timestamp(year, month, day_of_month, precision=TimestampPrecision.DAY)


def licence_number(number: int) -> str:
    """Return the number of the n-th driver's licence."""
    return f"DL-{number:06d}"


def plate_number(number: int) -> str:
    """Return the plate of the n-th vehicle."""
    return f"LP-{number:06d}"


def _person(number: int, chance: random.Random) -> Document:
    return {
        "FirstName": "Person",
        "LastName": str(number),
        "DOB": day(chance.randint(1940, 2005), chance.randint(1, 12), chance.randint(1, 28)),
        "GovId": f"GOV-{number:06d}",
        "GovIdType": chance.choice(("Driver License", "Passport", "SSN")),
        "Address": {"Street": f"{number + 1} Example Street", "City": chance.choice(_CITIES)},
        "Phone": f"555-01{number % 100:02d}",
    }


def _vehicle(number: int, chance: random.Random) -> Document:
    return {
        "VIN": "".join(chance.choice(_VIN_CHARACTERS) for _ in range(17)),
        "Type": chance.choice(("Sedan", "Truck", "Motorcycle", "Semi")),
        "Year": chance.randint(1990, 2025),
        "Make": f"Maker {number % 3}",
        "Model": f"Model {number % _MODELS}",
        "Color": chance.choice(_COLOURS),
    }


def _registration(number: int, vin: str, chance: random.Random) -> Document:
    year = chance.randint(2018, 2024)
    return {
        "VIN": vin,
        "LicensePlateNumber": plate_number(number),
        "State": "EX",
        "City": chance.choice(_CITIES),
        "PendingPenaltyTicketAmount": Decimal(chance.randint(0, 40_000)).scaleb(-2),
        "ValidFromDate": day(year, chance.randint(1, 12), 1),
        "ValidToDate": day(year + 5, chance.randint(1, 12), 1),
    }


def _licence(number: int, chance: random.Random) -> Document:
    year = chance.randint(2015, 2024)
    return {
        "LicenseNumber": licence_number(number),
        "LicenseType": chance.choice(("Full", "Learner", "Motorcycle")),
        "ValidFromDate": day(year, 1, 15),
        "ValidToDate": day(year + 10, 1, 15),
    }
