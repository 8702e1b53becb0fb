"""What is read and written is the same value, whatever the precision of its timestamps."""

from decimal import Decimal
from typing import Any

import pytest
from amazon.ion import simpleion
from amazon.ion.core import Timestamp, TimestampPrecision
from amazon.ion.exceptions import IonException

from qldbkit.journal import codec
from qldbkit.journal.encoding import standalone
from qldbkit.journal.ion import IonFormatError, IonSpan

FRACTIONS = (
    "1",
    "123456789",
    "0000000000",
    "1234567890",
    "123456789012",
    "0" * 30 + "1",
    "7" * 300,
)
OFFSETS = ("Z", "-00:00", "+07:30", "-11:59")


@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize("offset", OFFSETS)
def test_every_digit_of_a_second_survives(fraction: str, offset: str) -> None:
    text = f"2020-02-29T23:59:59.{fraction}{offset}"
    value = codec.read(codec.write(codec.read_text(text)))
    assert value.fractional_seconds.as_tuple() == Decimal(f"0.{fraction}").as_tuple()
    assert codec.write_text(value) == text


def test_timestamps_are_found_wherever_they_are() -> None:
    text = "{a:[x::(2020-01-01T00:00:00.1234567890Z)],a:{b:0001-12-31T00:00:00.00000000001-00:00}}"
    assert codec.write_text(codec.read(codec.write(codec.read_text(text)))) == text
    assert IonSpan.from_text(text) == IonSpan.of(IonSpan.from_text(text).value())


def test_a_digit_more_is_another_hash() -> None:
    texts = [f"2020-01-01T00:00:00.{'0' * count}Z" for count in range(8, 14)]
    assert len({IonSpan.from_text(text).hash() for text in texts}) == len(texts)


def test_what_stands_beside_a_long_timestamp_keeps_its_digits_too() -> None:
    time, name = "2020-01-01T00:00:00.1234567890Z", "é\u0080😀"
    text = f"{{t: {time}, d: 1.{'3' * 60}, i: {'9' * 60}, '{name}': \"\\xe9\"}}"
    value = codec.read(codec.write(codec.read_text(text)))
    assert value[name] == "é"
    assert value["d"] == Decimal(f"1.{'3' * 60}")
    assert value["i"] == int("9" * 60)


@pytest.mark.parametrize(
    "text",
    [
        "null.timestamp",
        "2020T",
        '"at :00.12345678901"',
        "1.12345678901",
        "(a b)",
        "{a:1,a:2}",
        "-0.00",
    ],
)
def test_other_values_are_as_amazon_ion_has_them(text: str) -> None:
    value = simpleion.loads(text)
    for read in (codec.read_text(text), codec.read(codec.write(value))):
        assert codec.write_text(read) == text
        assert type(read) is type(value)


def test_plain_python_values_are_written_too() -> None:
    moment = Timestamp(
        *(2020, 1, 1, 0, 0, 0),
        precision=TimestampPrecision.SECOND,
        fractional_seconds=Decimal("0.1234567890123"),
    )
    value: dict[str, Any] = {"moments": [moment, None], "n": 1, "s": "x", "d": Decimal("1.50")}
    expected = '{moments:[2020-01-01T00:00:00.1234567890123-00:00,null],n:1,s:"x",d:1.50}'
    assert codec.write_text(codec.read(codec.write(value))) == expected


def test_bytes_that_only_look_like_a_timestamp_are_read_as_they_are() -> None:
    blob = bytes.fromhex("6d800fe48181808080cc1cbe991a14")
    assert bytes(codec.read(codec.write({"blob": blob}))["blob"]) == blob


def test_endless_seconds_are_refused() -> None:
    # An exponent of -1048575: a few bytes that would be a megabyte of digits.
    data = b"\xe0\x01\x00\xea" + b"\x6c\x80\x0f\xe4\x81\x81\x80\x80\x80" + b"\x7f\x7f\xff\x01"
    with pytest.raises(IonException, match="4096 digits"):
        codec.read(data)
    with pytest.raises(IonFormatError):
        IonSpan.from_text(f"2020-01-01T00:00:00.{'1' * 5000}Z")


@pytest.mark.parametrize("text", ["", "1 2", "{", "2020-01-01T00:00:00.1234567890Z 2"])
def test_text_that_is_not_one_value_is_refused(text: str) -> None:
    with pytest.raises((IonException, ValueError)):
        codec.read_text(text)


def test_a_value_with_holes_in_its_symbol_table_is_read() -> None:
    fields = {"unused": 1, "kept": codec.read_text("{a: s, t: 2020-01-01T00:00:00.1234567890Z}")}
    kept = IonSpan.of(fields).fields()["kept"]
    data = standalone(kept)
    assert b"unused" not in data
    assert codec.write_text(codec.read(data)) == "{a:s,t:2020-01-01T00:00:00.1234567890Z}"


def test_damaged_bytes_are_refused() -> None:
    data = codec.write(codec.read_text("{a: 2020-01-01T00:00:00.1234567890Z, b: [1, 2, 3]}"))
    with pytest.raises(IonException):
        codec.read(data[:-2])


@pytest.mark.parametrize("bits", [*range(60, 1300, 31), 241, 244, 496, 14_000])
def test_every_bit_of_a_large_number_is_written(bits: int) -> None:
    whole = (1 << bits - 1) | 0x5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A % (1 << bits - 1)
    for number in (whole, -whole):
        digits = tuple(map(int, str(whole)))
        decimal = Decimal((int(number < 0), digits, -7))
        found = codec.read(codec.write({"n": [number], "d": decimal}))
        assert found["n"][0] == number
        assert found["d"].as_tuple() == decimal.as_tuple()


def test_a_number_that_cannot_be_read_again_does_not_end_the_process() -> None:
    written = codec.write({"n": 7**20_000})
    assert (7**20_000).to_bytes(7019, "big").lstrip(b"\0") in written
