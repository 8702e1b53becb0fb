"""Where the local AWS listens, what it calls itself and where it keeps what it has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qldbkit.errors import QldbkitError

DEFAULT_PORT = 4566
DEFAULT_REGION = "us-east-1"
DEFAULT_FOLDER = ".qldbkit"
LOOPBACK = "127.0.0.1"
ACCOUNT = "000000000000"  # ministack takes an access key of 12 digits for the account's number


class LocalSettingsError(QldbkitError):
    """A setting of the local AWS is not usable."""


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """One local AWS.

    Attributes:
        folder: everything it keeps is below it.
        port: the one TCP port of all its services, on the loopback address.
        region: the region it answers for.
        account: its account number, 12 digits.
        start_timeout: seconds that it may take until it answers.
        stop_timeout: seconds that it may take to save its state and end.
        request_threads: how many requests to the ledgers run at the same time.
        save_interval: seconds between two looks for a change that is not on disk yet.
        transaction_documents: how many documents a transaction of its ledgers may write. QLDB's 40
            would make the replay ask ten times as often.
        console_write: whether the console runs statements that write.
    """

    folder: Path
    port: int = DEFAULT_PORT
    region: str = DEFAULT_REGION
    account: str = field(default=ACCOUNT)
    start_timeout: float = 60.0
    stop_timeout: float = 60.0
    request_threads: int = 32
    save_interval: float = 1.0
    transaction_documents: int = 400
    console_write: bool = False

    @property
    def endpoint_url(self) -> str:
        """The one address of every service."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def ledger_folder(self) -> Path:
        """Where the embedded ledgers live."""
        return self.folder / "ledgers"

    @property
    def state_folder(self) -> Path:
        """Where the local AWS saves the state of its services."""
        return self.folder / "aws"

    @property
    def object_folder(self) -> Path:
        """Where the objects of S3 live."""
        return self.folder / "s3"

    @property
    def temporary_folder(self) -> Path:
        """Where functions are unpacked while they are warm."""
        return self.folder / "tmp"

    @property
    def log_file(self) -> Path:
        """What the local AWS and the functions in it print."""
        return self.folder / "aws.log"

    @property
    def process_file(self) -> Path:
        """Where the process id of the running local AWS stands."""
        return self.folder / "aws.pid"

    @property
    def console_file(self) -> Path:
        """Where the token stands that opens the console of the running local AWS."""
        return self.folder / "console.token"

    @property
    def credentials(self) -> dict[str, str]:
        """The environment variables by which an AWS client finds and enters this AWS."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }


def settings_from_environment(
    environ: Mapping[str, str] = os.environ,
    *,
    port: int | None = None,
    console_write: bool = False,
) -> LocalSettings:
    """Return the settings of the local AWS of the current folder.

    Args:
        environ: ``AWS_REGION`` names the region, ``QLDBKIT_PORT`` the port, ``QLDBKIT_FOLDER``
            the folder; by default us-east-1, 4566 and ``.qldbkit`` in the current folder.
        port: goes before ``QLDBKIT_PORT``.
        console_write: whether the console runs statements that write.

    Raises:
        LocalSettingsError: the port is no port.
    """
    chosen = str(port) if port is not None else environ.get("QLDBKIT_PORT", str(DEFAULT_PORT))
    if not chosen.isascii() or not chosen.isdigit() or not 0 < int(chosen) < 65536:
        raise LocalSettingsError(
            f"{chosen!r} is no TCP port",
            hint="give --port or QLDBKIT_PORT a number from 1 to 65535",
        )
    return LocalSettings(
        folder=folder_from_environment(environ),
        port=int(chosen),
        region=environ.get("AWS_REGION", DEFAULT_REGION),
        console_write=console_write,
    )


def folder_from_environment(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that everything is kept below."""
    return Path(environ.get("QLDBKIT_FOLDER", DEFAULT_FOLDER)).absolute()
