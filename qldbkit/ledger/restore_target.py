"""The ledger that a journal is restored into: one of a server's folder, made when it is missing."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Final, Self

from qldbkit.errors import QldbkitError
from qldbkit.ledger.clock import SystemClock
from qldbkit.ledger.control_store import ControlStore
from qldbkit.ledger.errors import ResourceNotFoundError
from qldbkit.ledger.folder_lock import FolderLock
from qldbkit.ledger.http import CONTROL_FILE
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.limits import Limits
from qldbkit.ledger.registry import LedgerOptions, LedgerRegistry, LedgerSettings
from qldbkit.ledger.service_limits import ServiceLimits
from qldbkit.partiql.dialect import Dialect

SETTINGS: Final = LedgerSettings("STANDARD", deletion_protection=True, kms_key_arn=None)
"""A restored ledger is somebody's only one: it cannot be deleted by mistake."""


class RestoreTargetError(QldbkitError):
    """A journal cannot be restored into this ledger."""


class FolderTarget:
    """A ledger by its name in a folder that no server has open. A context manager.

    Args:
        folder: the server's folder; made when it is missing.
        name: the ledger's name.

    Raises:
        FolderInUseError: a server has the folder open.
    """

    def __init__(self, folder: Path, name: str):
        self._name = name
        self._lock = FolderLock(folder)
        self._store = ControlStore(folder / CONTROL_FILE)
        options = LedgerOptions(SystemClock(), Limits(), Dialect.FULL, {})
        self._registry = LedgerRegistry(folder, self._store, options, ServiceLimits().ledgers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._registry.close()
        self._store.close()
        self._lock.release()

    def ledger(self, strand_id: str) -> Ledger:
        """The ledger, which holds a part of this strand or nothing yet.

        Raises:
            RestoreTargetError: it holds another journal.
        """
        try:
            ledger = self._registry.ledger(self._name)
        except ResourceNotFoundError:
            self._registry.create(self._name, SETTINGS, strand_id)
            ledger = self._registry.ledger(self._name)
        return checked(ledger, strand_id)


class LedgerTarget:
    """A ledger that is open already."""

    def __init__(self, ledger: Ledger):
        self._ledger = ledger

    def ledger(self, strand_id: str) -> Ledger:
        """The ledger itself.

        Raises:
            RestoreTargetError: it holds another journal.
        """
        return checked(self._ledger, strand_id)


def checked(ledger: Ledger, strand_id: str) -> Ledger:
    """A ledger, if its journal is the strand.

    Raises:
        RestoreTargetError: it is another one.
    """
    if ledger.strand_id != strand_id:
        raise RestoreTargetError(
            f"ledger {ledger.name} holds strand {ledger.strand_id}, not {strand_id}",
            hint="restore into a ledger of another name",
        )
    return ledger
