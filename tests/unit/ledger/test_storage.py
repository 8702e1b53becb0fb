"""The file: who may read it, who may open it, and what is refused."""

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest

from qldbkit.ledger import sqlite as sqlite_module
from qldbkit.ledger.ledger import Ledger, NoSuchBlockError
from qldbkit.ledger.sqlite import SqliteStorage
from qldbkit.ledger.sqlite_schema import SCHEMA_VERSION, ForeignFileError
from qldbkit.ledger.storage import StorageError
from qldbkit.names import NameRefusedError


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "ledger.sqlite"
    Ledger.create(path, "Test").close()
    return path


def test_only_the_owner_can_read_any_of_the_files(people, tmp_path):
    files = list(tmp_path.iterdir())
    assert len(files) >= 3
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_a_ledger_that_exists_is_not_overwritten(path):
    with pytest.raises(StorageError, match="cannot be made"):
        Ledger.create(path, "Other")
    ledger = Ledger.open(path)
    assert ledger.name == "Test"
    ledger.close()


def test_a_damaged_file_is_named_with_what_makes_the_ledger_again(path):
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StorageError) as refused:
        Ledger.open(path)
    assert refused.value.position == str(path)
    assert "qldbkit restore" in refused.value.hint


def test_a_newer_schema_is_refused(path):
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(ForeignFileError, match="newer version"):
        Ledger.open(path)


@pytest.mark.parametrize("content", [None, b"", b"not a database" * 100])
def test_a_file_that_is_no_ledger_is_refused(tmp_path, content):
    path = tmp_path / "other"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ForeignFileError):
        Ledger.open(path)


def test_a_file_is_open_once(path):
    ledger = Ledger.open(path)
    with pytest.raises(StorageError, match="open already"):
        Ledger.open(path)
    code = "import sys, pathlib; from qldbkit.ledger.ledger import Ledger\n"
    code += "try: Ledger.open(pathlib.Path(sys.argv[1]))\n"
    code += "except Exception as error: print(error.message)"
    command = [sys.executable, "-c", code, str(path)]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "open already" in found.stdout
    ledger.close()
    Ledger.open(path).close()


def test_a_name_that_qldb_refuses_is_refused(tmp_path):
    with pytest.raises(NameRefusedError):
        Ledger.create(tmp_path / "l.sqlite", "no--good")
    assert list(tmp_path.iterdir()) == []


def test_blocks_that_are_not_there(people):
    tip = people.tip().sequence_no
    for number in (-1, tip + 1):
        with pytest.raises(NoSuchBlockError):
            people.block(number)
        with pytest.raises(NoSuchBlockError):
            people.digest(number)
    with pytest.raises(NoSuchBlockError, match="does not cover"):
        people.proof(2, 1)
    assert list(people.blocks(tip + 1)) == []


def test_blocks_by_number_and_by_time(people, do, clock):
    clock.advance(10)
    do(people, "INSERT INTO Person {'name': 'Ann'}")
    tip = people.tip().sequence_no
    assert [each.address.sequence_no for each in people.blocks(1, 2)] == [1, 2]
    assert people.first_block_from(0) == 0
    assert people.first_block_from(clock.now) == tip
    assert people.first_block_from(clock.now + 1) == tip + 1


def test_a_revision_by_its_address(people, do):
    (row,) = do(people, "INSERT INTO Person {'name': 'Ann'}")
    revision, block = people.revision(row["documentId"], people.tip())
    assert revision.data.value() == {"name": "Ann"}
    assert block.address == people.tip()
    with pytest.raises(NoSuchBlockError):
        people.revision("x" * 22, people.tip())


def test_reading_does_not_wait_for_a_writer(people, do, run):
    do(people, "INSERT INTO Person {'name': 'Ann'}")
    with people._committer.exclusive():
        assert run(people.begin(), "SELECT * FROM Person") == [{"name": "Ann"}]


def test_a_full_disk_fails_the_commit_and_nothing_else(people, run, do, commit):
    do(people, "INSERT INTO Person {'name': 'Ann'}")
    tip = people.tip()
    connection = people._storage._writer
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()
    transaction = people.begin()
    run(transaction, "INSERT INTO Person ?", {"name": "Bob", "fill": "x" * 100_000})
    with pytest.raises(StorageError, match="full"):
        commit(transaction)
    assert people.tip() == tip
    assert run(people.begin(), "SELECT * FROM Person") == [{"name": "Ann"}]
    connection.execute("PRAGMA max_page_count = 1000000").fetchone()
    do(people, "INSERT INTO Person ?", {"name": "Bob", "fill": "x" * 100_000})
    assert do(people, "SELECT name FROM Person WHERE name = 'Bob'") == [{"name": "Bob"}]


def test_index_entries_that_nobody_can_see_are_forgotten(people, do):
    do(people, "INSERT INTO Person {'name': 'p0', 'id': 1}")
    for number in range(20):
        do(people, "UPDATE Person SET name = ? WHERE id = 1", f"p{number}")
    connection = people._storage._writer
    (entries,) = connection.execute("SELECT count(*) FROM entry").fetchone()
    assert entries <= 3


def test_a_commit_that_failed_after_it_reached_the_disk_is_a_commit(people, do, monkeypatch):
    storage = people._storage
    writing = storage.writing

    @contextmanager
    def failing_late(**how):
        with writing(**how) as writer:
            yield writer
        raise StorageError("the answer of the disk was lost")

    monkeypatch.setattr(storage, "writing", failing_late)
    do(people, "INSERT INTO Person {'name': 'Ann'}")
    monkeypatch.undo()
    assert do(people, "SELECT * FROM Person") == [{"name": "Ann"}]
    assert len({each.summary.transaction_id for each in people.blocks()}) == 6


def test_a_commit_that_failed_before_the_disk_is_none(people, do, run, monkeypatch):
    storage, tip = people._storage, people.tip()
    writing = storage.writing

    @contextmanager
    def failing_early(**how):
        with writing(**how) as writer:
            yield writer
            raise StorageError("the disk is gone")

    monkeypatch.setattr(storage, "writing", failing_early)
    transaction = people.begin()
    run(transaction, "INSERT INTO Person {'name': 'Ann'}")
    with pytest.raises(StorageError, match="disk is gone"):
        transaction.commit(transaction.digest())
    monkeypatch.undo()
    assert people.tip() == tip
    assert do(people, "SELECT * FROM Person") == []


class Steps:
    """Counts what SQLite does, in steps of its virtual machine, whatever the machine's load."""

    EVERY = 10

    def __init__(self, ledger, monkeypatch):
        self.count, connect = 0, sqlite_module.connect

        def counted(path):
            connection = connect(path)
            connection.set_progress_handler(self.step, self.EVERY)
            return connection

        monkeypatch.setattr(sqlite_module, "connect", counted)
        storage = ledger._storage
        storage._writer.set_progress_handler(self.step, self.EVERY)
        while not storage._idle.empty():
            storage._idle.get_nowait().close()

    def step(self):
        self.count += 1

    def of(self, work):
        before = self.count
        work()
        return self.count - before


def test_work_does_not_grow_with_the_ledger(people, do, monkeypatch):
    steps, costs, size = Steps(people, monkeypatch), [], 0

    def grow(to):
        nonlocal size
        while size < to:
            do(people, "INSERT INTO Person ?", [{"name": f"p{size + n}"} for n in range(40)])
            do(people, "UPDATE Person SET n = 1 WHERE name = ?", f"p{size}")
            size += 40

    def one_of_each():
        (row,) = do(people, "INSERT INTO Person {'name': 'Ann'}")
        address = people.tip()
        do(people, "UPDATE Person SET age = 1 WHERE name = 'Ann'")
        do(people, "SELECT * FROM Person WHERE name IN ('p1', 'p3')")
        do(people, "SELECT * FROM Person BY id WHERE id = ?", row["documentId"])
        do(people, "SELECT * FROM history(Person) AS h WHERE h.metadata.id = ?", row["documentId"])
        do(people, "DELETE FROM Person WHERE name = 'Ann'")
        people.revision(row["documentId"], address)
        people.first_block_from(0)
        people.digest(people.tip().sequence_no)

    for to in (120, 3600):
        grow(to)
        costs.append(steps.of(one_of_each))
    assert costs[0] > 0
    assert costs[1] < 1.5 * costs[0]
    scan = steps.of(lambda: do(people, "SELECT COUNT(*) FROM Person"))
    assert scan > costs[1], "what is counted would show a walk through the table"


def test_the_log_grows_while_a_journal_is_loaded_and_is_moved_into_the_file_after(path):
    with closing(SqliteStorage(path)) as storage:

        def write(number, *, bulk):
            with storage.writing(bulk=bulk) as writer:
                row = (number, b"", bytes(3_000_000))
                writer.connection.execute("INSERT INTO content VALUES (?, ?, ?, NULL)", row)

        for number in range(4):
            write(number, bulk=True)
        assert path.stat().st_size < 1_000_000
        write(4, bulk=False)
        assert path.stat().st_size > 12_000_000
