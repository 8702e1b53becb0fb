"""Two sides that give digests, compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from qldbkit.replay.compare import (
    MAX_DIFFERENCES,
    Difference,
    DifferenceKind,
    DocumentDigest,
    TableComparison,
    compare,
)


@dataclass
class Digests:
    documents: dict[tuple[str, str], bytes]
    names: set[str] = field(default_factory=set)

    def tables(self) -> frozenset[str]:
        return frozenset({table for table, _ in self.documents} | self.names)

    def digests(self) -> Iterator[DocumentDigest]:
        for (table, id_), digest in reversed(self.documents.items()):
            yield DocumentDigest(table, id_, digest)


def test_equal_sides_are_equal_whatever_their_order() -> None:
    documents = {("Person", str(each)): bytes([each]) for each in range(100)}
    reordered = dict(sorted(documents.items(), reverse=True))
    comparison = compare(Digests(documents, {"Empty"}), Digests(reordered, {"Empty"}))
    assert comparison.equal
    assert comparison.tables == (
        TableComparison("Empty", 0, 0, 0),
        TableComparison("Person", 100, 100, 100),
    )
    assert comparison.equal_documents == 100


def test_every_kind_of_difference_is_named_and_counted() -> None:
    source = Digests({("T", "same"): b"1", ("T", "changed"): b"2", ("T", "missing"): b"3"})
    destination = Digests({("T", "same"): b"1", ("T", "changed"): b"x", ("U", "extra"): b"4"})

    comparison = compare(source, destination)

    assert not comparison.equal
    assert comparison.differences == (
        Difference("T", "changed", DifferenceKind.CHANGED),
        Difference("T", "missing", DifferenceKind.MISSING),
        Difference("U", "extra", DifferenceKind.EXTRA),
    )
    assert (comparison.different_documents, comparison.extra_tables) == (3, ("U",))
    assert str(comparison.differences[0]) == "T: document changed is not the same"
    assert [each.equal for each in comparison.tables] == [False, False]


def test_a_document_in_another_table_is_not_the_same_document() -> None:
    comparison = compare(Digests({("T", "id"): b"1"}), Digests({("U", "id"): b"1"}))
    assert comparison.different_documents == 2


def test_a_table_that_only_the_source_has_is_a_difference_though_it_is_empty() -> None:
    comparison = compare(Digests({}, {"T"}), Digests({}))
    assert comparison.missing_tables == ("T",)
    assert not comparison.equal


def test_differences_are_named_up_to_a_bound_and_counted_beyond() -> None:
    source = Digests({("T", f"{each:06d}"): b"1" for each in range(MAX_DIFFERENCES + 5)})
    comparison = compare(source, Digests({}, {"T"}))
    assert len(comparison.differences) == MAX_DIFFERENCES
    assert comparison.different_documents == MAX_DIFFERENCES + 5
