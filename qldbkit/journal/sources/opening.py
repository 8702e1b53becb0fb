"""Recognising in which form a journal is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aws_kinesis_agg import MAGIC

from qldbkit.errors import QldbkitError
from qldbkit.journal.ion import VERSION_MARKER, IonFormatError, IonSpan
from qldbkit.journal.sources.answers import is_answer
from qldbkit.journal.sources.archive import ArchiveSource, pieces_of
from qldbkit.journal.sources.export import ExportSource, is_manifest
from qldbkit.journal.sources.objects import ObjectStore, open_objects, plain_stream
from qldbkit.journal.sources.splitting import BROKEN_STREAM, Piece
from qldbkit.journal.sources.stored import JournalSource

HEAD: Final = 4096
"""Bytes of an object that are looked at."""
PROBED: Final = 16
"""Objects that are looked at before giving up, since the first ones may be damaged."""


class UnknownFormError(QldbkitError):
    """What is at a location is no journal in any form that can be read."""


def open_source(location: str) -> JournalSource:
    """The journal at a folder, file or ``s3://BUCKET/PREFIX``.

    Args:
        location: where it is; S3's endpoint and credentials are those of the environment.

    Raises:
        LocationError: nothing is there, or it may not be read.
        UnknownFormError: none of the known forms is recognised.
    """
    store = open_objects(location)
    names = store.names()
    if any(map(is_manifest, names)):
        return ExportSource(store, names)
    for name in names[:PROBED]:
        form = _form_of(store, name)
        if form is ArchiveSource:
            return ArchiveSource(store, names)
        if form is ExportSource:
            return ExportSource(store, names)
    raise _unknown(location, names)


def _form_of(store: ObjectStore, name: str) -> type[ArchiveSource | ExportSource] | None:
    try:
        with plain_stream(store, name) as stream:
            head = stream.read(HEAD)
    except BROKEN_STREAM:
        return None
    if head.startswith(MAGIC):
        return ArchiveSource
    if head.startswith(VERSION_MARKER):
        return _binary_form(store, name)
    return ExportSource if head.lstrip().startswith(b"{") and b"blockAddress" in head else None


def _binary_form(store: ObjectStore, name: str) -> type[ArchiveSource | ExportSource] | None:
    """By the first struct that can be read: a record says its type, a block its address."""
    for piece in pieces_of(store, name):
        if isinstance(piece, Piece):
            try:
                fields = IonSpan.parse(piece.data).fields()
            except IonFormatError:
                continue
            if "recordType" in fields:
                return ArchiveSource
            if "blockAddress" in fields:
                return ExportSource
    return None


def _unknown(location: str, names: list[str]) -> UnknownFormError:
    what = f"none of its {len(names)} objects is one" if names else "it is empty"
    return UnknownFormError(
        f"{location} holds no journal export and no archive of stream records: {what}",
        hint="give the folder or prefix that holds the manifests, or the archive's objects",
    )


def holds_answers(path: Path) -> bool:
    """Whether a file holds answers of GetDigest, GetBlock or GetRevision."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return is_answer(file.read(HEAD))
