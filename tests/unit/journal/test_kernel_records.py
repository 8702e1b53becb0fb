"""The kernel on stream records: where they stand in an object, and what puts them in order."""

import random
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from generate_journal import blocks, records
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ion_strategies import values

from qldbkit.errors import QldbkitError
from qldbkit.journal import codec, kernel
from qldbkit.journal.binary import VERSION_MARKER
from qldbkit.journal.ion import IonSpan
from qldbkit.journal.records import encode_control
from qldbkit.journal.sources import splitting
from qldbkit.journal.sources.archive import locate
from qldbkit.journal.sources.spill import Located

PATIENT = settings(deadline=None, suppress_health_check=list(HealthCheck))
RECORDS = list(records(blocks(25)))


@pytest.fixture(autouse=True)
def in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the answers are compared with does not ask these functions, should there be a kernel."""
    monkeypatch.setattr(kernel, "located", lambda *_: None)
    monkeypatch.setattr(splitting, "lone_structs", lambda *_: None)


def located(native: Any, data: bytes) -> bool:
    """Whether the kernel says where a record belongs; if so, it is where Python finds it."""
    answer = native.located(data)
    if answer is None:
        return False
    assert Located(*answer) == locate(data)
    return True


def split(native: Any, data: bytes) -> list[Any]:
    """What stands in an object, which is the same with the kernel and without it."""
    expected = list(splitting.binary_values(BytesIO(data)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splitting, "lone_structs", native.lone_structs)
        assert list(splitting.binary_values(BytesIO(data))) == expected
    return expected


def test_every_record_of_a_stream_is_located(native: Any) -> None:
    first, *others, last = (located(native, each) for each in RECORDS)
    assert all(others)
    assert not first  # CONTROL
    assert not last


def test_records_as_aws_wrote_them_are_located(native: Any, shared_data: Path) -> None:
    for name in ("block-summary.10n", "revision-details.10n"):
        assert located(native, (shared_data / "samples" / name).read_bytes())


@settings(PATIENT, max_examples=300)
@given(which=st.sampled_from(RECORDS), data=st.data())
def test_damaged_records_are_located_as_in_python_or_left_to_it(
    native: Any, which: bytes, data: st.DataObject
) -> None:
    damaged = bytearray(which)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(0, len(damaged) - 1)) :]
    located(native, bytes(damaged))


def test_one_flipped_bit_anywhere_of_a_record_is_read_as_in_python(native: Any) -> None:
    answers = 0
    for record in RECORDS[4:8]:
        for bit in range(8 * len(record)):
            damaged = bytearray(record)
            damaged[bit // 8] ^= 1 << bit % 8
            answers += located(native, bytes(damaged))
    assert answers > 1000


@settings(PATIENT, max_examples=200)
@given(value=values())
def test_what_is_no_record_is_left_to_python(native: Any, value: Any) -> None:
    data = codec.write(value)
    assert not located(native, data)
    assert not located(native, data + data)


RECORD = "{qldbStreamArn: %s, recordType: %s, payload: %s}"
SUMMARY = '{blockAddress: {strandId: "s", sequenceNo: 7}}'
DETAILS = '{revision: {blockAddress: {strandId: "s", sequenceNo: 7}, metadata: %s}}'


@pytest.mark.parametrize(
    ("text", "usual"),
    [
        (RECORD % ('"a"', '"BLOCK_SUMMARY"', SUMMARY), True),
        (RECORD % ('"é"', '"BLOCK_SUMMARY"', SUMMARY), True),
        (RECORD % ('"a"', '"REVISION_DETAILS"', DETAILS % '{id: "d", version: 0}'), True),
        (RECORD % ('"a"', '"REVISION_DETAILS"', DETAILS % '{id: "d", version: -1}'), False),
        (RECORD % ('"a"', '"REVISION_DETAILS"', DETAILS % '{id: "d", id: "e", version: 1}'), False),
        (RECORD % ('"a"', '"REVISION_DETAILS"', DETAILS % "null.struct"), False),
        (RECORD % ('"a"', '"REVISION_DETAILS"', SUMMARY), False),
        (RECORD % ('"a"', '"CONTROL"', '{controlRecordType: "CREATED"}'), False),
        (RECORD % ("null.string", '"BLOCK_SUMMARY"', SUMMARY), False),
        (RECORD % ("a", '"BLOCK_SUMMARY"', SUMMARY), False),
        (RECORD % ('x::"a"', '"BLOCK_SUMMARY"', SUMMARY), False),
        (RECORD % ('"a"', "BLOCK_SUMMARY", SUMMARY), False),
        (RECORD % ('"a"', '"BLOCK_SUMMARY"', "{blockAddress: {strandId: 's'}}"), False),
        (RECORD % ('"a"', '"BLOCK_SUMMARY"', "{blockAddress: null}"), False),
        (RECORD % ('"a"', '"BLOCK_SUMMARY"', "[]"), False),
        (
            RECORD
            % ('"a"', '"BLOCK_SUMMARY"', '{blockAddress: {strandId: "s", sequenceNo: 7, id: 1}}'),
            False,
        ),
        (
            RECORD
            % (
                *('"a"', '"BLOCK_SUMMARY"'),
                '{blockAddress: {strandId: "s", sequenceNo: 9223372036854775808}}',
            ),
            False,
        ),
        ('{qldbStreamArn: "a", recordType: "BLOCK_SUMMARY"}', False),
    ],
)
def test_what_is_not_written_in_the_usual_way_is_left_to_python(
    native: Any, text: str, usual: bool
) -> None:
    assert located(native, IonSpan.from_text(text).data) == usual


def test_a_number_that_no_journal_has_is_refused() -> None:
    for number in (1 << 63, 1 << 200):
        text = RECORD % ('"a"', '"BLOCK_SUMMARY"', SUMMARY.replace("7", str(number)))
        with pytest.raises(QldbkitError, match="no journal has a number as large"):
            locate(IonSpan.from_text(text).data)


def test_records_in_a_row_are_parted_as_in_python(native: Any) -> None:
    for between in (b"", b"\n"):
        data = b"".join(each + between for each in RECORDS)
        assert [each.data for each in split(native, data)] == RECORDS
        alone = native.lone_structs(data, 0, 1 << 20)
        assert [data[begin:end] for begin, _, end in alone] == RECORDS[:-1]
        assert native.lone_structs(data, 0, 50) == []
    assert native.lone_structs(data, len(data), 100) == []
    assert native.lone_structs(data, -1, 100) is None


@settings(PATIENT, max_examples=200)
@given(seed=st.integers(0, 1 << 32))
def test_objects_of_any_bytes_are_parted_as_in_python(native: Any, seed: int) -> None:
    source = random.Random(seed)
    parts = [
        *source.choices(RECORDS, k=8),
        *source.choices([b"\n", VERSION_MARKER, b"\xd0", b"\x00", b"\xde\x82\x84\x20", b"x"], k=4),
        codec.write({"a": [1]})[len(VERSION_MARKER) :],
        codec.write([1]),
        encode_control("a", "CREATED"),
    ]
    source.shuffle(parts)
    data = bytearray(b"".join(parts))
    for _ in range(source.randrange(4)):
        data[source.randrange(len(data))] = source.randrange(256)
    split(native, bytes(data))
