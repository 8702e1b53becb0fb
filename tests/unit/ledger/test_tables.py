"""Tables and indexes: their states, their names, and what they leave in the journal."""

import pytest

from qldbkit.ledger.errors import BadRequestError, LimitExceededError
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.limits import Limits

TABLES = "SELECT * FROM information_schema.user_tables"


def statuses(rows):
    return {row["name"]: row["status"] for row in rows}


def test_user_tables_shows_tables_and_indexes(people, do):
    (person, pet) = do(people, TABLES)
    assert (person["name"], person["status"]) == ("Person", "ACTIVE")
    assert [(each["expr"], each["status"]) for each in person["indexes"]] == [("[name]", "ONLINE")]
    assert pet["indexes"] == []


def test_a_taken_name_is_refused_in_qldbs_words(people, do):
    with pytest.raises(BadRequestError) as caught:
        do(people, "CREATE TABLE Person")
    assert caught.value.message == "Table with name: USER.Person already exists"
    assert caught.value.fields == {"Code": "412"}


def test_an_unknown_table_is_refused_in_qldbs_words(people, do):
    with pytest.raises(BadRequestError) as caught:
        do(people, "SELECT * FROM NonExistentTable")
    assert caught.value.message.startswith(
        "Semantic Error: at line 1, column 15: No such variable named 'NonExistentTable'"
    )
    assert caught.value.fields == {"Code": "432"}


def test_names_that_qldb_reserves_are_refused(people, do):
    with pytest.raises(BadRequestError, match="_ql_"):
        do(people, "CREATE TABLE _ql_mine")


def test_a_dropped_table_keeps_documents_and_indexes_and_comes_back(people, do):
    do(people, "INSERT INTO Person {'name': 'Ann'}")
    (row,) = do(people, "DROP TABLE Person")
    table_id = row["tableId"]
    assert statuses(do(people, TABLES)) == {"Person": "INACTIVE", "Pet": "ACTIVE"}
    for statement in ("SELECT * FROM Person", "INSERT INTO Person {'name': 'Bob'}"):
        with pytest.raises(BadRequestError, match="No such variable"):
            do(people, statement)
    assert len(do(people, f"SELECT * FROM history('{table_id}') AS h")) == 1
    assert do(people, f'UNDROP TABLE "{table_id}"') == [{"tableId": table_id}]
    assert do(people, "SELECT * FROM Person WHERE name = 'Ann'") == [{"name": "Ann"}]


def test_undrop_is_refused_while_the_name_is_taken(people, do):
    (row,) = do(people, "DROP TABLE Person")
    (new,) = do(people, "CREATE TABLE Person")
    undrop = f'UNDROP TABLE "{row["tableId"]}"'
    with pytest.raises(BadRequestError, match="already exists"):
        do(people, undrop)
    do(people, "DROP TABLE Person")
    do(people, undrop)
    with pytest.raises(BadRequestError, match="already exists"):
        do(people, f'UNDROP TABLE "{new["tableId"]}"')


def test_an_active_table_cannot_be_undropped(people, do):
    (person, _) = do(people, TABLES)
    with pytest.raises(BadRequestError, match="No inactive table"):
        do(people, f'UNDROP TABLE "{person["tableId"]}"')


def test_a_table_and_its_documents_in_one_transaction(ledger, run, commit, do):
    transaction = ledger.begin()
    run(transaction, "CREATE TABLE Person")
    run(transaction, "CREATE INDEX ON Person (name)")
    run(transaction, "INSERT INTO Person {'name': 'Ann'}")
    (table,) = run(transaction, TABLES)
    assert table["indexes"][0]["status"] == "BUILDING"
    commit(transaction)
    assert ledger.finish_maintenance(10)
    (table,) = do(ledger, TABLES)
    assert table["indexes"][0]["status"] == "ONLINE"
    assert do(ledger, "SELECT * FROM Person WHERE name = 'Ann'") == [{"name": "Ann"}]


def test_an_aborted_definition_leaves_nothing(people, run, do):
    transaction = people.begin()
    run(transaction, "DROP TABLE Person")
    run(transaction, "CREATE TABLE New")
    transaction.abort()
    assert statuses(do(people, TABLES)) == {"Person": "ACTIVE", "Pet": "ACTIVE"}


def test_an_index_on_a_populated_table_is_built_and_used(tmp_path, do, run):
    ledger = Ledger.create(tmp_path / "l.sqlite", "Test", limits=Limits(index_batch=7))
    do(ledger, "CREATE TABLE Person")
    for first in range(0, 60, 20):
        do(
            ledger,
            "INSERT INTO Person ?",
            [{"name": f"p{n % 10}"} for n in range(first, first + 20)],
        )
    do(ledger, "CREATE INDEX ON Person (name)")
    do(ledger, "UPDATE Person SET name = 'changed' WHERE name = 'p3'")
    assert ledger.finish_maintenance(10)
    transaction = ledger.begin()
    cursor = transaction.execute("SELECT * FROM Person WHERE name IN ('p1', 'changed', 'p3')")
    assert len(cursor.first.values) == 12
    assert cursor.consumed.reads == 12
    ledger.close()


def test_building_goes_on_after_a_restart(tmp_path, do):
    path, limits = tmp_path / "l.sqlite", Limits(index_batch=1)
    ledger = Ledger.create(path, "Test", limits=limits)
    do(ledger, "CREATE TABLE Person")
    for _ in range(5):
        do(ledger, "INSERT INTO Person ?", [{"name": f"p{n}"} for n in range(40)])
    do(ledger, "CREATE INDEX ON Person (name)")
    ledger.close()
    ledger = Ledger.open(path, limits=limits)
    assert ledger.finish_maintenance(30)
    (table,) = do(ledger, TABLES)
    assert table["indexes"][0]["status"] == "ONLINE"
    assert len(do(ledger, "SELECT * FROM Person WHERE name = 'p7'")) == 5
    ledger.close()


def test_a_dropped_index_goes_and_can_be_made_again(people, do):
    do(people, "INSERT INTO Person ?", [{"name": f"p{n}"} for n in range(30)])
    (person, _) = do(people, TABLES)
    index_id = person["indexes"][0]["indexId"]
    do(people, f'DROP INDEX "{index_id}" ON Person WITH (purge = true)')
    assert people.finish_maintenance(10)
    (person, _) = do(people, TABLES)
    assert person["indexes"] == []
    assert len(do(people, "SELECT * FROM Person WHERE name = 'p7'")) == 1
    do(people, "CREATE INDEX ON Person (name)")
    assert people.finish_maintenance(10)
    (person, _) = do(people, TABLES)
    assert person["indexes"][0]["status"] == "ONLINE"
    assert person["indexes"][0]["indexId"] != index_id
    assert len(do(people, "SELECT * FROM Person WHERE name = 'p7'")) == 1


def test_a_second_index_on_a_field_is_refused(people, do):
    with pytest.raises(BadRequestError, match="already exists"):
        do(people, "CREATE INDEX ON Person (name)")


@pytest.mark.parametrize(
    ("stored", "asked", "found"),
    [
        ("1", "1.0", True),
        ("1", "1e0", True),
        ("1.50", "1.5", True),
        ("'a'", "'a'", True),
        ("'a'", "`a`", True),
        ("'a'", "'A'", False),
        ("[1, {'x': 2}]", "[1, {'x': 2.0}]", True),
        ("NULL", "NULL", False),
        ("TRUE", "TRUE", True),
        ("`2020-01-31T00:00Z`", "`2020-01-31T01:00+01:00`", True),
    ],
)
def test_an_index_finds_what_equality_finds(people, do, stored, asked, found):
    do(people, f"INSERT INTO Person {{'name': {stored}}}")
    do(people, f"INSERT INTO Pet {{'name': {stored}}}")
    for table in ("Person", "Pet"):
        rows = do(people, f"SELECT * FROM {table} AS t WHERE t.name = {asked}")
        assert len(rows) == found, table


def test_limits_of_tables_and_indexes(tmp_path, do):
    limits = Limits(active_tables=2, total_tables=3, indexes_per_table=2)
    ledger = Ledger.create(tmp_path / "l.sqlite", "Test", limits=limits)
    (row,) = do(ledger, "CREATE TABLE A")
    do(ledger, "CREATE TABLE B")
    with pytest.raises(LimitExceededError, match="2 active tables"):
        do(ledger, "CREATE TABLE C")
    do(ledger, "DROP TABLE A")
    do(ledger, "CREATE TABLE C")
    with pytest.raises(LimitExceededError, match="2 active tables"):
        do(ledger, f'UNDROP TABLE "{row["tableId"]}"')
    do(ledger, "DROP TABLE B")
    with pytest.raises(LimitExceededError, match="3 tables"):
        do(ledger, "CREATE TABLE D")
    do(ledger, "CREATE INDEX ON C (one)")
    do(ledger, "CREATE INDEX ON C (two)")
    with pytest.raises(LimitExceededError, match="2 indexes"):
        do(ledger, "CREATE INDEX ON C (three)")
    with pytest.raises(BadRequestError, match="128"):
        do(ledger, f"CREATE INDEX ON C ({'x' * 129})")
    ledger.close()
