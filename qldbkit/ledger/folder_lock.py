"""One process at a time for a folder of ledgers."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from qldbkit.errors import QldbkitError

LOCK_FILE: Final = "lock"


class FolderInUseError(QldbkitError):
    """Another process serves the ledgers of this folder."""


class FolderLock:
    """Held from its making to its release; the operating system releases it when a process dies.

    Args:
        folder: made, for its owner only, when it is missing.

    Raises:
        FolderInUseError: another process, or this one, holds it.
    """

    def __init__(self, folder: Path):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise FolderInUseError(
                f"another process serves the ledgers in {folder}",
                hint="stop it, or choose another folder",
            ) from error

    def release(self) -> None:
        """Let another process have the folder."""
        os.close(self._descriptor)
