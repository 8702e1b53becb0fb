"""What one server takes on: the bounds of its control plane, its streams and its exports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """Bounds of a server. Those that QLDB had are QLDB's by default, but for the ledgers.

    Attributes:
        ledgers: how many there may be; QLDB's quota was 5 until one asked for more.
        streams_per_ledger: journal streams of a ledger that have not ended.
        exports_per_ledger: exports of a ledger that run at the same time.
        retention: how long ended streams and exports are still described.
        request_bytes: the size of a request's body.
        stream_batch_blocks: blocks that a stream reads before it writes them to Kinesis.
        stream_batch_bytes: bytes of records that a stream holds before it writes them.
        stream_poll_seconds: how long a stream waits for a commit before it looks at its own end.
        stream_save_seconds: how often a stream that is busy saves how far it has come; after a
            crash, what it wrote in that time is written once more.
        end_grace_seconds: how long after a stream's end time its last block may be committed.
        retry_first_seconds: the wait after a stream's first failed write; it doubles each time.
        retry_most_seconds: the longest wait between two attempts.
        impaired_limit: how long a stream may be IMPAIRED before it is FAILED. That QLDB had such
            a bound is documented, its length is not known.
        stop_seconds: how long the end of a stream's or an export's thread is waited for.
        export_object_blocks: blocks in one object of an export.
        export_object_bytes: bytes at which an object of an export is full.
        aws_attempts: attempts at a call of Kinesis or S3 within one write.
        aws_connections: connections to Kinesis or S3 that are kept open.
        aws_connect_seconds: the wait for a connection to Kinesis or S3.
        aws_read_seconds: the wait for an answer of Kinesis or S3.
    """

    ledgers: int = 100
    streams_per_ledger: int = 5
    exports_per_ledger: int = 2
    retention: timedelta = timedelta(days=7)
    request_bytes: int = 8 * 1024 * 1024
    stream_batch_blocks: int = 200
    stream_batch_bytes: int = 2 * 1024 * 1024
    stream_poll_seconds: float = 0.25
    stream_save_seconds: float = 0.25
    end_grace_seconds: float = 1.0
    retry_first_seconds: float = 0.05
    retry_most_seconds: float = 2.0
    impaired_limit: timedelta = timedelta(days=7)
    stop_seconds: float = 15.0
    export_object_blocks: int = 1000
    export_object_bytes: int = 8 * 1024 * 1024
    aws_attempts: int = 2
    aws_connections: int = 20
    aws_connect_seconds: float = 2.0
    aws_read_seconds: float = 10.0
