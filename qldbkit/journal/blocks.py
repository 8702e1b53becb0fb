"""The form in which exports and GetBlock give a block: the summary with the revisions in it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from qldbkit.journal import decoding, kernel
from qldbkit.journal.encoding import (
    container,
    own_texts,
    standalone,
    symbol_table,
    var_uint_bytes,
)
from qldbkit.journal.ion import VERSION_MARKER, IonSpan, IonType
from qldbkit.journal.model import Block, RevisionSummary
from qldbkit.journal.symbols import SYSTEM_SYMBOLS

REMEMBERED: Final = 512
"""Numbers of symbols behind which names are kept ready."""
REVISIONS_OR_SUMMARIES: Final = ("revisions", "revisionSummaries")


def decode_block(data: bytes) -> Block:
    """Read one exported block from binary Ion.

    Raises:
        IonFormatError: the Ion is damaged.
        JournalFormatError: it is not a block.
    """
    return decoding.block(IonSpan.parse(data))


def exported_struct(block: Block) -> dict[str, Any]:
    """The block as an Ion struct: the summary, with ``revisions`` for ``revisionSummaries``."""
    fields = {
        name: span.value()
        for name, span in block.summary.ion.field_pairs()
        if name not in ("revisionSummaries", "revisions")
    }
    if block.revisions:
        fields["revisions"] = [each.ion.value() for each in block.revisions]
    return fields


def summary_alone(block: IonSpan, summaries: tuple[RevisionSummary, ...]) -> bytes:
    """A block's struct without its revisions, as binary Ion that stands alone.

    What is kept is copied as it was written, and of an exported block, ``revisionSummaries`` are in
    place of its ``revisions``. The bytes hold the texts of no symbols but their own: none of what
    was only in the revisions.

    Args:
        block: as it was exported, or its summary as it was streamed.
        summaries: one for each of its revisions.

    Raises:
        IonFormatError: the block is damaged.
    """
    answer = kernel.without_revisions(block, summaries)
    if answer is not None:
        return answer
    fields = block.written_fields()
    if all(name != "revisions" for name, _ in fields):
        return standalone(block)
    kept = b"".join([each for name, each in fields if name not in REVISIONS_OR_SUMMARIES])
    alone = container(IonType.STRUCT, kept)
    texts = own_texts(IonSpan(alone, 0, len(alone), block.context))
    summaries_name, hash_name, id_name = _names_behind(len(texts))
    items = b"".join([_summary(each, hash_name, id_name) for each in summaries])
    body = kept + summaries_name + container(IonType.LIST, items)
    table = symbol_table((*texts, *_SUMMARY_NAMES))
    return VERSION_MARKER + table + container(IonType.STRUCT, body)


def _summary(summary: RevisionSummary, hash_name: bytes, id_name: bytes) -> bytes:
    body = hash_name + container(IonType.BLOB, summary.hash)
    if summary.document_id is not None:
        body += id_name + container(IonType.STRING, summary.document_id.encode())
    return container(IonType.STRUCT, body)


@lru_cache(maxsize=REMEMBERED)
def _names_behind(texts: int) -> tuple[bytes, ...]:
    """The summaries' names as fields have them, behind so many other symbols."""
    first = len(SYSTEM_SYMBOLS) + texts
    return tuple(var_uint_bytes(first + each) for each in range(len(_SUMMARY_NAMES)))


_SUMMARY_NAMES: Final = ("revisionSummaries", "hash", "documentId")
