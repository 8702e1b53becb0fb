"""The console of a local AWS: the token that opens it, and the replay that it shows."""

from __future__ import annotations

import os
from typing import Any

import boto3

from qldbkit.console.console import console
from qldbkit.console.replays import FindReplay, ReplayParts
from qldbkit.console.settings import ConsoleSettings, console_url, new_token
from qldbkit.driver import qldb_driver
from qldbkit.endpoints import LedgerEndpoints
from qldbkit.ledger.application import Publish
from qldbkit.local.deployment import STREAM_STACK
from qldbkit.local.settings import LocalSettings
from qldbkit.replay.ledger_destination import LedgerDestination
from qldbkit.replay.operator import ReplayNames, ReplayNotFoundError, ReplayOperator, names_of_stack


class DeployedReplay(FindReplay):
    """Finds the replay of the stack that is deployed; its clients are made once for each.

    Args:
        settings: the local AWS, whose addresses are in this process's environment.
    """

    def __init__(self, settings: LocalSettings):
        url = settings.endpoint_url
        self._endpoints = LedgerEndpoints(control=url, session=url, region=settings.region)
        self._formation: Any = None
        self._names: ReplayNames | None = None
        self._parts: ReplayParts | None = None

    def __call__(self) -> ReplayParts:
        """The parts of the deployed replay.

        Raises:
            ReplayNotFoundError: the stack is not deployed.
        """
        names = self._deployed()
        if self._parts is None or names != self._names:
            self._names, self._parts = names, self._open(names)
        return self._parts

    def _deployed(self) -> ReplayNames:
        if self._formation is None:
            self._formation = boto3.client("cloudformation", region_name=self._endpoints.region)
        try:
            return names_of_stack(self._formation, STREAM_STACK)
        except ReplayNotFoundError as error:
            raise ReplayNotFoundError(
                f"the stack {STREAM_STACK} is not deployed, so nothing is replayed yet",
                hint="with the environment of `qldbkit local --env`: cdk deploy --all",
            ) from error

    def _open(self, names: ReplayNames) -> ReplayParts:
        operator = ReplayOperator(names, self._endpoints)
        driver = qldb_driver(
            names.destination,
            endpoint_url=self._endpoints.session,
            region=self._endpoints.region,
        )
        return ReplayParts(
            source=names.source,
            destination=names.destination,
            positions=LedgerDestination(driver),
            buffer=operator.buffer(),
            control=operator.control(),
        )


def local_console(settings: LocalSettings) -> Publish:
    """What publishes the console of a local AWS, with a token that only its owner can read."""
    token = new_token()
    _write_for_owner(settings, token)
    opened = ConsoleSettings(token, writable=settings.console_write)
    return console(opened, DeployedReplay(settings))


def local_console_url(settings: LocalSettings) -> str | None:
    """The address that opens the console of the running local AWS; None where none is known."""
    try:
        token = settings.console_file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    return console_url(settings.endpoint_url, token)


def _write_for_owner(settings: LocalSettings, token: str) -> None:
    settings.console_file.unlink(missing_ok=True)
    file = os.open(settings.console_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(file, "w", encoding="ascii") as opened:
        opened.write(f"{token}\n")
