"""Revisions and blocks as rows."""

from __future__ import annotations

from typing import Final

from qldbkit.journal.binary import IonType
from qldbkit.journal.blocks import summary_alone
from qldbkit.journal.encoding import container, standalone, symbol_table, var_uint_bytes
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.model import BlockSummary, Revision
from qldbkit.replay.changes import content
from qldbkit.replay.views.postgresql.copying import Column, Kind, Row

CURRENT: Final = (
    Column("id", Kind.TEXT),
    Column("version", Kind.BIGINT),
    Column("data", Kind.JSONB),
    Column("tx_id", Kind.TEXT),
    Column("tx_time", Kind.TIME),
    Column("strand_id", Kind.TEXT),
    Column("sequence_no", Kind.BIGINT),
    Column("hash", Kind.BYTES),
)
KEPT: Final = (
    Column("deleted", Kind.BOOLEAN),
    Column("data_hash", Kind.BYTES),
    Column("ion", Kind.BYTES),
)
HISTORY: Final = (*CURRENT, *KEPT)
DOCUMENT: Final = (Column("id", Kind.TEXT), Column("table_key", Kind.INTEGER))
BLOCK: Final = (
    Column("strand_id", Kind.TEXT),
    Column("sequence_no", Kind.BIGINT),
    Column("transaction_id", Kind.TEXT),
    Column("block_time", Kind.TIME),
    Column("block_hash", Kind.BYTES),
    Column("entries_hash", Kind.BYTES),
    Column("previous_block_hash", Kind.BYTES),
    Column("ion", Kind.BYTES),
)


def revision_rows(revision: Revision) -> tuple[Row, Row]:
    """A revision as its table's history has it: values of `CURRENT`, and those of `KEPT`.

    Args:
        revision: with metadata and an address, as every streamed one has.
    """
    metadata, address = revision.metadata, revision.address
    assert metadata is not None
    assert address is not None
    told = (
        metadata.id,
        metadata.version,
        revision.data,
        metadata.tx_id,
        metadata.tx_time_ion,
        address.strand_id,
        address.sequence_no,
        revision.hash,
    )
    return told, (revision.deleted, revision.data_hash, revision.ion)


def shown_redacted(revision: Revision, told: Row) -> Row:
    """The current row of a revision that came without its data, by what its history tells."""
    id_, version, _, *others = told
    return (id_, version, content(revision), *others)


def block_row(summary: BlockSummary) -> Row:
    """The row of a block: values of `BLOCK`."""
    address = summary.address
    return (
        address.strand_id,
        address.sequence_no,
        summary.transaction_id,
        summary.header.get("blockTimestamp"),
        summary.block_hash,
        summary.entries_hash,
        summary.previous_block_hash,
        summary_alone(summary.ion, summary.revision_summaries),
    )


def redacted_ion(written: bytes) -> tuple[bytes, bytes] | None:
    """A revision without its data but its hash, as QLDB redacts it; None if it has no data.

    Args:
        written: the revision's Ion.

    Returns:
        The new Ion, which has none of the data's symbols either, and the data's hash.
    """
    span = IonSpan.parse(written)
    data = span.fields().get("data")
    if data is None:
        return None
    data_hash = data.hash()
    fields = b"".join(each for name, each in span.written_fields() if name != "data")
    context = span.context
    name = var_uint_bytes(len(context.texts))
    body = container(IonType.STRUCT, fields + name + container(IonType.BLOB, data_hash))
    table = symbol_table(("dataHash",), append=True)
    return standalone(IonSpan.parse(context.prefix + table + body)), data_hash
