"""Statements as applications of QLDB write them, in QLDB's dialect."""

from __future__ import annotations

import pytest
from amazon.ion import simpleion

from qldbkit.partiql import Dialect

VIN = "KM8SRDHF6EU074761"


def ion(text):
    return simpleion.loads(text)


@pytest.mark.parametrize(
    ("statement", "parameters", "result"),
    [
        (
            "SELECT FirstName FROM Person AS p WHERE p.GovId = ?",
            ["LEWISR261LL"],
            [{"FirstName": "Raul"}],
        ),
        (
            "SELECT Vehicle FROM Vehicle INNER JOIN VehicleRegistration AS r "
            "ON Vehicle.VIN = r.VIN WHERE Vehicle.VIN = ?",
            [VIN],
            [{"Vehicle": {"VIN": VIN, "Color": "Blue"}}],
        ),
        (
            "SELECT Owners.SecondaryOwners FROM VehicleRegistration AS v WHERE v.VIN = ?",
            [VIN],
            [{"SecondaryOwners": [{"PersonId": "P2"}, {"PersonId": "P3"}]}],
        ),
        (
            "SELECT VALUE o.PersonId FROM VehicleRegistration AS v, "
            "@v.Owners.SecondaryOwners AS o WHERE v.VIN = ?",
            [VIN],
            ["P2", "P3"],
        ),
        (
            "SELECT p_id FROM Person AS p BY p_id WHERE p.GovId = 'LEWISR261LL'",
            [],
            [{"p_id": "D000000000000000000004"}],
        ),
        (
            "SELECT metadata.id FROM _ql_committed_Person AS p WHERE p.data.GovId = ?",
            ["LEWISR261LL"],
            [{"id": "D000000000000000000004"}],
        ),
        (
            "SELECT data.FirstName, metadata.version FROM history(Person, `2000T`, `2100T`) AS h "
            "WHERE h.metadata.id = ?",
            ["D000000000000000000004"],
            [{"FirstName": "Raul", "version": 0}],
        ),
        (
            "SELECT VALUE name FROM information_schema.user_tables AS t WHERE "
            "t.status = 'ACTIVE' AND name = 'Person'",
            [],
            ["Person"],
        ),
        (
            "SELECT COUNT(*) AS n FROM Vehicle AS v, VehicleRegistration AS r WHERE v.VIN = r.VIN",
            [],
            [{"n": 2}],
        ),
        (
            "SELECT v.VIN, v.Color FROM Vehicle v WHERE v.Color IN ('Blue', "
            "'Green') AND v.VIN LIKE 'KM%'",
            [],
            [{"VIN": VIN, "Color": "Blue"}],
        ),
        (
            "UPDATE VehicleRegistration AS r SET r.Owners.PrimaryOwner.PersonId = "
            "? WHERE r.VIN = ?",
            ["P9", VIN],
            [{"documentId": "D000000000000000000009"}],
        ),
        (
            "FROM VehicleRegistration AS r WHERE r.VIN = ? INSERT INTO "
            "r.Owners.SecondaryOwners VALUE ?",
            [VIN, ion("{PersonId: 'P9'}")],
            [{"documentId": "D000000000000000000009"}],
        ),
        (
            "FROM Person AS p WHERE p.GovId = 'LEWISR261LL' REMOVE p.FirstName",
            [],
            [{"documentId": "D000000000000000000004"}],
        ),
        (
            "DELETE FROM Person AS p BY id WHERE id = ?",
            ["D000000000000000000005"],
            [{"documentId": "D000000000000000000005"}],
        ),
    ],
)
def test_a_statement_gives_what_its_application_expects(vehicles, statement, parameters, result):
    found = vehicles.run(statement, *parameters, dialect=Dialect.QLDB)
    assert simpleion.loads(simpleion.dumps(found, binary=True)) == ion(
        simpleion.dumps(result, binary=False)
    )


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "true",
        "1",
        "1.5",
        "1e0",
        "2016-12-20T05:23:43.000000-00:00",
        '"text"',
        "'a symbol'",
        "{{aGVsbG8=}}",
        '{{"clob"}}',
        "[1, 2]",
        "(a b)",
        "{a: {b: 1}}",
        "mark::7",
    ],
)
def test_values_of_every_ion_type_are_kept_and_found(ledger, text):
    ledger.run("CREATE TABLE t")
    ledger.run("INSERT INTO t VALUE {'c': ?}", ion(text))
    condition = "c IS NULL" if text == "null" else "c = ?"
    parameters = [] if text == "null" else [ion(text)]
    (found,) = ledger.run(f"SELECT VALUE c FROM t WHERE {condition}", *parameters)
    assert simpleion.dumps(found, binary=True) == simpleion.dumps(ion(text), binary=True)
    ledger.run("UPDATE t SET c = ?", ion(text))
    (updated,) = ledger.run("SELECT VALUE c FROM t")
    assert simpleion.dumps(updated, binary=True) == simpleion.dumps(ion(text), binary=True)
