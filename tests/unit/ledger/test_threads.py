"""Several threads on one ledger: snapshots stay whole, failures stay where they belong."""

import random
import threading

import pytest

from qldbkit.ledger.errors import OccConflictError
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.storage import StorageError

ACCOUNTS, TOTAL = 8, 800


@pytest.fixture
def bank(ledger, do):
    do(ledger, "CREATE TABLE Account")
    do(ledger, "CREATE INDEX ON Account (name)")
    do(
        ledger,
        "INSERT INTO Account ?",
        [{"name": f"a{n}", "amount": TOTAL // ACCOUNTS} for n in range(ACCOUNTS)],
    )
    return ledger


def test_no_reader_sees_half_a_transfer(bank, run):
    done, problems = threading.Event(), []

    def transfer(seed):
        rng = random.Random(seed)
        try:
            for _ in range(25):
                source, target = (f"a{n}" for n in rng.sample(range(ACCOUNTS), 2))
                transaction = bank.begin()
                for name, amount in ((source, -1), (target, 1)):
                    run(
                        transaction,
                        "UPDATE Account AS a SET a.amount = a.amount + ? WHERE a.name = ?",
                        amount,
                        name,
                    )
                try:
                    transaction.commit(transaction.digest())
                except OccConflictError:
                    continue
        except Exception as error:
            problems.append(error)

    def audit():
        names = [f"a{n}" for n in range(ACCOUNTS)]
        try:
            while not done.is_set():
                transaction = bank.begin()
                scanned = run(transaction, "SELECT amount FROM Account")
                found = run(transaction, "SELECT amount FROM Account AS a WHERE a.name IN ?", names)
                transaction.abort()
                assert sum(row["amount"] for row in scanned) == TOTAL
                assert sum(row["amount"] for row in found) == TOTAL
                assert len(scanned) == len(found) == ACCOUNTS
        except Exception as error:
            problems.append(error)

    writers = [threading.Thread(target=transfer, args=(seed,)) for seed in range(3)]
    readers = [threading.Thread(target=audit) for _ in range(2)]
    for each in (*writers, *readers):
        each.start()
    for each in writers:
        each.join()
    done.set()
    for each in readers:
        each.join()
    assert problems == []


def test_blocks_written_together_are_each_whole(bank, run):
    from qldbkit.journal.integrity import verify_block

    before = bank.tip().sequence_no
    together = threading.Barrier(10)

    def insert(number):
        transaction = bank.begin()
        run(transaction, "INSERT INTO Account ?", {"name": f"new{number}", "amount": 0})
        together.wait(30)
        transaction.commit(transaction.digest())

    threads = [threading.Thread(target=insert, args=(number,)) for number in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    blocks = list(bank.blocks(before + 1))
    assert len(blocks) == 10
    for block in blocks:
        verify_block(block)
        assert len(block.revisions) == 1


def test_somebody_who_waits_is_woken_by_a_commit_and_by_closing(bank, do):
    woken = []

    def wait():
        woken.append(bank.wait_beyond(bank.tip().sequence_no, 30))

    for wake in (lambda: do(bank, "INSERT INTO Account {'name': 'x', 'amount': 0}"), bank.close):
        waiting = threading.Thread(target=wait)
        waiting.start()
        while not bank._committer._grown._waiters:
            pass
        wake()
        waiting.join(10)
        assert not waiting.is_alive()
    assert woken == [True, False]


def test_a_closed_ledger_refuses_and_loses_nothing(bank, run, tmp_path):
    transaction = bank.begin()
    run(transaction, "INSERT INTO Account {'name': 'late', 'amount': 0}")
    bank.close()
    with pytest.raises(StorageError):
        transaction.commit(transaction.digest())
    with pytest.raises(StorageError, match="closed"):
        run(bank.begin(), "SELECT * FROM Account")
    again = Ledger.open(tmp_path / "ledger.sqlite")
    assert len(run(again.begin(), "SELECT * FROM Account")) == ACCOUNTS
    again.close()


def test_a_lookup_through_an_index_dropped_meanwhile_conflicts(bank, run, do):
    transaction = bank.begin()
    assert len(run(transaction, "SELECT * FROM Account WHERE name = 'a1'")) == 1
    (table,) = do(bank, "SELECT * FROM information_schema.user_tables")
    do(bank, f'DROP INDEX "{table["indexes"][0]["indexId"]}" ON Account WITH (purge = true)')
    assert bank.finish_maintenance(10)
    with pytest.raises(OccConflictError):
        run(transaction, "SELECT * FROM Account WHERE name = 'a1'")


def test_one_transaction_that_cannot_be_written_does_not_fail_the_others(bank, run, monkeypatch):
    from qldbkit.ledger import committing

    formed = committing.formed
    together = threading.Barrier(6)

    def form_or_fail(draft, *times):
        if any("poison" in each.text for each in draft.statements):
            raise RuntimeError("cannot be written")
        return formed(draft, *times)

    monkeypatch.setattr(committing, "formed", form_or_fail)
    outcomes = {}

    def insert(number):
        name = "poison" if number == 0 else f"good{number}"
        transaction = bank.begin()
        run(transaction, f"INSERT INTO Account {{'name': '{name}', 'amount': 0}}")
        together.wait(30)
        try:
            transaction.commit(transaction.digest())
        except RuntimeError as error:
            outcomes[name] = str(error)
        else:
            outcomes[name] = "written"

    threads = [threading.Thread(target=insert, args=(number,)) for number in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert outcomes.pop("poison") == "cannot be written"
    assert set(outcomes.values()) == {"written"}
    assert len(outcomes) == 5
    assert len(run(bank.begin(), "SELECT * FROM Account")) == ACCOUNTS + 5
