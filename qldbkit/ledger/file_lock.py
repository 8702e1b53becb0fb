"""One process at a time opens a ledger, because conflict checks happen in its memory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from qldbkit.ledger.storage import StorageError

LOCK_SUFFIX: Final = "-lock"


class FileLock:
    """The lock of a ledger's file, held until `release` or the end of the process.

    It is on a file of its own beside the ledger's: SQLite's own locks would be lost if another
    handle of the ledger's file were closed.

    Args:
        path: the ledger's file.

    Raises:
        StorageError: another process, or another part of this one, holds it.
    """

    def __init__(self, path: Path):
        beside = path.with_name(path.name + LOCK_SUFFIX)
        try:
            self._descriptor = os.open(beside, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(f"the ledger's lock cannot be taken: {error}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise StorageError(
                f"{path} is open already, in this process or another",
                hint="one process at a time can serve a ledger",
            ) from error

    def release(self) -> None:
        """Let others open the ledger; does nothing the second time."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
