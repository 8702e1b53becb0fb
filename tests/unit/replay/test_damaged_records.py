"""A bit that is wrong anywhere in a record: set aside, or of no matter; never in the way."""

from __future__ import annotations

from typing import Any

import pytest
from simulation.source import Source, Write, records_of

from qldbkit.journal.records import BlockSummaryRecord, RecordError
from qldbkit.replay.gathering import verified


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]


def records_of_last_block(source: Source) -> list[bytes]:
    """Its summary and its revision."""
    source.create_table("Person")
    source.insert("Person", {"name": "somebody"})
    (id_,) = source.documents
    block = source.write("Person", [Write(id_, {"name": "somebody else"})])
    return [data for _, data in records_of(block)]


@pytest.mark.parametrize("which", [0, 1], ids=("summary", "revision"))
def test_whatever_byte_is_damaged_the_sound_record_is_applied(world: Any, which: int) -> None:
    """Both wait in the settling buffer for the blocks before them."""
    records = records_of_last_block(world.source)
    for at in range(4, len(records[which])):
        fresh = type(world)(source=world.source)
        for each in (flipped(records[which], at), *records):
            fresh.deliver_records([("key", each)])
        for each in list(fresh.buffer.quarantine_index()):
            fresh.buffer.discard(each.position)
        for block in fresh.source.blocks[:2]:
            fresh.deliver(block)
        fresh.later()
        fresh.assert_equal()


def test_a_time_that_no_hash_covers_and_that_cannot_be_read_is_damage() -> None:
    ((_, data),) = records_of(Source().create_table("Person"))
    record, _ = verified(data)
    assert isinstance(record, BlockSummaryRecord)
    at = record.summary.block_timestamp_ion.start
    as_float = bytes([0x40 | data[at] & 0x0F])
    with pytest.raises(RecordError, match="cannot be read"):
        verified(data[:at] + as_float + data[at + 1 :])
