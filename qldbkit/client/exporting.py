"""A ledger's journal as ExportJournalToS3 writes it, fetched through the control plane.

Every block is verified, and the digest of all of them compared with the ledger's, before the
manifest is written that says that the export is complete.
"""

from __future__ import annotations

from base64 import b64decode
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from qldbkit.client.digests import digest_answer, digest_of
from qldbkit.errors import QldbkitError
from qldbkit.journal import decoding
from qldbkit.journal.integrity import verify_block, verify_link
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block, BlockAddress
from qldbkit.journal.peaks import Peaks
from qldbkit.journal.sources.objects import BucketObjects, FolderObjects, open_objects
from qldbkit.ledger import export_format
from qldbkit.ledger.export_store import COMPLETED, JournalExport
from qldbkit.ledger.identifiers import new_identifier
from qldbkit.ledger.service_limits import ServiceLimits

Told = Callable[[int, int], None]
"""Of the blocks and the revisions so far."""

FETCHES: Final = 8
"""Blocks that are fetched at the same time; boto3's connections are ten."""
FETCHED_AHEAD: Final = 64
"""Blocks that wait in memory to be written."""


class ExportError(QldbkitError):
    """The journal cannot be exported."""


class ExportTarget(Protocol):
    """Where an export is written to."""

    def names(self) -> list[str]:
        """The objects that are there."""

    def put(self, key: str, body: bytes) -> None:
        """Write one object."""


@dataclass(frozen=True, slots=True)
class FolderTarget:
    """A folder; an object is there under its name once it is whole."""

    root: Path

    def names(self) -> list[str]:
        """The files below the folder."""
        return FolderObjects(self.root).names() if self.root.exists() else []

    def put(self, key: str, body: bytes) -> None:
        """Write one file.

        Raises:
            ExportError: it cannot be written.
        """
        path = self.root / key
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.partial")
            partial.write_bytes(body)
            partial.replace(path)
        except OSError as error:
            raise ExportError(f"{path} cannot be written: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class BucketTarget:
    """A prefix of an S3 bucket."""

    objects: BucketObjects

    def names(self) -> list[str]:
        """The keys below the prefix."""
        return self.objects.names()

    def put(self, key: str, body: bytes) -> None:
        """Write one object, under its whole key.

        Raises:
            ExportError: S3 does not take it.
        """
        try:
            self.objects.client.put_object(Bucket=self.objects.bucket, Key=key, Body=body)
        except (ClientError, BotoCoreError) as error:
            raise ExportError(f"s3://{self.objects.bucket}/{key}: {error}") from error


@dataclass(frozen=True, slots=True)
class ExportReport:
    """A finished export.

    Attributes:
        ledger: the ledger's name.
        location: where it was written to.
        export_id: 22 characters, as QLDB's.
        strand_id: the journal.
        blocks: how many it has, from the first on.
        revisions: how many these hold.
        objects: how many objects hold the blocks.
        digest: of all the blocks, in base64; the ledger gave the same.
    """

    ledger: str
    location: str
    export_id: str
    strand_id: str
    blocks: int
    revisions: int
    objects: int
    digest: str

    def to_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "ledger": self.ledger,
            "location": self.location,
            "exportId": self.export_id,
            "strandId": self.strand_id,
            "blocks": self.blocks,
            "revisions": self.revisions,
            "objects": self.objects,
            "digest": self.digest,
        }


def export_journal(
    control: Any,
    ledger: str,
    location: str,
    output_format: str = export_format.DEFAULT_FORMAT,
    told: Told = lambda _blocks, _revisions: None,
    limits: ServiceLimits | None = None,
) -> ExportReport:
    """Write the whole journal, up to the block that is the latest now.

    Args:
        control: boto3's client of the control plane.
        ledger: the ledger's name.
        location: an empty or new folder, or ``s3://BUCKET/PREFIX`` with nothing below it; S3's
            endpoint and credentials are the environment's.
        output_format: ``ION_TEXT``, ``ION_BINARY`` or ``JSON``.
        told: called as blocks are written.
        limits: the size of objects.

    Raises:
        ExportError: something is there already, or cannot be written, or the ledger's digest is
            not that of its blocks.
        IntegrityError: a block is not what its hashes say.
        ClientError: there is no such ledger, or it has no block yet.
    """
    answer = digest_answer(control, ledger)
    tip = digest_of(answer).tip
    target, export = _destination(control, ledger, location, output_format)
    target.put(export_format.started_key(export), export_format.started_manifest(export))
    proven = _Proven()
    keys: list[str] = []
    bounds = limits or ServiceLimits()
    for first, last, body in _objects(export, proven.each(_blocks(control, ledger, tip)), bounds):
        keys.append(export_format.data_key(export, tip.strand_id, first, last))
        target.put(keys[-1], body)
        told(proven.peaks.size, proven.revisions)
    if proven.peaks.digest() != b64decode(answer["Digest"]):
        raise ExportError(
            "the ledger's digest is not that of its blocks", position=str(tip), hint="trust neither"
        )
    target.put(
        export_format.completed_key(export, tip.strand_id),
        export_format.completed_manifest(export, keys),
    )
    return ExportReport(
        ledger,
        location,
        export.export_id,
        tip.strand_id,
        proven.peaks.size,
        proven.revisions,
        len(keys),
        answer["Digest"],
    )


def _destination(
    control: Any, ledger: str, location: str, output_format: str
) -> tuple[ExportTarget, JournalExport]:
    objects = open_objects(location)
    target: ExportTarget
    if isinstance(objects, BucketObjects):
        target, bucket, prefix = BucketTarget(objects), objects.bucket, objects.prefix
    else:
        target, bucket, prefix = FolderTarget(Path(location)), "", ""
    if target.names():
        raise ExportError(f"{location} is not empty", hint="give a new folder or prefix")
    now = datetime.now(UTC)
    start = control.describe_ledger(Name=ledger)["CreationDateTime"]
    export = JournalExport(
        new_identifier(),
        ledger,
        "",
        now,
        start,
        now,
        bucket,
        prefix,
        "NO_ENCRYPTION",
        None,
        output_format,
    )
    return target, replace(export, status=COMPLETED, ended=now)


class _Proven:
    """Checks blocks as they pass, and counts them."""

    def __init__(self) -> None:
        self.peaks = Peaks()
        self.revisions = 0
        self._previous: Block | None = None

    def each(self, blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            verify_block(block)
            if self._previous is not None:
                before = self._previous.summary
                verify_link(before.address, before.block_hash, block.summary)
            self._previous = block
            self.peaks.add(block.summary.block_hash)
            self.revisions += len(block.revisions)
            yield block


def _blocks(control: Any, ledger: str, tip: BlockAddress) -> Iterator[Block]:
    """The journal's blocks from the first to the tip, fetched some ahead."""
    waiting: deque[Future[Block]] = deque()
    with ThreadPoolExecutor(FETCHES, thread_name_prefix="fetch") as threads:
        try:
            for sequence_no in range(tip.sequence_no + 1):
                waiting.append(threads.submit(_block, control, ledger, tip.strand_id, sequence_no))
                if len(waiting) >= FETCHED_AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            threads.shutdown(wait=True, cancel_futures=True)


def _block(control: Any, ledger: str, strand_id: str, sequence_no: int) -> Block:
    address = f'{{strandId:"{strand_id}",sequenceNo:{sequence_no}}}'
    answer = control.get_block(Name=ledger, BlockAddress={"IonText": address})
    return decoding.block(IonSpan.from_text(answer["Block"]["IonText"]))


def _objects(
    export: JournalExport, blocks: Iterator[Block], limits: ServiceLimits
) -> Iterator[tuple[int, int, bytes]]:
    """The first and last sequence number of every object, and what is in it."""
    numbers: list[int] = []
    body = bytearray()
    for block in blocks:
        numbers.append(block.address.sequence_no)
        body += export_format.encoded_block(export, block)
        if len(numbers) >= limits.export_object_blocks or len(body) >= limits.export_object_bytes:
            yield numbers[0], numbers[-1], bytes(body)
            numbers, body = [], bytearray()
    if numbers:
        yield numbers[0], numbers[-1], bytes(body)
