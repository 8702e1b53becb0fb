"""Lists come a page at a time, whole and in order, and no page is larger than it may be."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from qldbkit.console.catalog import CatalogPages
from qldbkit.console.documents import DocumentPages
from qldbkit.console.errors import ConsoleError, NothingThereError
from qldbkit.console.journal import JournalPages
from qldbkit.console.settings import ConsoleLimits
from qldbkit.ledger.ledger import NoSuchBlockError
from qldbkit.ledger.registry import LedgerSettings

LIMITS = ConsoleLimits(items=4, page_characters=2_000, preview_characters=40, value_characters=300)


@pytest.fixture
def documents(served: Any) -> DocumentPages:
    return DocumentPages(served.service, LIMITS)


@pytest.fixture
def journal(served: Any) -> JournalPages:
    return JournalPages(served.service, LIMITS)


def test_every_document_is_on_one_page_the_newest_first(
    served: Any, documents: DocumentPages, ask: Any, pages_of: Any
) -> None:
    served.run("CREATE TABLE Car")
    for number in range(10):
        served.run(("INSERT INTO Car ?", {"n": number}))
    pages = list(pages_of(documents.documents, "before", ask, {"table": served.table("Car")}))
    assert [len(each["items"]) for each in pages] == [4, 4, 2]
    shown = [each["data"]["text"] for page in pages for each in page["items"]]
    assert shown == [f"n: {number}" for number in reversed(range(10))]


def test_a_document_written_meanwhile_puts_nothing_twice_and_hides_nothing(
    served: Any, documents: DocumentPages, ask: Any
) -> None:
    served.run("CREATE TABLE Car")
    for number in range(6):
        served.run(("INSERT INTO Car ?", {"n": number}))
    names = {"table": served.table("Car")}
    first = documents.documents(ask(names))
    served.run(("INSERT INTO Car ?", {"n": 99}))
    rest = documents.documents(ask(names, before=first["next"]))
    assert [each["data"]["text"] for each in rest["items"]] == ["n: 1", "n: 0"]


def test_a_long_document_is_clipped_in_the_list_and_whole_by_itself(
    served: Any, documents: DocumentPages, ask: Any
) -> None:
    served.run("CREATE TABLE Car", ("INSERT INTO Car ?", {"text": "long" * 100}))
    names = {"table": served.table("Car"), "document": served.documents("Car")[0]}
    (listed,) = documents.documents(ask(names))["items"]
    assert listed["data"]["clipped"]
    assert len(listed["data"]["text"]) == LIMITS.preview_characters
    whole = documents.revision(ask(names, block=listed["block"]))
    assert "long" * 100 in whole["data"]


def test_each_version_says_what_it_changed(served: Any, documents: DocumentPages, ask: Any) -> None:
    served.run("CREATE TABLE Car", ("INSERT INTO Car ?", {"n": 0, "owner": {"name": "Ann"}}))
    served.run("UPDATE Car SET owner.name = 'Bob'")
    served.run("DELETE FROM Car")
    table = served.table("Car")
    document = served.ledger.summary(1).document_ids[0]
    found = documents.history(ask({"table": table, "document": document}))
    kinds = [(each["number"], each["kind"]) for each in found["versions"]]
    assert kinds == [(2, "deleted"), (1, "changed"), (0, "created")]
    (change,) = found["versions"][1]["changes"]
    assert change["path"] == "owner.name"
    assert (change["before"]["text"], change["after"]["text"]) == ('"Ann"', '"Bob"')


def test_a_redacted_version_says_so(served: Any, documents: DocumentPages, ask: Any) -> None:
    served.run("CREATE TABLE Car", ("INSERT INTO Car ?", {"secret": 1}))
    served.run("UPDATE Car SET secret = 2")
    table, (document,) = served.table("Car"), served.documents("Car")
    strand = served.ledger.strand_id
    served.run(
        f"EXEC REDACT_REVISION `{{strandId: \"{strand}\", sequenceNo: 1}}`, '{table}', '{document}'"
    )
    found = documents.history(ask({"table": table, "document": document}))
    assert [each["kind"] for each in found["versions"]] == ["changed", "redacted"]
    assert documents.revision(ask({"document": document}, block=1))["data"] is None


def test_many_versions_come_in_pages_each_compared_with_the_one_before(
    served: Any, documents: DocumentPages, ask: Any, pages_of: Any
) -> None:
    served.run("CREATE TABLE Car", ("INSERT INTO Car ?", {"n": 0}))
    for number in range(1, 10):
        served.run(("UPDATE Car SET n = ?", number))
    names = {"table": served.table("Car"), "document": served.documents("Car")[0]}
    versions = [
        each
        for page in pages_of(documents.history, "until", ask, names)
        for each in page["versions"]
    ]
    assert [each["number"] for each in versions] == list(reversed(range(10)))
    sides = [each["changes"][0] for each in versions[:-1]]
    assert all(int(each["after"]["text"]) == int(each["before"]["text"]) + 1 for each in sides)


def test_large_versions_end_a_page_early_and_none_is_lost(
    served: Any, documents: DocumentPages, ask: Any, pages_of: Any
) -> None:
    served.run("CREATE TABLE Car", ("INSERT INTO Car ?", {"a": "-", "b": "-", "c": "-"}))
    for number in range(5):
        served.run((f"UPDATE Car SET a = '{number}', b = ?, c = ?", "x" * 999, f"{number}" * 999))
    names = {"table": served.table("Car"), "document": served.documents("Car")[0]}
    pages = list(pages_of(documents.history, "until", ask, names))
    assert len(pages[0]["versions"]) < LIMITS.items
    numbers = [each["number"] for page in pages for each in page["versions"]]
    assert numbers == [5, 4, 3, 2, 1, 0]


def test_every_block_is_on_one_page_the_latest_first(
    served: Any, journal: JournalPages, ask: Any, pages_of: Any
) -> None:
    for number in range(6):
        served.run(f"CREATE TABLE T{number}")
    pages = list(pages_of(journal.blocks, "before", ask, {}))
    assert [len(each["items"]) for each in pages] == [4, 3]
    blocks = [each for page in pages for each in page["items"]]
    assert [each["block"] for each in blocks] == [6, 5, 4, 3, 2, 1, 0]
    for later, earlier in pairwise(blocks):
        assert later["previousHash"] == earlier["hash"]


def test_a_block_says_what_its_hash_is_made_of(
    served: Any, journal: JournalPages, ask: Any, pages_of: Any
) -> None:
    served.run("CREATE TABLE Car")
    served.run(*[("INSERT INTO Car ?", {"n": number}) for number in range(6)])
    pages = list(pages_of(journal.block, "from", ask, {"block": "2"}))
    assert [len(each["items"]) for each in pages] == [4, 2]
    documents = [each["document"] for page in pages for each in page["items"]]
    assert sorted(documents) == sorted(served.documents("Car"))
    assert {each["of"] for each in pages[0]["entries"]} >= {"revisions", "transaction"}
    assert [each["text"] for each in pages[0]["statements"]] == ["INSERT INTO Car ?"] * 6


def test_ledgers_and_tables_come_in_pages(served: Any, ask: Any, pages_of: Any) -> None:
    catalog = CatalogPages(served.service, LIMITS)
    settings = LedgerSettings("STANDARD", deletion_protection=False, kms_key_arn=None)
    for number in range(4):
        served.service._registry.create(f"other-{number}", settings)
        served.run(f"CREATE TABLE T{number}")
    served.run("CREATE TABLE Gone")
    served.run("DROP TABLE Gone")
    ledgers = [
        each["name"]
        for page in pages_of(catalog.ledgers, "from", ask, {})
        for each in page["items"]
    ]
    assert ledgers == ["orders", "other-0", "other-1", "other-2", "other-3"]
    tables = [
        (each["name"], each["active"])
        for page in pages_of(catalog.tables, "from", ask, {})
        for each in page["items"]
    ]
    assert tables == [*((f"T{number}", True) for number in range(4)), ("Gone", False)]


def test_what_is_not_there_is_said(
    served: Any, documents: DocumentPages, journal: JournalPages, ask: Any
) -> None:
    served.run("CREATE TABLE Car", ("INSERT INTO Car ?", {"n": 0}))
    with pytest.raises(NothingThereError, match="no such table"):
        documents.documents(ask({"table": "nowhere"}))
    with pytest.raises(NothingThereError, match="no such document"):
        documents.history(ask({"table": served.table("Car"), "document": "nowhere"}))
    with pytest.raises(NoSuchBlockError):
        journal.block(ask({"block": "99"}))
    with pytest.raises(NothingThereError, match="no ledger"):
        CatalogPages(served.service, LIMITS).ledger(ask({"ledger": "nowhere"}))


@pytest.mark.parametrize("number", ["-1", "1e3", "x", "9" * 30, "²"])
def test_a_page_that_cannot_be_is_refused(journal: JournalPages, ask: Any, number: str) -> None:
    with pytest.raises(ConsoleError, match="has to be a number"):
        journal.blocks(ask({}, before=number))
