"""The form in which exports and GetBlock give a block: the summary with the revisions in it."""

from __future__ import annotations

from typing import Any

from qldbkit.journal import decoding
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import Block


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
