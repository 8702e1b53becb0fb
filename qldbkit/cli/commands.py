"""Which commands there are, and in which module; a module is loaded when its command is wanted.

What a command needs takes many times as long to load as the list of commands: boto3, QLDB's driver,
PartiQL, the local AWS.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

MODULES: Final = {
    "serve": ("serving", "Serve the embedded ledger, which speaks both of QLDB's APIs."),
    "local": ("local", "Run a local AWS with the embedded ledger in it."),
    "demo": ("demonstrating", "Deploy, replicate, compare and destroy, on this machine."),
    "query": ("querying", "Run PartiQL on a ledger: in a shell, or a statement or file."),
    "ledgers": ("listing", "List the ledgers, or make one."),
    "tables": ("listing", "List a ledger's tables and their indexes."),
    "history": ("listing", "Show what changed in documents from version to version."),
    "digest": ("exporting", "Print the digest of a ledger's journal."),
    "export": ("exporting", "Export a ledger's whole journal, every block verified."),
    "import": ("importing", "Insert a file's documents into a table."),
    "verify": ("verifying", "Prove a journal by its hashes, its chain and a saved digest."),
    "restore": ("restoring", "Restore a ledger from its own journal, with all its ids and hashes."),
    "compare": ("comparing", "Compare the documents of two sides, and repair what differs."),
    "unindexed": ("unindexed", "List the documents of a view in OpenSearch that queries miss."),
    "status": ("status", "Say how far a replay is, and what waits."),
    "quarantine": ("quarantine", "Look at records that could not be replayed; redrive or discard."),
    "resync": ("operating", "Bring some tables to what they are in the source."),
    "skip": ("operating", "Go on over a held block, without what it waits for."),
    "pause": ("operating", "Stop a deployed replay for a while."),
    "resume": ("operating", "Let a paused replay go on."),
    "refill": ("refilling", "Replay blocks that the stream has lost, each into its place."),
}
"""Command: the module of this package whose ``add_to`` adds it, and its line in the list."""


class CommandGroup(TyperGroup):
    """The commands by their names and lines; one is loaded as it is run or completed."""

    def __init__(self, **attributes: Any):
        super().__init__(**attributes)
        for name, (_, line) in MODULES.items():
            self.add_command(typer.core.TyperCommand(name, help=line))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """As `TyperGroup` does it, of the command as its module has it."""
        self.load(args[0])
        return super().resolve_command(ctx, args)

    def load(self, name: str) -> Any:
        """The whole command; None if there is none of that name."""
        if name in MODULES:
            self.commands[name] = _loaded(name)
        return self.commands.get(name)


def _loaded(name: str) -> Any:
    module, _ = MODULES[name]
    whole = typer.Typer(rich_markup_mode="markdown")  # which joins the lines of a paragraph
    import_module(f"qldbkit.cli.{module}").add_to(whole)
    command = typer.main.get_group(whole).commands[name]
    for each in (command, *getattr(command, "commands", {}).values()):
        _name_arguments(each)
    return command


def _name_arguments(command: Any) -> None:
    """Write arguments as the pages do: in capitals."""
    for each in command.params:
        if each.param_type_name == "argument" and each.metavar is None:
            each.metavar = each.name.upper()
