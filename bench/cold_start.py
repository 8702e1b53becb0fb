"""How long the replay function takes from a new process to its first replayed record.

    python bench/cold_start.py [--runs 7]

The package is the one that is deployed, for this machine's Python and processor. It runs by itself:
nothing that is installed here is seen by it (``python -I -S``), and like on Lambda it writes no
bytecode (``-B``). The destination is an embedded ledger over HTTP; the settling buffer's DynamoDB
is an empty table that answers at once.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from statistics import median

import boto3
from generate_journal import blocks, records

from qldbkit.driver import control_client
from qldbkit.journal.kinesis import aggregate
from qldbkit.ledger.server import running_server

# The stacks are beside the package, and not installed with it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from stacks.packaging import LambdaPackages

REGION = "us-east-1"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
PARTS = ("import", "first block", "processor time", "30 records more")
FUNCTION = """
import json, sys, time
began, used = time.perf_counter(), time.process_time()
sys.path.insert(0, sys.argv[1])
event, other = json.load(open(sys.argv[2]))
import handler
imported = time.perf_counter()
first = handler.handle(event, None)
replayed, cpu = time.perf_counter(), time.process_time()
second = handler.handle(other, None)
assert first["BlocksApplied"] and second["Records"], (first, second)
done = time.perf_counter()
print("took", imported - began, replayed - imported, cpu - used, done - replayed)
"""


class EmptyTable(BaseHTTPRequestHandler):
    """DynamoDB, with nothing in it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"Items": [], "Count": 0}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def empty_table() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), EmptyTable)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


def events() -> list[dict]:
    """The beginning of a journal: a batch with its first block, and one with 30 records more."""
    found = (("key", each) for each in records(blocks(40)))
    return [_event(number, list(islice(found, count))) for number, count in enumerate((2, 30))]


def _event(number: int, batch: list[tuple[str, bytes]]) -> dict:
    (packed,) = aggregate(batch)
    body = {
        "partitionKey": packed.partition_key,
        "sequenceNumber": str(number),
        "data": base64.b64encode(packed.data).decode(),
    }
    return {"Records": [{"eventID": f"shardId-000000000000:{number}", "kinesis": body}]}


def cold_start(package: Path, given: Path, ledger_url: str, table_url: str) -> list[float]:
    """Seconds for each of `PARTS`, in a new process with a destination of its own."""
    name = f"copy-{os.urandom(4).hex()}"
    session = boto3.Session("AKIDEXAMPLE0", "secret", region_name=REGION)
    control_client(ledger_url, REGION, session).create_ledger(
        Name=name, PermissionsMode="STANDARD", DeletionProtection=False
    )
    environment = {
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE0",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL_DYNAMODB": table_url,
        "LEDGER_ENDPOINT_URL": ledger_url,
        "DESTINATION_LEDGER": name,
        "BUFFER_TABLE": "Buffer",
        "QUARANTINE_BUCKET": "quarantine",
        "SETTLE_WINDOW_SECONDS": "0",
    }
    command = [sys.executable, "-I", "-S", "-B", "-c", FUNCTION, str(package), str(given)]
    done = subprocess.run(
        command, env=environment, cwd="/", capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    (line,) = (each for each in done.stdout.splitlines() if each.startswith("took "))
    return [float(each) for each in line.split()[1:]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, empty_table() as table_url:
        folder = Path(temporary)
        package = LambdaPackages(PYTHON, ARCHITECTURE, folder / "packages").folder("replay")
        given = folder / "events.json"
        given.write_text(json.dumps(events()))
        with running_server(folder / "ledgers") as server:
            runs = [
                cold_start(package, given, server.endpoint_url, table_url)
                for _ in range(options.runs)
            ]
    print(f"load: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {options.runs} runs, medians")
    for name, values in zip(PARTS, zip(*runs, strict=True), strict=True):
        print(f"{name:>15}: {median(values):.2f} s (least {min(values):.2f})")
    totals = [each[0] + each[1] for each in runs]
    print(f"{'cold start':>15}: {median(totals):.2f} s (least {min(totals):.2f})")


if __name__ == "__main__":
    main()
