"""Writes to a ledger until it is killed, and says before and after each commit what it does.

Started once; for every line on its input, ``PATH SEED CALLS``, it forks a child that opens the
ledger and commits from two threads. With CALLS above 0 the child kills itself at its CALLS-th call
of a built-in function; otherwise somebody else kills it. Its output: ``child PID``, then from the
child ``try TRANSACTION`` and ``ack TRANSACTION``, then ``ended``.
"""

import itertools
import os
import random
import signal
import sys
import threading
from pathlib import Path

from qldbkit.journal.ion import IonSpan
from qldbkit.ledger.errors import LimitExceededError, OccConflictError
from qldbkit.ledger.ledger import Ledger

THREADS = 2


def say(*words):
    os.write(1, (" ".join(words) + "\n").encode())


def write(transaction, rng):
    """One transaction: two documents that belong together, a counter, or a definition."""
    pair, name = rng.getrandbits(60), f"n{rng.randrange(400)}"
    choice = rng.random()
    if choice < 0.7:
        documents = [{"name": name, "pair": pair, "half": half} for half in (0, 1)]
        transaction.execute("INSERT INTO Pair ?", [IonSpan.of(documents)])
        transaction.execute("UPDATE Counter SET n = n + 1")
    elif choice < 0.9:
        transaction.execute(
            "UPDATE Pair SET name = ? WHERE name = ?",
            [IonSpan.of(f"n{rng.randrange(400)}"), IonSpan.of(name)],
        )
    else:
        redefine(transaction)
    if rng.random() < 0.1:
        transaction.abort()
        return
    say("try", transaction.id)
    transaction.commit(transaction.digest())
    say("ack", transaction.id)


def redefine(transaction):
    """Drop the index on half if there is one, make it if there is none."""
    rows = transaction.execute(
        "SELECT t.indexes FROM information_schema.user_tables AS t WHERE t.name = 'Pair'"
    ).first.values
    found = IonSpan.parse(rows[0]).value()["indexes"]
    made = [each for each in found if each["expr"] == "[half]" and each["status"] != "DELETING"]
    if made:
        transaction.execute(f'DROP INDEX "{made[0]["indexId"]}" ON Pair WITH (purge = true)')
    else:
        transaction.execute("CREATE INDEX ON Pair (half)")


def work(ledger, seed):
    rng = random.Random(seed)
    while True:
        transaction = ledger.begin()
        try:
            write(transaction, rng)
        except OccConflictError:
            continue
        except LimitExceededError:  # so many documents have come to share a name
            transaction.abort()


def kill_at_call(number):
    calls = itertools.count(1)

    def count(_frame, event, _argument):
        if event == "c_call" and next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(count)
    sys.setprofile(count)


def child(path, seed, calls):
    if calls:
        kill_at_call(calls)
    ledger = Ledger.open(Path(path))
    for number in range(1, THREADS):
        threading.Thread(target=work, args=(ledger, f"{seed} {number}")).start()
    work(ledger, f"{seed} 0")


def main():
    for line in sys.stdin:
        path, seed, calls = line.rsplit(" ", 2)
        pid = os.fork()
        if pid == 0:
            child(path, seed, int(calls))
        say("child", str(pid))
        os.waitpid(pid, 0)
        say("ended")


if __name__ == "__main__":
    main()
