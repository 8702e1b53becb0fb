"""The tables that replay keeps in a destination ledger; no user's table has such a name."""

from __future__ import annotations

from typing import Final

CHECKPOINT_TABLE: Final = "_qldbkit_checkpoint"
DOCUMENT_TABLE: Final = "_qldbkit_document"
REPAIR_TABLE: Final = "_qldbkit_repair"
INDEXED_FIELDS: Final = {
    CHECKPOINT_TABLE: "strandId",
    DOCUMENT_TABLE: "sourceId",
    REPAIR_TABLE: "strandId",
}
BOOKKEEPING_TABLES: Final = frozenset(INDEXED_FIELDS)
