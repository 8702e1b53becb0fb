"""The shell environment in which AWS's own tools, the CDK among them, work on the local AWS."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from pathlib import Path

from qldbkit.errors import QldbkitError
from qldbkit.local.settings import LocalSettings

# What the machine calls itself, and what Lambda calls it
_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


SETTLE_WINDOW_SECONDS = "2"


class ArchitectureUnknownError(QldbkitError):
    """This machine's processor is none that the functions can be packaged for."""


def context_of_this_machine(settings: LocalSettings) -> dict[str, str]:
    """Return the CDK context by which the stacks run here.

    The functions are packaged for this machine's Python and processor, they reach the ledgers at
    the local address, and everything goes when the stacks are destroyed. A stream that never
    leaves the machine brings its records in order, so that a gap in it is soon known for one. Its
    ledgers take larger transactions than QLDB's.
    """
    machine = platform.machine().lower()
    if machine not in _ARCHITECTURES:
        raise ArchitectureUnknownError(
            f"no function can be packaged for a processor of type {machine}",
            hint=f"known are {', '.join(sorted(_ARCHITECTURES))}",
        )
    return {
        "ledgerEndpointUrl": settings.endpoint_url,
        "lambdaPython": f"{sys.version_info.major}.{sys.version_info.minor}",
        "lambdaArchitecture": _ARCHITECTURES[machine],
        "removalPolicy": "destroy",
        "settleWindowSeconds": SETTLE_WINDOW_SECONDS,
        "destinationTransactionDocuments": str(settings.transaction_documents),
    }


def tool_path(project: Path, path: str) -> str:
    """Return ``path`` with this project's Python, Node and CDK in front."""
    first = [str(Path(sys.executable).parent), str(project / "node_modules" / ".bin")]
    rest = [folder for folder in path.split(os.pathsep) if folder and folder not in first]
    return os.pathsep.join([*first, *rest])


def aws_environment(
    settings: LocalSettings,
    project: Path,
    *,
    path: str | None = None,
    context: dict[str, str] | None = None,
) -> dict[str, str]:
    """Return the variables that make a shell's ``cdk`` and AWS clients use the local AWS.

    Args:
        settings: the local AWS.
        project: the folder with ``app.py`` and ``node_modules``.
        path: the ``PATH`` to extend, by default this process's.
        context: CDK context that goes before that of this machine.
    """
    return {
        **settings.credentials,
        "CDK_DEFAULT_ACCOUNT": settings.account,
        "CDK_DEFAULT_REGION": settings.region,
        "QLDBKIT_CONTEXT": json.dumps({**context_of_this_machine(settings), **(context or {})}),
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "PATH": tool_path(project, os.environ.get("PATH", "") if path is None else path),
    }


def as_shell_exports(variables: dict[str, str]) -> str:
    """Return the lines that a POSIX shell evaluates to set ``variables``."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
