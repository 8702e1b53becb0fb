"""SELECT as QLDB has it: paths, aliases, joins, views and functions."""

from __future__ import annotations

import pytest

from qldbkit.partiql import prepare
from qldbkit.partiql.errors import EvaluationError, SemanticError


def test_a_star_gives_documents_as_they_are(vehicles):
    assert [dict(row) for row in vehicles.run("SELECT * FROM Vehicle")] == [
        {"VIN": "1N4AL11D75C109151", "Color": "Silver"},
        {"VIN": "KM8SRDHF6EU074761", "Color": "Blue"},
    ]


def test_columns_are_named_by_alias_path_or_number(vehicles):
    (row,) = vehicles.run(
        "SELECT v.Color, v.VIN AS number, 1 + 1, v.Color || '!' FROM Vehicle AS v "
        "WHERE v.Color = 'Blue'"
    )
    assert dict(row) == {"Color": "Blue", "number": "KM8SRDHF6EU074761", "_1": 2, "_2": "Blue!"}


def test_a_field_that_is_missing_is_left_out(vehicles):
    rows = vehicles.run("SELECT v.Color, v.Nothing, v.Color.nothing AS n FROM Vehicle AS v")
    assert [list(row) for row in rows] == [["Color"], ["Color"]]


def test_names_without_alias_are_fields(vehicles):
    assert vehicles.run("SELECT VALUE Color FROM Vehicle WHERE VIN = ?", "KM8SRDHF6EU074761") == [
        "Blue"
    ]


def test_names_are_case_sensitive(vehicles):
    assert vehicles.run("SELECT VALUE v.color FROM Vehicle AS v WHERE v.vin IS NOT MISSING") == []
    with pytest.raises(SemanticError, match="No such variable named 'vehicle'"):
        vehicles.run("SELECT * FROM vehicle")


def test_the_document_id_is_bound_by_by(vehicles):
    rows = vehicles.run("SELECT id, Color FROM Vehicle BY id WHERE Color = 'Blue'")
    assert [dict(row) for row in rows] == [{"id": "D000000000000000000008", "Color": "Blue"}]
    star = vehicles.run("SELECT * FROM Vehicle AS v BY id WHERE id = ?", "D000000000000000000008")
    assert star[0]["id"] == "D000000000000000000008"


def test_nested_lists_are_joined_laterally(vehicles):
    rows = vehicles.run(
        "SELECT r.VIN, o.PersonId, i FROM VehicleRegistration AS r, "
        "r.Owners.SecondaryOwners AS o AT i WHERE i > 0"
    )
    assert [(row["PersonId"], row["i"]) for row in rows] == [("P3", 1), ("P3", 1)]


def test_a_table_can_be_joined_with_itself(vehicles):
    rows = vehicles.run("SELECT a.VIN, b.VIN AS other FROM Vehicle a, Vehicle b")
    assert len(rows) == 4
    rows = vehicles.run("SELECT COUNT(*) FROM Vehicle, Vehicle b, Vehicle c")
    assert [dict(row) for row in rows] == [{"_1": 8}]


def test_an_inner_join_keeps_what_its_condition_holds_for(vehicles):
    rows = vehicles.run(
        "SELECT v.Color, r.State FROM Vehicle AS v INNER JOIN VehicleRegistration AS r "
        "ON v.VIN = r.VIN WHERE v.Color = 'Silver'"
    )
    assert [dict(row) for row in rows] == [{"Color": "Silver", "State": "WA"}]


def test_the_committed_view_has_data_and_metadata(vehicles):
    (row,) = vehicles.run(
        "SELECT data.Color, metadata.version, metadata.id FROM _ql_committed_Vehicle "
        "WHERE data.VIN = 'KM8SRDHF6EU074761'"
    )
    assert dict(row) == {"Color": "Blue", "version": 0, "id": "D000000000000000000008"}


def test_history_takes_a_name_or_the_id_of_a_dropped_table(vehicles):
    vehicles.run("UPDATE Vehicle SET Color = 'Red' WHERE VIN = 'KM8SRDHF6EU074761'")
    by_name = vehicles.run("SELECT VALUE h.data.Color FROM history(Vehicle) AS h")
    assert by_name == ["Silver", "Blue", "Red"]
    table_id = vehicles.table("Vehicle").table_id
    vehicles.run("DROP TABLE Vehicle")
    by_id = vehicles.run(f"SELECT VALUE h.data.Color FROM history('{table_id}', `2020T`) AS h")
    assert by_id == by_name
    assert vehicles.reads[-1][:3] == ("history", table_id, "2020-01-01 00:00:00")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT * FROM history(Nothing)", "No such variable named 'Nothing'"),
        ("SELECT * FROM history(Vehicle, 'yesterday')", "are timestamps"),
        ("SELECT * FROM history(1)", "a table's name"),
        ("SELECT * FROM history()", "takes a table"),
    ],
)
def test_history_of_what_it_cannot_be_of_is_refused(vehicles, text, said):
    with pytest.raises(SemanticError, match=said):
        vehicles.run(text)


def test_the_information_schema_lists_tables(vehicles):
    vehicles.run("DROP TABLE Person")
    rows = vehicles.run("SELECT name FROM information_schema.user_tables WHERE status = 'ACTIVE'")
    assert [row["name"] for row in rows] == ["Vehicle", "VehicleRegistration"]


def test_an_unknown_table_is_refused_in_qldbs_words(vehicles):
    with pytest.raises(SemanticError) as refused:
        vehicles.run("SELECT * FROM NonExistentTable")
    assert refused.value.message == (
        "Semantic Error: at line 1, column 15: No such variable named 'NonExistentTable'; "
        "No such variable named 'NonExistentTable'"
    )


def test_it_is_refused_before_the_first_row_is_read(vehicles):
    with pytest.raises(SemanticError):
        prepare("SELECT * FROM NonExistentTable").execute(vehicles, [])


def test_rows_are_read_as_they_are_taken(vehicles):
    rows = prepare("SELECT * FROM Vehicle").execute(vehicles, [])
    assert vehicles.reads == []
    next(rows)
    assert vehicles.reads == [("scan", "Vehicle")]


def test_the_number_of_parameters_must_be_right(vehicles):
    with pytest.raises(SemanticError, match="the statement has 1 parameters, not 2"):
        vehicles.run("SELECT * FROM Vehicle WHERE VIN = ?", 1, 2)


def test_aggregates_without_groups(vehicles):
    (row,) = vehicles.run(
        "SELECT COUNT(*), SUM(r.PendingPenaltyTicketAmount) AS due FROM VehicleRegistration AS r"
    )
    assert str(row["due"]) == "180.50"
    assert row["_1"] == 2
    assert [dict(r) for r in vehicles.run("SELECT COUNT(*) FROM Vehicle WHERE VIN = 'x'")] == [
        {"_1": 0}
    ]


def test_typed_nulls_are_null(ledger):
    from amazon.ion import simpleion

    ledger.run("CREATE TABLE t")
    ledger.run("INSERT INTO t ?", simpleion.loads("{a: null.int}"))
    ledger.run("INSERT INTO t ?", simpleion.loads("{}"))
    assert len(ledger.run("SELECT * FROM t WHERE a IS NULL")) == 2
    assert len(ledger.run("SELECT * FROM t WHERE a IS MISSING")) == 1
    assert ledger.run("SELECT * FROM t WHERE a = NULL") == []


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'abc' LIKE 'a%'", True),
        ("'a%c' LIKE 'a!%c' ESCAPE '!'", True),
        ("5 BETWEEN 1 AND 5", True),
        ("2 NOT IN (1, 2)", False),
        ("1 IN (NULL, 2)", None),
        ("NOT (1 = NULL)", None),
        ("'a' IS STRING", True),
        ("1 IS NOT DECIMAL", True),
        ("CAST('12' AS INT) + 1", 13),
        ("EXTRACT(YEAR FROM `2021-02-03T`)", 2021),
        ("SUBSTRING('abcdef' FROM 2 FOR 3)", "bcd"),
        ("TRIM(LEADING '0' FROM '0010')", "10"),
        ("COALESCE(NULL, MISSING, 3)", 3),
        ("UPPER(MISSING)", None),
        ("SIZE([1, 2])", 2),
        ("TXID()", "T000000000000000000000"),
        ("{'a': [1, {'b': 2}]}.a[1].b", 2),
        ("EXISTS(SELECT * FROM [1] AS x WHERE x = 2)", False),
        ("(SELECT COUNT(*) FROM [1, 2] AS x)", 2),
    ],
)
def test_expressions(ledger, expression, value):
    assert ledger.run(f"SELECT VALUE {expression}") == [value]


@pytest.mark.parametrize(
    ("expression", "column"),
    [
        ("x + 1", 23),
        ("-x", 21),
        ("CAST(x AS INT)", 21),
        ("UPPER(1 + y)", 21),
        ("SIZE(x)", 21),
        ("x < 1", 23),
        ("x IN 1", 23),
        ("NOT x", 21),
        ("x AND true", 21),
        ("1 LIKE x || ''", None),
        ("x BETWEEN 1 AND 2", 23),
    ],
)
def test_an_operation_on_a_value_of_the_wrong_type_is_an_error(ledger, expression, column):
    ledger.run("CREATE TABLE t")
    ledger.run("INSERT INTO t VALUE {'x': 'a', 'y': 1}")
    with pytest.raises((EvaluationError, SemanticError)) as refused:
        ledger.run(f"SELECT 1, 2, 3 AS c, {expression} FROM t")
    assert refused.value.line == 1
    if column is not None:
        assert refused.value.column == column + 1


def test_an_operation_on_what_is_missing_is_not(ledger):
    ledger.run("CREATE TABLE t")
    ledger.run("INSERT INTO t VALUE {'y': 1}")
    rows = ledger.run("SELECT x + 1 AS a, x < 1 AS b, y.z AS c, UPPER(x) AS d, x IN x AS e FROM t")
    assert [dict(row) for row in rows] == [{"d": None}]


def test_what_ion_has_no_type_for_becomes_what_it_has(ledger):
    from amazon.ion import simpleion

    (row,) = ledger.run("SELECT <<1, 2>> AS bag, DATE '2020-01-31' AS day, [1, MISSING] AS list")
    text = simpleion.dumps(row, binary=False, omit_version_marker=True)
    assert text == "{bag:[1,2],day:$date::2020-01-31,list:[1,null]}"
    assert simpleion.dumps(row, binary=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SUM([1])", "no rows to aggregate"),
        ("SELECT VALUE nothing(1)", "there is no function NOTHING"),
        ("SELECT VALUE UPPER(1)", "UPPER does not take int"),
        ("SELECT VALUE UPPER('a', 'b')", "takes 1 arguments"),
        ("SELECT VALUE CAST(1 AS NOTHING)", "there is no type"),
        ("SELECT VALUE nothing", "No such variable named 'nothing'"),
    ],
)
def test_what_cannot_mean_anything_is_refused_before_it_runs(text, said):
    with pytest.raises(SemanticError, match=said) as refused:
        if "named" in said:
            list(prepare(text).execute(_Nothing(), []))
        else:
            prepare(text)
    assert refused.value.line == 1


class _Nothing:
    transaction_id = ""
    now = None

    def table(self, name):
        return None
