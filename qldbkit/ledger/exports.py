"""The control plane's operations on journal exports, and the threads that write them to S3.

The journal of a period that is over never changes, and neither do the keys of its objects: an
export that a restart interrupted is begun again, and writes the same objects once more.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from qldbkit.journal.model import Block
from qldbkit.ledger import export_format, export_store
from qldbkit.ledger.aws import AwsClients
from qldbkit.ledger.clock import Clock, to_milliseconds
from qldbkit.ledger.control import with_token
from qldbkit.ledger.control_store import time_of
from qldbkit.ledger.errors import (
    InvalidParameterError,
    LimitExceededError,
    ResourceNotFoundError,
)
from qldbkit.ledger.export_store import ExportStore, JournalExport
from qldbkit.ledger.failures import origin_of
from qldbkit.ledger.identifiers import new_identifier
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.pages import page_of
from qldbkit.ledger.registry import LedgerRegistry
from qldbkit.ledger.service_limits import ServiceLimits
from qldbkit.ledger.streams import check_period

Request = Mapping[str, Any]
Answer = dict[str, Any]

_ENCRYPTION: Final = {"SSE_KMS": "aws:kms", "SSE_S3": "AES256"}
_log = logging.getLogger(__name__)


class ExportBucket:
    """Where one export writes.

    Args:
        client: a boto3 client of S3.
        export: names the bucket and its encryption.
    """

    def __init__(self, client: Any, export: JournalExport):
        self._client = client
        self._bucket = export.bucket
        self._encryption: dict[str, str] = {}
        if export.encryption in _ENCRYPTION:
            self._encryption["ServerSideEncryption"] = _ENCRYPTION[export.encryption]
        if export.encryption == "SSE_KMS" and export.kms_key_arn is not None:
            self._encryption["SSEKMSKeyId"] = export.kms_key_arn

    def put(self, key: str, body: bytes) -> None:
        """Write one object.

        Raises:
            ClientError, BotoCoreError: S3 does not take it.
        """
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, **self._encryption)


class _Job:
    """The thread of one export."""

    def __init__(self, run: Callable[[threading.Event], None], name: str):
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=run, args=(self.stopping,), name=name, daemon=True)


class ExportOperations:
    """ExportJournalToS3, DescribeJournalS3Export and their like.

    Args:
        registry: the server's ledgers.
        store: where exports are kept.
        aws: gives the client of S3.
        clock: the time of day.
        limits: how many run at the same time, and the size of their objects.
    """

    def __init__(
        self,
        registry: LedgerRegistry,
        store: ExportStore,
        aws: AwsClients,
        clock: Clock,
        limits: ServiceLimits,
    ):
        self._registry = registry
        self._store = store
        self._aws = aws
        self._clock = clock
        self._limits = limits
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}

    def export_journal_to_s3(self, request: Request) -> Answer:
        """Begin an export: its first manifest is in the bucket when this is answered."""
        self._registry.record(request["Name"])
        export = self._requested(request)
        self._add(export)
        try:
            key = export_format.started_key(export)
            self._bucket_of(export).put(key, export_format.started_manifest(export))
        except (ClientError, BotoCoreError) as error:
            self._store.remove(export.export_id)
            raise InvalidParameterError(
                f"QLDB encountered an error validating S3 configuration: {error}",
                ParameterName="S3ExportConfiguration",
            ) from error
        try:
            self._start(export)
        except ResourceNotFoundError:  # the ledger has been deleted meanwhile
            self._store.remove(export.export_id)
            raise
        return {"ExportId": export.export_id}

    def describe_journal_s3_export(self, request: Request) -> Answer:
        """An export's state and settings."""
        self._registry.record(request["Name"])
        self._forget_old()
        export = self._store.get(request["Name"], request["ExportId"])
        if export is None:
            raise ResourceNotFoundError(
                f"The export {request['ExportId']} of ledger {request['Name']} is not found",
                ResourceType="Export",
                ResourceName=request["ExportId"],
            )
        return {"ExportDescription": _description(export)}

    def list_journal_s3_exports(self, request: Request) -> Answer:
        """A page of all exports, but those that ended long ago."""
        self._forget_old()
        return _list(self._store.all(), request)

    def list_journal_s3_exports_for_ledger(self, request: Request) -> Answer:
        """A page of a ledger's exports, but those that ended long ago."""
        self._registry.record(request["Name"])
        self._forget_old()
        return _list(self._store.of_ledger(request["Name"]), request)

    def resume(self) -> None:
        """Begin again what was in progress when the server stopped."""
        ledgers = {record.name for record in self._registry.records()}
        for export in self._store.all():
            if export.ledger not in ledgers:  # the server stopped while it deleted the ledger
                self._store.remove_of_ledger(export.ledger)
            elif export.status == export_store.IN_PROGRESS:
                self._start(export)

    def cancel_all(self, ledger: str) -> None:
        """End and forget the exports of a ledger that is being deleted."""
        exports = self._store.of_ledger(ledger)
        self._stop([each.export_id for each in exports])
        self._store.remove_of_ledger(ledger)

    def close(self) -> None:
        """End every thread, within bounds; exports begin again when the server is back."""
        with self._lock:
            running = list(self._jobs)
        self._stop(running)

    def _requested(self, request: Request) -> JournalExport:
        now = time_of(self._clock)
        end = request["ExclusiveEndTime"]
        check_period(request["InclusiveStartTime"], end, now)
        if end > now:
            raise InvalidParameterError(
                "The end date cannot be in the future", ParameterName="ExclusiveEndTime"
            )
        target = request["S3ExportConfiguration"]
        encryption = target["EncryptionConfiguration"]
        return JournalExport(
            new_identifier(),
            request["Name"],
            request["RoleArn"],
            now,
            request["InclusiveStartTime"],
            end,
            target["Bucket"],
            target["Prefix"],
            encryption["ObjectEncryptionType"],
            encryption.get("KmsKeyArn"),
            request.get("OutputFormat"),
        )

    def _add(self, export: JournalExport) -> None:
        with self._lock:
            running = [
                each
                for each in self._store.of_ledger(export.ledger)
                if each.status == export_store.IN_PROGRESS
            ]
            if len(running) >= self._limits.exports_per_ledger:
                raise LimitExceededError(
                    f"Exceeded the limit of {self._limits.exports_per_ledger} concurrent Journal"
                    " export jobs",
                    ResourceType="Export",
                )
            self._store.add(export)

    def _start(self, export: JournalExport) -> None:
        ledger = self._registry.ledger(export.ledger)
        job = _Job(
            lambda stopping: self._run(export, ledger, stopping), f"export-{export.export_id}"
        )
        with self._lock:
            self._jobs[export.export_id] = job
        job.thread.start()

    def _stop(self, export_ids: Sequence[str]) -> None:
        with self._lock:
            jobs = [self._jobs.pop(each) for each in export_ids if each in self._jobs]
        for job in jobs:
            job.stopping.set()
        for job in jobs:
            job.thread.join(self._limits.stop_seconds)

    def _run(self, export: JournalExport, ledger: Ledger, stopping: threading.Event) -> None:
        status = export_store.CANCELLED
        try:
            if not self._write(export, ledger, stopping):
                return
            status = export_store.COMPLETED
        except Exception as error:  # whatever it is, the export's owner must see that it ended
            _log.error("export %s failed\n%s", export.export_id, origin_of(error))
        self._store.end(export.export_id, status, time_of(self._clock))
        with self._lock:
            self._jobs.pop(export.export_id, None)

    def _write(self, export: JournalExport, ledger: Ledger, stopping: threading.Event) -> bool:
        """Write every data object and the last manifest; False when asked to stop before that."""
        bucket, keys = self._bucket_of(export), []
        first = ledger.first_block_from(to_milliseconds(export.start))
        last = ledger.first_block_from(to_milliseconds(export.end)) - 1
        for blocks, body in self._objects(export, ledger.blocks(first, last)):
            if stopping.is_set():
                return False
            ends = (blocks[0], blocks[-1])
            keys.append(export_format.data_key(export, ledger.strand_id, *ends))
            bucket.put(keys[-1], body)
        bucket.put(
            export_format.completed_key(export, ledger.strand_id),
            export_format.completed_manifest(export, keys),
        )
        return True

    def _objects(
        self, export: JournalExport, blocks: Iterator[Block]
    ) -> Iterator[tuple[list[int], bytes]]:
        """Groups of blocks, by their sequence numbers, with the object that holds them."""
        numbers: list[int] = []
        body = bytearray()
        for block in blocks:
            numbers.append(block.address.sequence_no)
            body += export_format.encoded_block(export, block)
            if (
                len(numbers) >= self._limits.export_object_blocks
                or len(body) >= self._limits.export_object_bytes
            ):
                yield numbers, bytes(body)
                numbers, body = [], bytearray()
        if numbers:
            yield numbers, bytes(body)

    def _bucket_of(self, export: JournalExport) -> ExportBucket:
        return ExportBucket(self._aws.client("s3"), export)

    def _forget_old(self) -> None:
        self._store.remove_ended(time_of(self._clock) - self._limits.retention)


def _list(exports: Sequence[JournalExport], request: Request) -> Answer:
    page, token = page_of(
        exports,
        lambda export: export.export_id,
        request.get("MaxResults"),
        request.get("NextToken"),
    )
    return {"JournalS3Exports": [_description(each) for each in page]} | with_token(token)


def _description(export: JournalExport) -> Answer:
    encryption: Answer = {"ObjectEncryptionType": export.encryption}
    if export.kms_key_arn is not None:
        encryption["KmsKeyArn"] = export.kms_key_arn
    description: Answer = {
        "LedgerName": export.ledger,
        "ExportId": export.export_id,
        "ExportCreationTime": export.created,
        "Status": export.status,
        "InclusiveStartTime": export.start,
        "ExclusiveEndTime": export.end,
        "S3ExportConfiguration": {
            "Bucket": export.bucket,
            "Prefix": export.prefix,
            "EncryptionConfiguration": encryption,
        },
        "RoleArn": export.role_arn,
    }
    if export.output_format is not None:
        description["OutputFormat"] = export.output_format
    return description
