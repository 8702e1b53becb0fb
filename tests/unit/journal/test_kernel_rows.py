"""The kernel on what the PostgreSQL view writes: rows, and blocks without their revisions."""

import random
import struct
from datetime import datetime
from typing import Any

import pytest
from generate_journal import blocks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ion_strategies import NAMES, values
from ion_strategies import struct as ion_struct

from qldbkit.journal import encoding, kernel
from qldbkit.journal.blocks import exported_struct, summary_alone
from qldbkit.journal.ion import IonFormatError, IonSpan
from qldbkit.journal.model import RevisionSummary
from qldbkit.replay.views.postgresql import copying
from qldbkit.replay.views.postgresql.copying import Column, Fields, Kind, Row, encoder
from qldbkit.replay.views.postgresql.rows import BLOCK, CURRENT, KEPT, block_row, revision_rows

PATIENT = settings(deadline=None, suppress_health_check=list(HealthCheck))
JOURNAL = list(blocks(40))
INTS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))
PLAIN = st.none() | st.booleans() | st.integers(0, 2**60) | TEXTS | st.binary()
DOCUMENTS = st.dictionaries(TEXTS.filter(lambda text: text[:1].isalpha()), PLAIN).map(IonSpan.of)
MOMENTS = st.datetimes(datetime(1000, 1, 1)).map(
    lambda moment: IonSpan.from_text(f"{moment.isoformat()}Z")
)
USUAL: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: TEXTS,
    Kind.JSONB: DOCUMENTS,
    Kind.BIGINT: INTS,
    Kind.INTEGER: st.integers(-(2**31), 2**31 - 1),
    Kind.TIME: MOMENTS,
    Kind.BYTES: st.binary() | DOCUMENTS,
    Kind.BOOLEAN: st.booleans(),
}
EDGES = [2**31, -(2**31) - 1, 2**63, -(2**63), -(2**63) - 1, 2**80]
OTHERS = [*EDGES, "\ud800", 1.5, "", b"", True, bytearray(b"x"), [], 7]
UNUSUAL = st.sampled_from(OTHERS) | values().map(IonSpan.of)
SUMMARIES = st.lists(
    st.builds(RevisionSummary, st.binary(max_size=200), st.none() | st.text(max_size=150)),
    max_size=4,
).map(tuple)
BLOCK_NAMES = NAMES | st.sampled_from(["revisions", "revisionSummaries", "hash", "documentId"])


@pytest.fixture(autouse=True)
def in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the answers are compared with does not ask a kernel, should there be one."""
    for name in (
        *("without_revisions", "row", "row_arrays", "standalone", "written_fields"),
        *("json_text", "microseconds"),
    ):
        monkeypatch.setattr(kernel, name, lambda *_: None)
    monkeypatch.setattr(encoding, "used_texts", lambda *_: None)


def native_span(native: Any, span: IonSpan) -> Any:
    return native.Span(span.data, span.start, span.end, span.context)


def native_row(native: Any, columns: tuple[Column, ...], row: Row) -> Fields | None:
    """What the kernel makes of a row; if it is anything, it is what Python makes."""
    values = tuple(
        [native_span(native, each) if isinstance(each, IonSpan) else each for each in row]
    )
    kinds = bytes([copying._KINDS[each.kind] for each in columns])
    answer: Fields | None = native.row(kinds, values)
    if answer is not None:
        assert answer == encoder(columns)(row)
    return answer


def native_block(native: Any, span: IonSpan, summaries: tuple[RevisionSummary, ...]) -> Any:
    """The same of a block without its revisions."""
    answer = native.without_revisions(native_span(native, span), summaries)
    if answer is not None:
        assert answer == summary_alone(span, summaries)
    return answer


def column_rows(kinds: list[Kind]) -> st.SearchStrategy[list[Row]]:
    """Usual rows of columns of such kinds, nulls among them."""
    return st.lists(st.tuples(*(st.none() | USUAL[each] for each in kinds)), max_size=5)


KINDS = st.lists(st.sampled_from(list(Kind)), max_size=32)


@PATIENT
@given(data=st.data(), kinds=KINDS)
def test_usual_rows_are_encoded(native: Any, data: st.DataObject, kinds: list[Kind]) -> None:
    columns = tuple(Column(each.value, each) for each in kinds)
    rows = data.draw(column_rows(kinds))
    made = [native_row(native, columns, each) for each in rows]
    assert None not in made
    types = tuple(copying._OIDS[each] for each in kinds)
    assert native.row_arrays(made, types) == copying._arrays(made, types)  # type: ignore[arg-type]


@PATIENT
@given(kind=st.sampled_from(list(Kind)), value=UNUSUAL | INTS | st.text() | st.none())
def test_values_that_are_not_a_columns_are_left_to_python(
    native: Any, kind: Kind, value: Any
) -> None:
    try:
        native_row(native, (Column("a", kind),), (value,))
    except (struct.error, TypeError, AttributeError, ValueError) as error:
        raise AssertionError("the kernel takes what Python refuses") from error


@pytest.mark.parametrize("kind", [Kind.JSONB, Kind.BYTES, Kind.TIME])
def test_damaged_ion_is_left_to_python(native: Any, kind: Kind) -> None:
    source, answers = random.Random(9), 0
    (revision, *_) = (each for block in JOURNAL for each in block.revisions)
    assert revision.data is not None
    assert revision.metadata is not None
    assert revision.metadata.tx_time_ion is not None
    span = revision.metadata.tx_time_ion if kind is Kind.TIME else revision.data
    for _ in range(2000):
        damaged = bytearray(span.data)
        damaged[source.randrange(span.start, span.end)] = source.randrange(256)
        try:
            found = IonSpan(bytes(damaged), span.start, span.end, span.context)
        except (IonFormatError, IndexError):
            continue
        answers += native_row(native, (Column("a", kind),), (found,)) is not None
    assert 0 < answers < 2000


@pytest.mark.parametrize("text", ["caf\u00e9 au lait", "\U0001f600" * 3, "x" * 1000])
@pytest.mark.parametrize("cut", [0, 1])
def test_documents_are_sent_as_utf_8_only(native: Any, text: str, cut: int) -> None:
    octets = text.encode()
    damaged = octets[: len(octets) - cut] + b"\xff" * cut
    data = encoding.container(encoding.IonType.STRING, damaged)
    answer = native_row(native, (Column("a", Kind.JSONB),), (encoding.value_span(data),))
    assert (answer is None) == bool(cut)


def test_rows_of_other_columns_are_left_to_python(native: Any) -> None:
    assert native.row(b"\1", ()) is None
    assert native.row(b"\7", (1,)) is None
    assert native.row_arrays([b""], (25,) * 33) is None
    for wrong in ((b"\1",), ([1], (1,)), (b"\1", [1])):
        with pytest.raises(TypeError):
            native.row(*wrong)
    for wrong in (((b"",), ()), ([], [25]), ([], ("",))):
        with pytest.raises(TypeError):
            native.row_arrays(*wrong)
    with pytest.raises(OverflowError):
        native.row_arrays([], (-1,))


@given(data=st.binary(max_size=30), columns=st.integers(0, 4))
def test_what_is_no_row_is_not_taken_apart(native: Any, data: bytes, columns: int) -> None:
    answer = native.row_arrays([data], (25,) * columns)
    if answer is not None:
        assert b"".join([each[20:] for each in answer]) == data
        assert answer == copying._arrays([data], (25,) * columns)


@pytest.mark.parametrize("wrong", [b"", b"\0\0\0", b"\0\0\0\2x", b"\x80\0\0\0", b"\0\0\0\0x", ""])
def test_a_field_that_does_not_end_with_its_row_is_left_to_python(native: Any, wrong: Any) -> None:
    assert native.row_arrays([b"\0\0\0\1x", wrong], (25,)) is None


def test_it_makes_all_rows_of_a_journal(native: Any) -> None:
    for block in JOURNAL:
        exported = IonSpan.of(exported_struct(block))
        for span in (exported, block.summary.ion):
            assert native_block(native, span, block.summary.revision_summaries) is not None
        assert native_row(native, BLOCK, block_row(block.summary)) is not None
        for revision in block.revisions:
            for columns, row in zip((CURRENT, KEPT), revision_rows(revision), strict=True):
                assert native_row(native, columns, row) is not None


@PATIENT
@given(fields=st.lists(st.tuples(BLOCK_NAMES, values()), max_size=6), summaries=SUMMARIES)
def test_any_struct_is_summarized_as_python_does_it_or_left_to_it(
    native: Any, fields: list[tuple[str, Any]], summaries: tuple[RevisionSummary, ...]
) -> None:
    native_block(native, IonSpan.of(ion_struct(fields)), summaries)


def test_damaged_blocks_are_summarized_as_python_does_it_or_left_to_it(native: Any) -> None:
    source, answers = random.Random(5), 0
    summaries = JOURNAL[-1].summary.revision_summaries
    block = IonSpan.of(exported_struct(JOURNAL[-1]))
    for _ in range(3000):
        damaged = bytearray(block.data)
        damaged[source.randrange(block.start, block.end)] = source.randrange(256)
        try:
            span = IonSpan(bytes(damaged), block.start, block.end, block.context)
        except (IonFormatError, IndexError):
            continue
        answers += native_block(native, span, summaries) is not None
    assert 0 < answers < 3000


@given(data=st.binary(min_size=1, max_size=40), head=st.sampled_from([b"", b"\xd9", b"\xde\x90"]))
def test_any_bytes_are_summarized_as_python_does_it_or_left_to_it(
    native: Any, data: bytes, head: bytes
) -> None:
    data = head + data
    context = JOURNAL[-1].summary.ion.context
    try:
        span = IonSpan(data, 0, len(data), context)
    except (IonFormatError, IndexError):
        return
    native_block(native, span, (RevisionSummary(b"x" * 32, "d" * 22),))


@pytest.mark.parametrize(
    "wrong", [RevisionSummary("x", None), RevisionSummary(b"x", 1), RevisionSummary(b"", "\ud800")]
)
def test_summaries_of_other_values_are_left_to_python(native: Any, wrong: RevisionSummary) -> None:
    exported = IonSpan.of({"revisions": [1], "a": 2})
    assert native_block(native, exported, (wrong,)) is None
    assert native_block(native, exported, ()) is not None


def test_a_block_of_many_fields_is_left_to_python(native: Any) -> None:
    fields = {f"f{each}": each for each in range(32)}
    assert native_block(native, IonSpan.of({**fields, "revisions": []}), ()) is not None
    assert native_block(native, IonSpan.of({**fields, "g": 1, "revisions": []}), ()) is None


def test_what_is_no_block_is_refused(native: Any) -> None:
    for wrong in ((), (None, ()), (IonSpan.of({}), None)):
        with pytest.raises(TypeError):
            native.without_revisions(*wrong)
