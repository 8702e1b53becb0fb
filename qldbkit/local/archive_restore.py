"""Makes a ledger again from the archive of a journal stream, proven by the source's digest."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from amazon.ion import simpleion

from qldbkit.journal.model import BlockAddress
from qldbkit.journal.sources.answers import SavedDigest
from qldbkit.journal.sources.archive import ArchiveSource
from qldbkit.journal.sources.objects import BucketObjects
from qldbkit.ledger.restore_target import FolderTarget
from qldbkit.ledger.restoring import (
    DamagedJournalError,
    RestoreReport,
    RestoreSettings,
    restore,
)

ARCHIVE_PREFIX: Final = "journal/"
"""Where in its bucket the delivery stream puts the records."""
INTERVAL: Final = 0.5
"""Seconds between two looks at an archive that is still behind."""


@dataclass(frozen=True, slots=True)
class ArchiveRestore:
    """A ledger that was made from an archive.

    Attributes:
        ledger: its name.
        blocks: how many it has.
        proven: whether its digest is the source's at the same block.
    """

    ledger: str
    blocks: int
    proven: bool


def digest_of_ledger(qldb: Any, ledger: str) -> SavedDigest:
    """The digest that a ledger now gives of its journal.

    Args:
        qldb: a client of QLDB's control plane.
        ledger: its name.
    """
    answer = qldb.get_digest(Name=ledger)
    tip = simpleion.loads(answer["DigestTipAddress"]["IonText"])
    return SavedDigest(
        bytes(answer["Digest"]), BlockAddress(str(tip["strandId"]), int(tip["sequenceNo"]))
    )


def restore_archive(
    s3: Any,
    bucket: str,
    digest: SavedDigest,
    folder: Path,
    ledger: str,
    *,
    progress: Callable[[str], None],
    timeout: float,
) -> ArchiveRestore:
    """Restore an archive, whose last records may still be on their way, up to a digest's block.

    Each look at the archive goes on where the one before ended.

    Args:
        s3: a client of S3.
        bucket: the archive's.
        digest: the source's.
        folder: where the restored ledger is kept.
        ledger: its name.
        progress: called with how far it is.
        timeout: seconds that the archive may be behind.

    Raises:
        DamagedJournalError: the archive is damaged, or still incomplete when the time is over.
        QldbkitError: the archive cannot be read, or the ledger not be written.
    """
    objects = BucketObjects(bucket, ARCHIVE_PREFIX, s3)
    deadline = time.monotonic() + timeout
    with FolderTarget(folder, ledger) as target:
        while True:
            late = time.monotonic() > deadline
            report = _restored(objects, target, digest, late=late)
            if report is not None and (late or report.digest_equal is not None):
                return ArchiveRestore(
                    ledger, report.present + report.blocks, report.digest_equal is True
                )
            progress("the archive is not complete yet")
            time.sleep(INTERVAL)


def _restored(
    objects: BucketObjects, target: FolderTarget, digest: SavedDigest, *, late: bool
) -> RestoreReport | None:
    """Restore what there is; None where a block's records have come in part, unless it is late."""
    source = ArchiveSource(objects, objects.names())
    settings = RestoreSettings(
        until_sequence_no=digest.tip.sequence_no, strand_id=digest.tip.strand_id
    )
    try:
        return restore(source, target, settings, digest=digest)
    except DamagedJournalError:
        if late:
            raise
        return None
