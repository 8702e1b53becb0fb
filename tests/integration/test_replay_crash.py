"""The replay's process is killed in the middle of its work, again and again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from simulation.delivery import kinesis_event
from simulation.source import records_of

from qldbkit.replay.compare import compare_ledgers

KILLS = int(os.environ.get("KILLS", "8"))
PATIENCE = 60.0

APPLIER = """
import json, sys, time
from pathlib import Path
import boto3
from qldbkit.replay.ledger_client import LedgerClient
from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer_sqlite import SqliteBuffer
from qldbkit.replay.ledger_destination import LedgerDestination

endpoint, folder = sys.argv[1], Path(sys.argv[2])
session = boto3.Session(
    aws_access_key_id="AKIDEVERYTHING",
    aws_secret_access_key="the secret of everything",
    region_name="us-east-1",
)
client = LedgerClient.to(
    "destination", endpoint_url=endpoint, region="us-east-1", session=session
)
buffer = SqliteBuffer(folder / "buffer.sqlite", gap_retention=3600.0)
applier = Applier(LedgerDestination(client), buffer, time.time, ReplayPolicy(settle_window=0.2))
print("ready", flush=True)
acknowledged = folder / "acknowledged"
done = set(acknowledged.read_text().split()) if acknowledged.exists() else set()
for batch in sorted(folder.glob("batch-*.json")):
    if batch.name in done:
        continue
    applier.handle(json.loads(batch.read_text()))
    with acknowledged.open("a") as file:
        file.write(batch.name + "\\n")
time.sleep(0.3)
applier.drain()
print("drained", flush=True)
"""


def write_batches(folder: Path, records: list[tuple[str, bytes]], rng: random.Random) -> None:
    at = number = 0
    while at < len(records):
        size = rng.randint(1, 4)
        event = kinesis_event(records[at : at + size])
        (folder / f"batch-{number:04d}.json").write_text(json.dumps(event))
        at, number = at + size, number + 1


def acknowledged(folder: Path) -> int:
    """How many batches the replay has finished."""
    file = folder / "acknowledged"
    return len(file.read_text().split()) if file.exists() else 0


def await_batch(folder: Path, batches: int) -> None:
    """Wait until one more batch is finished; at once where all are."""
    before, deadline = acknowledged(folder), time.monotonic() + PATIENCE
    while acknowledged(folder) == before < batches:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def start(endpoint: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", APPLIER, endpoint, str(folder)], stdout=subprocess.PIPE, text=True
    )


def test_a_killed_replay_goes_on_where_it_was(user: Any, tmp_path: Path) -> None:
    rng = random.Random(11)
    user.create("source")
    user.create("destination")
    source = user.driver("source")

    def run(statement: str, *parameters: Any) -> None:
        source.execute_lambda(
            lambda transaction: list(transaction.execute_statement(statement, *parameters))
        )

    run("CREATE TABLE Person")
    run("CREATE INDEX ON Person (k)")
    run("INSERT INTO Person ?", [{"k": each, "n": 0} for each in range(30)])
    for each in range(60):
        if each % 4:
            run("UPDATE Person SET n = ? WHERE k = ?", each, rng.randrange(10))
        else:
            run("DELETE FROM Person WHERE k = ?", 29 - each // 4)
    ledger = user.server.service._registry.ledger("source")
    records = [record for block in ledger.blocks() for record in records_of(block)]
    write_batches(tmp_path, records, rng)

    batches = len(list(tmp_path.glob("batch-*.json")))
    kills = interrupted = 0
    deadline = time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < deadline
        process = start(user.server.endpoint_url, tmp_path)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if kills == KILLS:
            assert process.stdout.readline() == "drained\n"
            assert process.wait(PATIENCE) == 0
            break
        if kills % 2 == 0:  # in the middle of a batch's work; else at any time, also before it
            await_batch(tmp_path, batches)
        time.sleep(rng.random() * 0.1)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
        kills += 1
        interrupted += 0 < acknowledged(tmp_path) < batches

    assert interrupted > 0
    destination = user.driver("destination")
    assert compare_ledgers(source, destination).equal
    counts = [
        destination.execute_lambda(
            lambda transaction: list(
                transaction.execute_statement("SELECT VALUE COUNT(*) FROM history(Person) AS h")
            )
        ),
        source.execute_lambda(
            lambda transaction: list(
                transaction.execute_statement("SELECT VALUE COUNT(*) FROM history(Person) AS h")
            )
        ),
    ]
    assert counts[0] == counts[1]  # no revision is lost, and none is doubled
