"""A ledger is looked through from its newest document, version or block back, page by page."""

from __future__ import annotations

from typing import Any

from qldbkit.journal import codec


def table_id(ledger: Any, name: str = "Person") -> str:
    return ledger.state.catalog.active(name).table_id


def values(revisions: Any) -> list[Any]:
    return [codec.read(each.data)["n"] for each in revisions]


def test_the_documents_of_a_table_come_newest_first_in_pages(people: Any, do: Any) -> None:
    for number in range(7):
        do(people, "INSERT INTO Person ?", {"n": number})
    do(people, "INSERT INTO Pet ?", {"n": 99})
    do(people, "UPDATE Person SET seen = true WHERE n = 2")
    do(people, "DELETE FROM Person WHERE n = 5")

    first = people.newest(table_id(people), 4)
    rest = people.newest(table_id(people), 4, before=first[-1].revision_id)

    assert values(first) == [2, 6, 4, 3]
    assert values(rest) == [1, 0]
    assert people.newest(table_id(people), 4, before=rest[-1].revision_id) == []


def test_the_versions_of_a_document_come_newest_first_in_pages(people: Any, do: Any) -> None:
    (inserted,) = do(people, "INSERT INTO Person ?", {"n": 0})
    for number in range(1, 5):
        do(people, "UPDATE Person SET n = ?", number)
    do(people, "DELETE FROM Person")
    document_id = str(inserted["documentId"])

    first = people.versions(document_id, 3)
    assert [each.version for each in first] == [5, 4, 3]
    assert first[0].deleted
    rest = people.versions(document_id, 10, until=first[-1].sequence_no)
    assert values(rest) == [2, 1, 0]
    assert people.versions("no such document", 3) == []


def test_blocks_come_without_the_data_of_their_revisions(people: Any, do: Any) -> None:
    do(people, "INSERT INTO Person ?", {"n": 1})
    found = people.summaries(2, 10)
    assert [each.address.sequence_no for each in found] == [2, 3, 4]
    assert people.summaries(-5, 1)[0].address.sequence_no == 0
    assert people.summaries(5, 1) == []
