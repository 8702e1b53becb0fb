"""Journal exports as the control plane remembers them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from qldbkit.ledger.clock import to_milliseconds
from qldbkit.ledger.control_store import ControlStore, from_milliseconds

IN_PROGRESS: Final = "IN_PROGRESS"
COMPLETED: Final = "COMPLETED"
CANCELLED: Final = "CANCELLED"

_COLUMNS: Final = (
    'export_id, ledger, role_arn, created, start, "end", bucket, prefix, encryption,'
    " kms_key_arn, output_format, status, ended"
)


@dataclass(frozen=True, slots=True)
class JournalExport:
    """One export of a journal; times are aware and in UTC.

    Attributes:
        export_id: 22 characters.
        ledger: its ledger's name.
        role_arn: the role that was given; recorded only.
        created: when it was asked for.
        start: blocks of that time and later are in it.
        end: blocks of that time and later are not.
        bucket: the S3 bucket that it writes to.
        prefix: what its objects' keys begin with.
        encryption: ``SSE_KMS``, ``SSE_S3`` or ``NO_ENCRYPTION``.
        kms_key_arn: the key for ``SSE_KMS``; None for the bucket's own.
        output_format: ``ION_TEXT``, ``ION_BINARY`` or ``JSON``; None when none was asked for,
            which means Ion text.
        status: one of the service model's.
        ended: when it reached a status that it does not leave.
    """

    export_id: str
    ledger: str
    role_arn: str
    created: datetime
    start: datetime
    end: datetime
    bucket: str
    prefix: str
    encryption: str
    kms_key_arn: str | None
    output_format: str | None
    status: str = IN_PROGRESS
    ended: datetime | None = None


class ExportStore:
    """The exports of every ledger."""

    def __init__(self, store: ControlStore):
        self._store = store

    def add(self, export: JournalExport) -> None:
        """Remember a new export."""
        marks = ", ".join("?" * len(_COLUMNS.split(",")))
        self._store.write(
            f"INSERT INTO export ({_COLUMNS}) VALUES ({marks})",  # noqa: S608
            (
                export.export_id,
                export.ledger,
                export.role_arn,
                to_milliseconds(export.created),
                to_milliseconds(export.start),
                to_milliseconds(export.end),
                export.bucket,
                export.prefix,
                export.encryption,
                export.kms_key_arn,
                export.output_format,
                export.status,
                None if export.ended is None else to_milliseconds(export.ended),
            ),
        )

    def get(self, ledger: str, export_id: str) -> JournalExport | None:
        """An export of a ledger, or None."""
        return next((each for each in self.of_ledger(ledger) if each.export_id == export_id), None)

    def all(self) -> list[JournalExport]:
        """Every export, by its id."""
        rows = self._store.rows(f"SELECT {_COLUMNS} FROM export ORDER BY export_id")  # noqa: S608
        return [_export(*row) for row in rows]

    def of_ledger(self, ledger: str) -> list[JournalExport]:
        """A ledger's exports, by their ids."""
        rows = self._store.rows(
            f"SELECT {_COLUMNS} FROM export WHERE ledger = ? ORDER BY export_id",  # noqa: S608
            (ledger,),
        )
        return [_export(*row) for row in rows]

    def end(self, export_id: str, status: str, moment: datetime) -> bool:
        """Give a running export its last status; False when it has one."""
        return bool(
            self._store.write(
                "UPDATE export SET status = ?, ended = ? WHERE export_id = ? AND status = ?",
                (status, to_milliseconds(moment), export_id, IN_PROGRESS),
            )
        )

    def remove(self, export_id: str) -> None:
        """Forget an export that could not begin."""
        self._store.write("DELETE FROM export WHERE export_id = ?", (export_id,))

    def remove_ended(self, before: datetime) -> None:
        """Forget the exports that ended before a time."""
        self._store.write("DELETE FROM export WHERE ended < ?", (to_milliseconds(before),))

    def remove_of_ledger(self, ledger: str) -> None:
        """Forget every export of a ledger that is no more."""
        self._store.write("DELETE FROM export WHERE ledger = ?", (ledger,))


def _export(*columns: Any) -> JournalExport:
    (export_id, ledger, role_arn, created, start, end, bucket, prefix, encryption) = columns[:9]
    (kms_key_arn, output_format, status, ended) = columns[9:]
    return JournalExport(
        export_id,
        ledger,
        role_arn,
        from_milliseconds(created),
        from_milliseconds(start),
        from_milliseconds(end),
        bucket,
        prefix,
        encryption,
        kms_key_arn,
        output_format,
        status,
        None if ended is None else from_milliseconds(ended),
    )
