"""Finding the journal that a command names."""

from __future__ import annotations

from pathlib import Path

from qldbkit.journal.sources.answers import AnswerError, SavedAnswers, read_answers
from qldbkit.journal.sources.objects import LocationError
from qldbkit.journal.sources.opening import open_source
from qldbkit.journal.sources.stored import JournalSource
from qldbkit.ledger.source import LedgerFileSource, is_ledger_file, ledger_file
from qldbkit.local.settings import folder_from_environment
from qldbkit.replay.views.opening import is_view, open_journal


def source_at(text: str, *, region: str = "us-east-1", readable: bool = False) -> JournalSource:
    """The journal at a path or ``s3://`` location, in a view, or of a ledger of this folder.

    Args:
        text: where it is; a ledger by its name, a view by its URL.
        region: the AWS region to sign for, where a view is in AWS.
        readable: whether to check of a view what its own users read, too.

    Raises:
        QldbkitError: there is none.
    """
    if is_view(text):
        return open_journal(text, region, readable=readable)
    path = Path(text)
    if is_ledger_file(path):
        return LedgerFileSource(path)
    if not path.exists() and "/" not in text:
        for folder in ledger_folders():
            file = ledger_file(folder, text)
            if file is not None:
                return LedgerFileSource(file)
        if not path.exists():
            places = " or ".join(map(str, ledger_folders()))
            raise LocationError(
                f"there is no file or folder {text}, and no ledger of that name in {places}",
                hint="give a folder, a file, s3://BUCKET/PREFIX or a ledger's name",
            )
    return open_source(text)


def answers_in(file: Path) -> SavedAnswers:
    """The answers of QLDB that are saved in a file.

    Raises:
        AnswerError: it holds none, or damaged ones; the file is its position.
    """
    try:
        return read_answers(file.read_bytes())
    except AnswerError as error:
        raise AnswerError(error.message, position=str(file), hint=error.hint) from error


def serve_folder() -> Path:
    """Where ``qldbkit serve`` keeps its ledgers."""
    return folder_from_environment() / "serve"


def ledger_folders() -> tuple[Path, ...]:
    """Where the commands of the current folder keep ledgers: ``serve`` and ``local``."""
    return serve_folder(), folder_from_environment() / "ledgers"
