"""What statements are read as, and what is refused where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qldbkit.partiql import StatementKind, parse, prepare, statements
from qldbkit.partiql.errors import PartiqlSyntaxError
from qldbkit.partiql.statements import Assign, CreateIndex, Query, Remove, Update
from qldbkit.partiql.syntax import Binary, Literal, Logical, Name, Path, Select


def expression(text: str):
    statement = parse(text)
    assert isinstance(statement, Query)
    return statement.expression


def test_operators_bind_as_sql_says():
    found = expression("a + b * c = d || e AND NOT f OR g")
    assert isinstance(found, Logical)
    assert found.operator == "OR"
    conjunction = found.operands[0]
    assert isinstance(conjunction, Logical)
    assert conjunction.operator == "AND"
    comparison = conjunction.operands[0]
    assert isinstance(comparison, Binary)
    assert comparison.operator == "="
    assert isinstance(comparison.left, Binary)
    assert comparison.left.operator == "+"
    assert comparison.left.right == Binary("*", Name("b"), Name("c"))
    assert comparison.right == Binary("||", Name("d"), Name("e"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'it''s'", "it's"),
        ("-12", -12),
        ("12345678901234567890123", 12345678901234567890123),
        ("`{a: [1, 2]}`", {"a": [1, 2]}),
        ('`"a`"`', "a`"),
        ("`2020-01-01T`", None),
    ],
)
def test_literals_are_read(text, value):
    found = expression(text)
    assert isinstance(found, Literal)
    if value is not None:
        assert found.value == value


def test_a_comment_ends_where_its_line_does():
    assert expression("1 -- one\n + /* two */ 2") == expression("1 + 2")


def test_whole_document_replacement_is_read():
    found = parse("UPDATE t AS d BY id SET d = ? WHERE id = ?")
    assert isinstance(found, Update)
    assert found.source.by_alias == Name("id")
    assert isinstance(found.changes[0], Assign)
    assert found.changes[0].target == Name("d")


def test_several_changes_in_one_statement():
    found = parse("FROM t AS d WHERE d.x = 1 SET d.a = 1, d.b = 2 REMOVE d.c")
    assert isinstance(found, Update)
    assert [type(change) for change in found.changes] == [Assign, Assign, Remove]


def test_an_index_may_be_on_a_field_whose_name_is_a_keyword():
    assert parse('CREATE INDEX ON "Table" (date)') == CreateIndex("Table", "date")


def test_in_with_one_value_in_parentheses_looks_in_a_collection_of_it():
    found = expression("SELECT * FROM t WHERE a IN (?)")
    assert isinstance(found, Select)
    assert parse("SELECT * FROM t WHERE a IN [?]").expression.where == found.where


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("SELECT", 1, 7, "expected an expression, found end of the statement"),
        ("SELECT * FROM t WHERE a LIKE", 1, 29, "expected an expression"),
        ("SELECT *\nFROM t\nWHERE a = = b", 3, 11, "found symbol '='"),
        ("SELECT * FROM t JOIN u", 1, 23, "expected ON"),
        ("SELECT 'unended", 1, 8, "the string has no end"),
        ('SELECT "unended', 1, 8, "the quoted name has no end"),
        ("SELECT `{a: 1", 1, 8, "the Ion literal has no end"),
        ("SELECT /* unended", 1, 8, "the comment has no end"),
        ("SELECT `{`", 1, 8, "not an Ion value"),
        ("SELECT `1 2`", 1, 8, "not 2"),
        ("SELECT # FROM t", 1, 8, "unexpected character '#'"),
        ("UPDATE t WHERE a = 1", 1, 10, "expected SET, INSERT INTO or REMOVE"),
        ("CREATE INDEX ON t (a.b)", 1, 21, "expected ')'"),
        ("INSERT INTO t VALUE 1 AT 2", 1, 23, "no place in a table"),
        ("SELECT * FROM t; SELECT", 1, 18, "expected the end of the statement"),
    ],
)
def test_what_is_no_statement_is_refused_where_it_stops_being_one(text, line, column, said):
    with pytest.raises(PartiqlSyntaxError) as refused:
        parse(text)
    assert (refused.value.line, refused.value.column) == (line, column)
    assert said in str(refused.value)


def test_an_ion_literal_without_end_is_refused_at_once():
    # Comments without a closing backtick once could be read in two ways each.
    with pytest.raises(PartiqlSyntaxError, match="no end"):
        parse("SELECT `" + "//\n" * 5_000)


@pytest.mark.parametrize("nested", ["(", "[", "-(", "NOT (", "{'a': ", "SELECT VALUE ("])
def test_deep_nesting_is_refused_before_the_stack_is_exhausted(nested):
    with pytest.raises(PartiqlSyntaxError, match="nested"):
        parse(nested * 5_000)


def test_what_is_not_nested_too_deeply_can_be_run(ledger):
    depth = 45
    assert ledger.run("SELECT VALUE " + "(" * depth + "1" + ")" * depth) == [1]
    assert ledger.run("SELECT VALUE " + "[" * depth + "1" + "]" * depth)
    assert ledger.run("SELECT VALUE 1 IN (" + ", ".join(map(str, range(3_000))) + ")") == [True]
    alternatives = " OR ".join(f"x.a = {number}" for number in range(2_000))
    assert ledger.run(f"SELECT VALUE 1 FROM [{{'a': 1999}}] AS x WHERE {alternatives}") == [1]


def test_a_script_is_split_at_its_semicolons():
    script = "SELECT ';' FROM t; -- a; comment\n\n;INSERT INTO t `{a: \";\"}` ;"
    assert statements(script) == ["SELECT ';' FROM t", 'INSERT INTO t `{a: ";"}`']


@pytest.mark.parametrize(
    ("text", "kind", "touches", "parameters"),
    [
        ("SELECT * FROM t WHERE a = ?", StatementKind.SELECT, 0, 1),
        ("INSERT INTO t << ?, ? >>", StatementKind.INSERT, 1, 2),
        ("UPDATE t AS b SET b.x = ?, b.y = ? WHERE b.z = ?", StatementKind.UPDATE, 2, 3),
        ("FROM t AS b REMOVE b.x", StatementKind.UPDATE, 1, 0),
        ("DELETE FROM t", StatementKind.DELETE, 1, 0),
        ("CREATE TABLE t", StatementKind.CREATE_TABLE, 0, 0),
        ("DROP TABLE t", StatementKind.DROP_TABLE, 0, 0),
        ('UNDROP TABLE "id"', StatementKind.UNDROP_TABLE, 0, 0),
        ("CREATE INDEX ON t (a)", StatementKind.CREATE_INDEX, 0, 0),
        ('DROP INDEX "id" ON t WITH (purge = true)', StatementKind.DROP_INDEX, 0, 0),
        ("EXEC REDACT_REVISION ?, ?, ?", StatementKind.REDACT, 0, 3),
    ],
)
def test_a_prepared_statement_says_what_it_does(text, kind, touches, parameters):
    found = prepare(text)
    assert (found.kind, found.touches, found.parameter_count) == (kind, touches, parameters)


_PIECES = st.sampled_from(
    [
        "SELECT",
        "VALUE",
        "FROM",
        "WHERE",
        "UPDATE",
        "SET",
        "INSERT",
        "INTO",
        "DELETE",
        "REMOVE",
        "AND",
        "OR",
        "NOT",
        "IN",
        "IS",
        "LIKE",
        "NULL",
        "CASE",
        "WHEN",
        "END",
        "GROUP",
        "BY",
        "AS",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "<<",
        ">>",
        ",",
        ".",
        ":",
        "*",
        "+",
        "-",
        "=",
        "<",
        "?",
        "'a'",
        '"b"',
        "`c`",
        "1",
        "2.5",
        "t",
        "u",
        "x",
        "COUNT",
        "CAST",
        "EXTRACT",
        "TRIM",
        "DATE",
        "INTERVAL",
        "JOIN",
        "ON",
        "UNION",
        "@",
        ";",
        "/",
        "'",
        "`",
        '"',
        "/*",
    ]
)


@given(st.lists(_PIECES, max_size=14))
def test_whatever_is_written_is_read_or_refused(pieces):
    try:
        parse(" ".join(pieces))
    except PartiqlSyntaxError as refused:
        assert refused.line is not None
        assert refused.column is not None


def test_paths_of_every_form():
    found = expression("a.b[1].\"c\"['d'].*[*]")
    assert isinstance(found, Path)
    assert len(found.steps) == 6
