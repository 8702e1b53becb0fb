"""One execution of a plan: what its closures read while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from qldbkit.partiql.database import Database
from qldbkit.partiql.functions import CallContext
from qldbkit.partiql.relations import Relation

Row = list[Any]
"""The variables of a running statement by their slots; slot 0 holds the `Run`."""

Evaluate = Callable[[Row], Any]
"""An expression, compiled: its value for the variables of a row."""

Loop = Callable[[Row], Iterator[None]]
"""A FROM clause, compiled: it sets a row's slots anew before every step."""

Produce = Callable[[Row], Iterator[Any]]
"""A query, compiled: its results one by one."""


Check = Callable[[], None]
"""Raises when the execution is to end."""


@dataclass(slots=True)
class Run:
    """What is the same for the whole of one execution.

    Attributes:
        database: the transaction that the statement runs in.
        parameters: the values of the question marks.
        context: what functions may ask for.
        check: called whenever a source is opened, that is for each row of the source before it: it
            may raise to end a statement that takes too long.
        relations: what each free name of the plan stands for, by its number, and how many names of
            its path that takes; None when it stands for nothing.
    """

    database: Database
    parameters: Sequence[Any]
    context: CallContext
    check: Check
    relations: list[tuple[Relation, int] | None]
