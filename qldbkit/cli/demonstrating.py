"""``qldbkit demo``: the main job, on one machine."""

from __future__ import annotations

import typer
from rich.console import Console

from qldbkit.cli.exit_codes import DIFFERENT
from qldbkit.local.demo import demo_settings, run_demo


def add_to(application: typer.Typer) -> None:
    """Add the command."""
    application.command("demo")(demo)


def demo() -> None:
    """Deploy both stacks on this machine, replicate a ledger, compare, and destroy them again."""
    if not run_demo(demo_settings(), Console()):
        raise typer.Exit(DIFFERENT)
