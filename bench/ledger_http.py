"""What one transaction costs over HTTP: `python bench/ledger_http.py [transactions]`."""

from __future__ import annotations

import base64
import http.client
import json
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import boto3
from amazon.ion import simpleion

from qldbkit.driver import qldb_driver
from qldbkit.journal.hashes import commit_digest, statement_digest
from qldbkit.ledger.server import running_server

INSERT = "INSERT INTO Thing ?"


class BareClient:
    """The session API without a driver: what is left is the server's own time."""

    def __init__(self, endpoint_url: str):
        self._connection = http.client.HTTPConnection(endpoint_url.removeprefix("http://"))
        self._token = self.send({"StartSession": {"LedgerName": "bench"}})["SessionToken"]

    def send(self, command: dict) -> dict:
        body = command if "StartSession" in command else {**command, "SessionToken": self._token}
        headers = {"X-Amz-Target": "QLDBSession.SendCommand"}
        self._connection.request("POST", "/", json.dumps(body), headers)
        answer = json.loads(self._connection.getresponse().read())
        return answer[next(iter(command))]

    def insert(self, number: int) -> None:
        begun = self.send({"StartTransaction": {}})["TransactionId"]
        document = simpleion.dumps({"n": number, "text": "x" * 200}, binary=True)
        execute = {
            "TransactionId": begun,
            "Statement": INSERT,
            "Parameters": [{"IonBinary": base64.b64encode(document).decode()}],
        }
        self.send({"ExecuteStatement": execute})
        digest = commit_digest(begun, [statement_digest(INSERT, [simpleion.loads(document)])])
        commit = {"TransactionId": begun, "CommitDigest": base64.b64encode(digest).decode()}
        self.send({"CommitTransaction": commit})


def timed(count: int, work) -> float:
    """Milliseconds for one of ``count`` calls."""
    began = perf_counter()
    for number in range(count):
        work(number)
    return (perf_counter() - began) * 1000 / count


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    keys = {"aws_access_key_id": "AKIDEXAMPLE0", "aws_secret_access_key": "secret"}
    session = boto3.Session(region_name="us-east-1", **keys)
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as server:
        url = server.endpoint_url
        session.client("qldb", endpoint_url=url).create_ledger(
            Name="bench", PermissionsMode="STANDARD"
        )
        with qldb_driver("bench", endpoint_url=url, region="us-east-1", session=session) as driver:
            driver.execute_lambda(lambda each: each.execute_statement("CREATE TABLE Thing"))
            by_driver = timed(
                count,
                lambda number: driver.execute_lambda(
                    lambda each: each.execute_statement(INSERT, {"n": number, "text": "x" * 200})
                ),
            )
        bare = BareClient(url)
        by_hand = timed(count, bare.insert)
        request = timed(count, lambda _: bare.send({"StartSession": {"LedgerName": "bench"}}))
    print(f"one request, nothing to do       {request:6.2f} ms")
    print(f"transaction by a bare client     {by_hand:6.2f} ms (three requests)")
    print(f"transaction by pyqldb            {by_driver:6.2f} ms (three requests)")


if __name__ == "__main__":
    main()
