"""``qldbkit demo``: the main job, on one machine."""

from __future__ import annotations

import typer
from rich.console import Console

from qldbkit.cli.exit_codes import DIFFERENT
from qldbkit.cli.ledger_options import JsonOption
from qldbkit.local.demo import demo_settings, run_demo


def add_to(application: typer.Typer) -> None:
    """Add the command."""
    application.command("demo")(demo)


def demo(as_json: JsonOption = False) -> None:
    """Deploy both stacks on this machine, replicate a ledger, compare, and destroy them again."""
    equal = run_demo(demo_settings(), Console(stderr=as_json))
    if as_json:
        Console().print_json(data={"equal": equal})
    if not equal:
        raise typer.Exit(DIFFERENT)
