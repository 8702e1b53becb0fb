"""Ion hash, on the public test data and on the properties that every hash must have."""

from collections.abc import Iterator
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
from amazon.ion import simpleion
from amazon.ion.simple_types import IonPyDict, IonPyList
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qldbkit.journal.ion import VERSION_MARKER, IonFormatError, IonSpan
from qldbkit.journal.ionhash import serialized


class Identity:
    """The hash function of the public cases that shows what would be hashed."""

    def __init__(self, data: bytes):
        self._data = data

    def digest(self) -> bytes:
        return self._data


HASHERS = {"identity": Identity, "md5": md5}


def cases(folder: Path) -> Iterator[tuple[str, Any]]:
    text = (folder / "conformance/ion-hash-test/ion_hash_tests.ion").read_text()
    for case in simpleion.loads(text, single_value=False):
        names = [each.text for each in case.ion_annotations]
        yield names[0] if names else repr(case.get("ion", case.get("10n"))), case


def source(case: Any) -> IonSpan:
    if "10n" in case:
        return IonSpan.parse(VERSION_MARKER + bytes(case["10n"]))
    return IonSpan.of(case["ion"])


def expected_digest(events: Any, names: tuple[str, ...]) -> bytes | None:
    found = [bytes(each) for each in events if each.ion_annotations[0].text in names]
    return found[-1] if found else None


def test_every_public_case(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # amazon.ion's C extension refuses more than ten annotations, which one case has.
    monkeypatch.setattr(simpleion, "c_ext", False)
    checked = 0
    for name, case in cases(shared_data):
        span = source(case)
        for algorithm, events in case["expect"].items():
            hasher = HASHERS[str(algorithm)]
            wanted = expected_digest(events, ("digest", "final_digest"))
            assert wanted is not None, name
            found = hasher(serialized(span, hasher)).digest()
            assert found.hex() == wanted.hex(), (name, algorithm)
            checked += 1
    assert checked > 150


def test_naughty_strings_keep_their_bytes(shared_data: Path) -> None:
    file = shared_data / "conformance/ion-hash-test/big_list_of_naughty_strings.txt"
    strings = file.read_text(encoding="utf-8").splitlines()
    hashes = {text: IonSpan.of(text).hash() for text in strings}
    assert len(set(hashes.values())) == len(hashes)


PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is not a reason to fail."""
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(min_size=1), inner)
)


@PATIENT
@given(VALUES)
def test_text_and_binary_hash_alike(value: Any) -> None:
    binary = simpleion.dumps(value, binary=True)
    text = simpleion.dumps(value, binary=False)
    assert IonSpan.parse(binary).hash() == IonSpan.from_text(text).hash()


@PATIENT
@given(st.dictionaries(st.text(min_size=1), SCALARS, min_size=2))
def test_field_order_does_not_matter(fields: dict[str, Any]) -> None:
    backwards = dict(reversed(fields.items()))
    assert IonSpan.of(fields).hash() == IonSpan.of(backwards).hash()


@PATIENT
@given(VALUES)
def test_an_annotation_changes_the_hash(value: Any) -> None:
    text = str(simpleion.dumps(value, binary=False)).removeprefix("$ion_1_0 ")
    assert IonSpan.from_text(f"a::{text}").hash() != IonSpan.of(value).hash()


def test_padding_hashes_as_nothing() -> None:
    padded = IonSpan.parse(VERSION_MARKER + b"\xb4\x01\xff\x21\x05")
    assert padded.hash() == IonSpan.of([5]).hash()


@pytest.mark.parametrize("kind", [IonPyList, dict], ids=["list", "struct"])
def test_deep_nesting_is_refused_with_its_position(kind: type) -> None:
    value: Any = 1
    for _ in range(200):
        value = [value] if kind is IonPyList else {"a": value}
    with pytest.raises(IonFormatError, match=r"nested deeper than 128 \(at byte"):
        IonSpan.of(value).hash()


@PATIENT
@given(VALUES, st.data())
def test_damaged_bytes_never_raise_anything_else(value: Any, data: st.DataObject) -> None:
    good = bytearray(simpleion.dumps(value, binary=True))
    at = data.draw(st.integers(0, len(good) - 1))
    good[at] ^= data.draw(st.integers(1, 255))
    for damaged in (bytes(good), bytes(good[:at])):
        try:
            for span in IonSpan.parse_all(damaged):
                span.hash()
        except IonFormatError as error:
            assert error.position is not None


def test_repeated_field_names_all_count() -> None:
    twice = IonPyDict()
    twice.add_item("a", 1)
    twice.add_item("a", 2)
    assert IonSpan.of(twice).hash() != IonSpan.of({"a": 2}).hash()
