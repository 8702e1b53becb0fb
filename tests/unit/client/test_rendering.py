"""How results are written."""

import io
import json

from amazon.ion import simpleion
from rich.console import Console

from qldbkit.client.rendering import OutputFormat, indented_ion, lines, write_rows
from qldbkit.journal import codec
from qldbkit.journal.hashes import ion_hash

ROWS = [
    simpleion.loads(text, single_value=True)
    for text in ('{a:"[red]x[/]",n:1.50,t:2020-01-01T}', "{b:{c:[1]}}", "3")
]


def written(rows, form):
    out = io.StringIO()
    write_rows(rows, form, Console(file=out, width=100))
    return out.getvalue()


def test_ion_is_a_value_to_a_line_and_reads_back():
    back = [simpleion.loads(each) for each in lines(ROWS, OutputFormat.ION, indented=False)]
    assert back == ROWS


def test_json_is_a_value_to_a_line_that_programs_read():
    found = [json.loads(each) for each in lines(ROWS, OutputFormat.JSON, indented=False)]
    assert found == [{"a": "[red]x[/]", "n": 1.5, "t": "2020-01-01"}, {"b": {"c": [1]}}, 3]


def test_a_table_has_a_column_for_every_field_and_shows_texts_as_they_are():
    table = written(ROWS, OutputFormat.TABLE)
    assert table.splitlines()[0].split() == ["a", "┃", "n", "┃", "t", "┃", "b", "┃", "value"]
    assert "[red]x[/]" in table
    assert "{c:[1]}" in table


def test_nothing_found_is_nothing_written():
    assert [written([], form) for form in OutputFormat] == ["", "", ""]


def test_indenting_changes_no_value():
    value = simpleion.loads("{a:[x,'y z'],b:ann::{c:null.int}}", single_value=True)
    assert indented_ion(value).count("\n") > 4
    assert ion_hash(simpleion.loads(indented_ion(value))) == ion_hash(value)


def test_a_second_of_many_digits_is_not_cut_for_the_sake_of_indenting():
    text = "{t:2020-01-01T00:00:00.123456789012Z}"
    assert "123456789012" in indented_ion(codec.read_text(text))
