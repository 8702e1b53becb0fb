"""The kernel in C: where it answers, it says what the walk in Python says, whatever the bytes."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from hashlib import sha256
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

import pytest
from amazon.ion import simpleion
from amazon.ion.exceptions import IonException
from generate_journal import blocks, records
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ion_strategies import documents
from native_kernel import loaded

from qldbkit.journal import codec, encoding, hashes, ionhash, kernel, symbols
from qldbkit.journal.blocks import exported_struct
from qldbkit.journal.compiling import SOURCE, compile_kernel
from qldbkit.journal.ion import IonFormatError, IonSpan
from qldbkit.journal.moments import microseconds
from qldbkit.journal.records import _RECORD
from qldbkit.journal.shapes import JournalFormatError, Shape, hash_bytes, hash_list, itself, natural
from qldbkit.journal.symbols import SYSTEM_CONTEXT, SymbolContext
from qldbkit.replay.views.postgresql.mapping import json_text

PATIENT = settings(deadline=None, suppress_health_check=list(HealthCheck))
"""Each example asks many questions."""
CONTEXT = SymbolContext((*SYSTEM_CONTEXT.texts, "a", "", "lone \ud800", None, "é"), b"")
SCRIPT = """
import sys
from importlib.util import module_from_spec, spec_from_file_location

if sys.argv[1]:
    spec = spec_from_file_location("qldbkit.journal._kernel", sys.argv[1])
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[spec.name] = module

import json
import random
from pathlib import Path

from generate_journal import blocks, records, write_archive, write_export
from qldbkit.journal import kernel
from qldbkit.journal.sources.opening import open_source
from qldbkit.journal.verification import verify_source

assert kernel.COMPILED == bool(sys.argv[1])
folder, source = Path(sys.argv[2]), random.Random(7)
write_export(folder / "export", blocks(12), "ION_BINARY")
write_archive(folder / "archive", records(blocks(12)))
for form, pattern in ("export", "**/*.ion"), ("archive", "*"):
    (file,) = (folder / form).glob(pattern)
    good = file.read_bytes()
    for _ in range(200):
        damaged = bytearray(good)
        damaged[source.randrange(len(good))] ^= 1 << source.randrange(8)
        file.write_bytes(damaged)
        report = verify_source(open_source(str(folder / form))).to_json()
        report["source"]["location"] = form
        print(json.dumps(report))
"""


OTHERS = ("only_value", "read_struct", "made", "sound", "dot", "merkle_root", "revision_hash")


@pytest.fixture(autouse=True)
def in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the answers are compared with does not ask a kernel, should there be one."""
    for name in (*QUESTIONS, *OTHERS):
        monkeypatch.setattr(kernel, name, lambda *_: None)
    for module, name in (
        (encoding, "used_texts"),
        (ionhash, "field_hash"),
        (symbols, "table_texts"),
    ):
        monkeypatch.setattr(module, name, lambda *_: None)


@pytest.fixture
def decoding(native: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`qldbkit.journal.decoding`, with forms that this kernel makes."""
    spec = find_spec("qldbkit.journal.decoding")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    with monkeypatch.context() as patched:
        patched.setattr(kernel, "Form", native.Form)
        spec.loader.exec_module(module)
    return module


def outcome(walk: Callable[[], Any]) -> Any:
    """What a walk in Python gives; `IonFormatError` where it refuses the bytes."""
    try:
        return walk()
    except (IonFormatError, IndexError):
        return IonFormatError


def shape(span: Any) -> tuple[Any, ...]:
    return (span.start, span.end, span.annotation_ids, span._body, span._descriptor)


def is_readable(span: Any) -> bool:
    """What amazon.ion says of the value behind a table of the context's texts that can be one."""
    own = span.context.texts[len(SYSTEM_CONTEXT.texts) :]
    texts = [None if each is None or "\ud800" in each else each for each in own]
    prefix = encoding.VERSION_MARKER + encoding.symbol_table(texts)
    try:
        codec.check(prefix + span.data[span.start : span.end])
    except (IonException, ValueError) as error:
        raise IonFormatError(str(error), span.start) from error
    return True


QUESTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "ion_hash": (lambda span: span.hash(), bytes),
    "fields": (
        lambda span: [(name, shape(each)) for name, each in span.field_pairs()],
        lambda answer: [(name, shape(each)) for name, each in answer],
    ),
    "written_fields": (lambda span: span.written_fields(), list),
    "elements": (
        lambda span: [shape(each) for each in span.elements()],
        lambda answer: [shape(each) for each in answer],
    ),
    "text": (lambda span: span.text(), str),
    "integer": (lambda span: span.integer(), int),
    "blob": (lambda span: span.blob(), bytes),
    "used_texts": (encoding.own_texts, tuple),
    "standalone": (encoding.standalone, bytes),
    "microseconds": (microseconds, int),
    "json_text": (json_text, str),
    "readable": (is_readable, bool),
}


def answered(native: Any, data: bytes, start: int, end: int, context: SymbolContext) -> set[str]:
    """Which questions the kernel answers about a value; all answers are those of Python."""
    reference = outcome(lambda: IonSpan(data, start, end, context))
    try:
        span = native.Span(data, start, end, context)
    except (IonFormatError, IndexError):
        assert reference is IonFormatError
        return set()
    assert shape(span) == shape(reference)
    found = set()
    for name, (walk, read) in QUESTIONS.items():
        answer = getattr(native, name)(span)
        if answer is not None:
            assert read(answer) == outcome(lambda walk=walk: walk(reference)), name  # type: ignore[misc]
            found.add(name)
    named = native.field_hash("é", span)
    if named is not None:
        field = ionhash.symbol("é") + ionhash.serialized(reference)
        assert named == sha256(field).digest()
    return found


def methods_of(kind: type) -> dict[str, Any]:
    """What makes a span of the kernel answer as one of Python's does."""
    return {name: each for name, each in vars(kind).items() if name != "__slots__"}


def plain(value: Any) -> Any:
    """Values that were read, of spans where they stand."""
    if hasattr(value, "_descriptor"):
        return shape(value)
    if is_dataclass(value):
        return [type(value).__name__, *(plain(getattr(value, each.name)) for each in fields(value))]
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return list(map(plain, value)) if isinstance(value, list | tuple) else value


def read_alike(native: Any, how: Shape, data: bytes, start: int, context: SymbolContext) -> bool:
    """Whether the kernel reads a struct; if so, it reads what Python does."""
    kind = type("NativeSpan", (native.Span,), {"__slots__": (), **methods_of(IonSpan)})
    answer = native.read_struct(
        kind(data, start, len(data), context), how._readers, how._empty, how._needed, how._exact
    )
    if answer is None:
        return False
    assert plain(answer) == plain(how.read(IonSpan(data, start, len(data), context)))
    return True


def made_alike(native: Any, usual: Any, read: Callable[[IonSpan], Any], span: IonSpan) -> bool:
    """Whether the kernel makes a struct's object; if so, it is the one that Python makes."""
    kind = type("NativeSpan", (native.Span,), {"__slots__": (), **methods_of(IonSpan)})
    answer = native.made(usual.form, kind(span.data, span.start, span.end, span.context))
    if answer is None:
        return False
    assert plain(answer) == plain(read(span))
    return True


def everything(span: IonSpan) -> Iterator[IonSpan]:
    """A value, and all values in it."""
    yield span
    if not span.is_null and span.ion_type.name == "STRUCT":
        for _, each in span.field_pairs():
            yield from everything(each)
    elif not span.is_null and span.ion_type.name in ("LIST", "SEXP"):
        for each in span.elements():
            yield from everything(each)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
    | st.datetimes()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(min_size=1), inner)
)


def test_it_answers_for_all_that_a_journal_holds(native: Any) -> None:
    for data in records(blocks(40)):
        for span in everything(IonSpan.parse(data)):
            found = answered(native, span.data, span.start, span.end, span.context)
            assert {"ion_hash", "used_texts", "json_text", "readable"} <= found


def test_it_reads_every_block_and_record(native: Any, decoding: Any) -> None:
    for data in records(blocks(40)):
        span = IonSpan.parse(data)
        assert read_alike(native, _RECORD, data, span.start, span.context)
    for block in blocks(40):
        span = IonSpan.of(exported_struct(block))
        assert read_alike(native, decoding._BLOCK, span.data, span.start, span.context)
        for each in block.revisions:
            assert made_alike(native, decoding.USUAL_REVISION, decoding.revision, each.ion)


def test_damaged_structs_are_read_as_python_does_or_left_to_it(native: Any, decoding: Any) -> None:
    source, answers = random.Random(3), 0
    block = IonSpan.of(exported_struct(list(blocks(12))[-1]))
    for _ in range(3000):
        damaged = bytearray(block.data)
        damaged[source.randrange(block.start, block.end)] = source.randrange(256)
        answers += read_alike(native, decoding._BLOCK, bytes(damaged), block.start, block.context)
    assert 0 < answers < 3000


def test_damaged_structs_are_made_as_python_does_or_left_to_it(native: Any, decoding: Any) -> None:
    source, answers = random.Random(4), 0
    written = next(each for block in blocks(12) for each in block.revisions).ion
    for _ in range(3000):
        damaged = bytearray(written.data)
        damaged[source.randrange(written.start, written.end)] = source.randrange(256)
        span = outcome(
            lambda: IonSpan(bytes(damaged), written.start, written.end, written.context)  # noqa: B023 - called at once
        )
        if span is not IonFormatError and not span.annotation_ids:
            answers += made_alike(native, decoding.USUAL_REVISION, decoding.revision, span)
    assert 0 < answers < 3000


REVISION = {
    "blockAddress": '{strandId: "s", sequenceNo: 1}',
    "hash": "{{}}",
    "data": "{a: 1}",
    "metadata": '{id: "i", version: 2, txTime: 2020T, txId: "t"}',
}


@pytest.mark.parametrize(
    ("changed", "usual"),
    [
        ({}, True),
        ({"data": None}, True),
        ({"data": "null"}, True),
        ({"hash": "{{AAAA}}"}, False),
        ({"hash": None}, False),
        ({"metadata": None}, False),
        ({"metadata": "null"}, False),
        ({"metadata": '{id: "i", version: 2, txId: "t"}'}, False),
        ({"blockAddress": None}, False),
        ({"blockAddress": "null"}, False),
        ({"blockAddress": '{strandId: "s", sequenceNo: -1}'}, False),
        ({"blockAddress": 'x::{strandId: "s", sequenceNo: 1}'}, False),
        ({"dataHash": "{{}}"}, False),
        ({"more": "1"}, False),
    ],
)
def test_a_revision_of_another_form_is_left_to_python(
    native: Any, decoding: Any, changed: dict[str, str | None], usual: bool
) -> None:
    written = {**REVISION, **changed}
    text = ", ".join(f"{name}: {value}" for name, value in written.items() if value is not None)
    span = IonSpan.from_text(f"{{{text}}}")
    assert made_alike(native, decoding.USUAL_REVISION, decoding.revision, span) == usual


@dataclass(frozen=True, slots=True)
class Slotted:
    one: int
    two: int


class Loose:
    def __init__(self) -> None:
        self.one = 1


@pytest.mark.parametrize(
    ("made", "readers", "attributes", "why"),
    [
        (Loose, {}, ("one",), "one"),
        (Slotted, {}, ("three",), "three"),
        (int, {}, ("real",), "no slot"),
        (Slotted, {"a": 1}, ("one", "two"), "with a place"),
        (Slotted, {"a": (0, 2, None, False, None)}, ("one", "two"), "with a place"),
        (Slotted, {"a": (0, -1, None, False, None)}, ("one", "two"), "with a place"),
        (Slotted, {1: (0, 0, None, False, None)}, ("one", "two"), "with a place"),
    ],
)
def test_a_form_is_of_slots_and_readers(
    native: Any, made: type, readers: dict[Any, Any], attributes: tuple[str, ...], why: str
) -> None:
    with pytest.raises((TypeError, AttributeError), match=why):
        native.Form(made, readers, 0, attributes, None)
    with pytest.raises(TypeError, match="a form and a span"):
        native.made(object(), None)


HASH = "{{" + 42 * "A" + "E=}}"


@pytest.mark.parametrize(
    "text",
    [
        *("{}", "null.struct", "{a: 1}", "{a: 1, b: 2, a: 3}", "{b: 2}", "{a: 1, c: 3}", "[1]"),
        *("{a: 1, b: null}", "{a: null}", "{a: 1, b: null.string}", "{a: -1}", "{a: 1, b: x::2}"),
        *("{a: 1, d: null}", "{a: 1, d: x::null}", "{a: 1, e: 'x'}", '{a: 1, e: "é"}', "{a: 1.0}"),
        *("{a: 1, f: {{}}}", "{a: 1, f: {{AAAA}}}", "{a: 99999999999999999999}", "{a: 1, '': 2}"),
        *("{a: 1, g: [1]}", "{a: 1, g: null}", "{a: 1, g: null.list}", "{a: 1, g: 2}"),
        *("{a: 1, h: []}", "{a: 1, h: [{{}}]}", f"{{a: 1, h: [{{{{}}}}, {HASH}, {HASH}]}}"),
        *("{a: 1, h: [{{AAAA}}]}", "{a: 1, h: [1]}", "{a: 1, h: [null.blob]}", "{a: 1, h: 2}"),
        *("{a: 1, h: (1)}", "{a: 1, h: [x::{{}}]}", '{a: 1, h: [{{"a"}}]}'),
    ],
)
@pytest.mark.parametrize("exact", [False, True])
def test_what_a_shape_does_not_say_is_left_to_python(native: Any, text: str, exact: bool) -> None:
    how = Shape(
        "a test",
        {"a": natural},
        {
            "b": natural,
            "d": itself,
            "e": IonSpan.text,
            "f": hash_bytes,
            "h": hash_list,
            "g": lambda span: len(span.elements()),
        },
        exact=exact,
    )
    span = IonSpan.from_text(text)
    try:
        how.read(span)
    except (IonFormatError, JournalFormatError):
        assert not read_alike(native, how, span.data, span.start, span.context)
    else:
        read_alike(native, how, span.data, span.start, span.context)


def test_a_form_makes_what_its_class_does(native: Any) -> None:
    form = native.Form(Slotted, {}, 0, ("one", "two"), None)
    assert form(1, 2) == Slotted(1, 2)
    assert hash(form(1, 2)) == hash(Slotted(1, 2))
    for values, names in ((1,), {}), ((1, 2, 3), {}), ((1,), {"two": 2}):
        with pytest.raises(TypeError, match="a value for each of its places"):
            form(*values, **names)
    with pytest.raises(TypeError):
        native.Form.__new__(native.Form)(1, 2)


@given(text=st.binary(max_size=70), at=st.integers(0, 69), escaped=st.sampled_from(b"\x0b\x0c\x0e"))
def test_what_is_escaped_is_found_wherever_it_stands(
    native: Any, text: bytes, at: int, escaped: int
) -> None:
    data = text[:at] + bytes((escaped,)) + text[at:]
    span = IonSpan.of(data)
    answer = native.ion_hash(native.Span(span.data, span.start, span.end, span.context))
    assert answer == span.hash()


@PATIENT
@given(value=VALUES)
def test_it_says_of_any_value_what_python_says(native: Any, value: Any) -> None:
    for span in everything(IonSpan.parse(simpleion.dumps(value, binary=True))):
        answered(native, span.data, span.start, span.end, span.context)


@PATIENT
@given(document=documents())
def test_it_says_of_any_type_what_python_says(native: Any, document: IonSpan) -> None:
    for span in everything(document):
        answered(native, span.data, span.start, span.end, span.context)


@pytest.mark.parametrize(
    "text",
    [
        *("null", "null.int", "true", "-12", "18446744073709551615", "12.50", "-0.05", "0.00"),
        *("1.5e0", "-1e300", "0e0", "2020T", "2020-01T", "2020-01-17T", "2020-07-03T20:36:44Z"),
        *("2020-07-03T20:36:44.180Z", "2020-07-03T20:36:44.000000001Z", "red", "'a \\x01 b'"),
        *('"\\b\\t\\n\\f\\r\\x1f\\x7f\\"\\\\/é\\u263a"', '""', '{{"hi"}}', "{{}}", "{{YQ==}}"),
        *("{{YWI=}}", "{{YWJj}}", "[]", "[1, [], {}]", "()", "(1 (2))", "a::'b c'::1", "{}"),
        *("{n: {m: 1}, '': 2}", "a::{b: c::null}"),
    ],
)
def test_the_usual_forms_are_written_as_json(native: Any, text: str) -> None:
    span = IonSpan.from_text(text)
    assert "json_text" in answered(native, span.data, span.start, span.end, span.context)


@pytest.mark.parametrize(
    "text",
    [
        *("18446744073709551616", "1d3", "-0.00", "nan", "-0e0", "2020-01-17T10:00Z", "$0"),
        *("2020-07-03T00:36:44+02:00", '"a\\0b"', "{n: 1, n: 2}", "{'$int': 1}", "{'a\\0': 1}"),
    ],
)
def test_json_of_another_form_is_left_to_python(native: Any, text: str) -> None:
    span = IonSpan.from_text(text)
    assert "json_text" not in answered(native, span.data, span.start, span.end, span.context)


@PATIENT
@given(value=VALUES, data=st.data())
def test_damaged_values_are_answered_as_python_does_or_left_to_it(
    native: Any, value: Any, data: st.DataObject
) -> None:
    damaged = bytearray(simpleion.dumps(value, binary=True))
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(4, max(4, len(damaged) - 1))) % len(damaged)] = data.draw(
            st.integers(0, 255)
        )
    for start in range(4, len(damaged)):
        answered(native, bytes(damaged), start, len(damaged), CONTEXT)


@settings(PATIENT, max_examples=500)
@given(data=st.binary(min_size=1, max_size=40), cut=st.integers(0, 8))
def test_any_bytes_are_answered_as_python_does_or_left_to_it(
    native: Any, data: bytes, cut: int
) -> None:
    for start in range(len(data)):
        answered(native, data, start, max(start + 1, len(data) - cut), CONTEXT)


# Each first octet, with a representation that is at the edge of what has one encoding only.
EDGES = [
    bytes((descriptor,)) + body
    for descriptor in range(0xF0)
    for body in (
        b"",
        bytes(descriptor & 15),
        b"\x80" * (descriptor & 15),
        (b"\xc0\x0f\xd0\x81\x81\x80\x80\x80\xc1\x00\x80" + bytes(8))[: descriptor & 15],
        (b"\xc1\x80\x80" + bytes(13))[: descriptor & 15],
        (b"\x8b\x0b\x0c\x0e" * 4)[: descriptor & 15],
        b"\x84\x81\x8a\x21\x07",
    )
]


def test_every_first_octet_is_answered_as_python_does_or_left_to_it(native: Any) -> None:
    for edge in EDGES:
        for extra in (b"", b"\x0f", b"\x8a"):
            data = edge + extra
            answered(native, data, 0, len(edge), CONTEXT)
            inner = b"\x8a" + edge
            wrapped = bytes((0xDE, 0x80 | len(inner))) + inner + extra
            answered(native, wrapped, 0, len(inner) + 2, CONTEXT)


def test_deep_nesting_is_left_to_python(native: Any) -> None:
    data = b"\x11"
    for depth in range(140):
        size = len(data)
        length = bytes((size >> 7, size & 0x7F | 0x80)) if size > 127 else bytes((size | 0x80,))
        data = b"\xbe" + length + data
        found = answered(native, data, 0, len(data), CONTEXT)
        assert ("ion_hash" in found) == (depth < 128)


@given(left=st.binary(min_size=32, max_size=32), right=st.binary(min_size=32, max_size=32))
def test_hashes_are_combined_as_in_python(native: Any, left: bytes, right: bytes) -> None:
    assert native.dot(left, right) == hashes.dot(left, right)
    assert native.dot(left, b"") is None


HASHES = st.binary(min_size=32, max_size=32)


@given(found=st.lists(HASHES, max_size=40))
def test_trees_have_the_roots_that_they_have_in_python(native: Any, found: list[bytes]) -> None:
    answer = native.merkle_root(tuple(found))
    assert (answer or b"") == hashes.merkle_root(found)


@pytest.mark.parametrize("wrong", [[b"", b"x" * 32], [b"x" * 31], [None], ["x" * 32]])
def test_a_tree_over_anything_else_is_left_to_python(native: Any, wrong: list[Any]) -> None:
    assert native.merkle_root(wrong) is None
    with pytest.raises(TypeError, match="a sequence of hashes"):
        native.merkle_root(None)


@given(metadata=VALUES, data=VALUES)
def test_revisions_have_the_hashes_that_they_have_in_python(
    native: Any, metadata: Any, data: Any
) -> None:
    spans = [IonSpan.of(metadata), IonSpan.of(data)]
    given_ = [native.Span(each.data, each.start, each.end, each.context) for each in spans]
    answer = native.revision_hash(*given_)
    if None in map(native.ion_hash, given_):
        assert answer is None
    else:
        assert answer == hashes.revision_hash(*spans, None)


@settings(PATIENT, max_examples=200)
@given(texts=st.lists(st.text() | st.none(), min_size=1), data=st.data())
def test_symbol_tables_have_the_texts_that_python_finds(
    native: Any, texts: list[str | None], data: st.DataObject
) -> None:
    table = bytearray(encoding.symbol_table(texts))
    if data.draw(st.booleans()):
        table[data.draw(st.integers(0, len(table) - 1))] = data.draw(st.integers(0, 255))
    answer = native.table_texts(bytes(table))
    if answer is not None:
        expected = symbols._extended(SYSTEM_CONTEXT, bytes(table))
        assert (*SYSTEM_CONTEXT.texts, *answer) == expected.texts
        assert expected.prefix == SYSTEM_CONTEXT.prefix + bytes(table)


def test_symbol_tables_of_a_journal_are_read(native: Any) -> None:
    for data in records(blocks(5)):
        table = data[4 : IonSpan.parse(data).start]
        found = symbols._extended(SYSTEM_CONTEXT, table)
        assert (*SYSTEM_CONTEXT.texts, *native.table_texts(table)) == found.texts


@pytest.mark.parametrize(
    "text",
    [
        *("2024T", "2024-02T", "2024-02-29", "2023-12-31T23:59:59Z", "0200-03-01T00:00:00+00:30"),
        *("1969-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.5Z", "2000-02-29T00:00:00.000Z"),
        *("2020-01-01T00:00:00.123456789Z", "1900-02-28T01:02:03.045678Z"),
    ],
)
def test_times_of_every_precision(native: Any, text: str) -> None:
    span = IonSpan.from_text(text)
    found = answered(native, span.data, span.start, span.end, span.context)
    assert {"ion_hash", "microseconds"} <= found


def parsed(data: bytes) -> Any:
    """The only value, or what is said where there is none."""
    try:
        span = IonSpan.parse(data)
    except IonFormatError as error:
        return str(error)
    return shape(span), span.context


@settings(PATIENT, max_examples=50)
@given(values=st.lists(VALUES, min_size=1, max_size=2), data=st.data())
def test_the_only_value_begins_where_python_finds_it(
    native: Any, values: list[Any], data: st.DataObject
) -> None:
    written = bytearray(simpleion.dumps(values, binary=True, sequence_as_stream=True))
    if data.draw(st.booleans()):
        written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    expected = parsed(bytes(written))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "only_value", native.only_value)
        assert parsed(bytes(written)) == expected


def test_records_and_blocks_are_the_only_values_of_their_bytes(native: Any) -> None:
    for data in records(blocks(20)):
        assert native.only_value(data) == IonSpan.parse(data).start


@pytest.mark.parametrize("size", [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000])
def test_sizes_around_those_of_hashed_blocks(native: Any, size: int) -> None:
    span = IonSpan.of(b"\x0b" * (size % 3) + b"x" * size)
    assert "ion_hash" in answered(native, span.data, span.start, span.end, span.context)


def test_processors_without_instructions_for_it_hash_alike(native: Any, tmp_path: Path) -> None:
    portable = loaded(compile_kernel(tmp_path, ["-Werror", "-DPORTABLE_SHA"]))
    for size in range(200):
        span = IonSpan.of(bytes(range(size)))
        arguments = (span.data, span.start, span.end, span.context)
        expected = sha256(ionhash.serialized(span)).digest()
        assert portable.ion_hash(portable.Span(*arguments)) == expected
        assert native.ion_hash(native.Span(*arguments)) == expected


def test_what_is_no_span_is_refused(native: Any) -> None:
    unfinished = native.Span.__new__(native.Span)
    for function in (native.ion_hash, native.fields, native.text, native.used_texts):
        for wrong in (None, b"", unfinished):
            with pytest.raises(TypeError, match="a span was expected"):
                function(wrong)
    for start, end in ((-1, 1), (0, 0), (0, 3), (2, 3)):
        with pytest.raises(IndexError):
            native.Span(b"\x21\x01", start, end, CONTEXT)


def test_reports_on_damaged_journals_are_the_same_with_and_without_it(
    library: Path, tmp_path: Path
) -> None:
    found = []
    for which in ("", str(library)):
        folder = tmp_path / ("compiled" if which else "python")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        environment[kernel.PURE_SETTING] = "" if which else "1"
        ended = subprocess.run(
            [sys.executable, "-c", SCRIPT, which, str(folder)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stderr
        found.append(ended.stdout)
    assert found[0] == found[1]
    damaged = [each for each in map(json.loads, found[0].splitlines()) if not each["proven"]]
    assert len(damaged) > 60


def test_another_version_of_the_kernel_is_not_used(native: Any) -> None:
    assert native.VERSION == kernel.VERSION
    assert f"#define KERNEL_VERSION {kernel.VERSION} " in SOURCE.read_text()
