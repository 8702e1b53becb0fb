"""The ledgers of a server: their settings, and each one's file, opened when it is first needed."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from qldbkit.ledger.clock import Clock, to_milliseconds
from qldbkit.ledger.control_store import ControlStore, from_milliseconds, time_of
from qldbkit.ledger.errors import (
    LimitExceededError,
    ResourceAlreadyExistsError,
    ResourceNotFoundError,
)
from qldbkit.ledger.file_lock import LOCK_SUFFIX
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.limits import Limits
from qldbkit.partiql.dialect import Dialect

CREATING: Final = "CREATING"
ACTIVE: Final = "ACTIVE"
DELETING: Final = "DELETING"

_COLUMNS: Final = "name, file, state, created, permissions_mode, deletion_protection, kms_key_arn"
_FILE_ENDINGS: Final = ("-wal", "-shm", "-journal", LOCK_SUFFIX, "")


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """What a ledger's owner chooses.

    Attributes:
        permissions_mode: ``STANDARD`` or ``ALLOW_ALL``. It is recorded; in both, what a request
            may do follows from the key that signed it, and there are no policies for statements.
        deletion_protection: whether DeleteLedger is refused.
        kms_key_arn: None for a key that AWS owns. It is recorded; the file is not encrypted.
    """

    permissions_mode: str
    deletion_protection: bool
    kms_key_arn: str | None


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """A ledger as the control plane describes it.

    Attributes:
        name: the ledger's name.
        file: its file's name in the server's folder; never used again after a deletion.
        state: ``CREATING``, ``ACTIVE`` or ``DELETING``.
        created: an aware UTC time.
        settings: what its owner chose.
    """

    name: str
    file: str
    state: str
    created: datetime
    settings: LedgerSettings


@dataclass(frozen=True, slots=True)
class LedgerOptions:
    """What the ledgers of a server are opened with.

    Attributes:
        clock: the time of day, and time that only goes forward.
        limits: what is too much.
        dialect: the PartiQL that statements may use.
        dialects: by a ledger's name, where it is another one.
    """

    clock: Clock
    limits: Limits
    dialect: Dialect
    dialects: Mapping[str, Dialect]

    def create(self, path: Path, name: str, strand_id: str | None = None) -> Ledger:
        """Make a ledger's file; with a strand's id, one without a block that takes over its own."""
        return Ledger.create(
            path,
            name,
            strand_id=strand_id,
            genesis=strand_id is None,
            clock=self.clock,
            limits=self.limits,
            dialect=self.dialects.get(name, self.dialect),
        )

    def open(self, path: Path, name: str) -> Ledger:
        """Open a ledger's file."""
        dialect = self.dialects.get(name, self.dialect)
        return Ledger.open(path, clock=self.clock, limits=self.limits, dialect=dialect)


class LedgerRegistry:
    """Every ledger of one folder. Safe to use from several threads.

    Args:
        folder: where their files are.
        store: where their settings are kept.
        options: what they are opened with.
        max_ledgers: how many there may be.
    """

    def __init__(self, folder: Path, store: ControlStore, options: LedgerOptions, max_ledgers: int):
        self._folder = folder
        self._store = store
        self._options = options
        self._max_ledgers = max_ledgers
        self._lock = threading.RLock()
        self._opened: dict[str, Ledger] = {}
        self._finish_interrupted()

    def records(self) -> list[LedgerRecord]:
        """Every ledger, by name."""
        rows = self._store.rows(f"SELECT {_COLUMNS} FROM ledger ORDER BY name")  # noqa: S608
        return [_record(*row) for row in rows]

    def record(self, name: str) -> LedgerRecord:
        """One ledger.

        Raises:
            ResourceNotFoundError: there is none of that name.
        """
        rows = self._store.rows(
            f"SELECT {_COLUMNS} FROM ledger WHERE name = ?",  # noqa: S608
            (name,),
        )
        if not rows:
            raise ledger_not_found(name)
        return _record(*rows[0])

    def create(
        self, name: str, settings: LedgerSettings, strand_id: str | None = None
    ) -> LedgerRecord:
        """Make an empty ledger; with a strand's id, one into which that strand can be restored.

        Raises:
            ResourceAlreadyExistsError: there is one of that name.
            LimitExceededError: there are as many ledgers as there may be.
        """
        with self._lock:
            self._refuse_if_taken_or_full(name)
            file = f"{name}-{secrets.token_hex(8)}.sqlite"
            record = LedgerRecord(name, file, CREATING, time_of(self._options.clock), settings)
            self._insert(record)
            try:
                self._opened[name] = self._options.create(self._folder / file, name, strand_id)
            except BaseException:
                self._erase(record)
                raise
            self._set_state(name, ACTIVE)
            return self.record(name)

    def update(self, name: str, settings: LedgerSettings) -> LedgerRecord:
        """Give a ledger other settings.

        Raises:
            ResourceNotFoundError: there is none of that name.
        """
        changed = self._store.write(
            "UPDATE ledger SET permissions_mode = ?, deletion_protection = ?, kms_key_arn = ?"
            " WHERE name = ?",
            (
                settings.permissions_mode,
                settings.deletion_protection,
                settings.kms_key_arn,
                name,
            ),
        )
        if not changed:
            raise ledger_not_found(name)
        return self.record(name)

    def ledger(self, name: str) -> Ledger:
        """The ledger itself, opened when it was not yet.

        Raises:
            ResourceNotFoundError: there is none of that name.
        """
        opened = self._opened.get(name)
        if opened is not None:
            return opened
        with self._lock:
            record = self.record(name)
            if record.state != ACTIVE:
                raise ledger_not_found(name)
            if name not in self._opened:
                self._opened[name] = self._options.open(self._folder / record.file, name)
            return self._opened[name]

    def begin_removal(self, name: str) -> None:
        """From now on the ledger is not given out any more, even after a crash."""
        with self._lock:
            self._set_state(name, DELETING)

    def remove(self, name: str) -> None:
        """Close a ledger and remove its file."""
        with self._lock:
            self._erase(self.record(name))

    def close(self) -> None:
        """Close every ledger."""
        with self._lock:
            for ledger in self._opened.values():
                ledger.close()
            self._opened.clear()

    def _refuse_if_taken_or_full(self, name: str) -> None:
        names = {record.name for record in self.records()}
        if name in names:
            raise ResourceAlreadyExistsError(
                f"The Ledger with name {name} already exists",
                ResourceType="Ledger",
                ResourceName=name,
            )
        if len(names) >= self._max_ledgers:
            raise LimitExceededError(
                f"You have reached the limit of {self._max_ledgers} ledgers",
                ResourceType="Ledger",
            )

    def _insert(self, record: LedgerRecord) -> None:
        settings = record.settings
        self._store.write(
            f"INSERT INTO ledger ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (
                record.name,
                record.file,
                record.state,
                to_milliseconds(record.created),
                settings.permissions_mode,
                settings.deletion_protection,
                settings.kms_key_arn,
            ),
        )

    def _set_state(self, name: str, state: str) -> None:
        if not self._store.write("UPDATE ledger SET state = ? WHERE name = ?", (state, name)):
            raise ledger_not_found(name)

    def _erase(self, record: LedgerRecord) -> None:
        ledger = self._opened.pop(record.name, None)
        if ledger is not None:
            ledger.close()
        for ending in _FILE_ENDINGS:
            (self._folder / (record.file + ending)).unlink(missing_ok=True)
        self._store.write("DELETE FROM ledger WHERE name = ?", (record.name,))

    def _finish_interrupted(self) -> None:
        """A creation that was never answered leaves nothing; a deletion that began is finished."""
        for record in self.records():
            if record.state != ACTIVE:
                self._erase(record)


def ledger_not_found(name: str) -> ResourceNotFoundError:
    """There is no ledger of that name."""
    return ResourceNotFoundError(
        f"The Ledger with name {name} is not found", ResourceType="Ledger", ResourceName=name
    )


def _record(
    name: str,
    file: str,
    state: str,
    created: int,
    permissions_mode: str,
    deletion_protection: int,
    kms_key_arn: str | None,
) -> LedgerRecord:
    settings = LedgerSettings(permissions_mode, bool(deletion_protection), kms_key_arn)
    return LedgerRecord(name, file, state, from_milliseconds(created), settings)
