"""What a commit and an indexed lookup cost, and that neither grows with the journal.

Usage: python bench/ledger_commit.py [BLOCKS] [THREADS]
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path

from qldbkit.journal.ion import IonSpan
from qldbkit.ledger.ledger import Ledger

SAMPLE = 300


def insert(ledger: Ledger, number: int) -> None:
    transaction = ledger.begin()
    document = {"VIN": f"VIN{number}", "Type": "Sedan", "Year": 2020, "Owner": {"Id": number}}
    transaction.execute("INSERT INTO Vehicle ?", [IonSpan.of(document)])
    transaction.commit(transaction.digest())


def lookup(ledger: Ledger, number: int) -> None:
    transaction = ledger.begin()
    vin = IonSpan.of(f"VIN{number}")
    found = transaction.execute("SELECT * FROM Vehicle AS v WHERE v.VIN = ?", [vin])
    assert len(found.first.values) == 1
    transaction.abort()


def update(ledger: Ledger, number: int) -> None:
    transaction = ledger.begin()
    transaction.execute(
        "UPDATE Vehicle AS v SET v.Year = ? WHERE v.VIN = ?",
        [IonSpan.of(number), IonSpan.of(f"VIN{number}")],
    )
    transaction.commit(transaction.digest())


def milliseconds(work: object, ledger: Ledger, numbers: range) -> float:
    begun = time.perf_counter()
    for number in numbers:
        work(ledger, number)  # type: ignore[operator]
    return (time.perf_counter() - begun) / len(numbers) * 1000


def concurrent_rate(ledger: Ledger, first: int, threads: int) -> float:
    def some(at: int) -> None:
        for number in range(first + at * SAMPLE, first + (at + 1) * SAMPLE):
            insert(ledger, number)

    workers = [threading.Thread(target=some, args=(at,)) for at in range(threads)]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return threads * SAMPLE / (time.perf_counter() - begun)


def main(blocks: int, threads: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.create(Path(folder) / "bench.sqlite", "Bench")
        for text in ("CREATE TABLE Vehicle", "CREATE INDEX ON Vehicle (VIN)"):
            transaction = ledger.begin()
            transaction.execute(text)
            transaction.commit(transaction.digest())
        done = 0
        for size in (blocks // 100, blocks // 10, blocks):
            for number in range(done, size - SAMPLE):
                insert(ledger, number)
            inserted = milliseconds(insert, ledger, range(max(done, size - SAMPLE), size))
            done = size
            step = max(1, size // SAMPLE)
            found = milliseconds(lookup, ledger, range(0, size, step))
            updated = milliseconds(update, ledger, range(0, size, step))
            print(
                f"{size:7} documents: insert {inserted:.2f} ms, indexed lookup {found:.2f} ms,"
                f" indexed update {updated:.2f} ms"
            )
        rate = concurrent_rate(ledger, done, threads)
        print(f"{threads} threads: {rate:.0f} commits/s")
        ledger.close()


if __name__ == "__main__":
    main(*(int(each) for each in (*sys.argv[1:], *("10000", "4")[len(sys.argv) - 1 :])))
