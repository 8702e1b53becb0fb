"""The objects of a journal export: their keys and what is in them.

After https://docs.aws.amazon.com/qldb/latest/developerguide/export-journal.output.html.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from amazon.ion.core import IonType
from amazon.ion.simple_types import IonPyNull, IonPySymbol

from qldbkit.journal import codec
from qldbkit.journal.blocks import exported_struct
from qldbkit.journal.model import Block
from qldbkit.ledger.clock import to_milliseconds, to_timestamp
from qldbkit.ledger.export_store import JournalExport

Encode = Callable[[Any], bytes]
"""The bytes of one value in an export's format, with what parts it from the next."""


def ion_text(value: Any) -> bytes:
    """A value as Ion text, with a space to the next one.

    AWS's readers of exports take blocks apart at ``} {``.
    """
    return codec.write_text(value).encode() + b" "


def ion_binary(value: Any) -> bytes:
    """A value as binary Ion, with its own version marker and symbols."""
    return codec.write(value)


def json_line(value: Any) -> bytes:
    """A value down-converted to JSON, on a line of its own."""
    return json_text(value).encode() + b"\n"


ENCODINGS: Final[Mapping[str, Encode]] = {
    "ION_TEXT": ion_text,
    "ION_BINARY": ion_binary,
    "JSON": json_line,
}
DEFAULT_FORMAT: Final = "ION_TEXT"


def encoding_of(export: JournalExport) -> Encode:
    """The encoding of an export's manifests and data objects."""
    return ENCODINGS[export.output_format or DEFAULT_FORMAT]


def prefix_of(export: JournalExport) -> str:
    """What an export's keys begin with: its prefix, with a slash where one is missing."""
    prefix = export.prefix
    return prefix if not prefix or prefix.endswith("/") else prefix + "/"


def started_key(export: JournalExport) -> str:
    """The key of the manifest that is written when an export begins."""
    return f"{prefix_of(export)}{export.export_id}.started.manifest"


def completed_key(export: JournalExport, strand_id: str) -> str:
    """The key of the manifest that is written when everything of a strand is exported."""
    return f"{prefix_of(export)}{export.export_id}.{strand_id}.completed.manifest"


def data_key(export: JournalExport, strand_id: str, first: int, last: int) -> str:
    """The key of an object with the blocks from ``first`` to ``last``.

    Its hour is the export's own; the documentation's example has one at its range's end.
    """
    suffix = "json" if export.output_format == "JSON" else "ion"
    hour = export.created.strftime("%Y/%m/%d/%H")
    return f"{prefix_of(export)}{hour}/{strand_id}.{first}-{last}.{suffix}"


def started_manifest(export: JournalExport) -> bytes:
    """What was asked for; the output format only if one was."""
    manifest: dict[str, Any] = {
        "ledgerName": export.ledger,
        "exportId": export.export_id,
        "inclusiveStartTime": to_timestamp(to_milliseconds(export.start)),
        "exclusiveEndTime": to_timestamp(to_milliseconds(export.end)),
        "bucket": export.bucket,
        "prefix": export.prefix,
        "objectEncryptionType": export.encryption,
    }
    if export.output_format is not None:
        manifest["outputFormat"] = export.output_format
    return encoding_of(export)(manifest)


def completed_manifest(export: JournalExport, keys: Sequence[str]) -> bytes:
    """The keys of the data objects, in the journal's order."""
    return encoding_of(export)({"keys": list(keys)})


def encoded_block(export: JournalExport, block: Block) -> bytes:
    """A block as it stands in a data object."""
    return encoding_of(export)(exported_struct(block))


def json_text(value: Any) -> str:
    """An Ion value as JSON text, by Ion's rules for that; annotations are lost.

    Blobs become base64, timestamps and symbols strings, floats without a JSON form null; ints and
    decimals keep every digit.
    """
    if value is None or isinstance(value, IonPyNull):
        return "null"
    if isinstance(value, Mapping):
        members = (f"{_quoted(name)}:{json_text(each)}" for name, each in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list | tuple) and not isinstance(value, IonPySymbol):
        return "[" + ",".join(map(json_text, value)) + "]"
    return _scalar_text(value)


def _scalar_text(value: Any) -> str:
    ion_type = getattr(value, "ion_type", None)
    if ion_type is IonType.BOOL or isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(float(value)) if math.isfinite(value) else "null"
    if isinstance(value, int | Decimal):
        return str(Decimal(value))
    return _quoted(_string_of(value, ion_type))


def _string_of(value: Any, ion_type: IonType | None) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1") if ion_type is IonType.CLOB else b64encode(value).decode()
    if isinstance(value, datetime):
        return codec.write_text(value)
    return value.text or "" if isinstance(value, IonPySymbol) else str(value)


def _quoted(text: str) -> str:
    return json.dumps(str(text), ensure_ascii=False)
