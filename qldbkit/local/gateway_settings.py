"""What the launcher tells the process of the local AWS, by its environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from qldbkit.local.cdk import project_folder
from qldbkit.local.settings import LOOPBACK, LocalSettings

_ATTACHED = "QLDBKIT_ATTACHED"
_CONSOLE_WRITE = "QLDBKIT_CONSOLE_WRITE"


def gateway_environment(settings: LocalSettings, *, attached: bool) -> dict[str, str]:
    """Return the environment in which `qldbkit.local.gateway` runs as the process of the local AWS.

    Args:
        settings: the local AWS.
        attached: whether it ends when the pipe at its standard input is closed, so that it does
            not outlive whoever started it.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        **settings.credentials,
        # The provider framework and other functions of the CDK run on Node, which is beside Python
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        # Lambda's Node has AWS's SDK built in; functions that the CDK brings along rely on it
        "NODE_PATH": str(project_folder() / "node_modules"),
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(settings.port),
        "MINISTACK_ACCOUNT_ID": settings.account,
        "MINISTACK_REGION": settings.region,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(settings.state_folder),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(settings.object_folder),
        "TMPDIR": str(settings.temporary_folder),
        "LAMBDA_EXECUTOR": "local",
        "DOCKER_HOST": f"unix://{settings.folder / 'no-docker'}",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "PYTHONUNBUFFERED": "1",
        "QLDBKIT_FOLDER": str(settings.folder),
        "QLDBKIT_REQUEST_THREADS": str(settings.request_threads),
        "QLDBKIT_SAVE_INTERVAL": str(settings.save_interval),
        "QLDBKIT_TRANSACTION_DOCUMENTS": str(settings.transaction_documents),
        _CONSOLE_WRITE: "1" if settings.console_write else "0",
        _ATTACHED: "1" if attached else "0",
    }


def settings_of_gateway(environ: Mapping[str, str]) -> LocalSettings:
    """Return the settings that `gateway_environment` put into the environment."""
    return LocalSettings(
        folder=Path(environ["QLDBKIT_FOLDER"]),
        port=int(environ["GATEWAY_PORT"]),
        region=environ["MINISTACK_REGION"],
        account=environ["MINISTACK_ACCOUNT_ID"],
        request_threads=int(environ["QLDBKIT_REQUEST_THREADS"]),
        save_interval=float(environ["QLDBKIT_SAVE_INTERVAL"]),
        transaction_documents=int(environ["QLDBKIT_TRANSACTION_DOCUMENTS"]),
        console_write=environ[_CONSOLE_WRITE] == "1",
    )


def is_attached(environ: Mapping[str, str]) -> bool:
    """Whether the process ends with whoever started it."""
    return environ[_ATTACHED] == "1"
