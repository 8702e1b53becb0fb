"""Journal streams as the control plane remembers them, with how far each one has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from qldbkit.ledger.clock import to_milliseconds
from qldbkit.ledger.control_store import ControlStore, from_milliseconds

ACTIVE: Final = "ACTIVE"
COMPLETED: Final = "COMPLETED"
CANCELED: Final = "CANCELED"
FAILED: Final = "FAILED"
IMPAIRED: Final = "IMPAIRED"
RUNNING: Final = frozenset({ACTIVE, IMPAIRED})

KINESIS_STREAM_NOT_FOUND: Final = "KINESIS_STREAM_NOT_FOUND"
IAM_PERMISSION_REVOKED: Final = "IAM_PERMISSION_REVOKED"

_COLUMNS: Final = (
    "stream_id, ledger, name, role_arn, kinesis_arn, aggregated, created, start,"
    ' "end", status, error_cause, ended, next_sequence_no, announced'
)


@dataclass(frozen=True, slots=True)
class JournalStream:
    """One journal stream; times are aware and in UTC.

    Attributes:
        stream_id: 22 characters.
        ledger: its ledger's name.
        name: what its owner calls it; unique among the ledger's streams that have not ended.
        role_arn: the role that was given; recorded only.
        kinesis_arn: the Kinesis stream that it writes to.
        aggregated: whether many records go into one Kinesis record.
        created: when it was made.
        start: blocks of that time and later are in it.
        end: blocks of that time and later are not; None for no end.
        status: one of the service model's.
        error_cause: why it is IMPAIRED or FAILED.
        ended: when it reached a status that it does not leave.
        next_sequence_no: the first block that Kinesis has not acknowledged; None until the
            block that the stream starts with has been looked for.
        announced: whether its first record, CONTROL CREATED, has been written.
    """

    stream_id: str
    ledger: str
    name: str
    role_arn: str
    kinesis_arn: str
    aggregated: bool
    created: datetime
    start: datetime
    end: datetime | None
    status: str = ACTIVE
    error_cause: str | None = None
    ended: datetime | None = None
    next_sequence_no: int | None = None
    announced: bool = False


class StreamStore:
    """The journal streams of every ledger."""

    def __init__(self, store: ControlStore):
        self._store = store

    def add(self, stream: JournalStream) -> None:
        """Remember a new stream."""
        marks = ", ".join("?" * len(_COLUMNS.split(",")))
        self._store.write(
            f"INSERT INTO stream ({_COLUMNS}) VALUES ({marks})",  # noqa: S608
            (
                stream.stream_id,
                stream.ledger,
                stream.name,
                stream.role_arn,
                stream.kinesis_arn,
                stream.aggregated,
                to_milliseconds(stream.created),
                to_milliseconds(stream.start),
                None if stream.end is None else to_milliseconds(stream.end),
                stream.status,
                stream.error_cause,
                None if stream.ended is None else to_milliseconds(stream.ended),
                stream.next_sequence_no,
                stream.announced,
            ),
        )

    def get(self, ledger: str, stream_id: str) -> JournalStream | None:
        """A stream of a ledger, or None."""
        rows = self._store.rows(
            f"SELECT {_COLUMNS} FROM stream WHERE ledger = ? AND stream_id = ?",  # noqa: S608
            (ledger, stream_id),
        )
        return _stream(*rows[0]) if rows else None

    def of_ledger(self, ledger: str) -> list[JournalStream]:
        """A ledger's streams, by their ids."""
        rows = self._store.rows(
            f"SELECT {_COLUMNS} FROM stream WHERE ledger = ? ORDER BY stream_id",  # noqa: S608
            (ledger,),
        )
        return [_stream(*row) for row in rows]

    def running(self) -> list[JournalStream]:
        """Every stream that has not ended."""
        rows = self._store.rows(
            f"SELECT {_COLUMNS} FROM stream WHERE status IN (?, ?)",  # noqa: S608
            (ACTIVE, IMPAIRED),
        )
        return [_stream(*row) for row in rows]

    def save_position(self, stream_id: str, next_sequence_no: int) -> None:
        """Remember how far a stream, whose first record has been written, has come."""
        self._store.write(
            "UPDATE stream SET next_sequence_no = ?, announced = 1 WHERE stream_id = ?",
            (next_sequence_no, stream_id),
        )

    def set_running(self, stream_id: str, status: str, error_cause: str | None) -> bool:
        """Make a stream ACTIVE or IMPAIRED; False when it has ended."""
        return bool(
            self._store.write(
                "UPDATE stream SET status = ?, error_cause = ?"
                " WHERE stream_id = ? AND status IN (?, ?)",
                (status, error_cause, stream_id, ACTIVE, IMPAIRED),
            )
        )

    def end(
        self, stream_id: str, status: str, moment: datetime, error_cause: str | None = None
    ) -> bool:
        """Give a running stream its last status; False when it has one."""
        return bool(
            self._store.write(
                "UPDATE stream SET status = ?, error_cause = ?, ended = ?"
                " WHERE stream_id = ? AND status IN (?, ?)",
                (status, error_cause, to_milliseconds(moment), stream_id, ACTIVE, IMPAIRED),
            )
        )

    def remove(self, stream_id: str) -> None:
        """Forget a stream that could not begin."""
        self._store.write("DELETE FROM stream WHERE stream_id = ?", (stream_id,))

    def remove_ended(self, before: datetime) -> list[JournalStream]:
        """Forget the streams that ended before a time; the streams that were forgotten."""
        with self._store.transaction():
            rows = self._store.rows(
                f"SELECT {_COLUMNS} FROM stream WHERE ended < ?",  # noqa: S608
                (to_milliseconds(before),),
            )
            self._store.write("DELETE FROM stream WHERE ended < ?", (to_milliseconds(before),))
        return [_stream(*row) for row in rows]

    def remove_of_ledger(self, ledger: str) -> None:
        """Forget every stream of a ledger that is no more."""
        self._store.write("DELETE FROM stream WHERE ledger = ?", (ledger,))


def _stream(*columns: Any) -> JournalStream:
    (stream_id, ledger, name, role_arn, kinesis_arn, aggregated, created, start, end) = columns[:9]
    (status, error_cause, ended, next_sequence_no, announced) = columns[9:]
    return JournalStream(
        stream_id,
        ledger,
        name,
        role_arn,
        kinesis_arn,
        bool(aggregated),
        from_milliseconds(created),
        from_milliseconds(start),
        None if end is None else from_milliseconds(end),
        status,
        error_cause,
        None if ended is None else from_milliseconds(ended),
        next_sequence_no,
        bool(announced),
    )
