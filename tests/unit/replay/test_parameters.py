"""Lists of documents as the stream's records wrote them."""

from __future__ import annotations

import pytest

from qldbkit.journal.hashes import ion_hash
from qldbkit.journal.ion import IonSpan
from qldbkit.replay import parameters

ALIKE = ("{a: 1, b: sym, c: {a: 2}}", "{a: x::3, c: null.struct}")


def spans(*texts: str) -> list[IonSpan]:
    """Documents as they stand in records: parts of larger values, under their symbols."""
    return [IonSpan.from_text(f"{{z: {each}, y: [1]}}").fields()["z"] for each in texts]


def alike() -> list[IonSpan]:
    """Documents under one symbol table."""
    return IonSpan.from_text(f"[{', '.join(ALIKE)}]").elements()


@pytest.mark.parametrize("found", [spans(*ALIKE), alike(), alike()[:1]])
def test_lists_are_of_the_documents_values(found: list[IonSpan]) -> None:
    values = [each.value() for each in found]
    pairs = [(f"id {at}", each) for at, each in enumerate(found)]
    replaced = [{"id": id_, "data": each.value()} for id_, each in pairs]
    for span, expected in (
        (parameters.documents(found), values),
        (parameters.replacements(pairs), replaced),
    ):
        assert ion_hash(IonSpan.parse(span.binary())) == ion_hash(expected)
        assert ion_hash(span.value()) == ion_hash(expected)


def test_batches_fit_into_a_parameter_and_one_that_cannot_is_alone() -> None:
    half = parameters.PARAMETER_BYTES // 2
    sized = [(half, "a"), (half, "b"), (1, "c"), (half * 3, "d"), (1, "e")]
    assert list(parameters.batches(sized)) == [["a", "b"], ["c"], ["d"], ["e"]]
    assert list(parameters.batches([])) == []
