"""Journal exports: manifests that name objects of blocks, and the blocks in them.

After https://docs.aws.amazon.com/qldb/latest/developerguide/export-journal.output.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from qldbkit.journal.findings import Finding, FindingKind, Place
from qldbkit.journal.ion import VERSION_MARKER, IonFormatError, IonSpan
from qldbkit.journal.model import BlockAddress
from qldbkit.journal.sources.archive import as_finding
from qldbkit.journal.sources.objects import LocationError, ObjectStore, plain_stream
from qldbkit.journal.sources.splitting import BROKEN_STREAM, Junk, binary_values
from qldbkit.journal.sources.stored import (
    BlockRange,
    Part,
    PartKind,
    SourceDescription,
    StoredBlock,
    new_stored_block,
)
from qldbkit.journal.sources.text import text_values

MANIFEST_SUFFIX: Final = ".manifest"
COMPLETED_SUFFIX: Final = ".completed.manifest"
STARTED_SUFFIX: Final = ".started.manifest"
MANIFEST_LIMIT: Final = 64 * 1024 * 1024
GZIP_SUFFIX: Final = ".gz"
"""What compressing a copy puts behind its name."""
_DATA_NAME: Final = re.compile(
    r"(?:.*/)?(?P<strand>[0-9A-Za-z]+)\.(?P<first>\d+)-(?P<last>\d+)\.(?:ion|10n|json)(?:\.gz)?"
)


@dataclass(frozen=True, slots=True, order=True)
class DataObject:
    """An object of blocks, and the range that its name gives.

    Attributes:
        strand_id: the strand; empty where the name does not say.
        first: the first sequence number; -1 where the name does not say.
        last: the last one.
        name: the object's name.
    """

    strand_id: str
    first: int
    last: int
    name: str


class ExportSource:
    """The blocks of one or more exports in a store of objects.

    Exports that follow one another are read as one journal, in the order of their blocks.
    """

    def __init__(self, store: ObjectStore, names: list[str]):
        self._store = store
        self._names = names

    def describe(self) -> SourceDescription:
        """An export; all its blocks must be there."""
        location = self._store.location
        return SourceDescription("journal export", location, len(self._names), contiguous=True)

    def stored_blocks(self) -> Iterator[StoredBlock | Finding]:
        """The blocks in the order in which the export's objects hold them."""
        plan = list(self._plan())
        yield from (each for each in plan if isinstance(each, Finding))
        objects = sorted({each for each in plan if isinstance(each, DataObject)})
        previous: DataObject | None = None
        for each in objects:
            yield from _range_findings(previous, each)
            yield from blocks_of(self._store, each)
            previous = each

    def expected_blocks(self) -> int | None:
        """By the names of the objects."""
        objects = map(data_object, self._names)
        return sum(each.last - each.first + 1 for each in objects if each.strand_id) or None

    def _plan(self) -> Iterator[DataObject | Finding]:
        """The data objects, and what is the matter with the manifests."""
        manifests = [each for each in self._names if plain_name(each).endswith(COMPLETED_SUFFIX)]
        present = [each for each in self._names if not plain_name(each).endswith(MANIFEST_SUFFIX)]
        if not manifests:
            reason = "no completed manifest says which objects the export has; all are read"
            yield Finding(FindingKind.UNVERIFIABLE, reason)
            yield from map(data_object, present)
        for manifest in manifests:
            try:
                keys = manifest_keys(self._store, manifest)
            except ManifestError as error:
                yield Finding(FindingKind.DAMAGED, str(error), place=Place(manifest))
                yield from map(data_object, present)
                continue
            yield from _matched(keys, present, manifest)


class ManifestError(ValueError):
    """An export's manifest cannot be read."""


def manifest_keys(store: ObjectStore, name: str) -> list[str]:
    """The keys that a completed manifest lists.

    Raises:
        ManifestError: it is not of the form that QLDB writes.
    """
    try:
        with plain_stream(store, name) as stream:
            data = stream.read(MANIFEST_LIMIT)
        # amazon.ion reads some damaged binary for ever; a span's bounds are checked first
        is_binary = data.startswith(VERSION_MARKER)
        manifest = IonSpan.parse(data) if is_binary else IonSpan.from_text(data.decode())
        keys = [each.text() for each in manifest.fields()["keys"].elements()]
    except (*BROKEN_STREAM, IonFormatError, ValueError, KeyError) as error:
        raise ManifestError(f"the manifest cannot be read: {error}") from error
    if not all(map(_DATA_NAME.fullmatch, keys)):
        raise ManifestError("the manifest names objects that are none of an export")
    return keys


def _matched(keys: list[str], present: list[str], manifest: str) -> Iterator[DataObject | Finding]:
    """The objects that a manifest lists, wherever in the bucket or folder they came to lie.

    Keys are those of the bucket that was exported to; a copy may have lost a part of the path.
    """
    by_ending: dict[str, list[str]] = {}
    for name in present:
        by_ending.setdefault(_ending(name), []).append(name)
    for key in keys:
        candidates = by_ending.get(_ending(key), [])
        path = "/" + plain_name(key)
        exact = [each for each in candidates if path.endswith("/" + plain_name(each))]
        if exact or candidates:
            yield data_object((exact or candidates)[0])
        else:
            reason = f"the manifest {manifest} lists an object that is not there"
            yield Finding(FindingKind.MISSING, reason, place=Place(key))


def plain_name(name: str) -> str:
    """An object's name without what compressing it put behind it."""
    return name.removesuffix(GZIP_SUFFIX)


def is_manifest(name: str) -> bool:
    """Whether an object is a manifest, which says that it belongs to an export."""
    return plain_name(name).endswith((COMPLETED_SUFFIX, STARTED_SUFFIX))


def _ending(name: str) -> str:
    return plain_name(name).rpartition("/")[2]


def data_object(name: str) -> DataObject:
    """An object with the range that its name says."""
    match = _DATA_NAME.fullmatch(name)
    if match is None:
        return DataObject("", -1, -1, name)
    return DataObject(match["strand"], int(match["first"]), int(match["last"]), name)


def _range_findings(previous: DataObject | None, following: DataObject) -> Iterator[Finding]:
    """Overlaps and gaps between two objects of one strand, by their names."""
    if previous is None or previous.strand_id != following.strand_id or following.first < 0:
        return
    address = BlockAddress(following.strand_id, previous.last + 1)
    place = Place(following.name)
    if following.first <= previous.last:
        reason = f"it has blocks that {previous.name} has, too: the exports overlap"
        yield Finding(FindingKind.UNVERIFIABLE, reason, place=place)
    elif following.first > previous.last + 1:
        reason = f"no object has blocks {previous.last + 1} to {following.first - 1}"
        yield Finding(FindingKind.MISSING, reason, address, place)


def blocks_of(store: ObjectStore, found: DataObject) -> Iterator[StoredBlock | Finding]:
    """The blocks of one object of an export, in any of its formats."""
    name, count = found.name, 0
    within = BlockRange(found.strand_id, found.first, found.last) if found.strand_id else None
    try:
        with plain_stream(store, name) as stream:
            head = stream.read(len(VERSION_MARKER))
        with plain_stream(store, name) as stream:
            binary = head == VERSION_MARKER
            kind = PartKind.BLOCK if binary else _text_kind(name, head)
            for piece in binary_values(stream) if binary else text_values(stream):
                count += 1
                if isinstance(piece, Junk):
                    yield as_finding(piece, name)
                else:
                    part = Part(kind, piece.data, Place(name, piece.offset))
                    yield new_stored_block(None, (part,), within)
    except LocationError as error:
        yield Finding(FindingKind.MISSING, error.message, place=Place(name))
    except BROKEN_STREAM as error:
        yield Finding(FindingKind.DAMAGED, f"the object cannot be read: {error}", place=Place(name))
    if within is not None and count < found.last - found.first + 1:
        reason = f"the object has {count} of the {found.last - found.first + 1} blocks of its name"
        yield Finding(FindingKind.MISSING, reason, place=Place(name))


def _text_kind(name: str, head: bytes) -> PartKind:
    json = ".json" in name or head.startswith(b'{"')
    return PartKind.BLOCK_JSON if json else PartKind.BLOCK_TEXT
