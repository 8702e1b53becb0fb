"""A ledger whose process is killed at any instant has every acknowledged commit, and no other."""

import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from amazon.ion import simpleion

from qldbkit.journal.integrity import verify_block, verify_link
from qldbkit.ledger.ledger import Ledger

WRITER = Path(__file__).with_name("ledger_crash_writer.py")
KILLS = int(os.environ.get("QLDBKIT_CRASH_KILLS", "200"))
SEED = int(os.environ.get("QLDBKIT_CRASH_SEED", "1"))
FULL_CHECK_EVERY = 60
LONGEST_LIFE_SECONDS = 0.2
MOST_CALLS = 40_000


def run(ledger, statement):
    transaction = ledger.begin()
    cursor = transaction.execute(statement)
    pages = [cursor.first]
    while not pages[-1].last:
        pages.append(cursor.next_page())
    if not statement.startswith("SELECT"):
        transaction.commit(transaction.digest())
    return [simpleion.loads(each, single_value=True) for page in pages for each in page.values]


class Crashes:
    """Kills writers of one ledger, and keeps what they said."""

    def __init__(self, path):
        self.path, self.rng = path, random.Random(SEED)
        self.acknowledged, self.tried, self.checked = set(), set(), 0
        environment = {**os.environ, "PYTHONPATH": str(WRITER.parents[2])}
        self.writer = subprocess.Popen(
            [sys.executable, str(WRITER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def crash(self, number):
        """Let a writer live for a while, kill it, and read what it acknowledged."""
        by_itself = number % 2 == 0
        calls = self.rng.randrange(1, MOST_CALLS) if by_itself else 0
        self.writer.stdin.write(f"{self.path} {SEED}-{number} {calls}\n")
        self.writer.stdin.flush()
        lines = iter(self.writer.stdout.readline, "")
        if not by_itself:
            # The pipe is read after the kill: a writer says little in so short a life.
            word, pid = self.child_line(lines)
            time.sleep(self.rng.uniform(0, LONGEST_LIFE_SECONDS))
            os.kill(int(pid), signal.SIGKILL)
        for line in lines:
            word, *rest = line.split()
            if word == "ended":
                return
            if word != "child":
                {"try": self.tried, "ack": self.acknowledged}[word].add(*rest)

    def child_line(self, lines):
        for line in lines:
            word, value = line.split()
            if word == "child":
                return word, value
            {"try": self.tried, "ack": self.acknowledged}[word].add(value)
        raise AssertionError("the writer ended")

    def check(self, *, fully):
        """What is in the ledger is what was acknowledged, and what was on its way at a kill."""
        ledger = Ledger.open(self.path)
        try:
            blocks = list(ledger.blocks(max(0, self.checked - 1)))
            for block in blocks:
                verify_block(block)
            for before, after in pairwise(blocks):
                verify_link(before.address, before.summary.block_hash, after.summary)
            fresh = [each.summary.transaction_id for each in blocks[min(1, self.checked) :]]
            assert len(fresh) == len(set(fresh))
            assert self.acknowledged <= set(fresh), "an acknowledged commit is lost"
            assert set(fresh) <= self.acknowledged | self.tried, "a commit nobody asked for"
            assert len(set(fresh) - self.acknowledged) <= 2, "more than each thread's last commit"
            if fully:
                check_documents(ledger)
            self.checked = ledger.tip().sequence_no + 1
        finally:
            ledger.close()
        self.acknowledged, self.tried = set(), set()

    def close(self):
        self.writer.stdin.close()
        self.writer.wait(timeout=30)
        self.writer.stdout.close()


def check_documents(ledger):
    """Both halves of every pair, one count for each; indexes and a new fold agree with a scan."""
    rows = run(ledger, "SELECT * FROM Pair")
    halves = sorted((row["pair"], row["half"]) for row in rows)
    pairs = {pair for pair, _ in halves}
    assert halves == sorted((pair, half) for pair in pairs for half in (0, 1))
    assert run(ledger, "SELECT n FROM Counter") == [{"n": len(pairs)}]
    assert ledger.finish_maintenance(30)
    for name in sorted({row["name"] for row in rows})[:50]:
        found = run(ledger, f"SELECT * FROM Pair WHERE name = '{name}'")
        assert len(found) == sum(row["name"] == name for row in rows)
    for half in (0, 1):
        assert len(run(ledger, f"SELECT * FROM Pair WHERE half = {half}")) == len(pairs)


@pytest.fixture
def crashes(tmp_path):
    path = tmp_path / "crash.sqlite"
    ledger = Ledger.create(path, "Crash")
    for statement in (
        "CREATE TABLE Pair",
        "CREATE INDEX ON Pair (name)",
        "CREATE TABLE Counter",
        "INSERT INTO Counter {'n': 0}",
    ):
        run(ledger, statement)
    before = ledger.tip().sequence_no + 1
    ledger.close()
    crashes = Crashes(path)
    crashes.checked = before
    yield crashes
    crashes.close()


def test_every_acknowledged_commit_survives_and_no_other(crashes):
    acknowledged = 0
    for number in range(KILLS):
        crashes.crash(number)
        acknowledged += len(crashes.acknowledged)
        try:
            crashes.check(fully=number % FULL_CHECK_EVERY == FULL_CHECK_EVERY - 1)
        except AssertionError as error:
            raise AssertionError(f"seed {SEED}, kill {number}: {error}") from error
    crashes.check(fully=True)
    assert acknowledged > KILLS / 2, "the writers were killed too soon to mean anything"
