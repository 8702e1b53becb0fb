"""``qldbkit local``: the local AWS that the stacks are deployed to."""

from __future__ import annotations

import json
import signal
import sys
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from qldbkit.cli.ledger_options import JsonOption
from qldbkit.cli.serving import ConsoleWriteOption
from qldbkit.local.aws import LocalAws, LocalAwsFailedError
from qldbkit.local.cdk import project_folder
from qldbkit.local.console import local_console_url
from qldbkit.local.environment import as_shell_exports, aws_environment
from qldbkit.local.settings import LocalSettings, settings_from_environment

PortOption = Annotated[
    int | None,
    typer.Option("--port", help="Port on 127.0.0.1; by default QLDBKIT_PORT, or 4566."),
]


def add_to(application: typer.Typer) -> None:
    """Add the command."""
    application.command("local")(local)


def local(
    port: PortOption = None,
    environment: Annotated[
        bool, typer.Option("--env", help="Print the shell environment of the local AWS, and end.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Leave it running in the background.")
    ] = False,
    stop: Annotated[
        bool, typer.Option("--stop", help="Stop the one that runs in the background.")
    ] = False,
    console_write: ConsoleWriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run a local AWS with the embedded ledger in it; its state is kept in .qldbkit/.

    It serves until Ctrl-C. In another shell: eval "$(qldbkit local --env)", and cdk and the AWS
    clients use it. It prints the address of a web console, which also shows the replay.
    """
    settings = settings_from_environment(port=port, console_write=console_write)
    if environment:
        variables = aws_environment(settings, project_folder())
        sys.stdout.write(json.dumps(variables) + "\n" if as_json else as_shell_exports(variables))
    elif stop:
        LocalAws(settings).stop()
    elif detach:
        start_detached(settings, as_json=as_json)
    else:
        run_until_interrupted(settings, as_json=as_json)


def start_detached(settings: LocalSettings, *, as_json: bool = False) -> None:
    """Start it in the background, unless this folder's already runs."""
    aws = LocalAws(settings)
    if aws.pid is None:
        aws.start(detached=True)
    announce(settings, aws, as_json=as_json)


def run_until_interrupted(settings: LocalSettings, *, as_json: bool = False) -> None:
    """Run it in the foreground."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        with LocalAws(settings) as aws:
            announce(settings, aws, as_json=as_json)
            aws.wait()
            raise LocalAwsFailedError(
                "the local AWS has ended by itself", hint=f"its log is {settings.log_file}"
            )
    except KeyboardInterrupt:
        Console(stderr=as_json).print("Stopped; its state is kept.")


def announce(settings: LocalSettings, aws: LocalAws, *, as_json: bool) -> None:
    """Say that a local AWS runs, and where."""
    if as_json:
        found = {
            "endpointUrl": settings.endpoint_url,
            "pid": aws.pid,
            "log": f"{settings.log_file}",
            "consoleUrl": local_console_url(settings),
        }
        Console().print_json(data=found)
    else:
        Console().print(describe(settings, aws), highlight=False, soft_wrap=True)


def describe(settings: LocalSettings, aws: LocalAws) -> str:
    """Return what a person needs to know of a running local AWS."""
    return (
        f"Local AWS at {settings.endpoint_url} (process {aws.pid}), QLDB included.\n"
        f'In another shell:  eval "$(qldbkit local --env --port {settings.port})"\n'
        f"Console: {local_console_url(settings)}\n"
        f"Log: {settings.log_file}"
    )


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
