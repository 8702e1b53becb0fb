"""The console as a person uses it, in a real browser: Chromium, wherever one is installed."""

from __future__ import annotations

import json
import os
import random
import shutil
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qldbkit.console.console import console
from qldbkit.console.replays import ReplayParts
from qldbkit.console.settings import ConsoleSettings, console_url, new_token
from qldbkit.journal.hashes import dot, merkle_root
from qldbkit.journal.ion import IonSpan
from qldbkit.ledger.server import RunningServer, running_server
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.checkpoint import Checkpoint
from qldbkit.replay.fragments import QuarantinedRecord

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE_MILLISECONDS = 15_000
PHONE = {"width": 375, "height": 700}
TOKEN = new_token()
HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">'\"&amp;"
)
TURNED = "\u202egnp.exe\u202c \u05d0\u05d1\u05d2"


class FakeReplay:
    """A replay of which a test moves what is applied."""

    def __init__(self, service: Any) -> None:
        self.service, self.buffer = service, MemoryBuffer()
        self.applied = 1

    def __call__(self) -> ReplayParts:
        return ReplayParts("orders", "copy", self, self.buffer, self)

    def checkpoints(self) -> list[Checkpoint]:
        ledger = self.service.ledger("orders")
        block_hash = ledger.summary(self.applied).block_hash
        return [Checkpoint(ledger.strand_id, self.applied, block_hash)]

    def get_digest(self, **_asked: Any) -> Any:
        tip = self.service.ledger("orders").tip()
        address = f'{{strandId: "{tip.strand_id}", sequenceNo: {tip.sequence_no}}}'
        return {"DigestTipAddress": {"IonText": address}}

    def get_block(self, **_asked: Any) -> Any:
        return {"Block": {"IonText": "{blockTimestamp: 2026-01-01T00:00:00.000Z}"}}


class Site:
    """A served console, with what is in its ledgers."""

    def __init__(
        self, server: RunningServer, replay: FakeReplay, without_data: dict[int, str]
    ) -> None:
        self.server, self.replay, self.without_data = server, replay, without_data
        self.ledger = server.service.ledger("orders")
        self.tables = {
            each.name: each.table_id for each in self.ledger.state.catalog.tables.values()
        }
        (car,) = self.ledger.newest(self.tables["Car"], 1)
        self.car = car.document_id

    @property
    def address(self) -> str:
        return console_url(self.server.endpoint_url, TOKEN)

    @property
    def pages(self) -> dict[str, str]:
        car = f"ledgers/orders/tables/{self.tables['Car']}"
        return {
            "ledgers": "",
            "tables": "ledgers/orders",
            "query": "ledgers/orders/query",
            "journal": "ledgers/orders/journal",
            "block": "ledgers/orders/journal/3",
            "proof of a block": "ledgers/orders/journal/3/proof",
            "proof of a revision": f"ledgers/orders/journal/3/proof?document={self.car}",
            "documents": car,
            "history": f"{car}/documents/{self.car}",
            "hostile documents": f"ledgers/orders/tables/{self.tables['Hostile']}",
            "replay": "replay",
            "nothing": "nowhere",
            "what was mistyped": "ledgers/%",
        }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, connected: Any, in_one: Any) -> Iterator[Site]:
    replays: list[FakeReplay] = []

    def publish(service: Any) -> Any:
        replays.append(FakeReplay(service))
        return console(ConsoleSettings(TOKEN), replays[0])(service)

    with running_server(tmp_path_factory.mktemp("site") / "ledgers", publish=publish) as server:
        user = connected(server)
        user.create()
        with user.driver() as driver:
            in_one(driver, ("CREATE TABLE Car",))
            in_one(driver, ("INSERT INTO Car ?", {"plate": "AB 123", "owner": {"name": "Ann"}}))
            in_one(driver, ("UPDATE Car SET owner.name = 'Bob', colour = 'red'",))
            in_one(driver, ("CREATE TABLE Many",))
            for first in range(0, 120, 40):
                rows = [{"n": each} for each in range(first, first + 40)]
                in_one(driver, *[("INSERT INTO Many ?", each) for each in rows])
            in_one(driver, ("CREATE TABLE Hostile",))
            document = {HOSTILE: HOSTILE, "turned": TURNED, "long" * 300: "word" * 300}
            in_one(driver, ("INSERT INTO Hostile ?", document))
            without_data = _without_data(driver, in_one)
        yield Site(server, replays[0], without_data)


def _without_data(driver: Any, in_one: Any) -> dict[int, str]:
    """Blocks whose revision has no data, and what a proof says of each."""
    ((made,),) = in_one(driver, ("CREATE TABLE Gone",))
    ((first,),) = in_one(driver, ("INSERT INTO Gone ?", {"secret": "x"}))
    in_one(driver, ("UPDATE Gone SET secret = 'y'",))
    ((past, _),) = in_one(driver, ("SELECT * FROM history(Gone)",))
    redact = f"EXEC REDACT_REVISION ?, '{made['tableId']}', '{first['documentId']}'"
    in_one(driver, (redact, past["blockAddress"]))
    in_one(driver, ("DELETE FROM Gone",))
    ((*_, deleted),) = in_one(driver, ("SELECT * FROM history(Gone)",))
    return {
        int(past["blockAddress"]["sequenceNo"]): "The document was redacted",
        int(deleted["blockAddress"]["sequenceNo"]): "This version deleted the document",
    }


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    path = os.environ.get("QLDBKIT_CHROMIUM") or next(
        filter(None, map(shutil.which, BROWSERS)), None
    )
    if path is None:
        pytest.skip("no Chromium is installed: apt-get install chromium, or set QLDBKIT_CHROMIUM")
    with playwright.sync_playwright() as started:
        # Chromium's own sandbox does not run for root, as in containers
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = started.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any, site: Site) -> Iterator[Callable[..., Any]]:
    """Opens the console at a page; what the browser complains of fails the test."""
    complaints: list[str] = []
    contexts = []

    def visit_(name: str = "ledgers", address: str | None = None, **settings: Any) -> Any:
        context = chromium.new_context(**settings)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if is_bad(said) else None)
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(address or site.address)
        heading(page)
        if site.pages.get(name):
            go(page, site.pages[name])
        return page

    yield visit_
    for each in contexts:
        each.close()
    assert complaints == []


def is_bad(said: Any) -> bool:
    # A refusal that a test provokes is an answer like others; Chromium reports it as an error
    return said.type in {"error", "warning"} and "Failed to load resource" not in said.text


def heading(page: Any) -> Any:
    page.wait_for_selector("main:not([aria-busy]) h1")
    return page.locator("h1")


def go(page: Any, path: str) -> None:
    page.evaluate(
        """path => new Promise((arrived) => {
            if (location.hash === `#/${path}`) return arrived();
            addEventListener("hashchange", () => arrived(), { once: true });
            location.hash = `#/${path}`;
        })""",
        path,
    )
    heading(page)


def test_the_address_opens_it_and_the_token_leaves_the_address(visit: Any) -> None:
    page = visit()
    expect(page.locator("h1")).to_have_text("Ledgers")
    expect(page.get_by_role("link", name="orders")).to_be_visible()
    assert TOKEN not in page.url
    page.reload()
    expect(page.get_by_role("link", name="orders")).to_be_visible()
    expect(page.locator("#mode")).to_have_text("Read-only")


def test_without_a_token_it_asks_for_one(visit: Any, site: Site) -> None:
    page = visit(address=f"{site.server.endpoint_url}/console/#token=wrong")
    expect(page.locator("h1")).to_have_text("Open the console")
    field = page.get_by_label("Address or token")
    expect(field).to_be_focused()
    field.fill(site.address)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="orders")).to_be_visible()


def test_a_person_goes_from_a_ledger_to_what_changed_in_a_document(visit: Any, site: Site) -> None:
    page = visit()
    page.get_by_role("link", name="orders").click()
    page.get_by_role("link", name="Car").click()
    page.get_by_role("link", name=site.car).click()
    newest = page.get_by_role("article", name="Version 1")
    owner = newest.get_by_role("row", name="owner.name")
    expect(owner.locator("del")).to_contain_text('"Ann"')
    expect(owner.locator("ins")).to_contain_text('"Bob"')
    expect(newest.get_by_role("row", name="colour").locator("del")).to_have_count(0)
    newest.get_by_text("All of version 1").click()
    expect(newest.locator("pre").first).to_contain_text('name: "Bob"')
    page.go_back()
    expect(page.locator("h1")).to_have_text("Car")


def test_pages_of_documents_are_turned(visit: Any, site: Site) -> None:
    page = visit()
    go(page, f"ledgers/orders/tables/{site.tables['Many']}")
    expect(page.get_by_role("row", name="n: 119")).to_be_visible()
    page.get_by_role("link", name="Older documents").click()
    expect(page.get_by_role("row", name="n: 94")).to_be_visible()
    assert page.locator("tbody tr").count() == 25
    page.get_by_role("link", name="Newest").click()
    expect(page.get_by_role("row", name="n: 119")).to_be_visible()


def test_a_query_is_typed_run_and_its_rows_turned(visit: Any) -> None:
    page = visit("query")
    page.get_by_role("button", name="Many").click()
    page.keyboard.type(" ORDER BY n")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Rows 1 to 100")).to_be_visible()
    page.get_by_role("button", name="Next rows").click()
    expect(page.get_by_role("heading", name="Rows 101 to 120")).to_be_visible()
    expect(page.get_by_role("cell", name="119", exact=True)).to_be_visible()
    page.get_by_role("button", name="Ion").click()
    expect(page.locator("pre")).to_contain_text("n: 119")


def test_what_cannot_be_run_is_said_in_a_sentence(visit: Any) -> None:
    page = visit("query")
    for statement, sentence in (
        ("DELETE FROM Car", "This console only reads"),
        ("SELECT * FROM Nowhere", "No such variable named 'Nowhere'"),
        ("SELECT * FROM", "Expected an expression"),
    ):
        page.get_by_label("PartiQL").fill(statement)
        page.get_by_role("button", name="Run").click()
        expect(page.get_by_role("alert")).to_contain_text(sentence)


def test_the_browser_hashes_as_qldb_does(visit: Any) -> None:
    page = visit()
    chance = random.Random(7)
    hashes = [chance.randbytes(32) for _ in range(48)] + [b""]
    texts = [b64encode(each).decode() for each in hashes]
    found = page.evaluate(
        """async (texts) => {
            const { base64, bytes, dot, merkleRoot } = await import("./hashes.js");
            const hashes = texts.map(bytes);
            const pairs = [];
            for (let at = 1; at < hashes.length; at += 1) {
                pairs.push(base64(await dot(hashes[at - 1], hashes[at])));
            }
            const roots = [];
            for (let size = 0; size <= 9; size += 1) {
                roots.push(base64(await merkleRoot(hashes.slice(0, size))));
            }
            return { pairs, roots };
        }""",
        texts,
    )
    pairs = [dot(hashes[at - 1], hashes[at]) for at in range(1, len(hashes))]
    assert [b64decode(each) for each in found["pairs"]] == pairs
    assert [b64decode(each) for each in found["roots"]] == [
        merkle_root(hashes[:size]) for size in range(10)
    ]


def test_a_block_is_found_by_its_number(visit: Any) -> None:
    page = visit("journal")
    page.get_by_label("Go to block").fill("3")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Block 3")
    expect(page.locator("pre")).to_have_text("UPDATE Car SET owner.name = 'Bob', colour = 'red'")
    go(page, "ledgers/orders/journal/999")
    expect(page.get_by_role("alert")).to_contain_text("has no such block")


def test_a_block_and_a_revision_are_verified_in_the_browser(visit: Any) -> None:
    page = visit("journal")
    page.get_by_role("link", name="Verify block 3", exact=True).click()
    expect(page.locator(".notice")).to_contain_text("Your browser has hashed every step again")
    expect(page.get_by_role("status")).to_contain_text("Proven.")
    page = visit("history")
    page.get_by_role("article", name="Version 1").get_by_role("link", name="Verify").click()
    expect(page.locator("h1")).to_have_text("Proof of a revision")
    expect(page.locator(".notice")).to_contain_text("hashed the document, its metadata, and every")
    assert page.locator(".path > li.sound").count() == page.locator(".path > li").count()
    page.get_by_text("The document, as it was hashed").click()
    expect(page.locator(".path pre")).to_contain_text('name: "Bob"')


def test_a_deletion_and_a_redaction_are_proven_from_what_is_left(visit: Any, site: Site) -> None:
    ledger, page = site.ledger, visit()
    for block, sentence in site.without_data.items():
        (document,) = ledger.summary(block).document_ids
        go(page, f"ledgers/orders/journal/{block}/proof?document={document}")
        expect(page.locator(".notice")).to_contain_text("Proven.")
        expect(page.locator(".notice")).to_contain_text(sentence)
        assert page.locator(".path > li.sound").count() == page.locator(".path > li").count()


OTHER = b64encode(IonSpan.from_text('{id: "AAAAAAAAAAAAAAAAAAAAAA", version: 1}').binary()).decode()
FORGERIES: dict[str, tuple[dict[str, Any], str]] = {
    "another document's data": ({"data": OTHER}, "does not lead to the digest"),
    "no data": ({"data": None}, "does not lead to the digest"),
    "another document's metadata": ({"metadata": OTHER}, "a revision of another document"),
    "no Ion": ({"data": b64encode(b"ABCD").decode()}, "Binary Ion begins with the marker"),
    "cut Ion": ({"metadata": OTHER[:-8]}, "at byte"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_revision_that_was_tampered_with_proves_nothing(
    visit: Any, site: Site, name: str
) -> None:
    change, sentence = FORGERIES[name]
    page = visit()
    if name == "no data":  # and its hash besides, so that it seems to have been redacted or deleted

        def forge(found: Any) -> None:
            found.update(change)
            found["steps"].pop(0)
    else:

        def forge(found: Any) -> None:
            found.update(change)

    page.route("**/proof*", tampered(forge))
    go(page, site.pages["proof of a revision"])
    expect(page.get_by_role("alert")).to_contain_text("Not proven.")
    expect(page.get_by_role("alert")).to_contain_text(sentence)


def tampered(change: Callable[[Any], None]) -> Callable[[Any], None]:
    """Answers as the server does, but for a change; and says itself that all is well."""

    def answer(route: Any) -> None:
        response = route.fetch()
        found = response.json()
        change(found)
        route.fulfill(response=response, body=json.dumps(found))

    return answer


FORGED = b64encode(bytes(32)).decode()


@pytest.mark.parametrize("at", [0, 2, -1])
def test_a_path_that_was_tampered_with_proves_nothing(visit: Any, at: int) -> None:
    page = visit()
    page.route("**/proof*", tampered(lambda found: found["steps"][at].update(hash=FORGED)))
    go(page, "ledgers/orders/journal/3/proof")
    expect(page.get_by_role("alert")).to_contain_text("Not proven.")
    assert page.locator(".path > li.broken").count() >= 1


def test_entries_that_were_tampered_with_prove_nothing(visit: Any) -> None:
    page = visit()
    page.route("**/proof*", tampered(lambda found: found["entries"].pop()))
    go(page, "ledgers/orders/journal/3/proof")
    expect(page.get_by_role("alert")).to_contain_text("Not proven.")


def test_a_browser_that_cannot_hash_says_who_has(visit: Any) -> None:
    page = visit()
    page.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined });")
    page.reload()
    go(page, "ledgers/orders/journal/3/proof")
    expect(page.locator(".notice")).to_contain_text("The server has hashed all of it")
    assert page.locator(".path > li.sound").count() == 1  # what the server says is the digest
    go(page, "ledgers/orders/journal")
    expect(page.locator("main")).to_contain_text("This page cannot hash them again")


@pytest.mark.parametrize("field", ["hash", "previousHash", "entriesHash"])
def test_a_chain_that_was_tampered_with_is_shown_broken(visit: Any, field: str) -> None:
    page = visit()
    page.route("**/blocks", tampered(lambda found: found["items"][3].update({field: FORGED})))
    go(page, "ledgers/orders/journal")
    expect(page.get_by_role("alert")).to_contain_text("The chain is broken")


def test_a_saved_digest_is_what_a_path_is_checked_against(visit: Any, site: Site) -> None:
    saved = {
        "Digest": b64encode(site.ledger.digest(5)).decode(),
        "DigestTipAddress": {"IonText": f'{{strandId:"{site.ledger.strand_id}",sequenceNo:5}}'},
    }
    page = visit("proof of a block")
    field, verdict = page.get_by_label("The saved answer"), page.locator(".notice")
    for answer, sentence in (
        (json.dumps(saved), "lead to the digest that you saved"),
        (json.dumps(saved | {"Digest": FORGED}), "does not lead to the digest that you saved"),
        ("{}", "no answer of GetDigest"),
    ):
        field.fill(answer)
        page.get_by_role("button", name="Check").click()
        expect(verdict).to_contain_text(sentence)


def test_a_hostile_document_is_shown_as_text(visit: Any, site: Site) -> None:
    page = visit("hostile documents")
    (document,) = site.ledger.newest(site.tables["Hostile"], 1)
    expect(page.locator("td .value").first).to_contain_text("<script>")
    go(page, f"{site.pages['hostile documents']}/documents/{document.document_id}")
    fields = page.locator(".changes tbody th").all_text_contents()
    assert HOSTILE in fields
    shown = page.locator(".changes ins .value").all_text_contents()
    # What turns the direction of a text around is shown by its code
    assert any("U+202Egnp.exeU+202C" in each for each in shown)
    go(page, site.pages["query"])
    page.get_by_label("PartiQL").fill("SELECT * FROM Hostile")
    page.keyboard.press("Control+Enter")
    expect(page.locator("thead")).to_contain_text(HOSTILE)
    assert page.locator("main script, main img").count() == 0
    assert "owned" not in page.title()


def test_the_replay_is_shown_live(visit: Any, site: Site) -> None:
    latest = site.ledger.state.snapshot
    site.replay.applied = latest - 2
    site.replay.buffer.quarantine([QuarantinedRecord("shard 1", "damaged", b"secret", 9.0)])
    page = visit("replay")
    tile = lambda name: page.locator(".tile", has_text=name)  # noqa: E731
    expect(tile("Source's tip")).to_contain_text(f"block {latest}")
    expect(tile("Applied")).to_contain_text("2 blocks behind")
    expect(page.locator(".notice").first).to_contain_text("1 record in quarantine")
    expect(page.get_by_role("cell", name="damaged")).to_be_visible()
    site.replay.applied = latest
    site.replay.buffer.discard("shard 1")
    expect(page.locator(".notice").first).to_contain_text("The destination has everything.")
    expect(page.get_by_role("img", name="Blocks behind")).to_have_attribute(
        "aria-label", "Blocks behind in the last 5 minutes: 0 now, 2 at most"
    )


def test_a_server_that_has_gone_is_said_and_asked_again(visit: Any) -> None:
    page = visit()
    page.route("**/data/ledgers/orders", lambda route: route.abort())
    go(page, "ledgers/orders")
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    page.unroute("**/data/ledgers/orders")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("h1")).to_have_text("orders")


def test_every_request_goes_to_the_server_itself(visit: Any, site: Site) -> None:
    page = visit()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    for path in site.pages.values():
        go(page, path)
    assert asked
    assert all(each.startswith(f"{site.server.endpoint_url}/console/") for each in asked)


def test_nothing_is_wider_than_a_phone(visit: Any, site: Site) -> None:
    page = visit(viewport=PHONE, has_touch=True)
    for name, path in site.pages.items():
        go(page, path)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], name


def test_it_is_dark_where_the_reader_wants_it_dark(visit: Any) -> None:
    page = visit()
    ground = "getComputedStyle(document.body).backgroundColor"
    day = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    night = page.evaluate(ground)
    brightness = [sum(map(int, each[4:-1].split(","))) for each in (day, night)]
    assert brightness[0] > 700
    assert brightness[1] < 120


def test_all_of_it_is_reached_by_the_keyboard(visit: Any, site: Site) -> None:
    page = visit()
    page.reload()
    heading(page)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    press_until(page, "orders")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("orders")
    expect(page.locator("h1")).to_be_focused()
    press_until(page, "Journal")
    page.keyboard.press("Enter")
    press_until(page, "Verify")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    expect(page.locator(".notice")).to_contain_text("Proven.")


def press_until(page: Any, text: str) -> None:
    for _ in range(40):
        if page.evaluate("document.activeElement.textContent") == text:
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the keyboard does not reach {text}")


def test_the_content_is_one_step_away(visit: Any) -> None:
    page = visit()
    page.reload()
    heading(page)
    page.locator(".skip").focus()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_be_focused()


def test_a_hash_is_short_and_whole_while_it_has_the_focus(visit: Any) -> None:
    page = visit("journal")
    first = page.locator(".hash").first
    whole = first.get_attribute("title")
    assert len(whole) == 44
    assert len(first.locator(".short").text_content()) < 16
    first.focus()
    expect(first.locator(".short")).to_be_hidden()
    expect(first.locator(".full")).to_have_text(whole)
    assert first.locator(".full").bounding_box()["width"] > 200


CHECKS: dict[str, str] = {
    "it has one heading of the first rank": "document.querySelectorAll('h1').length === 1",
    "it has a title of its own": "document.title.includes('·')",
    "it says its language": "document.documentElement.lang === 'en'",
    "it has its landmarks": "['header', 'main', 'nav'].every((each) => there(each))",
    "no id is there twice": "unique([...document.querySelectorAll('[id]')].map((each) => each.id))",
    "every field has a label": "all('input, textarea, select', (each) => each.labels.length > 0)",
    "every button and link has words": "all('button, a', (each) => each.textContent.trim() !== '')",
    "every region has a name": "all('[role=region], nav, section', isNamed)",
    "every picture has a name or is decoration": "all('svg', (each) => isNamed(each)"
    " || each.getAttribute('aria-hidden') === 'true')",
    "every table has a heading for its columns": "all('table', (each) =>"
    " each.querySelector('thead th[scope=col]') !== null)",
    "every reference leads somewhere": "all('[aria-labelledby], [aria-describedby]', (each) =>"
    " document.getElementById(each.getAttribute('aria-labelledby')"
    " ?? each.getAttribute('aria-describedby')) !== null)",
    "no rank of headings is left out": "ranks().every((each, at, of) => at === 0"
    " || each - of[at - 1] <= 1)",
}
WORDS = """
const all = (what, holds) => [...document.querySelectorAll(what)].every(holds);
const there = (what) => document.querySelector(what) !== null;
const unique = (texts) => new Set(texts).size === texts.length;
const isNamed = (each) => each.hasAttribute('aria-label') || each.hasAttribute('aria-labelledby');
const ranks = () => [...document.querySelectorAll('h1, h2, h3')].map((each) => +each.tagName[1]);
"""


def test_readers_of_screens_find_their_way_on_every_page(visit: Any, site: Site) -> None:
    page = visit()
    script = f"() => {{ {WORDS} return {{ {', '.join(map(check, CHECKS))} }}; }}"
    for name, path in site.pages.items():
        go(page, path)
        failed = [each for each, holds in page.evaluate(script).items() if not holds]
        assert failed == [], name


def check(name: str) -> str:
    return f"{json.dumps(name)}: {CHECKS[name]}"


def test_the_token_stays_in_this_browser(visit: Any) -> None:
    page = visit()
    asked: list[Any] = []
    page.on("request", lambda request: asked.insert(0, request))
    page.reload()
    heading(page)
    assert all(TOKEN not in each.url for each in asked)
    carried = [each.url for each in asked if TOKEN in str(each.headers)]
    assert carried
    assert all("/console/data/" in each for each in carried)
    assert page.context.cookies() == []
