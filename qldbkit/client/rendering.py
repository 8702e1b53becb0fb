"""Results of queries as a person or a program reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from amazon.ion import simpleion
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qldbkit.journal import codec
from qldbkit.journal.hashes import ion_hash
from qldbkit.ledger.export_format import json_text

VALUE_COLUMN: Final = "value"
"""Heads what is no struct, in a table."""


class OutputFormat(StrEnum):
    """How results are written."""

    ION = "ion"
    JSON = "json"
    TABLE = "table"


def write_rows(rows: Sequence[Any], form: OutputFormat, console: Console) -> None:
    """Write a result: a value to a line, or a table; on a terminal, Ion is indented."""
    if form is OutputFormat.TABLE:
        if rows:
            console.print(as_table(rows))
        return
    for line in lines(rows, form, indented=console.is_terminal):
        console.out(line, highlight=False)


def lines(rows: Iterable[Any], form: OutputFormat, *, indented: bool) -> Iterator[str]:
    """Every value's text; JSON is down-converted by Ion's rules, and loses types."""
    for each in rows:
        if form is OutputFormat.JSON:
            yield json_text(each)
        else:
            yield indented_ion(each) if indented else codec.write_text(each)


def indented_ion(value: Any) -> str:
    """A value as Ion text over several lines.

    amazon.ion indents with its C extension alone, which cuts a second after nine digits: such a
    value stays on one line.
    """
    text = str(simpleion.dumps(value, binary=False, omit_version_marker=True, indent="  "))
    same = ion_hash(codec.read_text(text)) == ion_hash(value)
    return text.strip() if same else codec.write_text(value)


def as_table(rows: Sequence[Any]) -> Table:
    """A column for every field that a row has; values are Ion text, and strings are bare."""
    names = dict.fromkeys(name for row in rows for name in _cells(row))
    table = Table(show_edge=False)
    for name in names:
        table.add_column(Text(str(name)))
    for row in rows:
        cells = _cells(row)
        table.add_row(*(Text(_cell(cells[name]) if name in cells else "") for name in names))
    return table


def _cells(row: Any) -> Mapping[str, Any]:
    return row if isinstance(row, Mapping) else {VALUE_COLUMN: row}


def _cell(value: Any) -> str:
    return str(value) if isinstance(value, str) else codec.write_text(value)
