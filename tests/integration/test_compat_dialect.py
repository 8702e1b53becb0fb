"""``--dialect qldb``: what Amazon QLDB refused is refused, by the server or for one ledger."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from qldbkit.ledger.server import running_server
from qldbkit.partiql.dialect import Dialect


@pytest.fixture(scope="module")
def drivers(tmp_path_factory, connected, in_one) -> Iterator[dict[str, Any]]:
    """A driver for a ledger in the server's dialect, and for one in its own."""
    folder = tmp_path_factory.mktemp("dialect") / "ledgers"
    options = {"dialect": Dialect.QLDB, "dialects": {"free": Dialect.FULL}}
    with running_server(folder, **options) as server:
        user = connected(server)
        for name in ("strict", "free"):
            user.create(name)
        with user.driver("strict") as strict, user.driver("free") as free:
            for driver in (strict, free):
                in_one(driver, ("CREATE TABLE t",))
                in_one(driver, ("INSERT INTO t << {'a': 1}, {'a': 2}, {'a': 2} >>",))
            yield {"strict": strict, "free": free}


BEYOND = [
    ("SELECT * FROM t ORDER BY a", "ORDER BY", 17, 3),
    ("SELECT * FROM t\nLIMIT 1", "LIMIT", 1, 1),
    ("SELECT * FROM t OFFSET 1", "OFFSET", 17, 2),
    ("SELECT a, COUNT(*) FROM t GROUP BY a", "GROUP BY", 27, 2),
    ("SELECT DISTINCT a FROM t", "DISTINCT", 8, 2),
    ("SELECT CASE WHEN a = 1 THEN 'x' END FROM t", "CASE", 8, 3),
    ("SELECT * FROM t AS x LEFT JOIN t AS y ON x.a = y.a", "LEFT JOIN", 22, 5),
    ("SELECT * FROM t AS x CROSS JOIN t AS y", "CROSS JOIN", 22, 9),
    ("SELECT a FROM t UNION SELECT a FROM t", "UNION", 17, 2),
    ("SELECT a FROM t EXCEPT SELECT a FROM t", "EXCEPT", 17, 0),
    ("SELECT a FROM t INTERSECT ALL SELECT a FROM t", "INTERSECT", 17, 3),
    ("SELECT ABS(a) FROM t", "ABS", 8, 3),
    ("SELECT * FROM t WHERE a = (SELECT MAX(a) FROM t)", "a table in a nested query", 47, 2),
    ("SELECT * FROM t AS x WHERE EXISTS (SELECT * FROM t)", "a table in a nested query", 50, 3),
]


@pytest.mark.parametrize(("statement", "what", "column", "count"), BEYOND)
def test_what_qldb_never_had_is_refused_where_it_is_not_wanted(
    drivers, in_one, statement, what, column, count
) -> None:
    with pytest.raises(ClientError) as refused:
        in_one(drivers["strict"], (statement,))
    error = refused.value.response["Error"]
    line = 2 if "\n" in statement else 1
    assert error["Code"] == "BadRequestException"
    assert what in error["Message"]
    assert f"(at line {line}, column {column})" in error["Message"]
    assert len(in_one(drivers["free"], (statement,))[0]) == count


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT COUNT(*) FROM t AS x INNER JOIN t AS y ON x.a = y.a",
        "SELECT x.a FROM t AS x, t AS y WHERE x.a = y.a",
        "SELECT * FROM (SELECT VALUE e FROM << 1, 2 >> AS e) AS n",
        "SELECT VALUE (SELECT VALUE e FROM @r.list AS e) FROM t AS r",
        "SELECT * FROM history(t) AS h",
        "SELECT * FROM _ql_committed_t",
        "SELECT VALUE name FROM information_schema.user_tables WHERE status = 'ACTIVE'",
    ],
)
def test_what_qldb_had_is_the_same_in_both(drivers, in_one, statement) -> None:
    strict, free = (in_one(drivers[name], (statement,))[0] for name in ("strict", "free"))
    assert len(strict) == len(free) > 0
