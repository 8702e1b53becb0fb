"""How fast a stream reads a journal and packs it: `python bench/ledger_stream.py [blocks]`."""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, sleep

from qldbkit.journal.ion import IonSpan
from qldbkit.ledger.clock import SystemClock
from qldbkit.ledger.control_store import ControlStore
from qldbkit.ledger.kinesis_writer import KinesisWriter
from qldbkit.ledger.ledger import Ledger
from qldbkit.ledger.service_limits import ServiceLimits
from qldbkit.ledger.stream_publisher import StreamPublisher
from qldbkit.ledger.stream_store import JournalStream, StreamStore

STREAM_ID = "IiPT4brpZCqCq3f4MTHbYy"
START = datetime(2020, 1, 1, tzinfo=UTC)
DOCUMENTS = 5


class SwallowingKinesis:
    """Acknowledges everything at once, so that only the ledger's own work is measured."""

    def __init__(self) -> None:
        self.bytes = 0

    def list_shards(self, **_: object) -> dict:
        shard = {
            "HashKeyRange": {"StartingHashKey": "0"},
            "SequenceNumberRange": {"StartingSequenceNumber": "1"},
        }
        return {"Shards": [shard]}

    def put_records(self, **arguments: list) -> dict:
        self.bytes += sum(len(each["Data"]) for each in arguments["Records"])
        return {"Records": [{} for _ in arguments["Records"]]}


def journal(path: Path, blocks: int) -> Ledger:
    ledger = Ledger.create(path, "bench")
    for number in range(-1, blocks):
        transaction = ledger.begin()
        if number < 0:
            transaction.execute("CREATE TABLE Thing")
        else:
            documents = [{"n": number, "at": at, "text": "x" * 200} for at in range(DOCUMENTS)]
            transaction.execute("INSERT INTO Thing ?", [IonSpan.of(documents)])
        transaction.commit(transaction.digest())
    return ledger


def main() -> None:
    blocks = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as folder:
        ledger = journal(Path(folder) / "ledger.sqlite", blocks)
        store = StreamStore(ControlStore(Path(folder) / "control.sqlite"))
        store.add(
            JournalStream(
                STREAM_ID,
                "bench",
                "s",
                "role",
                "arn",
                aggregated=True,
                created=START,
                start=START,
                end=None,
            )
        )
        kinesis = SwallowingKinesis()
        publisher = StreamPublisher(
            store.get("bench", STREAM_ID),
            f"arn:aws:qldb:us-east-1:000000000000:stream/bench/{STREAM_ID}",
            ledger,
            KinesisWriter(kinesis, "arn", aggregated=True),
            store,
            SystemClock(),
            ServiceLimits(),
        )
        began = perf_counter()
        publisher.start()
        tip = ledger.tip().sequence_no
        while (store.get("bench", STREAM_ID).next_sequence_no or 0) <= tip:
            sleep(0.005)
        took = perf_counter() - began
        publisher.ask_to_stop()
        publisher.join()
        ledger.close()
    records = blocks * (DOCUMENTS + 1)
    print(f"{blocks} blocks, {records} records, {kinesis.bytes / 1e6:.1f} MB in {took:.2f} s")
    print(f"{records / took:.0f} records/s, {kinesis.bytes / took / 1e6:.2f} MB/s")


if __name__ == "__main__":
    main()
