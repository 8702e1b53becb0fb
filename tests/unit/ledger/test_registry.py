"""The folder of a server never holds half a ledger, wherever a creation or deletion broke off."""

import sqlite3
import threading

import pytest

from qldbkit.ledger.clock import SystemClock
from qldbkit.ledger.control_store import ControlStore, ControlStoreError
from qldbkit.ledger.errors import ResourceAlreadyExistsError, ResourceNotFoundError
from qldbkit.ledger.http import LedgerService
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.limits import Limits
from qldbkit.ledger.registry import LedgerOptions, LedgerRegistry, LedgerSettings
from qldbkit.partiql.dialect import Dialect

SETTINGS = LedgerSettings("STANDARD", deletion_protection=False, kms_key_arn=None)


class Folder:
    """A registry over a folder, which a test closes and opens again."""

    def __init__(self, path):
        self.path = path
        self.open()

    def open(self):
        self.store = ControlStore(self.path / "control.sqlite")
        options = LedgerOptions(SystemClock(), Limits(), Dialect.FULL, {})
        self.registry = LedgerRegistry(self.path, self.store, options, max_ledgers=50)

    def close(self):
        self.registry.close()
        self.store.close()

    def ledger_files(self):
        return {each.name for each in self.path.iterdir() if not each.name.startswith("control")}


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    yield made
    made.close()


def test_a_creation_that_fails_leaves_nothing(folder, monkeypatch):
    def create(path, name, **options):
        path.write_bytes(b"half a ledger")
        raise OSError("no space left on device")

    monkeypatch.setattr(Ledger, "create", create)
    with pytest.raises(OSError, match="no space"):
        folder.registry.create("orders", SETTINGS)
    assert folder.registry.records() == []
    assert folder.ledger_files() == set()
    monkeypatch.undo()
    assert folder.registry.create("orders", SETTINGS).state == "ACTIVE"


@pytest.mark.parametrize("state", ["CREATING", "DELETING"])
def test_what_a_crash_broke_off_is_cleared_away_at_the_next_start(folder, state):
    folder.registry.create("orders", SETTINGS)
    folder.registry.create("invoices", SETTINGS)
    folder.store.write("UPDATE ledger SET state = ? WHERE name = 'orders'", (state,))
    folder.close()
    folder.open()
    assert [each.name for each in folder.registry.records()] == ["invoices"]
    assert all(each.startswith("invoices") for each in folder.ledger_files())
    with pytest.raises(ResourceNotFoundError):
        folder.registry.ledger("orders")


def test_a_ledger_that_is_being_deleted_is_not_given_out_any_more(folder):
    folder.registry.create("orders", SETTINGS)
    folder.close()
    folder.open()
    folder.registry.begin_removal("orders")
    with pytest.raises(ResourceNotFoundError):
        folder.registry.ledger("orders")


def test_a_ledger_made_again_is_another_one(folder):
    folder.registry.create("orders", SETTINGS)
    strand = folder.registry.ledger("orders").strand_id
    folder.registry.remove("orders")
    folder.registry.create("orders", SETTINGS)
    assert folder.registry.ledger("orders").strand_id != strand


def test_one_of_many_who_want_the_same_name_gets_it(folder):
    outcomes = []

    def create():
        try:
            folder.registry.create("orders", SETTINGS)
            outcomes.append("made")
        except ResourceAlreadyExistsError:
            outcomes.append("refused")

    threads = [threading.Thread(target=create) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes) == ["made", *["refused"] * 7]
    assert folder.registry.ledger("orders").name == "orders"


def test_a_ledger_named_like_the_server_s_own_files_is_possible(folder):
    for name in ("control", "lock"):
        folder.registry.create(name, SETTINGS)
    folder.close()
    folder.open()
    assert [each.name for each in folder.registry.records()] == ["control", "lock"]
    assert folder.registry.ledger("control").name == "control"


def test_a_ledger_has_the_dialect_that_its_server_gives_it(tmp_path):
    service = LedgerService(tmp_path, dialects={"strict": Dialect.QLDB})
    try:
        body = b'{"Name":"%s","PermissionsMode":"STANDARD"}'
        from qldbkit.ledger.errors import BadRequestError
        from qldbkit.ledger.http import HttpRequest

        for name in (b"strict", b"free"):
            made = service.handle(HttpRequest("POST", "/ledgers", body=body % name))
            assert made.status == 200
        statement = "SELECT VALUE x FROM <<2, 1>> AS x ORDER BY x LIMIT 1"
        service.ledger("free").begin().execute(statement)
        with pytest.raises(BadRequestError):
            service.ledger("strict").begin().execute(statement)
    finally:
        service.close()


def test_state_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "control.sqlite"
    ControlStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ControlStoreError, match="newer version"):
        ControlStore(path)


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path):
    path = tmp_path / "control.sqlite"
    path.write_bytes(b"something else" * 100)
    with pytest.raises(ControlStoreError, match="not a database"):
        ControlStore(path)
    assert path.read_bytes() == b"something else" * 100


def test_a_transaction_of_the_store_is_all_or_nothing(tmp_path):
    store = ControlStore(tmp_path / "control.sqlite")
    with pytest.raises(RuntimeError), store.transaction():
        store.write("INSERT INTO tag VALUES ('a', 'b', 'c')")
        raise RuntimeError
    assert store.rows("SELECT * FROM tag") == []
    store.close()
