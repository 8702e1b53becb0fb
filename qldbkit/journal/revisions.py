"""A revision written as journals have it, from parts that are binary Ion already."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from qldbkit.journal.encoding import (
    blob,
    field_names,
    natural,
    spanned,
    struct,
    symbol_table,
    text,
    value_span,
    written_part,
)
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import BlockAddress, RevisionMetadata
from qldbkit.journal.symbols import SYSTEM_CONTEXT, SymbolContext, extended

_NAMES: Final = (
    *("blockAddress", "strandId", "sequenceNo", "hash", "data", "metadata"),
    *("id", "version", "txTime", "txId"),
)
_SYMBOLS: Final = symbol_table(_NAMES, append=True)
_METADATA_NAMES: Final = ("id", "version", "txTime", "txId")
_METADATA_FIELDS: Final = field_names(_METADATA_NAMES, len(SYSTEM_CONTEXT.texts))
_METADATA_SYMBOLS: Final = symbol_table(_METADATA_NAMES)
_METADATA_CONTEXT: Final = extended(SYSTEM_CONTEXT, _METADATA_SYMBOLS, 0, len(_METADATA_SYMBOLS))
REMEMBERED_CONTEXTS: Final = 512
"""Symbols of documents of which those of their revisions are kept ready."""


def metadata_of(document_id: str, version: int, tx_id: str, tx_time: bytes) -> RevisionMetadata:
    """``{id, version, txTime, txId}``.

    Args:
        document_id: 22 characters.
        version: from 0.
        tx_id: 22 characters.
        tx_time: the timestamp as it is written, without a version marker.
    """
    names = _METADATA_FIELDS
    fields = names["id"] + text(document_id) + names["version"] + natural(version)
    fields += names["txTime"] + tx_time + names["txId"] + text(tx_id)
    ion = spanned(_METADATA_CONTEXT, struct(fields))
    return RevisionMetadata(document_id, version, tx_id, value_span(tx_time), ion)


def revision_span(
    address: BlockAddress, hash_: bytes, data: IonSpan | None, metadata: IonSpan
) -> IonSpan:
    """A revision as journals have it, from parts that are written already.

    Args:
        address: the block's.
        hash_: the revision's.
        data: the document, which is copied as it was written; None when it was deleted.
        metadata: ``{id, version, txTime, txId}``, whose values hold no symbols.
    """
    symbols = SYSTEM_CONTEXT if data is None else data.context
    context, names = _revision_context(symbols)
    place = struct(
        names["strandId"]
        + text(address.strand_id)
        + names["sequenceNo"]
        + natural(address.sequence_no)
    )
    body = names["blockAddress"] + place + names["hash"] + blob(hash_)
    if data is not None:
        body += names["data"] + written_part(data)
    fields = b"".join(names[name] + written_part(value) for name, value in metadata.field_pairs())
    return spanned(context, struct(body + names["metadata"] + struct(fields)))


@lru_cache(maxsize=REMEMBERED_CONTEXTS)
def _revision_context(symbols: SymbolContext) -> tuple[SymbolContext, dict[str, bytes]]:
    """The symbols of a revision, behind those of its data, and its field names under them."""
    first = len(symbols.texts)
    context = extended(symbols, _SYMBOLS, 0, len(_SYMBOLS))
    return context, field_names(_NAMES, first)
