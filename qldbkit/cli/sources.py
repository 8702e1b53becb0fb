"""Finding the journal that a command names."""

from __future__ import annotations

from pathlib import Path

from qldbkit.journal.sources.opening import open_source
from qldbkit.journal.sources.stored import JournalSource
from qldbkit.ledger.source import LedgerFileSource, is_ledger_file, ledger_file
from qldbkit.local.settings import folder_from_environment


def source_at(text: str) -> JournalSource:
    """The journal at a path or ``s3://`` location, or that of a ledger of this folder, by name.

    Raises:
        QldbkitError: there is none.
    """
    path = Path(text)
    if is_ledger_file(path):
        return LedgerFileSource(path)
    if not path.exists() and "/" not in text:
        for folder in ledger_folders():
            file = ledger_file(folder, text)
            if file is not None:
                return LedgerFileSource(file)
    return open_source(text)


def serve_folder() -> Path:
    """Where ``qldbkit serve`` keeps its ledgers."""
    return folder_from_environment() / "serve"


def ledger_folders() -> tuple[Path, ...]:
    """Where the commands of the current folder keep ledgers: ``serve`` and ``local``."""
    return serve_folder(), folder_from_environment() / "ledgers"
