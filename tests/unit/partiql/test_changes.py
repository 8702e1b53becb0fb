"""INSERT, UPDATE, FROM and DELETE."""

from __future__ import annotations

import pytest
from amazon.ion import simpleion

from qldbkit.partiql.dialect import Dialect, DialectError
from qldbkit.partiql.errors import EvaluationError, SemanticError

VIN = "KM8SRDHF6EU074761"


def ion(text):
    return simpleion.loads(text)


def text_of(value):
    return simpleion.dumps(value, binary=False, omit_version_marker=True)


@pytest.fixture
def table(ledger):
    """A table ``t`` of one document with everything in it; it is read back with `document`."""
    ledger.run("CREATE TABLE t")
    ledger.run("INSERT INTO t ?", ion("{a: 1, s: note::{x: 1, y: 2}, l: [{n: 1}, {n: 2}, {n: 3}]}"))
    return ledger


def document(ledger):
    (found,) = ledger.run("SELECT * FROM t")
    return text_of(found)


@pytest.mark.parametrize(
    ("value", "parameters", "count"),
    [
        ("VALUE ?", ["{a: 1}"], 1),
        ("VALUE {'a': 1}", [], 1),
        ("?", ["{a: 1}"], 1),
        ("?", ["[{a: 1}, {a: 2}]"], 2),
        ("<< ?, ? >>", ["{a: 1}", "{a: 2}"], 2),
        ("<< {'a': 1} >>", [], 1),
        ("`{a: 1}`", [], 1),
        ("SELECT * FROM [{'a': 1}, {'a': 2}] AS x", [], 2),
    ],
)
def test_documents_are_inserted_in_every_form(ledger, value, parameters, count):
    ledger.run("CREATE TABLE t")
    given = ledger.run(f"INSERT INTO t {value}", *map(ion, parameters))
    ids = [row["documentId"] for row in given]
    assert list(ledger.tables["t"].documents) == ids
    assert len(ids) == count
    assert [row["a"] for row in ledger.run("SELECT a FROM t")] == [1, 2][:count]


@pytest.mark.parametrize("value", ["VALUE 1", "VALUE [{}]", "<< {}, 1 >>", "?"])
def test_what_is_no_struct_is_no_document(ledger, value):
    ledger.run("CREATE TABLE t")
    with pytest.raises(EvaluationError, match="a document is a struct"):
        ledger.run(f"INSERT INTO t {value}", *([ion("null.struct")] if value == "?" else []))
    assert not ledger.tables["t"].documents


def test_annotations_and_types_survive_insertion(ledger):
    ledger.run("CREATE TABLE t")
    given = "{a:mark::1,b:sym,c:null.string,d:1.50,e:2020T,f:{{aGk=}},g:1,g:2}"
    ledger.run("INSERT INTO t ?", ion(given))
    assert document(ledger) == given


@pytest.mark.parametrize(
    ("statement", "result"),
    [
        ("UPDATE t SET a = 2", "{a:2,s:note::{x:1,y:2},l:[{n:1},{n:2},{n:3}]}"),
        ("UPDATE t AS d SET d.b = d.a + 1", "{a:1,s:note::{x:1,y:2},l:[{n:1},{n:2},{n:3}],b:2}"),
        ("UPDATE t SET a = s.x, s.x = 9", "{a:1,s:note::{x:9,y:2},l:[{n:1},{n:2},{n:3}]}"),
        ("UPDATE t SET s['z'] = 3", "{a:1,s:note::{x:1,y:2,z:3},l:[{n:1},{n:2},{n:3}]}"),
        ("UPDATE t SET l[1].n = 9", "{a:1,s:note::{x:1,y:2},l:[{n:1},{n:9},{n:3}]}"),
        ("UPDATE t SET l = <<1, 2>>, s = 0", "{a:1,s:0,l:[1,2]}"),
        ("UPDATE t SET a = MISSING", "{s:note::{x:1,y:2},l:[{n:1},{n:2},{n:3}]}"),
        ("UPDATE t REMOVE s.x", "{a:1,s:note::{y:2},l:[{n:1},{n:2},{n:3}]}"),
        ("UPDATE t REMOVE l[0]", "{a:1,s:note::{x:1,y:2},l:[{n:2},{n:3}]}"),
        ("UPDATE t REMOVE nothing.is_here", "{a:1,s:note::{x:1,y:2},l:[{n:1},{n:2},{n:3}]}"),
        ("FROM t AS d WHERE d.a = 1 SET d.a = 5", "{a:5,s:note::{x:1,y:2},l:[{n:1},{n:2},{n:3}]}"),
        ("UPDATE t INSERT INTO l VALUE 4", "{a:1,s:note::{x:1,y:2},l:[{n:1},{n:2},{n:3},4]}"),
        ("UPDATE t INSERT INTO l VALUE 0 AT 0", "{a:1,s:note::{x:1,y:2},l:[0,{n:1},{n:2},{n:3}]}"),
        (
            "FROM t AS d INSERT INTO d.l AT 1 VALUE 0",
            "{a:1,s:note::{x:1,y:2},l:[{n:1},0,{n:2},{n:3}]}",
        ),
        (
            "FROM t AS d INSERT INTO d.l << 7, 8 >> AT 1",
            "{a:1,s:note::{x:1,y:2},l:[{n:1},7,8,{n:2},{n:3}]}",
        ),
        (
            "UPDATE t INSERT INTO s VALUE 3 AT 'z'",
            "{a:1,s:note::{x:1,y:2,z:3},l:[{n:1},{n:2},{n:3}]}",
        ),
        (
            "FROM t AS d, d.l AS e WHERE e.n > 1 SET e.n = e.n * 10",
            "{a:1,s:note::{x:1,y:2},l:[{n:1},{n:20},{n:30}]}",
        ),
        ("FROM t AS d, d.l AS e WHERE e.n < 3 REMOVE e", "{a:1,s:note::{x:1,y:2},l:[{n:3}]}"),
        (
            "FROM t AS d, d.l AS e AT i INSERT INTO d.l VALUE e.n AT i",
            "{a:1,s:note::{x:1,y:2},l:[1,{n:1},2,{n:2},3,{n:3}]}",
        ),
        (
            "FROM t AS d, UNPIVOT d.s AS v AT k WHERE k = 'y' SET v = 7",
            "{a:1,s:note::{x:1,y:7},l:[{n:1},{n:2},{n:3}]}",
        ),
        ("UPDATE t AS d SET d = {'new': 1}", "{new:1}"),
        ("FROM t AS d SET d.b = 1 REMOVE d.l SET d.c = 2", "{a:1,s:note::{x:1,y:2},b:1,c:2}"),
    ],
)
def test_documents_are_changed_in_place(table, statement, result):
    (row,) = table.run(statement)
    assert dict(row) == {"documentId": next(iter(table.tables["t"].documents))}
    assert document(table) == result


def test_the_document_before_a_change_is_left_as_it_was(table):
    (before,) = table.tables["t"].documents.values()
    text = text_of(before)
    table.run("UPDATE t SET s.x = 9, l[0].n = 9 REMOVE a")
    assert text_of(before) == text


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE t SET nothing.x = 1", "no field 'x' in what is missing"),
        ("UPDATE t SET a.x = 1", "no field 'x' in an int"),
        ("UPDATE t SET l[7] = 1", "no element 7 in a list"),
        ("UPDATE t AS d SET d = 1", "a document is a struct"),
        ("UPDATE t INSERT INTO l VALUE 1 AT 9", "nothing can be inserted at 9"),
        ("UPDATE t INSERT INTO a VALUE 1", "nothing can be inserted"),
        ("UPDATE t INSERT INTO s VALUE 1", "nothing can be inserted"),
    ],
)
def test_a_place_that_does_not_exist_is_refused(table, statement, said):
    before = document(table)
    with pytest.raises(EvaluationError, match=said):
        table.run(statement)
    assert document(table) == before


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE NonExistentTable SET a = 1",
            "column 8: No such variable named 'NonExistentTable'",
        ),
        ("INSERT INTO Nothing VALUE {}", "column 13: No such variable named 'Nothing'"),
        ("DELETE FROM Nothing", "column 13: No such variable named 'Nothing'"),
        ("UPDATE _ql_committed_t SET a = 1", "is a view"),
        ("INSERT INTO _ql_committed_t VALUE {}", "is a view"),
        ("FROM [1] AS x SET x = 1", "only the documents of a table"),
        ("FROM t AS d, [1] AS e SET e.x = 1", "no place in a document"),
        ("FROM t AS d, t AS e SET f.x = 1", "No such variable named 'f'"),
    ],
)
def test_only_documents_of_tables_are_changed(table, statement, said):
    with pytest.raises(SemanticError, match=said):
        table.run(statement)


def test_removing_the_alias_deletes_the_document(table):
    (row,) = table.run("FROM t AS d WHERE d.a = 1 REMOVE d")
    assert row["documentId"]
    assert table.run("SELECT * FROM t") == []


def test_delete_gives_the_ids_of_what_it_deleted(vehicles):
    rows = vehicles.run("DELETE FROM Vehicle AS v BY id WHERE v.VIN = ?", VIN)
    assert [row["documentId"] for row in rows] == ["D000000000000000000008"]
    assert vehicles.run("SELECT VALUE VIN FROM Vehicle") == ["1N4AL11D75C109151"]
    assert len(vehicles.run("DELETE FROM Vehicle")) == 1
    assert vehicles.run("DELETE FROM Vehicle") == []


def test_a_whole_document_is_replaced_by_its_id(vehicles):
    document_id = "D000000000000000000008"
    given = vehicles.run(
        "UPDATE Vehicle AS d BY id SET d = ? WHERE id = ?", ion("{VIN: 'x'}"), document_id
    )
    assert [row["documentId"] for row in given] == [document_id]
    assert text_of(vehicles.tables["Vehicle"].documents[document_id]) == "{VIN:x}"


def test_one_document_that_is_met_twice_gets_one_revision(vehicles):
    rows = vehicles.run(
        "FROM VehicleRegistration AS r, r.Owners.SecondaryOwners AS o WHERE r.VIN = ? "
        "SET o.Seen = true",
        VIN,
    )
    assert len(rows) == 1
    versions = vehicles.tables["VehicleRegistration"].versions[rows[0]["documentId"]]
    assert len(versions) == 2
    owners = versions[1]["data"]["Owners"]["SecondaryOwners"]
    assert [bool(owner["Seen"]) for owner in owners] == [True, True]


def test_a_change_is_done_when_execute_returns(table):
    from qldbkit.partiql import prepare

    rows = prepare("UPDATE t SET a = 2").execute(table, [])
    assert document(table).startswith("{a:2")
    assert len(list(rows)) == 1


def test_a_nested_list_is_changed_even_when_a_table_has_its_name(table):
    table.run("CREATE TABLE d")
    table.run("FROM t AS d, d.l AS e WHERE e.n = 2 SET e.n = 20")
    assert document(table) == "{a:1,s:note::{x:1,y:2},l:[{n:1},{n:20},{n:3}]}"


def test_a_list_of_new_documents_replaces_those_of_their_ids_and_no_other_is_read(ledger):
    ledger.run("CREATE TABLE t")
    ids = [row["documentId"] for row in ledger.run("INSERT INTO t ?", ion("[{n: 1}, {n: 2}, {}]"))]
    new = [{"id": ids[2], "data": {"n": 30}}, {"id": ids[0], "data": {"m": 10}}, {"id": "none"}]
    ledger.reads.clear()

    statement = "FROM ? AS new, t AS d BY rowId WHERE rowId = new.id SET d = new.data"
    changed = ledger.run(statement, new)

    assert [row["documentId"] for row in changed] == [ids[2], ids[0]]
    assert {each for each, *_ in ledger.reads} == {"get"}
    assert list(map(text_of, ledger.run("SELECT * FROM t"))) == ["{m:10}", "{n:2}", "{n:30}"]


def test_a_parameter_before_the_table_was_no_statement_of_qldb(ledger):
    ledger.run("CREATE TABLE t")
    statement = "FROM ? AS new, t AS d BY rowId WHERE rowId = new.id SET d = new.data"
    with pytest.raises(DialectError, match="a parameter before the table"):
        ledger.run(statement, [], dialect=Dialect.QLDB)


def test_a_parameter_alone_has_no_documents_to_change(ledger):
    with pytest.raises(SemanticError, match="only the documents of a table"):
        ledger.run("FROM ? AS new SET new.a = 1", [])
