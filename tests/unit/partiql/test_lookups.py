"""Which rows a statement asks the ledger for."""

from __future__ import annotations

import pytest

VIN = "KM8SRDHF6EU074761"
ID = "D000000000000000000008"


@pytest.mark.parametrize(
    ("statement", "reads"),
    [
        (f"SELECT * FROM Vehicle WHERE VIN = '{VIN}'", [("find", "Vehicle", "VIN", VIN)]),
        (f"SELECT * FROM Vehicle AS v WHERE '{VIN}' = v.VIN", [("find", "Vehicle", "VIN", VIN)]),
        (
            f"SELECT * FROM Vehicle AS v WHERE v.Color = 'Blue' AND v.VIN IN ('{VIN}', 'b', NULL)",
            [("find", "Vehicle", "VIN", VIN, "b")],
        ),
        (f"SELECT * FROM Vehicle AS v BY id WHERE id = '{ID}'", [("get", "Vehicle", ID)]),
        (f"SELECT * FROM Vehicle BY id WHERE id IN ['{ID}', 3]", [("get", "Vehicle", ID)]),
        (
            f"SELECT * FROM _ql_committed_Vehicle WHERE metadata.id = '{ID}'",
            [("get", "Vehicle", ID)],
        ),
        (
            f"SELECT * FROM _ql_committed_Vehicle AS v WHERE v.data.VIN = '{VIN}'",
            [("find", "Vehicle", "VIN", VIN)],
        ),
        (
            f"SELECT * FROM history(Vehicle) AS h WHERE h.metadata.id = '{ID}'",
            [("history", "Vehicle", "None", "None", ID)],
        ),
        (
            "SELECT * FROM Vehicle v, VehicleRegistration r WHERE v.VIN = r.VIN",
            [
                ("scan", "Vehicle"),
                ("find", "VehicleRegistration", "VIN", "1N4AL11D75C109151"),
                ("find", "VehicleRegistration", "VIN", VIN),
            ],
        ),
        (
            f"SELECT * FROM Vehicle v JOIN VehicleRegistration r ON v.VIN = r.VIN "
            f"WHERE v.VIN = '{VIN}'",
            [("find", "Vehicle", "VIN", VIN), ("find", "VehicleRegistration", "VIN", VIN)],
        ),
        (
            f"SELECT * FROM Vehicle v LEFT JOIN VehicleRegistration r ON v.VIN = r.VIN "
            f"WHERE v.VIN = '{VIN}'",
            [("find", "Vehicle", "VIN", VIN), ("find", "VehicleRegistration", "VIN", VIN)],
        ),
        (f"DELETE FROM Vehicle WHERE VIN = '{VIN}'", [("find", "Vehicle", "VIN", VIN)]),
        (f"UPDATE Vehicle SET a = 1 WHERE VIN = '{VIN}'", [("find", "Vehicle", "VIN", VIN)]),
        ("SELECT * FROM Vehicle WHERE VIN = NULL", [("find", "Vehicle", "VIN")]),
    ],
)
def test_equality_with_an_indexed_field_or_an_id_is_looked_up(vehicles, statement, reads):
    vehicles.run(statement)
    assert vehicles.reads == reads


@pytest.mark.parametrize(
    "condition",
    [
        "Color = 'Blue'",
        f"VIN = '{VIN}' OR Color = 'Blue'",
        f"NOT VIN = '{VIN}'",
        f"VIN <> '{VIN}'",
        "VIN LIKE 'K%'",
        "VIN NOT IN ('a')",
        "VIN.x = 'a'",
        "VIN = Color",
    ],
)
def test_anything_else_scans(vehicles, condition):
    vehicles.run(f"SELECT * FROM Vehicle WHERE {condition}")
    assert vehicles.reads == [("scan", "Vehicle")]


def test_a_lookup_gives_what_a_scan_would(vehicles):
    statement = "SELECT v.VIN, r.State FROM Vehicle v, VehicleRegistration r WHERE v.VIN = r.VIN"
    with_index = vehicles.run(statement)
    vehicles.run("DROP INDEX VIN ON VehicleRegistration")
    vehicles.reads.clear()
    assert vehicles.run(statement) == with_index
    assert {read[0] for read in vehicles.reads} == {"scan"}


def test_a_plan_follows_the_indexes_of_the_day(vehicles):
    statement = "SELECT * FROM Vehicle WHERE Color = 'Blue'"
    vehicles.run(statement)
    vehicles.run("CREATE INDEX ON Vehicle (Color)")
    vehicles.reads.clear()
    vehicles.run(statement)
    assert vehicles.reads == [("find", "Vehicle", "Color", "Blue")]


def test_a_condition_is_checked_before_the_next_table_is_read(vehicles):
    vehicles.run("SELECT * FROM Vehicle v, VehicleRegistration r WHERE v.Color = 'none'")
    assert vehicles.reads == [("scan", "Vehicle")]
