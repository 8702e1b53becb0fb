"""Prepared statements, their cache, and threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from qldbkit.journal.model import BlockAddress
from qldbkit.partiql import Dialect, prepare
from qldbkit.partiql.errors import EvaluationError
from qldbkit.partiql.prepared import CACHED_CHARACTERS, CACHED_STATEMENTS, prepared


def test_a_statement_is_prepared_once():
    text = "SELECT * FROM t WHERE a = ?"
    assert prepare(text) is prepare(text)
    assert prepare(text) is not prepare(text, Dialect.QLDB)
    assert prepared.cache_info().maxsize == CACHED_STATEMENTS


def test_a_long_statement_is_not_kept():
    text = f"SELECT * FROM t WHERE a = '{'x' * CACHED_CHARACTERS}'"
    assert prepare(text) is not prepare(text)


def test_one_plan_runs_in_several_threads_at_once(ledger):
    ledger.run("CREATE TABLE t")
    for number in range(50):
        ledger.run("INSERT INTO t VALUE {'n': ?}", number)
    statement = prepare(
        "SELECT a.n AS n, (SELECT COUNT(*) FROM t AS c WHERE c.n < a.n) AS below "
        "FROM t AS a, t AS b WHERE a.n = b.n AND a.n >= ?"
    )

    def run(start: int):
        return [(row["n"], row["below"]) for row in statement.execute(ledger, [start])]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(run, range(40)))
    assert found == [[(n, n) for n in range(start, 50)] for start in range(40)]


def test_two_executions_can_be_read_in_turn(ledger):
    statement = prepare("SELECT VALUE x + ? FROM [1, 2, 3] AS x")
    first, second = statement.execute(ledger, [10]), statement.execute(ledger, [20])
    assert [value for pair in zip(first, second, strict=True) for value in pair] == [
        11,
        21,
        12,
        22,
        13,
        23,
    ]


def test_tables_come_and_go(ledger):
    (created,) = ledger.run("CREATE TABLE t")
    table_id = created["tableId"]
    assert dict(ledger.run("CREATE INDEX ON t (a)")[0]) == {"tableId": table_id}
    assert ledger.table("t").indexed == {"a"}
    assert dict(ledger.run('DROP INDEX "a" ON t WITH (purge = true)')[0]) == {"tableId": table_id}
    assert ledger.table("t").indexed == frozenset()
    assert dict(ledger.run("DROP TABLE t")[0]) == {"tableId": table_id}
    assert dict(ledger.run(f'UNDROP TABLE "{table_id}"')[0]) == {"tableId": table_id}
    assert ledger.table("t") is not None


def test_a_redaction_is_ordered_of_what_its_arguments_say(ledger):
    from amazon.ion import simpleion

    address = simpleion.loads('{strandId: "JUJgrQeIeI64ZgvXIuqlZ1", sequenceNo: 17}')
    ledger.run("EXEC REDACT_REVISION ?, 'table', 'document'", address)
    expected = (BlockAddress("JUJgrQeIeI64ZgvXIuqlZ1", 17), "table", "document")
    assert ledger.redacted == [expected]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("`{strandId: 1}`, 'a', 'b'", "takes a block address"),
        ("`{strandId: \"a\", sequenceNo: -1}`, 'a', 'b'", "takes a block address"),
        ("`{strandId: \"a\", sequenceNo: 1}`, 1, 'b'", "takes a table's id"),
        ("`{strandId: \"a\", sequenceNo: 1}`, 'a', NULL", "takes a document's id"),
    ],
)
def test_a_redaction_of_nothing_that_can_be_is_refused(ledger, arguments, said):
    with pytest.raises(EvaluationError, match=said):
        ledger.run(f"EXEC REDACT_REVISION {arguments}")
    assert ledger.redacted == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT VALUE COUNT(*) FROM ? AS a, ? AS b, ? AS c, ? AS d",
        "SELECT VALUE (SELECT VALUE COUNT(*) FROM ? AS b, ? AS c, ? AS d) FROM ? AS a",
        "SELECT VALUE COUNT(*) FROM ? AS a LEFT JOIN (SELECT VALUE 1 FROM ? AS b, ? AS c, ? AS d) "
        "AS e ON false",
    ],
)
def test_a_statement_that_takes_too_long_can_be_ended(ledger, statement):
    class TooLongError(Exception):
        pass

    checks = iter(range(50))

    def check():
        if next(checks, None) is None:
            raise TooLongError

    many = [list(range(1_000))] * 4
    with pytest.raises(TooLongError):
        list(prepare(statement).execute(ledger, many, check))
