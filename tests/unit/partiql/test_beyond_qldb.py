"""What QLDB never had, and the dialect that refuses it."""

from __future__ import annotations

import pytest
from amazon.ion import simpleion

from qldbkit.partiql import Dialect, DialectError, parse
from qldbkit.partiql.errors import SemanticError


@pytest.fixture
def sales(ledger):
    ledger.run("CREATE TABLE Sale")
    ledger.run("CREATE TABLE City")
    rows = "[{c: 1, n: 5}, {c: 1, n: 7}, {c: 2, n: 1}, {c: 3, n: null}, {n: 4}]"
    ledger.run("INSERT INTO Sale ?", simpleion.loads(rows))
    ledger.run("INSERT INTO City ?", simpleion.loads('[{id: 1, name: "A"}, {id: 4, name: "D"}]'))
    return ledger


def results(ledger, text):
    rows = ledger.run(text)
    return simpleion.dumps(rows, binary=False, omit_version_marker=True)


@pytest.mark.parametrize(
    ("statement", "result"),
    [
        ("SELECT VALUE s.n FROM Sale s ORDER BY s.n", "[1,4,5,7,null]"),
        ("SELECT VALUE s.n FROM Sale s ORDER BY s.n DESC NULLS LAST LIMIT 2", "[7,5]"),
        ("SELECT VALUE s.n FROM Sale s ORDER BY s.n LIMIT 2 OFFSET 1", "[4,5]"),
        ("SELECT n * 2 AS m FROM Sale WHERE c = 1 ORDER BY m DESC", "[{m:14},{m:10}]"),
        (
            "SELECT c, SUM(n) AS total, COUNT(*) AS rows FROM Sale GROUP BY c "
            "HAVING COUNT(*) > 0 ORDER BY total DESC NULLS LAST LIMIT 2",
            "[{c:1,total:12,rows:2},{c:null,total:4,rows:1}]",
        ),
        ("SELECT s.c + 1 AS k FROM Sale s GROUP BY s.c + 1 ORDER BY k LIMIT 1", "[{k:2}]"),
        ("SELECT c AS k, MAX(n) FROM Sale GROUP BY k ORDER BY k LIMIT 1", "[{k:1,_1:7}]"),
        (
            "SELECT c, (SELECT VALUE v.s.n FROM g AS v) AS ns FROM Sale AS s GROUP BY c "
            "GROUP AS g ORDER BY c LIMIT 1",
            "[{c:1,ns:[5,7]}]",
        ),
        ("SELECT DISTINCT VALUE c FROM Sale WHERE c IS NOT MISSING ORDER BY c", "[1,2,3]"),
        (
            "SELECT VALUE CASE WHEN n > 4 THEN 'much' WHEN n IS NULL THEN 'none' ELSE 'few' END "
            "FROM Sale WHERE c = 1 OR c = 3",
            '["much","much","none"]',
        ),
        (
            "SELECT c.name, s.n FROM City c LEFT JOIN Sale s ON c.id = s.c ORDER BY c.name, s.n",
            '[{name:"A",n:5},{name:"A",n:7},{name:"D"}]',
        ),
        (
            "SELECT c.name, s.n FROM Sale s RIGHT JOIN City c ON c.id = s.c ORDER BY c.name, s.n",
            '[{name:"A",n:5},{name:"A",n:7},{name:"D"}]',
        ),
        ("SELECT COUNT(*) AS k FROM City c FULL JOIN Sale s ON c.id = s.c", "[{k:6}]"),
        ("SELECT COUNT(*) AS k FROM City CROSS JOIN Sale", "[{k:10}]"),
        ("SELECT VALUE x FROM City c LET c.id + 1 AS x WHERE x > 2", "[5]"),
        ("SELECT k, v FROM UNPIVOT {'a': 1, 'b': 2} AS v AT k", '[{k:"a",v:1},{k:"b",v:2}]'),
        ("PIVOT c.id AT c.name FROM City AS c", "[{A:1,D:4}]"),
        ("(SELECT VALUE id FROM City) UNION (SELECT VALUE 1) ORDER BY $row", None),
        ("<<1, 1, 2>> OUTER UNION ALL <<1>>", "[1,1,2,1]"),
        ("<<1, 1, 2>> INTERSECT ALL <<1, 1, 1>>", "[1,1]"),
        ("<<1, 1, 2>> EXCEPT <<1>>", "[2]"),
    ],
)
def test_queries_of_the_full_dialect(sales, statement, result):
    if result is not None:
        assert results(sales, statement) == result


def test_an_ungrouped_variable_is_refused(sales):
    with pytest.raises(SemanticError, match="neither a key of GROUP BY nor in an aggregate"):
        sales.run("SELECT s.n FROM Sale AS s GROUP BY s.c")


@pytest.mark.parametrize(
    ("statement", "what", "column"),
    [
        ("SELECT * FROM t ORDER BY a", "ORDER BY", 17),
        ("SELECT * FROM t LIMIT 1", "LIMIT", 17),
        ("SELECT * FROM t OFFSET 1", "OFFSET", 17),
        ("SELECT a FROM t GROUP BY a", "GROUP BY", 17),
        ("SELECT COUNT(*) FROM t HAVING 1 = 1", "HAVING", 24),
        ("SELECT DISTINCT a FROM t", "DISTINCT", 8),
        ("SELECT CASE WHEN a THEN 1 END FROM t", "CASE", 8),
        ("SELECT * FROM t LEFT JOIN u ON true", "LEFT JOIN", 17),
        ("SELECT * FROM t CROSS JOIN u", "CROSS JOIN", 17),
        ("SELECT * FROM t UNION SELECT * FROM u", "UNION", 17),
        ("SELECT * FROM t LET t.a AS x", "LET", 17),
        ("SELECT * FROM UNPIVOT t", "UNPIVOT", 15),
        ("PIVOT a AT b FROM t", "PIVOT", 1),
        ("SELECT ABS(a) FROM t", "the function ABS", 8),
        ("SELECT DATE '2020-01-01' FROM t", "a literal of type DATE", 8),
    ],
)
def test_qldbs_dialect_refuses_what_qldb_refused(statement, what, column):
    parse(statement)
    with pytest.raises(DialectError, match="is not supported by Amazon QLDB") as refused:
        parse(statement, Dialect.QLDB)
    assert refused.value.message.startswith(what)
    assert refused.value.column == column


def test_in_qldbs_dialect_a_name_must_say_which_table_it_is_of(sales):
    statement = "SELECT name FROM City c, Sale s"
    assert sales.run(statement)
    with pytest.raises(SemanticError, match="No such variable named 'name'"):
        sales.run(statement, dialect=Dialect.QLDB)


def test_in_qldbs_dialect_only_the_outermost_query_reads_tables(sales):
    statement = "SELECT c.name FROM City AS c WHERE c.id IN (SELECT VALUE s.c FROM Sale AS s)"
    assert len(sales.run(statement)) == 1
    with pytest.raises(DialectError, match="a table in a nested query") as refused:
        sales.run(statement, dialect=Dialect.QLDB)
    assert refused.value.column == 67
    nested = "SELECT VALUE (SELECT VALUE x.v FROM c.list AS x) FROM City AS c WHERE c.id = 1"
    assert len(sales.run(nested, dialect=Dialect.QLDB)) == 1
