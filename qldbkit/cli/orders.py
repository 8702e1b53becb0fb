"""What became of an operator's order, printed."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.console import Console

from qldbkit.replay.orders import Order


def print_order(order: Order, sentence: str, *, as_json: bool) -> None:
    """The order for a program, or its sentence for a person."""
    if as_json:
        Console().print_json(data=asdict(order))
    else:
        typer.echo(sentence)
