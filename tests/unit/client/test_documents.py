"""Documents as people keep them in files, one behind the other."""

from io import BufferedReader, BytesIO, RawIOBase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qldbkit.client import documents as reading
from qldbkit.client.documents import DocumentError, documents
from qldbkit.journal import codec


def stream(data):
    return BufferedReader(BytesIO(data.encode() if isinstance(data, str) else data))


def texts(data):
    return [codec.write_text(codec.read(each.data)) for each in documents(stream(data))]


def positions(data):
    return [each.position for each in documents(stream(data))]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}\n{"a": 2}\n',
        '{"a": 1}\n\n\n{"a": 2}',
        '{"a": 1} {"a": 2}',
        '[{"a": 1}, {"a": 2}]',
        '[\n  {"a": 1},\n  {\n "a": 2\n}\n]\n',
        "\ufeff{a: 1}\r\n{a: 2}\r\n",
        "$ion_1_0\n{a: 1}\n// {\n{a: /* } */ 2}\n",
        "/* two\ndocuments {{{ */ {a: 1}\n{a: 2} // '",
    ],
)
def test_ion_text_json_json_lines_and_arrays_of_documents_are_read(text):
    assert texts(text) == ["{a:1}", "{a:2}"]


def test_brackets_in_strings_symbols_and_blobs_close_nothing():
    lines = [
        r"""{a: "}\"}", b: '}', c: {{aGk/}}, d: '''}'''}""",
        "{a: '''line\n}\nline''', b: {{aG\nk/}}, c: [(x + {y: 1})]}",
        '{a: {{"clob }"}}, b: "one \\\nline"}',
        "{a: \"\", b: ''''''}",
    ]
    assert len(texts("\n".join(lines))) == len(lines)
    assert positions("\n".join(lines))[1:3] == ["document 2, line 2", "document 3, line 6"]


def test_json_is_read_as_ion_says():
    read = texts('{"i": 1, "d": 1.50, "f": 1e3, "n": null, "s": "\\ud83d\\ude00 \\/"}')
    assert read == ['{i:1,d:1.50,f:1000e+0,n:null,s:"😀 /"}']


def test_every_digit_of_a_time_is_kept():
    assert texts("{t: 2020-01-01T00:00:00.1234567890123Z}") == [
        "{t:2020-01-01T00:00:00.1234567890123Z}"
    ]


def test_binary_ion_is_read_with_shared_and_own_symbols():
    whole = codec.write(codec.read_text("{a: 1, b: x}"))
    assert texts(whole + whole) == ["{a:1,b:x}"] * 2
    assert positions(whole + whole) == ["document 1", "document 2"]


@pytest.mark.parametrize(
    ("text", "sentence", "position"),
    [
        ('{"a": 1}\n{"a": tru e}\n', "neither Ion nor JSON", "document 2, line 2"),
        ("{a: 1}\n{a: 2}\n12\n", "a document is a struct, and this is 12", "document 3, line 3"),
        ('[{"a": 1}, 7]', "this is 7", "document 2, line 1"),
        ('{"a": 1}\n\n{"a":\n', "neither Ion nor JSON", "document 2, line 2"),
        ('{"a": 1}\n{"a": "unclosed}\n{"a": 3}\n', "neither Ion nor JSON", "document 2, line 2"),
        ('{"a": 1}\n}\n', "neither Ion nor JSON", "document 2, line 2"),
        (b'{"a": "\xff"}', "neither Ion nor JSON", "document 1, line 1"),
        (b"\xe0\x01\x00\xea\x21\x01", "a struct was expected", "document 1"),
        ("id,name\n1,Ada\n", "neither Ion nor JSON", "document 1, line 1"),
    ],
)
def test_what_is_no_document_is_named_with_its_place(text, sentence, position):
    with pytest.raises(DocumentError, match=sentence) as caught:
        texts(text)
    assert caught.value.position == position


def test_an_empty_file_has_no_documents():
    assert texts("") == texts("\n// nothing\n") == []


def test_a_value_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(reading, "TEXT_LIMIT", 1000)
    with pytest.raises(DocumentError, match="more than 1,000 bytes") as caught:
        texts('{"a": 1}\n[\n' + '{"a": 1},\n' * 200)
    assert caught.value.position == "line 2"


def test_documents_come_before_the_file_is_read_to_its_end():
    class Endless(RawIOBase):
        sent = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            lines = b'{"a": 1}\n' * (len(buffer) + 1)
            buffer[:] = lines[self.sent % 9 :][: len(buffer)]
            self.sent += len(buffer)
            return len(buffer)

    found = documents(BufferedReader(Endless()))
    assert [next(found).number for _ in range(5000)] == list(range(1, 5001))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.binary(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(max_size=6), VALUES, max_size=4), max_size=6), st.data())
def test_whatever_a_document_holds_it_is_read_as_it_was_written(wanted, data):
    written = [codec.write_text(codec.read(codec.write(each))) for each in wanted]
    between = st.sampled_from(["\n", " ", "\n// }{ '\n", "\n\n/* ' \" { */"])
    text = "".join(each + data.draw(between) for each in written)
    assert texts(text) == written
